import { throwIfAborted } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { normalise, projectOut } from "../linalg/orthonormal-rows.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import type { Work } from "../parallel/work.js";
import { dot } from "./inverse-hessian.js";
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
  let next = right.slice();
  const most = normalise(next) > 0 ? Math.min(STEPS, d) : 0;
  const basis = new Float64Array(most * d);
  const diagonal: number[] = [];
  const beside: number[] = [];
  for (let m = 1; m <= most; m++) {
    throwIfAborted(work.signal);
    basis.set(next, (m - 1) * d);
    next = (await operator.product(new Matrix(next, d, 1))).data.slice();
    diagonal.push(dot(basis.subarray((m - 1) * d, m * d), next));
    projectOut(basis, m, next);
    projectOut(basis, m, next);
    const size = normalise(next);
    if (!(size > 4 * Number.EPSILON * Math.max(...diagonal.map(Math.abs), ...beside))) break;
    beside.push(size);
  }
  const count = diagonal.length;
  const small = Matrix.zeros(count, count);
  diagonal.forEach((value, i) => {
    small.data[i * (count + 1)] = value;
    if (i > 0) small.data[i * count + i - 1] = beside[i - 1];
  });
  const { values, vectors } = symmetricEigen(small);
  const weights = values.map((_, j) => vectors.data[j * count] ** 2);
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
