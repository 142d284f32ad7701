import { startLibrary } from "./process.js";
import { type Spread, spreadOf } from "./statistics.js";

export interface KernelSpeed {
  readonly name: string;
  /** GFLOP/s: the system's library with all threads, with one, and the portable kernels with all. */
  readonly native: Spread;
  readonly nativeOneThread: Spread;
  readonly portable: Spread;
}

/** The three kernels that everything rests on, each back end in a process of its own. */
export async function compareKernels(threads: number): Promise<KernelSpeed[]> {
  const environments = [
    { AIF_THREADS: String(threads) },
    { AIF_THREADS: "1" },
    { AIF_BLAS: "off", AIF_THREADS: String(threads) },
  ];
  const speeds: Record<string, number[]>[] = [];
  for (const environment of environments) {
    const worker = await startLibrary(["kernels"], environment);
    speeds.push((await worker.ask<{ speeds: Record<string, number[]> }>()).speeds);
    await worker.stop();
  }
  const [native, nativeOneThread, portable] = speeds;
  return Object.keys(native).map((name) => ({
    name,
    native: spreadOf(native[name]),
    nativeOneThread: spreadOf(nativeOneThread[name]),
    portable: spreadOf(portable[name]),
  }));
}
