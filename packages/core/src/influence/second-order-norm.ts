import { Matrix } from "../linalg/matrix.js";
import { dualExponent } from "../threats/norms.js";
import type { ThreatSettings } from "../threats/threat.js";

/** Where ∇²N is taken: γ (1 or r rows), the adversary's directions ±φ(γ) (1 or r rows) and N = ‖b⊙γ‖_q (r). */
export interface DualNormPoint {
  readonly gamma: Matrix;
  readonly base: Matrix;
  readonly norms: Float64Array;
}

/**
 * ∇²N u for N = ‖b⊙γ‖_q, row by row: (q−1)/N [b²(b|γ|/N)^{q−2} ⊙ u − φ(φ·u)] (MATH 3). Coordinates that a box holds still
 * are no part of N. null where ∇²N is 0 off the corners (q = 1, ∞). `infinite` counts rows with an entry of γ at 0 that moves:
 * for q < 2 the second derivative is infinite there.
 */
export function normHessianTimes(
  moves: Matrix,
  { gamma, base, norms }: DualNormPoint,
  { p, budgets }: ThreatSettings,
): { product: Matrix; infinite: number } | null {
  const q = dualExponent(p);
  if (q === 1 || q === Infinity) return null;
  const m = budgets.length;
  const rows = Math.max(moves.rows, gamma.rows, base.rows);
  const product = Matrix.zeros(rows, m);
  const shared = norms.reduce((most, value) => Math.max(most, value), 0);
  let infinite = 0;
  for (let i = 0; i < rows; i++) {
    const [u, g, phi] = [moves, gamma, base].map((matrix) => matrix.row(matrix.rows === 1 ? 0 : i));
    const N = rows === 1 ? shared : norms[i];
    if (!(N > 0)) continue;
    const along = u.reduce((sum, value, k) => sum + value * phi[k], 0);
    let atCorner = false;
    for (let k = 0; k < m; k++) {
      const b = budgets[k];
      const heldStill = phi[k] === 0 && g[k] !== 0;
      if (b === 0 || heldStill) continue;
      const size = (b * Math.abs(g[k])) / N;
      if (q < 2 && phi[k] === 0) atCorner ||= u[k] !== 0;
      else product.data[i * m + k] = ((q - 1) / N) * (b * b * size ** (q - 2) * u[k] - phi[k] * along);
    }
    if (atCorner) infinite++;
  }
  return { product, infinite };
}
