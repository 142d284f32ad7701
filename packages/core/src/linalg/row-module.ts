import { AifError } from "../errors.js";
import { rows } from "./portable/kernels.generated.js";
import { decode } from "./portable/modules.js";

/** packages/core/assembly/rows.ts; addresses and steps in bytes, counts in numbers. */
export interface RowKernels {
  readonly memory: WebAssembly.Memory;
  scaleByRoots(m: number, n: number, weights: number, a: number): void;
  norms(r: number, m: number, x: number, out: number): number;
  units(r: number, m: number, x: number, out: number): number;
  affine(r: number, m: number, x: number, constant: number, factor: number): void;
  extremes(r: number, m: number, x: number, upper: number, lower: number, out: number): void;
  pull(r: number, m: number, d: number, x: number, omega: number, sums: number, products: number): void;
  powers(r: number, m: number, d: number, steps: number, count: number, x: number, v: number): void;
}

const PAGE = 65_536;
/** 8 MB, more than a block of rows takes; pages that nobody writes to take no memory. */
const LEAST_PAGES = 128;

let compiled: WebAssembly.Module | undefined;

/**
 * Kernels whose memory has so many bytes: the given ones, or new ones with a memory of their own. The old memory does not grow: that
 * would detach its array buffer, and from the first detached buffer on V8 checks every access to any typed array, so that loops over
 * numbers take up to twice as long in the whole program.
 */
export function kernelsWith(bytes: number, kernels?: RowKernels): RowKernels {
  if (kernels && kernels.memory.buffer.byteLength >= bytes) return kernels;
  compiled ??= new WebAssembly.Module(decode(rows));
  const memory = memoryOf(Math.max(LEAST_PAGES, 2 ** Math.ceil(Math.log2(bytes / PAGE))));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  // The module and this interface are two halves of one build.
  return { ...exports, memory } as unknown as RowKernels;
}

function memoryOf(pages: number): WebAssembly.Memory {
  try {
    return new WebAssembly.Memory({ initial: pages });
  } catch (error) {
    const megabytes = Math.ceil((pages * PAGE) / 2 ** 20);
    throw new AifError("resource", `${megabytes} MB for a block of rows could not be had.`, { cause: error });
  }
}
