import { Matrix } from "../linalg/matrix.js";
import type { Influence } from "./aif.js";

/** Closer to a corner of A than this many standard errors, another sample may lie on its other side. */
const STANDARD_ERRORS = 2;

/**
 * Attacked features whose corner of A = cΣw|ℓ'|·‖b⊙β‖_q is so near that another sample may lie beyond it: at p = ∞ coefficients within
 * two standard errors of 0, at p = 1 the two largest b_k|β_k| where their distance is within two of its own. Î is not normal
 * there, and intervals for the population may miss altogether (MATH 3). For scores linear in x; else none are named.
 * @param covariance d×d: Cov θ̂
 */
export function nearCorners({ fit, threat }: Influence, covariance: Matrix): number[] {
  const { p, budgets } = threat.settings;
  const { map } = fit.model;
  if (!map.sharedGradient || (p !== 1 && p !== Infinity)) return [];
  const noRows = Matrix.zeros(0, map.inputs);
  const gamma = map.inputGradients(fit.parameters, noRows).data;
  const column = (k: number): Float64Array => {
    const unit = Matrix.zeros(1, map.inputs);
    unit.data[k] = 1;
    return map.jacobianTimes(noRows, unit).data;
  };
  const d = covariance.rows;
  const at = (j: number, k: number): number => {
    const [left, right] = [column(j), column(k)];
    let sum = 0;
    for (let a = 0; a < d; a++) {
      if (left[a] === 0) continue;
      for (let b = 0; b < d; b++) sum += left[a] * covariance.data[a * d + b] * right[b];
    }
    return sum;
  };
  const beta = (k: number): number => gamma[k];
  const attacked = [...budgets.keys()].filter((k) => budgets[k] > 0);
  if (p === Infinity) return attacked.filter((k) => Math.abs(beta(k)) < STANDARD_ERRORS * Math.sqrt(at(k, k)));
  const size = (k: number): number => budgets[k] * Math.abs(beta(k));
  const [a, b] = attacked.toSorted((j, k) => size(k) - size(j));
  if (b === undefined) return [];
  const [u, v] = [budgets[a] * Math.sign(beta(a)), budgets[b] * Math.sign(beta(b))];
  const spread = Math.sqrt(Math.max(0, u * u * at(a, a) + v * v * at(b, b) - 2 * u * v * at(a, b)));
  return size(a) - size(b) < STANDARD_ERRORS * spread ? [a, b] : [];
}
