import { numericalError } from "../errors.js";
import type { Loss } from "../models/losses.js";
import { transportShares } from "../threats/wasserstein.js";
import { type Bound, type Box, boundByPrices } from "./emp-bound.js";
import { RowGain } from "./emp-gain.js";

/** How far each row moves in the worst case, in units of the radius, and what is known of it. */
export interface Allocation {
  /** n: α_i = ‖δ_i ⊘ b‖_p / ρ, Σ w α^u = 1 (u = ∞: at most 1). */
  readonly alpha: Float64Array;
  /** Σ w_i max(ℓ(f_i ± Rα_i)) */
  readonly value: number;
  /** No allocation is worth more than this. */
  readonly upper: number;
}

/** Allocations this close, relatively, are the same. */
const TOLERANCE = 1e-12;
const MAXIMUM_NODES = 400;

/**
 * max Σ w_i g_i(α_i) over Σ w_i α_i^u ≤ 1, g_i(α) = max(ℓ(f_i − Rα), ℓ(f_i + Rα)) (MATH 8's EMP for scores linear in x).
 * Closed forms: u = ∞ (all α = 1); u = 1 (a convex maximum over a simplex: one row takes everything); squared losses at u = 2
 * (Minkowski: α_i = |r_i|/√Σwr², value s(√Σwr² + R)²). Otherwise by prices ν on the budget: rows answer a price one by one. Where
 * gains are concave in the cost α^u that is exact; at most one row of an optimum lies where its gain is convex (two would trade), so
 * that branching on the row that jumps at the critical price closes what is left, to a relative 1e-12 or as `upper` says.
 * @param R ρN ≥ 0, by how much a score can move per unit of α. @throws numerical: gains that overflow.
 */
export function allocate(
  loss: Loss,
  scores: Float64Array,
  y: Float64Array,
  w: Float64Array,
  R: number,
  u: number,
): Allocation {
  const worth = (alpha: Float64Array): number => {
    let sum = 0;
    alpha.forEach((a, i) => {
      const side = loss.worseEnd(scores[i], y[i], R * a);
      if (w[i] > 0) sum += w[i] * loss.value(scores[i] + side * R * a, y[i]);
    });
    if (!Number.isFinite(sum))
      throw numericalError(
        "The worst case of the transport problem is too large for a number: one row takes the whole budget and its loss overflows, so use a smaller radius or a larger Wasserstein order.",
      );
    return sum;
  };
  const exact = (alpha: Float64Array): Allocation => {
    const value = worth(alpha);
    return { alpha, value, upper: value };
  };
  if (u === Number.POSITIVE_INFINITY) return exact(new Float64Array(scores.length).fill(1));
  const slopes = scores.map((f, i) => Math.abs(loss.first(f, y[i])));
  // At R = 0 every allocation is worth the same: the one that a small R would choose.
  if (R === 0) return exact(transportShares(u, slopes, w).omega);
  if (u === 1) return exact(oneRow(loss, scores, y, w, R));
  if (loss.quadratic && u === 2 && slopes.some((s, i) => w[i] > 0 && s > 0))
    return exact(transportShares(2, slopes, w).omega);
  const gains = Array.from(scores, (f, i) => new RowGain(loss, f, y[i], R, u, w[i] > 0 ? w[i] ** (-1 / u) : 0));
  return branch(gains, w, u, worth);
}

/** u = 1: the row of largest w_i (g_i(1/w_i) − g_i(0)). */
function oneRow(loss: Loss, scores: Float64Array, y: Float64Array, w: Float64Array, R: number): Float64Array {
  const alpha = new Float64Array(scores.length);
  let best = -1;
  let most = Number.NEGATIVE_INFINITY;
  scores.forEach((f, i) => {
    if (!(w[i] > 0)) return;
    const gain = oneRowGain(loss, f, y[i], w[i], R);
    if (gain > most) [best, most] = [i, gain];
  });
  alpha[best] = 1 / w[best];
  return alpha;
}

