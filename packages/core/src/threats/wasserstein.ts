import { usageError } from "../errors.js";
import type { ThreatDescription } from "./pointwise.js";
import type { RowShares, Threat } from "./threat.js";

/** Gains within this share of the largest are tied for it (MATH 1.2). */
const TIE = 1e-9;

/** Checks the order u and returns it. @throws usage: unless 1 ≤ u ≤ ∞ */
export function transportOrder(u: number): number {
  if (!(u >= 1)) throw usageError(`The Wasserstein order must be a number u ≥ 1 or "inf", got ${u}.`);
  return u;
}

/**
 * The rows may move together with (Σ w_i ‖δ_i ⊘ b‖_p^u)^{1/u} ≤ ρ, targets unmoved (MATH 8): the adversary chooses which rows to
 * move far. u = ∞ is `pointwise` itself; c and the directions φ_i are the pointwise ones for every u.
 * @param pointwise the adversary of a single row, `lp(p, options)`.
 * @throws usage: u < 1 or not a number.
 */
export function wasserstein(u: number, pointwise: ThreatDescription): ThreatDescription {
  transportOrder(u);
  if (u === Number.POSITIVE_INFINITY) return pointwise;
  return (features) => new WassersteinThreat(u, pointwise(features));
}

class WassersteinThreat implements Threat {
  readonly settings: Threat["settings"];

  constructor(
    private readonly order: number,
    readonly rowwise: Threat,
  ) {
    this.settings = { ...rowwise.settings, order };
  }

  rowScales(...question: Parameters<Threat["rowScales"]>): Float64Array {
    return this.rowwise.rowScales(...question);
  }

  respond(...question: Parameters<Threat["respond"]>): ReturnType<Threat["respond"]> {
    return this.rowwise.respond(...question);
  }

  shares(gains: Float64Array, weights: Float64Array): RowShares {
    return transportShares(this.order, gains, weights);
  }
}

/**
 * How far each row moves, ω_i ≥ 0 with Σ w ω^u = 1, to raise Σ w_i ω_i s_i most (MATH 8, Hölder): ω_i = s_i^{u*−1} / (Σ w s^{u*})^{1/u},
 * u* = u/(u−1), attaining (Σ w s^{u*})^{1/u*}. u = 1: all on the first row J of largest s, ω_J = 1/w_J.
 * @param u 1 ≤ u < ∞. @param gains s (n), ‖b ⊙ g_i‖_q. @param weights w (n); rows of weight 0 stay where they are.
 */
export function transportShares(u: number, gains: Float64Array, weights: Float64Array): RowShares {
  const omega = new Float64Array(gains.length);
  const largest = gains.reduce((most, s, i) => (weights[i] > 0 ? Math.max(most, s) : most), 0);
  if (largest === 0) return { omega, tied: [] };
  if (u === 1) {
    const tied = [...gains.keys()].filter((i) => weights[i] > 0 && gains[i] >= (1 - TIE) * largest);
    omega[tied[0]] = 1 / weights[tied[0]];
    return { omega, tied: tied.length > 1 ? tied : [] };
  }
  const power = 1 / (u - 1);
  let sum = 0;
  gains.forEach((s, i) => {
    if (!(weights[i] > 0)) return;
    omega[i] = (s / largest) ** power;
    sum += weights[i] * omega[i] * (s / largest);
  });
  const size = sum ** (1 / u);
  return { omega: omega.map((value) => value / size), tied: [] };
}
