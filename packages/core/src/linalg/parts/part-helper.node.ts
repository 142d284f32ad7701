/** A thread that takes parts of jobs beside the first one, by the same library; rows are read where they lie. */
import { readlinkSync } from "node:fs";
import { basename } from "node:path";
import { isMainThread, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import koffi from "koffi";
import { bindGemm, bindSyrk } from "../native-kernels.node.js";
import { addPart } from "./jobs.js";
import { DONE, FAILED, type HelperStart, NEXT, type SharedJob } from "./part-helpers.node.js";
import { NATIVE_STRETCH, type Products } from "./products.js";

const BYTES = BigInt(Float64Array.BYTES_PER_ELEMENT);

function takeParts({ job, turns }: SharedJob, products: Products<bigint>): void {
  for (;;) {
    const part = Atomics.add(turns, NEXT, 1);
    if (part >= job.parts) return;
    try {
      addPart(job, part, products);
    } catch {
      Atomics.store(turns, FAILED, 1);
    }
    Atomics.add(turns, DONE, 1);
    Atomics.notify(turns, DONE);
  }
}

/** This thread's number in the system; 0 where it has none that can be read. */
function threadNumber(): number {
  try {
    return Number(basename(readlinkSync("/proc/thread-self")));
  } catch {
    return 0;
  }
}

if (!isMainThread && parentPort) {
  const { library, calls, threads, at, busy } = workerData as HelperStart;
  threads[at] = threadNumber();
  const blas = koffi.load(library);
  const products: Products<bigint> = {
    gemm: bindGemm(blas),
    syrk: bindSyrk(blas),
    from: (x, number) => x + BYTES * BigInt(number),
    numbers: (x, count) => new Float64Array(koffi.view(x, Float64Array.BYTES_PER_ELEMENT * count)),
    stretch: NATIVE_STRETCH,
  };
  for (let seen = 0; ; seen = Atomics.load(calls, 0)) {
    Atomics.store(busy, at, 1);
    while (Atomics.load(busy, busy.length - 1) === 0) {
      const next = receiveMessageOnPort(parentPort);
      if (!next) break;
      takeParts(next.message as SharedJob, products);
    }
    Atomics.store(busy, at, 0);
    Atomics.notify(busy, at);
    Atomics.wait(calls, 0, seen);
  }
}
