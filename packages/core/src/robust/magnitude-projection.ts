import { dualExponent, norm } from "../threats/norms.js";
import { decreasingRoot } from "./decreasing-root.js";

/** Steps of Newton's method for a convex increasing power equation; it falls to its root from above. */
const MAXIMUM_POWER_STEPS = 100;

/**
 * The projection on {0 ≤ t_k ≤ cap_k, ‖t ⊘ e‖_p ≤ 1}: a weighted ball within a box around 0, sign by sign. With s = t/e and
 * multiplier λ of the ball every coordinate stands alone: s_k(λ) minimises ½e_k²(s − t_k/e_k)² + λs^p/p on [0, cap_k/e_k], and λ
 * is the root of ‖s(λ)‖_p = 1 (p = ∞: no λ). It keeps its own working memory.
 */
export class MagnitudeProjection {
  /** e² relative to its largest, so that λ is of the size of the other numbers. */
  private readonly weight: Float64Array;
  private readonly rule: CoordinateRule;
  private readonly s: Float64Array;
  private readonly goal: Float64Array;
  private readonly cap: Float64Array;
  /** The coordinates that are not 0 anyway, in front. */
  private readonly active: Int32Array;
  private count = 0;
  private readonly moved = { at: 0, slope: 0 };

  /** @param extents e ≥ 0 (m): how far each coordinate may go alone; 0 = frozen. */
  constructor(
    private readonly p: number,
    private readonly extents: Float64Array,
  ) {
    const m = extents.length;
    const unit = extents.reduce((most, e) => Math.max(most, e), 0);
    this.weight = extents.map((e) => (e / unit) ** 2);
    this.rule = RULES.get(p) ?? powerRule(p);
    this.s = new Float64Array(m);
    this.goal = new Float64Array(m);
    this.cap = new Float64Array(m);
    this.active = new Int32Array(m);
  }

  /** Moves t ≥ 0 (m) to the nearest point of the set in the Euclidean distance. @param caps m, Infinity = only the ball holds. */
  project(caps: Float64Array, t: Float64Array): void {
    const { p, extents, s } = this;
    const m = t.length;
    for (let k = 0; k < m; k++) s[k] = extents[k] > 0 ? Math.min(t[k], caps[k]) / extents[k] : 0;
    if (p === Number.POSITIVE_INFINITY) {
      for (let k = 0; k < m; k++) t[k] = s[k] > 1 ? extents[k] : s[k] * extents[k];
      return;
    }
    let size = norm(s, p);
    if (size > 1) {
      this.solve(caps, t);
      size = norm(s, p);
    }
    const shrink = size > 1 ? 1 / size : 1;
    for (let k = 0; k < m; k++) t[k] = s[k] * shrink * extents[k];
  }

  private solve(caps: Float64Array, t: Float64Array): void {
    const { p, extents, s, weight, goal, cap, active } = this;
    this.count = 0;
    for (let k = 0; k < s.length; k++) {
      if (s[k] === 0) continue;
      active[this.count++] = k;
      goal[k] = t[k] / extents[k];
      cap[k] = caps[k] / extents[k];
      // λs^{p−1} ≤ w·goal, so that the norm is at most 1 from the dual norm of these on.
      s[k] = weight[k] * goal[k];
    }
    const upper = norm(s, dualExponent(p));
    this.place(decreasingRoot(this.excess, upper), null);
  }

  private readonly excess = (lambda: number, slope: { value: number }): number => this.place(lambda, slope);

  /** Writes s(λ) and returns how far its norm is above 1, falling in λ: N − 1 for p = 1, where that is piecewise linear, else 1 − 1/N. */
  private place(lambda: number, slope: { value: number } | null): number {
    const { p, s, weight, goal, cap, active, rule, moved } = this;
    let sum = 0;
    let change = 0;
    for (let a = 0; a < this.count; a++) {
      const k = active[a];
      rule(lambda, weight[k], goal[k], moved);
      const capped = moved.at >= cap[k];
      const at = capped ? cap[k] : moved.at;
      s[k] = at;
      if (at === 0) continue;
      const power = p === 1 ? 1 : p === 2 ? at : at ** (p - 1);
      sum += power * at;
      if (!capped) change += power * moved.slope;
    }
    if (p === 1) {
      if (slope) slope.value = change;
      return sum - 1;
    }
    const size = sum ** (1 / p);
    if (slope) slope.value = (size ** (1 - p) * change) / (size * size);
    return 1 - 1 / size;
  }
}

/** s(λ) and ds/dλ of one coordinate without its cap: argmin ½w(s − goal)² + λs^p/p over s ≥ 0. */
type CoordinateRule = (lambda: number, weight: number, goal: number, out: { at: number; slope: number }) => void;

const RULES: ReadonlyMap<number, CoordinateRule> = new Map<number, CoordinateRule>([
  [
    1,
    (lambda, weight, goal, out) => {
      out.at = Math.max(0, goal - lambda / weight);
      out.slope = out.at > 0 ? -1 / weight : 0;
    },
  ],
  [
    2,
    (lambda, weight, goal, out) => {
      out.at = (goal * weight) / (weight + lambda);
      out.slope = -out.at / (weight + lambda);
    },
  ],
]);

/** s + κs^{p−1} = goal with κ = λ/w; solved in s^{p−1} below p = 2, so that the power is above 1 either way. */
const powerRule =
  (p: number): CoordinateRule =>
  (lambda, weight, goal, out) => {
    const kappa = lambda / weight;
    out.at = p > 2 ? powerRoot(kappa, p - 1, 1, goal) : powerRoot(1, 1 / (p - 1), kappa, goal) ** (1 / (p - 1));
    const power = out.at ** (p - 1);
    out.slope = out.at > 0 ? (-power * out.at) / (weight * (out.at + kappa * (p - 1) * power)) : 0;
  };

/** z ≥ 0 with a z^η + b z = goal > 0, η > 1: a quadratic equation for p = 1.5 and 3, else by Newton's method from above. */
function powerRoot(a: number, eta: number, b: number, goal: number): number {
  if (eta === 2) return (2 * goal) / (b + Math.sqrt(b * b + 4 * a * goal));
  let z = Math.min(goal / b, (goal / a) ** (1 / eta));
  for (let step = 0; step < MAXIMUM_POWER_STEPS; step++) {
    const power = a * z ** (eta - 1);
    const next = z - (power * z + b * z - goal) / (eta * power + b);
    if (!(next < z && next > 0)) return z;
    z = next;
  }
  return z;
}
