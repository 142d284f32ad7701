import { AifError } from "../errors.js";
import type { Matrix } from "./matrix.js";
import { rows as rowsModule } from "./portable/kernels.generated.js";
import { decode } from "./portable/modules.js";

/** packages/core/assembly/rows.ts; addresses in bytes. */
interface RowKernels {
  readonly memory: WebAssembly.Memory;
  scaleByRoots(m: number, n: number, weights: number, a: number): void;
}

const PAGE = 65_536;
const CACHE_LINE = 64;
const BYTES = Float64Array.BYTES_PER_ELEMENT;

let compiled: WebAssembly.Module | undefined;

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

  /** A itself, copied, under the same terms. */
  copied = (a: Matrix): Float64Array => this.load(a, 0).copy;

  /** A copied, with room for more numbers behind it. */
  private load({ data, rows, columns }: Matrix, more: number): { kernels: RowKernels; copy: Float64Array } {
    this.kernels ??= start();
    const { kernels } = this;
    const count = rows * columns;
    const missing = CACHE_LINE + (count + more) * BYTES - kernels.memory.buffer.byteLength;
    if (missing > 0) grow(kernels.memory, Math.ceil(missing / PAGE));
    const copy = new Float64Array(kernels.memory.buffer, CACHE_LINE, count);
    copy.set(data.length === count ? data : data.subarray(0, count));
    return { kernels, copy };
  }
}

function start(): RowKernels {
  compiled ??= new WebAssembly.Module(decode(rowsModule));
  // The module and this interface are two halves of one build.
  return new WebAssembly.Instance(compiled).exports as unknown as RowKernels;
}

function grow(memory: WebAssembly.Memory, pages: number): void {
  try {
    memory.grow(pages);
  } catch (error) {
    const megabytes = Math.ceil((memory.buffer.byteLength + pages * PAGE) / 2 ** 20);
    throw new AifError("resource", `${megabytes} MB for a block of rows could not be had.`, { cause: error });
  }
}

/** Those that nobody uses: their memory costs more to have than to fill. */
const idle: RowScaler[] = [];

/** One for a while; who is done with it gives it back. */
export const takeScaler = (): RowScaler => idle.pop() ?? new RowScaler();

export function giveBack(scalers: readonly RowScaler[]): void {
  idle.push(...scalers);
}

/** The one that this thread uses for products that are done before the next. */
export const rowScaler = new RowScaler();
