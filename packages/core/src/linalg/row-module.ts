import { AifError } from "../errors.js";
import { rows } from "./portable/kernels.generated.js";
import { decode } from "./portable/modules.js";

/** packages/core/assembly/rows.ts; addresses and steps in bytes, counts in numbers. */
export interface RowKernels {
  readonly memory: WebAssembly.Memory;
  scaleByRoots(m: number, n: number, weights: number, a: number): void;
  norms(r: number, m: number, x: number, out: number): number;
  divide(r: number, m: number, x: number, sizes: number): void;
  affine(r: number, m: number, x: number, constant: number, factor: number): void;
  extremes(r: number, m: number, x: number, upper: number, lower: number, out: number): void;
  pull(r: number, m: number, d: number, x: number, omega: number, sums: number, products: number): void;
  power(
    r: number,
    multiply: boolean,
    factor: number,
    exponent: number,
    x: number,
    stepX: number,
    out: number,
    stepOut: number,
  ): void;
}

const PAGE = 65_536;

let compiled: WebAssembly.Module | undefined;

/** Kernels with a memory of their own. */
export function startRowKernels(): RowKernels {
  compiled ??= new WebAssembly.Module(decode(rows));
  // The module and this interface are two halves of one build.
  return new WebAssembly.Instance(compiled).exports as unknown as RowKernels;
}

/** Makes the memory at least so many bytes large. Growth detaches arrays that lie in it. */
export function growTo(memory: WebAssembly.Memory, bytes: number): void {
  const pages = Math.ceil((bytes - memory.buffer.byteLength) / PAGE);
  if (pages <= 0) return;
  try {
    memory.grow(pages);
  } catch (error) {
    const megabytes = Math.ceil((memory.buffer.byteLength + pages * PAGE) / 2 ** 20);
    throw new AifError("resource", `${megabytes} MB for a block of rows could not be had.`, { cause: error });
  }
}
