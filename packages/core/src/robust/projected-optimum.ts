import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetricEigen } from "../linalg/pseudo-inverse.js";
import { projectedDataset } from "../models/projection/projected-dataset.js";
import { ProjectedMap } from "../models/projection/projected-map.js";
import type { Projection } from "../models/projection/projection.js";
import type { ScoreModel } from "../models/score-model.js";
import type { Work } from "../parallel/work.js";
import { type Fit, fitAt } from "../solvers/fit.js";
import { lp } from "../threats/pointwise.js";
import type { Threat } from "../threats/threat.js";
import { robustOptimum } from "./optimum.js";
import type { RobustOptimum } from "./optimum-result.js";
import { hasClosedForm } from "./robust-loss.js";

/** Eigenvalues of P'diag(b²)P below this share of the largest leave directions of z that no attack reaches. */
const RANK_TOLERANCE = 1e-12;

/** f = b + θ'z with z = Q'P'(x − μ) so chosen that ‖b⊙Pθ‖₂ is ‖θ‖₂ in the new parameters. */
interface Turned {
  readonly inner: ScoreModel;
  readonly projection: Projection;
  /** k×k: new parameters from old ones, and back. */
  readonly forth: Matrix;
  readonly back: Matrix;
}

/**
 * Whether `projectedRobustOptimum` knows θ_ρ: p = 2, no box, every direction of z attacked, and no ridge unless ‖b⊙Pθ‖₂ is a
 * multiple of ‖θ‖₂ (as for principal components without budgets).
 */
export const hasProjectedOptimum = (fit: Fit, threat: Threat): boolean => turned(fit, threat) !== null;

function turned({ model, l2 }: Fit, threat: Threat): Turned | null {
  const { map } = model;
  const { p, budgets, order } = threat.settings;
  if (!(map instanceof ProjectedMap && map.inner.ownCoefficients && hasClosedForm(model, threat))) return null;
  if (p !== 2 || order !== undefined) return null;
  const { matrix } = map.projection;
  const k = matrix.columns;
  const M = Matrix.zeros(k, k);
  budgets.forEach((b, j) => {
    const row = matrix.row(j);
    for (let c = 0; c < k; c++) for (let e = 0; e < k; e++) M.data[c * k + e] += b * b * row[c] * row[e];
  });
  const { values, vectors } = symmetricEigen(M);
  const [least, largest] = [values[0], values[k - 1]];
  if (!(least > RANK_TOLERANCE * largest)) return null;
  if (l2 > 0 && !(largest - least <= 1e-12 * largest)) return null;
  // u = √Λ Q θ, so that ‖u‖₂ = ‖b⊙Pθ‖₂; with a ridge u = √λ θ.
  const [forth, back] = [Matrix.zeros(k, k), Matrix.zeros(k, k)];
  for (let c = 0; c < k; c++) {
    const size = Math.sqrt(l2 > 0 ? largest : values[c]);
    for (let e = 0; e < k; e++) {
      const entry = l2 > 0 ? Number(c === e) : vectors.data[c * k + e];
      forth.data[c * k + e] = size * entry;
      back.data[e * k + c] = entry / size;
    }
  }
  const P = Matrix.zeros(matrix.rows, k);
  for (let j = 0; j < matrix.rows; j++) {
    for (let e = 0; e < k; e++) {
      for (let c = 0; c < k; c++) P.data[j * k + c] += matrix.data[j * k + e] * back.data[e * k + c];
    }
  }
  return { inner: { ...model, map: map.inner }, projection: { ...map.projection, matrix: P }, forth, back };
}

/**
 * θ_ρ of a score linear in z = P'(x − μ) under ‖δ⊘b‖₂ ≤ ρ in x (MATH 10a, 13): the dual norm ‖b⊙Pθ‖₂ is a Euclidean norm of θ,
 * so turned parameters have the active-set optimum of an attack on z itself.
 * @throws usage: where `hasProjectedOptimum` is false. numerical: as `robustOptimum`.
 */
export async function projectedRobustOptimum(
  fit: Fit,
  threat: Threat,
  radius: number,
  { start = fit.parameters, ...work }: Work & { readonly start?: Float64Array } = {},
): Promise<RobustOptimum> {
  const found = turned(fit, threat);
  if (found === null)
    throw usageError("The exact robust optimum of a projected model is known for p = 2 without bounds.");
  const { inner, projection, forth, back } = found;
  const data = projectedDataset(fit.data, projection);
  const first = inner.map.intercept ? 1 : 0;
  const l2 = fit.l2 > 0 ? fit.l2 / forth.data[0] ** 2 : 0;
  const there = await fitAt(() => inner, data, times(forth, fit.parameters, first), { l2, ...work });
  const optimum = await robustOptimum(there, lp(2), radius, { ...work, start: times(forth, start, first) });
  return { ...optimum, parameters: times(back, optimum.parameters, first) };
}

/** A on the parameters after the intercept. */
function times({ data, columns: k }: Matrix, theta: Float64Array, first: number): Float64Array {
  const out = theta.slice();
  for (let c = 0; c < k; c++) {
    let sum = 0;
    for (let e = 0; e < k; e++) sum += data[c * k + e] * theta[first + e];
    out[first + c] = sum;
  }
  return out;
}
