import { Matrix } from "../linalg/matrix.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { fitHessianTimes } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import { type Influence, responseAt } from "./aif.js";

/**
 * The share of every row in dQ/dε = ∇Q'I, for any differentiable metric Q(θ) with gradient ∇Q (d): ∇Q'ζ_i/n =
 * −w_i c (H⁻¹∇Q)'G_iφ_i (MATH 10c). The n numbers sum to ∇Q'I exactly. They share out the adversarial pull with θ̂ held
 * fixed; they are not what deleting the row would do.
 */
export async function rowContributions(
  attack: Influence,
  metricGradient: Float64Array,
  work?: Work,
): Promise<Float64Array> {
  const { fit, scale, pull } = attack;
  const { model, data, inverse } = fit;
  const u = inverse.solve(metricGradient);
  const out = new Float64Array(data.rows);
  const along = pull.shared ? sharedSlope(attack, u, pull.shared) : 0;
  await sweep(
    model.map,
    data,
    { theta: asColumn(u), phase: "contributions" },
    ({ block, scores: onFeatures }) => {
      const { y, firstRow, x } = block;
      const directional = pull.shared ? null : rowwiseSlopes();
      for (let i = 0; i < y.length; i++) {
        const row = firstRow + i;
        const jacobian = directional ? directional[i] : along;
        out[row] = -scale * (pull.onFeatures[row] * onFeatures.data[i] + pull.onJacobian[row] * jacobian);
      }

      /** u'V_iφ_i = ∇_x(u'v)(x_i)·φ_i */
      function rowwiseSlopes(): Float64Array {
        const { base: phi } = responseAt(attack, block);
        return rowDots(model.map.inputGradients(u, x), phi, y.length);
      }
    },
    work,
  );
  return out;
}

/** Share of each parameter in I'H_LI: I_j (H_LI)_j, d numbers that sum to it. H_L has no ridge. */
export function parameterContributions({ fit, influence: I }: Influence): Float64Array {
  return naturalHessianTimes(fit, I).map((value, j) => I[j] * value);
}

/** H_L x: the Hessian of the natural training risk, without the ridge. */
export function naturalHessianTimes(fit: Influence["fit"], x: Float64Array): Float64Array {
  return fitHessianTimes(fit, x).map((value, j) => value - fit.ridge[j] * x[j]);
}

/** dQ/dε = ∇Q(θ̂)'I for any differentiable metric Q. */
export const metricSlope = (attack: Influence, metricGradient: Float64Array): number =>
  dot(metricGradient, attack.influence);

function sharedSlope({ fit: { model } }: Influence, u: Float64Array, phi: Matrix): number {
  return dot(model.map.inputGradients(u, Matrix.zeros(0, model.map.inputs)).data, phi.data);
}

function rowDots(a: Matrix, b: Matrix, rows: number): Float64Array {
  const out = new Float64Array(rows);
  for (let i = 0; i < rows; i++) out[i] = dot(a.row(a.rows === 1 ? 0 : i), b.row(i));
  return out;
}
