import type { Block } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { maximumMagnitude } from "./norms.js";
import type { ThreatDescription } from "./pointwise.js";
import type { DivergenceName, LossTilt, Response, Threat, ThreatSettings } from "./threat.js";

const NAMES: readonly DivergenceName[] = ["chi2", "kl"];

/** Losses that differ by less than this share of the largest are the same. */
const SAME = 1e-9;

/** Checks the name of a divergence and returns it. @param option where it was given. @throws usage: any other */
export function divergenceName(name: string, option?: string): DivergenceName {
  const found = NAMES.find((known) => known === name);
  if (found) return found;
  throw usageError(
    `${option ? `${option}: there` : "There"} is no divergence ${JSON.stringify(name)}; use chi2 or kl.`,
  );
}

/**
 * The adversary leaves every row as it is and gives the rows other weights w', w'_i ≥ 0, Σ w' = 1, within a ball around w (MATH 13):
 * χ²: Σ (w'_i − w_i)²/w_i ≤ ρ²; KL: KL(w'‖w) ≤ ρ²/2. Both are w'_i = w_i(1 + ρ(l_i − l̄)/sd) to first order, so that A = sd_w(l) and
 * ∇A = Cov_w(l, ∇l)/sd. The radius is absolute, c = 1.
 * @throws usage: an unknown name.
 */
export function divergence(name: DivergenceName): ThreatDescription {
  divergenceName(name);
  return (features) => new DivergenceThreat(name, features);
}

class DivergenceThreat implements Threat {
  readonly settings: ThreatSettings;

  constructor(divergence: DivergenceName, features: number) {
    this.settings = { p: Number.NaN, budgets: new Float64Array(features), bounds: null, divergence };
  }

  rowScales({ y }: Block, out = new Float64Array(y.length)): Float64Array {
    return out.fill(1);
  }

  /** No row moves. */
  respond({ slope, base }: Parameters<Threat["respond"]>[0]): Response {
    const rows = slope.length;
    return { sign: new Float64Array(rows), base: Matrix.zeros(1, base.columns), gain: new Float64Array(rows) };
  }

  tilt(losses: Float64Array, weights: Float64Array): LossTilt {
    return standardisedLosses(losses, weights);
  }
}

/** a_i = (l_i − l̄)/sd and sd, the weighted standard deviation of the losses; a = 0 where they are all the same, a corner of sd. */
function standardisedLosses(losses: Float64Array, weights: Float64Array): LossTilt {
  let mean = 0;
  losses.forEach((loss, i) => (mean += weights[i] * loss));
  const away = losses.map((loss) => loss - mean);
  const largest = maximumMagnitude(away);
  if (largest <= SAME * maximumMagnitude(losses)) return { tilt: new Float64Array(losses.length), gain: 0 };
  let square = 0;
  away.forEach((a, i) => (square += weights[i] * (a / largest) ** 2));
  const sd = largest * Math.sqrt(square);
  return { tilt: away.map((a) => a / sd), gain: sd };
}
