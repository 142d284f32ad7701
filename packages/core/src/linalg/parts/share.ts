/** Parts of a job on this thread, and on those beside it where there are any and the job is worth it. */
import { blas } from "../backend.js";
import { addPart, type PartsJob } from "./jobs.js";
import { NATIVE_STRETCH, PORTABLE_STRETCH, type Products, type Stretch } from "./products.js";

/** Multiply-adds of a job from which threads beside this one pay: a few milliseconds. */
export const SHARED_WORK = 5e7;

const products: Products<Float64Array> = {
  gemm: (...product) => blas().gemm(...product),
  from: (x, number) => x.subarray(number),
  get stretch(): Stretch {
    return blas().name === "native" ? NATIVE_STRETCH : PORTABLE_STRETCH;
  },
};

/** Does all parts of a job. */
export function doParts(job: PartsJob<Float64Array>): void {
  const own = (part: number): void => addPart(job, part, products);
  const { shareParts } = blas();
  if (shareParts && job.work >= SHARED_WORK && job.parts > 1) shareParts(job, own);
  else for (let part = 0; part < job.parts; part++) own(part);
}

/** Numbers that threads beside this one would see; pages in browsers may have no such memory, and no such threads either. */
export const sharedNumbers = (length: number): Float64Array =>
  typeof SharedArrayBuffer === "undefined"
    ? new Float64Array(length)
    : new Float64Array(new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT * length));
