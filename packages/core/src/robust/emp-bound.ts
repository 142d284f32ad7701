import type { RowGain } from "./emp-gain.js";

/** Rows whose α is confined, as [low, high]. */
export type Box = ReadonlyMap<number, readonly [number, number]>;

/** What a price ν on the budget says about allocations within a box. */
export interface Bound {
  /** min_ν Σ w max_α (g − να^u) + ν: no allocation within the box is worth more. */
  readonly upper: number;
  /** ν */
  readonly price: number;
  /** n: an allocation within the box and the budget. */
  readonly alpha: Float64Array;
  /** The row whose answer jumps at ν, so that the budget is not met by answers alone; −1: `alpha` is optimal within the box. */
  readonly jumping: number;
}

const MAXIMUM_STEPS = 200;
const BUDGET_TOLERANCE = 4e-15;
/** Prices this close, relatively, are one. */
const PRICE_TOLERANCE = 1e-13;
/** A row whose share of the budget changes by more than this at one price jumps. */
const JUMP = 1e-6;

/** Null where the box holds no allocation within the budget Σ w α^u ≤ 1. */
export function boundByPrices(
  gains: readonly RowGain[],
  w: Float64Array,
  u: number,
  box: Box,
  start = firstPrice(gains, w, u),
): Bound | null {
  const n = gains.length;
  const low = new Float64Array(n);
  const high = Float64Array.from(gains, ({ most }) => most);
  for (const [row, [from, to]] of box) [low[row], high[row]] = [from, to];
  const spent = (alpha: Float64Array): number => alpha.reduce((sum, a, i) => (a > 0 ? sum + w[i] * a ** u : sum), 0);
  const worth = (alpha: Float64Array, nu: number): number =>
    alpha.reduce((sum, a, i) => (w[i] > 0 ? sum + w[i] * gains[i].lagrangian(a, nu) : sum), nu);
  if (spent(low) > 1 + BUDGET_TOLERANCE) return null;
  if (spent(high) <= 1 + BUDGET_TOLERANCE) return { upper: worth(high, 0), price: 0, alpha: high, jumping: -1 };
  const answer = (x: number): Float64Array => {
    const nu = Math.exp(x);
    return low.map((lo, i) => (w[i] > 0 ? gains[i].best(nu, lo, high[i]) : 0));
  };
  let x = Math.log(start > 0 ? start : firstPrice(gains, w, u));
  let alpha = answer(x);
  let total = spent(alpha);
  // Prices below `cheap` are too low, those from `dear` on are not.
  let [cheap, dear] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  let [atCheap, atDear]: [Float64Array, Float64Array] = [high, low];
  for (let step = 0; step < MAXIMUM_STEPS; step++) {
    const met = Math.abs(total - 1) <= BUDGET_TOLERANCE;
    if (total > 1 || met) [cheap, atCheap] = [x, alpha];
    if (total <= 1 || met) [dear, atDear] = [x, alpha];
    if (met) break;
    if (dear - cheap <= PRICE_TOLERANCE * Math.max(1, Math.abs(x))) break;
    const newton = x - Math.log(total) / (budgetSlope(gains, w, u, alpha, low, high) / total);
    const middle = 0.5 * (cheap + dear);
    const further = total > 1 ? x + 0.1 * 2 ** step : x - 0.1 * 2 ** step;
    if (newton > cheap && newton < dear && Math.abs(newton - x) < 30 && step % 4 !== 3) x = newton;
    else x = Number.isFinite(middle) ? middle : further;
    alpha = answer(x);
    total = spent(alpha);
  }
  if (dear === Number.POSITIVE_INFINITY) [dear, atDear] = [cheap, atCheap];
  const price = Math.exp(dear);
  const upper = worth(atDear, price);
  const left = 1 - spent(atDear);
  const jump = (i: number): number => (w[i] > 0 ? w[i] * (atCheap[i] ** u - atDear[i] ** u) : 0);
  const jumping = gains.reduce((most, _, i) => (jump(i) > jump(most) ? i : most), 0);
  if (left <= BUDGET_TOLERANCE || jump(jumping) <= JUMP)
    return { upper, price, alpha: scaled(atDear, (1 - left) ** (-1 / u)), jumping: -1 };
  const filled = atDear.slice();
  filled[jumping] = Math.min(high[jumping], (filled[jumping] ** u + left / w[jumping]) ** (1 / u));
  return { upper, price, alpha: filled, jumping };
}

const scaled = (alpha: Float64Array, factor: number): Float64Array => alpha.map((a) => a * factor);

/** The price at which a small budget is spent, (Σ w g'(0)^{u*})^{1/u*} R/u, or any positive number where all slopes are 0. */
function firstPrice(gains: readonly RowGain[], w: Float64Array, u: number): number {
  const slopes = gains.map((gain, i) => (w[i] > 0 ? gain.slopeAtZero() : 0));
  const largest = Math.max(...slopes);
  if (!(largest > 0)) return 1;
  const dual = u / (u - 1);
  const sum = slopes.reduce((total, s, i) => total + w[i] * (s / largest) ** dual, 0);
  return (largest * sum ** (1 / dual)) / u;
}

/** d(Σ w α^u)/d log ν < 0: rows strictly inside their box have dα/dlog ν = α/(E − (u−1)). */
function budgetSlope(
  gains: readonly RowGain[],
  w: Float64Array,
  u: number,
  alpha: Float64Array,
  low: Float64Array,
  high: Float64Array,
): number {
  let sum = 0;
  alpha.forEach((a, i) => {
    if (a > low[i] && a < high[i] && w[i] > 0) sum += (w[i] * u * a ** u) / (gains[i].elasticity(a) - (u - 1));
  });
  return sum;
}
