/** A thread that takes parts of `curved-rows.ts` beside the first one, by the same library; rows are read where they lie. */
import { isMainThread, parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import koffi from "koffi";
import { addPart, partsOf, type RowProducts } from "./curved-rows.js";
import { bindGemm } from "./native-kernels.node.js";
import { DONE, FAILED, type HelperStart, NEXT, type SharedJob } from "./row-helpers.node.js";

const BYTES = BigInt(Float64Array.BYTES_PER_ELEMENT);

function takeParts({ job, turns }: SharedJob, products: RowProducts<bigint>): void {
  for (;;) {
    const part = Atomics.add(turns, NEXT, 1);
    if (part >= partsOf(job.blocks.length)) return;
    try {
      addPart(job, part, products);
    } catch {
      Atomics.store(turns, FAILED, 1);
    }
    Atomics.add(turns, DONE, 1);
    Atomics.notify(turns, DONE);
  }
}

if (!isMainThread && parentPort) {
  const { library, calls } = workerData as HelperStart;
  const gemm = bindGemm(koffi.load(library));
  const at = (x: bigint, numbers: number): bigint => x + BYTES * BigInt(numbers);
  const products: RowProducts<bigint> = {
    scores: ({ features: m, columns, weights }, x, from, r, scores) =>
      gemm(false, false, r, columns, m, 1, at(x, from * m), m, weights, columns, 0, scores, columns),
    pull: ({ features: m, columns }, x, from, r, q, out) =>
      gemm(true, false, columns, m, r, 1, q, columns, at(x, from * m), m, 1, out, m),
  };
  for (let seen = 0; ; seen = Atomics.load(calls, 0)) {
    for (let next = receiveMessageOnPort(parentPort); next; next = receiveMessageOnPort(parentPort)) {
      takeParts(next.message as SharedJob, products);
    }
    Atomics.wait(calls, 0, seen);
  }
}
