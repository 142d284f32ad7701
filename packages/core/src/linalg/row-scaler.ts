import type { Matrix } from "./matrix.js";
import { kernelsWith, type RowKernels } from "./row-module.js";

const CACHE_LINE = 64;
const BYTES = Float64Array.BYTES_PER_ELEMENT;

/**
 * Rows scaled by the roots of their weights, for A'diag(ω)A as one symmetric product. They are copied into WebAssembly memory and
 * scaled there two numbers at a time; every back end takes them from there.
 */
export class RowScaler {
  private kernels: RowKernels | undefined;

  /** diag(√ω)A, r×k row by row, ω ≥ 0. It stays until the next call. */
  scaled(a: Matrix, omega: Float64Array): Float64Array {
    const { rows: r, columns: k } = a;
    const { kernels, copy } = this.load(a, r);
    const atWeights = copy.byteOffset + copy.byteLength;
    new Float64Array(kernels.memory.buffer, atWeights, r).set(omega.subarray(0, r));
    kernels.scaleByRoots(r, k, atWeights, copy.byteOffset);
    return copy;
  }

  /** A copied, with room for more numbers behind it. */
  private load({ data, rows, columns }: Matrix, more: number): { kernels: RowKernels; copy: Float64Array } {
    const count = rows * columns;
    const kernels = kernelsWith(CACHE_LINE + (count + more) * BYTES, this.kernels);
    this.kernels = kernels;
    const copy = new Float64Array(kernels.memory.buffer, CACHE_LINE, count);
    copy.set(data.length === count ? data : data.subarray(0, count));
    return { kernels, copy };
  }
}

/** The one that this thread uses for products that are done before the next. */
export const rowScaler = new RowScaler();
