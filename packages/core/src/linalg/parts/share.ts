/** Parts of a job on this thread, and on those beside it where there are any and the job is worth it. */
import { blas } from "../backend.js";
import type { BegunParts } from "../blas.js";
import { addPart, type PartsJob } from "./jobs.js";
import { NATIVE_STRETCH, PORTABLE_STRETCH, type Products, type Stretch } from "./products.js";

/** Multiply-adds of a job from which threads beside this one pay: half a millisecond. */
export const SHARED_WORK = 2e7;

const products: Products<Float64Array> = {
  gemm: (...product) => blas().gemm(...product),
  syrk: (...product) => blas().syrk(...product),
  from: (x, number) => x.subarray(number),
  numbers: (x, count) => x.subarray(0, count),
  get stretch(): Stretch {
    return blas().name === "native" ? NATIVE_STRETCH : PORTABLE_STRETCH;
  },
};

/** Does all parts of a job. */
export const doParts = (job: PartsJob<Float64Array>): void => beginParts(job).end();

/** Begins a job, on threads beside this one where there are any and it is worth it. */
export function beginParts(job: PartsJob<Float64Array>): BegunParts {
  const own = (part: number): void => addPart(job, part, products);
  const { shareParts } = blas();
  if (shareParts && job.work >= SHARED_WORK && job.parts > 1) return shareParts(job, own);
  const end = (): void => {
    for (let part = 0; part < job.parts; part++) own(part);
  };
  return { help() {}, end };
}

/** Numbers that threads beside this one would see; pages in browsers may have no such memory, and no such threads either. */
export const sharedNumbers = (length: number): Float64Array =>
  typeof SharedArrayBuffer === "undefined"
    ? new Float64Array(length)
    : new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * length));

/** A copy of folds that they would see. */
export function sharedFolds(of: Uint16Array): Uint16Array {
  if (typeof SharedArrayBuffer === "undefined") return of;
  const copy = new Uint16Array(new SharedArrayBuffer(of.byteLength));
  copy.set(of);
  return copy;
}