/** w (g(1/w) − g(0)): what the objective gains when the whole budget of order 1 goes to one row. */
export function oneRowGain(loss: Loss, f: number, y: number, w: number, R: number): number {
  return w * (loss.value(f + (loss.worseEnd(f, y, R / w) * R) / w, y) - loss.value(f, y));
}

interface Node {
  readonly box: Box;
  readonly bound: Bound;
}

/** Best-first branch and bound over boxes of α. */
function branch(
  gains: readonly RowGain[],
  w: Float64Array,
  u: number,
  worth: (alpha: Float64Array) => number,
): Allocation {
  const root = boundByPrices(gains, w, u, new Map());
  if (root === null) throw numericalError("The transport problem has no allocation: its weights are not positive.");
  let alpha = root.alpha;
  let value = worth(alpha);
  if (root.jumping < 0) return { alpha, value, upper: value };
  const nodes: Node[] = [{ box: new Map(), bound: root }];
  const slack = (): number => TOLERANCE * Math.max(Math.abs(value), Math.abs(root.upper));
  let incumbent = root;
  for (let count = 0; count < MAXIMUM_NODES && nodes.length > 0; count++) {
    const top = nodes.reduce((best, node, k) => (node.bound.upper > nodes[best].bound.upper ? k : best), 0);
    const { box, bound } = nodes[top];
    if (bound.upper <= value + slack() || bound.jumping < 0) break;
    nodes.splice(top, 1);
    const row = bound.jumping;
    const [low, high] = box.get(row) ?? [0, gains[row].most];
    const inside = bound.alpha[row];
    const cut = inside > low && inside < high ? inside : 0.5 * (low + high);
    for (const part of [
      [low, cut],
      [cut, high],
    ] as const) {
      const inner = new Map(box).set(row, part);
      const found = boundByPrices(gains, w, u, inner, bound.price, value + slack());
      if (found === null) continue;
      const reached = worth(found.alpha);
      if (reached > value) [value, alpha, incumbent] = [reached, found.alpha, found];
      if (found.upper > value + slack()) nodes.push({ box: inner, bound: found });
    }
  }
  const upper = nodes.reduce((most, { bound }) => Math.max(most, bound.upper), value);
  const polished = polish(gains, w, u, alpha, incumbent.price);
  const reached = worth(polished);
  return reached >= value - slack()
    ? { alpha: polished, value: reached, upper: Math.max(upper, reached) }
    : { alpha, value, upper };
}

const POLISH_STEPS = 8;

/** Newton's method on the optimality conditions g'_i(α_i) = ν u α_i^{u−1}, Σ w α^u = 1, in log α and log ν. */
function polish(
  gains: readonly RowGain[],
  w: Float64Array,
  u: number,
  start: Float64Array,
  price: number,
): Float64Array {
  let alpha = start;
  let level = Math.log(price * u);
  for (let step = 0; step < POLISH_STEPS; step++) {
    const misfits = new Float64Array(alpha.length);
    const excess = new Float64Array(alpha.length);
    let [budget, rate, right] = [1, 0, 0];
    alpha.forEach((a, i) => {
      if (!(a > 0)) return;
      budget -= w[i] * a ** u;
      excess[i] = gains[i].elasticity(a) - (u - 1);
      misfits[i] = gains[i].logSlope(a) - level - (u - 1) * Math.log(a);
      const share = (w[i] * u * a ** u) / excess[i];
      rate += share;
      right += share * misfits[i];
    });
    const change = (budget + right) / rate;
    if (!Number.isFinite(change) || Math.abs(change) > 1) return start;
    level += change;
    alpha = alpha.map((a, i) =>
      a > 0 ? a * Math.exp(Math.max(-1, Math.min(1, (change - misfits[i]) / excess[i]))) : 0,
    );
  }
  return alpha;
}
