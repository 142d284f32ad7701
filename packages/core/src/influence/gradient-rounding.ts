import { Matrix } from "../linalg/matrix.js";
import type { Fit } from "../solvers/fit.js";
import { PARAMETER_ROUNDING } from "../solvers/newton.js";
import type { SlopeExtent } from "./aif.js";

/**
 * Up to which size the coordinates of a γ that all rows share (m) are what rounding leaves of 0, against the scores and residuals that
 * the coefficients are fitted to; null: those of a lasso, which sets its zeros itself.
 */
export function gradientRounding(
  { model: { map }, hessian, sparse }: Pick<Fit, "model" | "hessian" | "sparse">,
  { size }: Pick<SlopeExtent, "size">,
): Float64Array | null {
  if (sparse) return null;
  const d = map.count;
  const first = map.intercept ? 1 : 0;
  const floors = new Float64Array(map.inputs);
  const none = Matrix.zeros(0, map.inputs);
  for (let j = first; j < d; j++) {
    const curvature = hessian.data[j * d + j];
    const rounding = curvature > 0 ? PARAMETER_ROUNDING * Math.sqrt(size / curvature) : 0;
    if (map.ownCoefficients) {
      floors[j - first] = rounding;
      continue;
    }
    const unit = new Float64Array(d);
    unit[j] = rounding;
    map.inputGradients(unit, none).data.forEach((value, k) => {
      floors[k] += Math.abs(value);
    });
  }
  return floors;
}
