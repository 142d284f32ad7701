/** Parts of a job that several threads take: the same digits as on one, and an end whatever becomes of a thread. */
import { existsSync } from "node:fs";
import koffi from "koffi";
import { afterAll, describe, expect, test } from "vitest";
import { addPart, type CurvedJob, partsOf, type RowProducts, sumsOfPart } from "../../src/linalg/curved-rows.js";
import { RowHelpers } from "../../src/linalg/row-helpers.node.js";
import { Random } from "../models/naive.js";
import { backends, required } from "./backends.js";

const native = backends[1];
/** As it is built: threads read no TypeScript. */
const program = new URL("../../dist/linalg/curved-helper.node.js", import.meta.url);
const library = /\(([^\s()]+)[^()]*\)$/.exec(native.blas?.description ?? "")?.[1] ?? "";

const shared = (values: readonly number[]): Float64Array => {
  const out = new Float64Array(new SharedArrayBuffer(8 * values.length));
  out.set(values);
  return out;
};

/** Blocks of one row up to several stretches, some views of one array, the last so small that the engine keeps it elsewhere. */
function jobOf(m: number, K: number, k: number): CurvedJob<Float64Array> {
  const random = new Random(m + K + k);
  const columns = k * K;
  const sizes = [120, 1, 97, 33, 64, 300, 2, 5, 41, 80, 1];
  const all = Float64Array.from(random.normals(sizes.slice(0, -1).reduce((sum, r) => sum + r * m, 0)));
  let from = 0;
  const blocks = sizes.map((rows, b) => {
    const lastOne = b === sizes.length - 1;
    const x = lastOne ? Float64Array.from(random.normals(m)) : all.subarray(from, (from += rows * m));
    const p = shared(random.rows(rows, K).flatMap((row) => row.map(Math.abs)));
    return { x, rows, p, w: shared(Array.from({ length: rows }, () => random.uniform())) };
  });
  return {
    features: m,
    classes: K,
    columns,
    weights: shared(random.normals(m * columns)),
    intercepts: shared(random.normals(columns)),
    blocks,
    sums: new Float64Array(new SharedArrayBuffer(8 * partsOf(sizes.length) * sumsOfPart(m, columns))),
  };
}

/** Products with plain arrays by the back end under test. */
const products: RowProducts<Float64Array> = {
  scores: ({ features: m, columns, weights }, x, from, r, scores) =>
    required(native).gemm(
      false,
      false,
      r,
      columns,
      m,
      1,
      x.subarray(from * m),
      m,
      weights,
      columns,
      0,
      scores,
      columns,
    ),
  pull: ({ features: m, columns }, x, from, r, q, out) =>
    required(native).gemm(true, false, columns, m, r, 1, q, columns, x.subarray(from * m), m, 1, out, m),
};

function fail(): never {
  throw new Error("no part");
}

describe.skipIf(native.blas === undefined || !existsSync(program))("threads beside this one", () => {
  const helpers = new RowHelpers(1, library, koffi.address, program, 0);
  afterAll(() => helpers.close());

  test.each([
    [5, 2, 1],
    [401, 3, 2],
    [784, 10, 1],
  ])("%d features, %d classes, %d directions: to the last digit what one thread sums", async (m, K, k) => {
    const alone = jobOf(m, K, k);
    const parts = partsOf(alone.blocks.length);
    expect(parts).toBe(3);
    for (let part = 0; part < parts; part++) addPart(alone, part, products);
    // A thread takes a while to start, and may come late to any job.
    let taken = 0;
    for (const end = performance.now() + 20_000; taken === 0 && performance.now() < end; ) {
      const job = jobOf(m, K, k);
      const own: number[] = [];
      helpers.share(job, (part) => {
        own.push(part);
        for (const until = performance.now() + 5; performance.now() < until; );
        addPart(job, part, products);
      });
      expect(job.sums).toEqual(alone.sums);
      taken = parts - own.length;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(taken).toBeGreaterThan(0);
  });

  test("a thread that cannot start takes no part", () => {
    const none = new RowHelpers(2, library, koffi.address, new URL("./nowhere.js", import.meta.url), 0);
    const job = jobOf(5, 2, 1);
    const own: number[] = [];
    none.share(job, (part) => own.push(part));
    expect(own).toEqual([0, 1, 2]);
    return none.close();
  });

  test("before it is worth a thread, this one does all, and what fails ends it", () => {
    const early = new RowHelpers(1, library, koffi.address, program, 1);
    const own: number[] = [];
    early.share(jobOf(5, 2, 1), (part) => own.push(part));
    expect(own).toEqual([0, 1, 2]);
    const again = new RowHelpers(1, library, koffi.address, program, 1);
    expect(() => again.share(jobOf(5, 2, 1), () => fail())).toThrow("no part");
  });

  test("what fails here is thrown when all parts have ended", () => {
    const none = new RowHelpers(0, library, koffi.address, program, 0);
    const own: number[] = [];
    const failing = (part: number): void => {
      own.push(part);
      if (part !== 1) throw new Error(`part ${part}`);
    };
    expect(() => none.share(jobOf(5, 2, 1), failing)).toThrow("part 0");
    expect(own).toEqual([0, 1, 2]);
  });

  test("arrays that are too short are refused before any thread reads them", () => {
    const { shareParts } = required(native);
    expect(shareParts).toBeDefined();
    const job = jobOf(5, 2, 1);
    const refused = (change: Partial<CurvedJob<Float64Array>>): void =>
      expect(() => shareParts?.({ ...job, ...change }, () => {})).toThrow(/shareParts: .* needs \d+ numbers/);
    refused({ weights: job.weights.subarray(1) });
    refused({ intercepts: job.intercepts.subarray(1) });
    refused({ sums: job.sums.subarray(1) });
    const [block, ...others] = job.blocks;
    refused({ blocks: [{ ...block, x: block.x.subarray(1) }, ...others] });
    refused({ blocks: [{ ...block, p: block.p.subarray(1) }, ...others] });
    refused({ blocks: [{ ...block, w: block.w.subarray(1) }, ...others] });
  });
});
