import { numericalError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { combined, product, scaledRows } from "../linalg/products.js";
import type { KernelRidgeSettings } from "../models/kernel/kernel-ridge.js";

/**
 * The linear systems of a kernel regression with H = 2(KWK + λI), or 2(KWK + λK) for the penalty λθ'Kθ: one Cholesky
 * factorisation for every output, norm and radius. With "rkhs" the factor is of S = K + λW⁻¹, since KWK + λK = KWS, which is
 * far better conditioned; what does not lie in the range of K as KWp needs H itself.
 */
export interface KernelSystem {
  /** (½H)⁻¹(KWp + q), n×k each; q null: 0. */
  solve(p: Matrix | null, q: Matrix | null): Matrix;
  /** ½HV, n×k */
  times(V: Matrix): Matrix;
}

/** @throws numerical: a system that is not positive definite in floating point. */
export function kernelSystem(
  gram: Matrix,
  w: Float64Array,
  { ridge, penalty }: Pick<KernelRidgeSettings, "ridge" | "penalty">,
): KernelSystem {
  const n = gram.rows;
  const weigh = (V: Matrix): Matrix => scaledRows(V, w);
  const through = (V: Matrix): Matrix => product(gram, weigh(V));
  const times = (V: Matrix): Matrix => {
    const image = product(gram, V);
    const rest = penalty === "rkhs" ? image : V;
    return combined(1, through(image), ridge, rest);
  };
  if (penalty === "coefficients") {
    const factor = factorOf(squared(gram, w, ridge), "");
    return {
      times,
      solve(p, q) {
        const b = p && through(p);
        return factor.refined(b && q ? combined(1, b, 1, q) : (b ?? q ?? Matrix.zeros(n, 1)), times);
      },
    };
  }
  const shifted = new Matrix(gram.data.slice(), n, n);
  for (let i = 0; i < n; i++) {
    if (!(w[i] > 0))
      throw numericalError(`Row ${i} has weight 0: the penalty λθ'Kθ needs weights above 0; leave the row out.`);
    shifted.data[i * (n + 1)] += ridge / w[i];
  }
  const factor = factorOf(shifted, "");
  const inverse = w.map((weight) => ridge / weight);
  const shiftedTimes = (V: Matrix): Matrix => combined(1, product(gram, V), 1, scaledRows(V, inverse));
  let whole: Factor | null = null;
  return {
    times,
    solve(p, q) {
      const out = p ? factor.refined(p, shiftedTimes) : Matrix.zeros(n, q?.columns ?? 1);
      if (q === null) return out;
      whole ??= factorOf(
        wholeHessian(gram, w, ridge),
        " The kernel matrix is singular to working precision, so that coefficients are not determined with centres that stay: penalise the coefficients, or let the centres move.",
      );
      return combined(1, out, 1, whole.refined(q, times));
    },
  };
}

/** (K'WK + λI)⁻¹b for any K (n×n), b n×k; without refinement, as for steps of a search. */
export const regularSolve = (gram: Matrix, w: Float64Array, ridge: number, b: Matrix): Matrix =>
  factorOf(squared(gram, w, ridge), "").solve(b);

/** K'WK + λI, lower triangle. */
function squared(gram: Matrix, w: Float64Array, ridge: number): Matrix {
  const n = gram.rows;
  const out = Matrix.zeros(n, n);
  const step = Math.max(16, Math.floor((1 << 21) / n));
  for (let from = 0; from < n; from += step) {
    const block = gram.rowRange(from, Math.min(n, from + step));
    const roots = w.subarray(from, from + block.rows).map(Math.sqrt);
    const rows = scaledRows(block, roots);
    blas().syrk(n, rows.rows, 1, rows.data, n, 1, out.data, n);
  }
  for (let i = 0; i < n; i++) out.data[i * (n + 1)] += ridge;
  return out;
}

function wholeHessian(gram: Matrix, w: Float64Array, ridge: number): Matrix {
  const out = squared(gram, w, 0);
  for (let at = 0; at < out.data.length; at++) out.data[at] += ridge * gram.data[at];
  return out;
}

interface Factor {
  solve(b: Matrix): Matrix;
  /** A⁻¹b with two refinements, whose products are with A as it was. */
  refined(b: Matrix, times: (V: Matrix) => Matrix): Matrix;
}

const REFINEMENTS = 2;

/** Cholesky's factorisation in place, after scaling to unit diagonal. */
function factorOf(a: Matrix, reason: string): Factor {
  const n = a.rows;
  const scale = new Float64Array(n);
  for (let i = 0; i < n; i++) scale[i] = 1 / Math.sqrt(a.data[i * (n + 1)]);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) a.data[i * n + j] *= scale[i] * scale[j];
  if (!scale.every(Number.isFinite) || blas().potrf(n, a.data, n) !== 0) {
    throw numericalError(
      `The system of the kernel regression is not positive definite in floating point.${reason === "" ? " Give a larger --ridge, or rescale the columns." : reason}`,
    );
  }
  const solve = (b: Matrix): Matrix => {
    const x = scaledRows(b, scale);
    blas().potrs(n, x.columns, a.data, n, x.data, x.columns);
    return scaledRows(x, scale);
  };
  return {
    solve,
    refined(b, times) {
      const x = solve(b);
      for (let k = 0; k < REFINEMENTS; k++) {
        const image = times(x);
        const correction = solve(combined(1, b, -1, image));
        for (let at = 0; at < x.data.length; at++) x.data[at] += correction.data[at];
      }
      return x;
    },
  };
}
