import { Matrix } from "../../linalg/matrix.js";
import { maximumMagnitude } from "../../threats/norms.js";
import { hessianTimes, invertHessian } from "../inverse-hessian.js";
import { principalPart } from "./feature-sign.js";

/**
 * A minimiser whose non-zero parameters H tells apart, from one where it does not. Along a direction z with Hz = 0 neither the
 * scores nor, since the conditions ∇L = −λs hold on both sides, Σλ|θ_j| change: θ is moved along it until a parameter is 0, which is
 * done again until H is regular.
 * @param hessian on the parameters `kept`. @param penalties λ (d)
 */
export function basicSolution(
  hessian: Matrix,
  kept: readonly number[],
  theta: Float64Array,
  penalties: Float64Array,
): Float64Array {
  const out = theta.slice();
  let rows = [...kept.keys()];
  while (rows.length > 0) {
    const H = principalPart(hessian, rows);
    const inverse = invertHessian(H);
    if (inverse.method === "cholesky") return out;
    const z = nullDirection(H, inverse);
    let [length, leaving] = [Number.POSITIVE_INFINITY, -1];
    rows.forEach((row, a) => {
      const j = kept[row];
      if (penalties[j] === 0 || z[a] === 0) return;
      const t = -out[j] / z[a];
      if (Math.abs(t) < Math.abs(length)) [length, leaving] = [t, a];
    });
    if (leaving < 0) return out;
    rows.forEach((row, a) => {
      out[kept[row]] = a === leaving ? 0 : out[kept[row]] + length * z[a];
    });
    rows = rows.filter((_, a) => a !== leaving);
  }
  return out;
}

/** The longest of the vectors e_j − H⁺He_j, its rounding taken off. */
function nullDirection(H: Matrix, inverse: ReturnType<typeof invertHessian>): Float64Array {
  let best: Float64Array = new Float64Array(H.rows);
  for (let j = 0; j < H.rows; j++) {
    const unit = new Float64Array(H.rows);
    unit[j] = 1;
    const seen = inverse.solve(hessianTimes(H, unit));
    const rest = unit.map((value, i) => value - seen[i]);
    if (maximumMagnitude(rest) > maximumMagnitude(best)) best = rest;
  }
  const least = 1e-9 * maximumMagnitude(best);
  return best.map((value) => (Math.abs(value) > least ? value : 0));
}
