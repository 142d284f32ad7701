import { maximumMagnitude } from "../threats/norms.js";
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
/** Dual values this close, relatively, are one. */
const DUAL_TOLERANCE = 1e-15;
/** A row whose share of the budget changes by more than this at one price jumps. */
const JUMP = 1e-6;

/** What the rows answer to a price e^x: their α, Σ w α^u, and the dual value, which no allocation exceeds. */
interface Answer {
  readonly x: number;
  readonly alpha: Float64Array;
  readonly total: number;
  readonly dual: number;
}

/** Null where the box holds no allocation within the budget Σ w α^u ≤ 1, or none worth more than `enough`. */
export function boundByPrices(
  gains: readonly RowGain[],
  w: Float64Array,
  u: number,
  box: Box,
  start = firstPrice(gains, w, u),
  enough = Number.NEGATIVE_INFINITY,
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
  const answer = (x: number): Answer => {
    const nu = Math.exp(x);
    const alpha = low.map((lo, i) => (w[i] > 0 ? gains[i].best(nu, lo, high[i]) : 0));
    return { x, alpha, total: spent(alpha), dual: worth(alpha, nu) };
  };
  let now = answer(Math.log(start > 0 ? start : firstPrice(gains, w, u)));
  // Prices up to that of `cheap` are too low, those from that of `dear` on are not.
  let [cheap, dear]: [Answer | null, Answer | null] = [null, null];
  for (let step = 0; step < MAXIMUM_STEPS; step++) {
    if (now.dual <= enough) return null;
    const met = Math.abs(now.total - 1) <= BUDGET_TOLERANCE;
    if (now.total > 1 || met) cheap = now;
    if (now.total <= 1 || met) dear = now;
    if (met || (cheap && dear && closed(cheap, dear))) break;
    const slope = budgetSlope(gains, w, u, now.alpha, low, high);
    now = answer(nextPrice(now, slope, cheap, dear, step));
  }
  const [{ alpha: atCheap }, { alpha: atDear, dual: upper, x }] = [cheap ?? now, dear ?? now];
  const price = Math.exp(x);
  const left = 1 - spent(atDear);
  const jump = (i: number): number => (w[i] > 0 ? w[i] * (atCheap[i] ** u - atDear[i] ** u) : 0);
  const jumping = gains.reduce((most, _, i) => (jump(i) > jump(most) ? i : most), 0);
  if (left <= BUDGET_TOLERANCE || jump(jumping) <= JUMP)
    return { upper, price, alpha: scaled(atDear, (1 - left) ** (-1 / u)), jumping: -1 };
  const filled = atDear.slice();
  filled[jumping] = Math.min(high[jumping], (filled[jumping] ** u + left / w[jumping]) ** (1 / u));
  return { upper, price, alpha: filled, jumping };
}

/** Newton's method on log Σ w α^u, by turns with the corner of the dual where a row jumps; halving as a safeguard. */
function nextPrice(
  { x, total }: Answer,
  slope: number,
  cheap: Answer | null,
  dear: Answer | null,
  step: number,
): number {
  const newton = x - (Math.log(total) * total) / slope;
  const below = cheap?.x ?? Number.NEGATIVE_INFINITY;
  const above = dear?.x ?? Number.POSITIVE_INFINITY;
  const inside = (at: number): boolean => at > below && at < above;
  const corner = cheap && dear ? cornerPrice(cheap, dear) : Number.NaN;
  if (step % 2 === 1 && inside(corner)) return corner;
  if (step % 4 !== 3 && inside(newton) && Math.abs(newton - x) < 30) return newton;
  if (cheap && dear) return 0.5 * (cheap.x + dear.x);
  return total > 1 ? x + 0.1 * 2 ** step : x - 0.1 * 2 ** step;
}

/** log of the price where the tangents of the dual meet, convex in the price with the slope 1 − Σ w α^u. */
function cornerPrice(cheap: Answer, dear: Answer): number {
  const from = Math.exp(cheap.x);
  const width = Math.exp(dear.x) - from;
  return Math.log(from + (cheap.dual - dear.dual + (1 - dear.total) * width) / (cheap.total - dear.total));
}

/** Whether the prices are one, or, where a row jumps, the dual can only lie below that of `dear` by its rounding. */
function closed(cheap: Answer, dear: Answer): boolean {
  if (dear.x - cheap.x <= PRICE_TOLERANCE * Math.max(1, Math.abs(dear.x))) return true;
  const fall = (1 - dear.total) * (Math.exp(dear.x) - Math.exp(cheap.x));
  return cheap.total - dear.total > JUMP && fall <= DUAL_TOLERANCE * Math.abs(dear.dual);
}

const scaled = (alpha: Float64Array, factor: number): Float64Array => alpha.map((a) => a * factor);

/** The price at which a small budget is spent, (Σ w g'(0)^{u*})^{1/u*} R/u, or any positive number where all slopes are 0. */
function firstPrice(gains: readonly RowGain[], w: Float64Array, u: number): number {
  const slopes = Float64Array.from(gains, (gain, i) => (w[i] > 0 ? gain.slopeAtZero() : 0));
  const largest = maximumMagnitude(slopes);
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
