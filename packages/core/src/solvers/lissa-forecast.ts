import { throwIfAborted } from "../errors.js";
import { normalise } from "../linalg/orthonormal-rows.js";
import type { Work } from "../parallel/work.js";
import { LanczosBasis } from "./lanczos-basis.js";
import type { SymmetricOperator } from "./operator.js";

/** What steps x ← x + (b − Hx)/σ can do for one right-hand side b at best. */
export interface Forecast {
  /** At most ‖(I − H/σ)^N b‖/‖b‖, the relative residual after N steps from 0. */
  residual(settings: { readonly scale: number; readonly steps: number }): number;
  /**
   * λ for which H + λI and a scale that grows by 2λ come to the tolerance in N steps, with a margin; 0 where H does, Infinity where no
   * λ does: each step leaves a half at least.
   */
  sufficientDamping(settings: { readonly scale: number; readonly steps: number; readonly tolerance: number }): number;
}

const STEPS = 40;
/** For what the quadrature, a lower bound, leaves out. */
const MARGIN = 2;
const HALVINGS = 60;

/**
 * Lanczos's method from b gives nodes θ_j and weights ω_j of Gauss's rule for the spectrum as b sees it, and with them
 * ‖(I − H/σ)^N b‖²/‖b‖² ≥ Σ_j ω_j (1 − θ_j/σ)^{2N}: all even derivatives of that power are positive, so that the rule is never above
 * (Golub and Meurant 2010, section 6.2).
 * @param right d. @throws cancelled.
 */
export async function forecast(operator: SymmetricOperator, right: Float64Array, work: Work = {}): Promise<Forecast> {
  const d = right.length;
  const start = right.slice();
  const most = normalise(start) > 0 ? Math.min(STEPS, d) : 0;
  const basis = new LanczosBasis(operator, start, most);
  for (let left = true; left && basis.size < most; ) {
    throwIfAborted(work.signal);
    left = await basis.grow();
  }
  const { values, vectors } = basis.eigen();
  const weights = values.map((_, j) => vectors.data[j * basis.size] ** 2);
  const after = (damping: number, scale: number, steps: number): number => {
    let square = 0;
    weights.forEach((weight, j) => {
      square += weight * (1 - (values[j] + damping) / (scale + 2 * damping)) ** (2 * steps);
    });
    return Math.sqrt(square);
  };
  return {
    residual: ({ scale, steps }) => after(0, scale, steps),
    sufficientDamping({ scale, steps, tolerance }) {
      const goal = tolerance / MARGIN;
      if (after(0, scale, steps) <= goal) return 0;
      let [low, high] = [0, scale];
      // Where no λ does, this ends at infinity, of which nothing is known.
      while (after(high, scale, steps) > goal) [low, high] = [high, 2 * high];
      for (let halving = 0; halving < HALVINGS; halving++) {
        const middle = 0.5 * (low + high);
        if (after(middle, scale, steps) <= goal) high = middle;
        else low = middle;
      }
      return MARGIN * high;
    },
  };
}
