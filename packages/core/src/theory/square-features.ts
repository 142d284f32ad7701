import { usageError } from "../errors.js";
import { integrate } from "../stats/quadrature.js";
import { meanUniformLength } from "./normal-lengths.js";

/**
 * Example 5.1: x uniform on (−1, 1)^M, y = Σ_{j≤M}(x_j + x_j²/4) + ξ, and a regression without intercept on v = (x, x²/4) of the first
 * m features. E x² = 1/3, E x⁴ = 1/5, E v_{m+j} = 1/12.
 */
const SECOND = 1 / 3;
/** E (x²/4)² and E (x_j²/4)(x_k²/4). */
const [OWN, CROSS] = [1 / 80, 1 / 144];

/** λ_min(E vv'): 1/80 for one feature, 1/180 for more. The paper says at least 1/5. */
export const squareFeaturesEigenvalue = (m: number): number => (checked(m) === 1 ? OWN : OWN - CROSS);

/** E‖V'V‖₂ = E max_j(1 + x_j²/4) = 1 + m/(4(m+2)). The paper says 1. */
export const squareFeaturesJacobian = (m: number): number => 1 + checked(m) / (4 * (m + 2));

/** E‖V‖₂ = E √(1 + max_j x_j²/4); max|x_j| has density m t^{m−1}. */
export const meanJacobianLength = (m: number): number =>
  integrate(
    (t, out) => {
      out[0] = checked(m) * t ** (m - 1) * Math.sqrt(1 + (t * t) / 4);
    },
    1,
    [0, 1],
  )[0];

/**
 * E η² of what m of M features leave: the projection of the others on the squares included, and the noise.
 * @throws usage: more features than there are, or a number that is no count
 */
export function squareFeaturesResidual(m: number, M: number, noiseVariance: number): number {
  const left = checked(M) - checked(m);
  if (left < 0) throw usageError(`Of ${M} features ${m} cannot be included.`);
  const share = (left * CROSS) / (OWN + (m - 1) * CROSS);
  const omitted = left * (SECOND + OWN) + left * (left - 1) * CROSS;
  return noiseVariance + omitted - share * m * left * CROSS;
}

/** The bound of Theorem 5.3 with its constants corrected: c² E η² E‖V'V‖₂/λ_min(E vv') (loss r²), c = E‖x‖₂ unless given. */
export const squareFeaturesBound = (
  m: number,
  M: number,
  noiseVariance: number,
  scale: number = meanUniformLength(m),
): number =>
  (scale ** 2 * squareFeaturesResidual(m, M, noiseVariance) * squareFeaturesJacobian(m)) / squareFeaturesEigenvalue(m);

function checked(m: number): number {
  if (Number.isSafeInteger(m) && m >= 1) return m;
  throw usageError(`The number of features must be a whole number ≥ 1, got ${m}.`);
}
