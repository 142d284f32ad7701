import { blas, ensureBlas } from "@aif/core";
import { normals } from "./random.js";

/** One kernel call and its floating-point operations. */
interface Kernel {
  readonly name: string;
  readonly flops: number;
  /** Restores what the call overwrites; not timed. */
  readonly prepare?: () => void;
  readonly call: () => void;
}

const REPEATS = 15;

/** GFLOP/s of the active back end, the median of repeated calls, by kernel. */
export async function kernelSpeeds(): Promise<Record<string, number[]>> {
  await ensureBlas();
  const speeds: Record<string, number[]> = {};
  for (const { name, flops, prepare, call } of kernels()) {
    const seen: number[] = [];
    for (let i = 0; i < REPEATS + 2; i++) {
      prepare?.();
      const start = performance.now();
      call();
      const seconds = (performance.now() - start) / 1000;
      if (i >= 2) seen.push(flops / seconds / 1e9);
    }
    speeds[name] = seen;
  }
  return speeds;
}

/** GFLOP/s of one product of two 1000×1000 matrices. */
export function productSpeed(): number {
  const n = 1000;
  const [a, b, c] = [new Float64Array(n * n).fill(1.5), new Float64Array(n * n).fill(0.5), new Float64Array(n * n)];
  blas().gemm(false, false, 100, 100, 100, 1, a, n, b, n, 0, c, n); // touches what the first call would
  c.fill(1);
  const start = performance.now();
  blas().gemm(false, false, n, n, n, 1, a, n, b, n, 0, c, n);
  return (2 * n ** 3) / (performance.now() - start) / 1e6;
}

/** Seconds of twenty symmetric products of 10,000×200 numbers. */
export function secondsOfGrams(): number {
  const [rows, columns] = [10_000, 200];
  const a = new Float64Array(rows * columns).fill(0.5);
  const c = new Float64Array(columns * columns);
  const start = performance.now();
  for (let i = 0; i < 20; i++) blas().syrk(columns, rows, 1, a, columns, 0, c, columns);
  return (performance.now() - start) / 1000;
}

function kernels(): Kernel[] {
  const n = 1000;
  const normal = normals(7);
  const random = (length: number): Float64Array => Float64Array.from({ length }, normal);
  const [a, b, c] = [random(n * n), random(n * n), new Float64Array(n * n)];
  const [tallRows, tallColumns] = [10_000, 200];
  const tall = random(tallRows * tallColumns);
  const gram = new Float64Array(tallColumns * tallColumns);
  const definite = new Float64Array(n * n);
  blas().syrk(n, n, 1, a, n, 0, definite, n);
  for (let j = 0; j < n; j++) definite[j * n + j] += n;
  const factor = new Float64Array(n * n);
  return [
    {
      name: "dgemm 1000×1000×1000",
      flops: 2 * n ** 3,
      call: () => blas().gemm(false, false, n, n, n, 1, a, n, b, n, 0, c, n),
    },
    {
      name: "dsyrk 200×200 from 10,000 rows",
      flops: tallRows * tallColumns * (tallColumns + 1),
      call: () => blas().syrk(tallColumns, tallRows, 1, tall, tallColumns, 0, gram, tallColumns),
    },
    {
      name: "dpotrf 1000×1000",
      flops: n ** 3 / 3,
      prepare: () => factor.set(definite),
      call: () => {
        if (blas().potrf(n, factor, n) !== 0) throw new Error("The matrix to be factorised is not positive definite.");
      },
    },
  ];
}
