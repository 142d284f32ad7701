import { usageError } from "../errors.js";
import { ensureBlas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import type { LossName } from "../models/losses.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { type Fit, fitFree } from "../solvers/fit.js";
import { invertHessian } from "../solvers/inverse-hessian.js";
import { dualExponent, maximumMagnitude, norm } from "../threats/norms.js";
import { requirePointwise } from "../threats/pointwise-only.js";
import type { Threat } from "../threats/threat.js";
import { type AnyThreat, threatOn } from "../threats/threat-on.js";
import { hasClosedForm } from "./robust-loss.js";

/** The score at which both ends of [f − R, f + R] are equally bad for a target y: log-curvature only enters for Poisson. */
interface CornerRule {
  /** f at the corner. */
  at(y: number, reach: number): number;
  /** −∂at/∂R, the same for all targets. */
  tilt(reach: number): number;
  /** ½(ℓ(f+R) − ℓ(f−R)), accurate near the corner. */
  gap(f: number, y: number, reach: number): number;
}

const squaredCorner = (s: number): CornerRule => ({
  at: (y) => y,
  tilt: () => 0,
  gap: (f, y, reach) => 2 * s * (f - y) * reach,
});

/** Losses whose worse end changes sides; for the others it depends on the target alone. */
const CORNERS: Readonly<Record<LossName, CornerRule | null>> = {
  squared: squaredCorner(1),
  "half-squared": squaredCorner(0.5),
  logistic: null,
  poisson: {
    at: (y, reach) => Math.log(y) - (reach > 0 ? Math.log(Math.sinh(reach) / reach) : 0),
    tilt: (reach) => (reach > 1e-4 ? 1 / Math.tanh(reach) - 1 / reach : reach / 3),
    gap: (f, y, reach) => Math.exp(f) * Math.sinh(reach) - y * reach,
  },
};

/** Everything about minimising R_ρ that does not depend on ρ. */
export interface RobustProblem {
  readonly fit: Fit;
  readonly threat: Threat;
  /** q, the dual exponent of p. */
  readonly q: number;
  /** Index of the first feature's parameter. */
  readonly first: number;
  /** Features with a budget above 0. */
  readonly attacked: readonly number[];
  readonly corner: CornerRule | null;
  /** n: 1 where the row's worse end changes sides as its score moves. */
  readonly kinked: Uint8Array;
  /** Whether any row is kinked. */
  readonly hasKinkedRows: boolean;
  /** The largest |score| or |target|: what a score's distance to a corner is measured by. */
  readonly cornerSize: number;
  /** Σ w vv' (d×d, lower triangle). */
  readonly moments: Matrix;
  /** √Σ w v_j² (d). */
  readonly columnSizes: Float64Array;
  /** t (d): a linear term t'θ of the objective beside R_ρ; 0 but where an l1 penalty holds its signs. */
  readonly tilt: Float64Array;
  /** The fit on the intercept and the frozen features alone (d), which robust training collapses to. */
  readonly nullModel: Float64Array;
  /** The radius ρ from which on the null model is optimal (MATH 10a). */
  readonly collapseRadius: number;
  /** v_i' of some rows, |rows|×d. */
  rowFeatures(rows: readonly number[]): Matrix;
}

/**
 * The null model solves R_ρ once 0 ∈ ∂R there: ρ ≥ ‖(Σ w ℓ'_i x_i) ⊘ b‖_p / Σ w |ℓ'_i|.
 * @throws usage: scores that are not linear in x, or a box.
 */
export async function robustProblem(fit: Fit, described: AnyThreat, work: Work = {}): Promise<RobustProblem> {
  const threat = threatOn(described, fit.model.map.inputs);
  const { model, data, ridge } = fit;
  const { map, loss } = model;
  requirePointwise(threat, "The exact robust optimum by active sets is");
  if (!hasClosedForm(model, threat) || !map.ownCoefficients) {
    throw usageError(
      "The exact robust optimum by active sets needs coefficients of the features themselves, a score that is linear in the features and an adversary without bounds: leave the bounds out, or use a linear, logistic or Poisson model.",
    );
  }
  await ensureBlas();
  const { p, budgets } = threat.settings;
  const d = map.count;
  const first = map.intercept ? 1 : 0;
  const attacked = [...budgets.keys()].filter((k) => budgets[k] > 0);
  const corner = CORNERS[loss.name];
  const kinked = Uint8Array.from(data.y, (y, i) =>
    corner !== null && data.weights[i] > 0 && !Number.isNaN(loss.kink(y)) ? 1 : 0,
  );
  const free = Uint8Array.from({ length: d }, (_, j) => (j < first || budgets[j - first] === 0 ? 1 : 0));
  const nullScores = await fitFree(fit, free, work);
  let slopeSizes = 0;
  const { pull, grams } = await sweep(
    map,
    data,
    { pull: 2, grams: 1, phase: "robust optimum" },
    ({ block: { y, w, firstRow }, pull: omega, grams: [gram] }) => {
      for (let i = 0; i < y.length; i++) {
        const f = nullScores[firstRow + i];
        const slope = loss.first(f, y[i]);
        slopeSizes += w[i] * Math.abs(slope);
        omega.data[2 * i] = w[i] * slope;
        omega.data[2 * i + 1] = w[i] * f;
        gram[i] = w[i];
      }
    },
    work,
  );
  const columnSizes = Float64Array.from({ length: d }, (_, j) => Math.sqrt(Math.max(0, grams[0].data[j * (d + 1)])));
  const pulls = Float64Array.from(attacked, (k) => pull.data[2 * (first + k)] / budgets[k]);
  const features = new Map<number, Float64Array>();
  return {
    fit,
    threat,
    q: dualExponent(p),
    first,
    attacked,
    corner,
    kinked,
    hasKinkedRows: kinked.some((kink) => kink === 1),
    cornerSize: Math.max(maximumMagnitude(fit.scores), loss.quadratic ? maximumMagnitude(data.y) : 1),
    moments: grams[0],
    columnSizes,
    tilt: new Float64Array(d),
    nullModel: parametersOf(grams[0], pull, free, ridge),
    collapseRadius: slopeSizes > 0 && maximumMagnitude(pulls) > 0 ? norm(pulls, p) / slopeSizes : 0,
    rowFeatures(rows) {
      const missing = rows.filter((row) => !features.has(row));
      if (missing.length > 0) {
        let at = 0;
        for (const block of data.select(Int32Array.from(missing)).blocks()) {
          const v = map.features(block.x);
          for (let i = 0; i < v.rows; i++) features.set(missing[at++], v.row(i).slice());
        }
      }
      const out = Matrix.zeros(rows.length, d);
      rows.forEach((row, i) => {
        out.row(i).set(features.get(row) ?? new Float64Array(d));
      });
      return out;
    },
  };
}

/** θ on the free parameters from its scores: (Σ w vv')⁻¹ Σ w f v, column 1 of `pull`. */
function parametersOf(gram: Matrix, pull: Matrix, free: Uint8Array, { length: d }: Float64Array): Float64Array {
  const kept = [...free.keys()].filter((j) => free[j] === 1);
  const theta = new Float64Array(d);
  if (kept.length === 0) return theta;
  const part = Matrix.zeros(kept.length, kept.length);
  kept.forEach((a, i) => {
    for (let j = 0; j <= i; j++) part.data[i * kept.length + j] = gram.data[a * d + kept[j]];
  });
  const values = invertHessian(part).solve(Float64Array.from(kept, (j) => pull.data[2 * j + 1]));
  kept.forEach((j, i) => {
    theta[j] = values[i];
  });
  return theta;
}
