import { dot } from "../solvers/inverse-hessian.js";

/** One way in which an adversary can leave its worst case: what that costs it, and by how much the gradient changes. */
export interface Deviation {
  readonly cost: number;
  /** L⁻¹e (d): the change of the gradient where all of it is taken, in coordinates in which H is the identity. */
  readonly change: Float64Array;
  /** Shares of deviations with the same number here are at most 1 together; null: only its own is. */
  readonly group: number | null;
}

const SWEEPS = 400;
/** Sweeps that move no share by more than this are the last. */
const SETTLED = 1e-15;

/**
 * Shares 0 ≤ μ ≤ 1 of deviations that make the adversary's mixture hard to exploit: coordinate descent on
 * Σ c_jμ_j + ½‖r − Σ μ_j h_j‖². Any shares give a valid bound; the better they are, the tighter it is.
 * @param residual r = L⁻¹g (d)
 */
export function mixtureShares(residual: Float64Array, deviations: readonly Deviation[]): Float64Array {
  const r = residual.slice();
  const shares = new Float64Array(deviations.length);
  const squares = deviations.map(({ change }) => dot(change, change));
  const used = new Map<number, number>();
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let moved = 0;
    deviations.forEach(({ cost, change, group }, j) => {
      if (!(squares[j] > 0)) return;
      const others = group === null ? 0 : (used.get(group) ?? 0) - shares[j];
      const target = shares[j] + (dot(change, r) - cost) / squares[j];
      const by = Math.min(Math.max(0, target), Math.max(0, 1 - others)) - shares[j];
      if (by === 0) return;
      shares[j] += by;
      if (group !== null) used.set(group, others + shares[j]);
      for (let k = 0; k < r.length; k++) r[k] -= by * change[k];
      moved = Math.max(moved, Math.abs(by));
    });
    if (moved <= SETTLED) break;
  }
  return shares;
}
