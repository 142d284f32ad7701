/** Parts of a job that several threads take: the same digits as on one, and an end whatever becomes of a thread. */
import { existsSync } from "node:fs";
import koffi from "koffi";
import { afterAll, describe, expect, test } from "vitest";
import { type CurvedJob, curvedJob, curvedParts, sumsOfPart } from "../../src/linalg/parts/curved-rows.js";
import { type GramJob, gramJob, gramSums } from "../../src/linalg/parts/gram-rows.js";
import { addPart, type PartsJob } from "../../src/linalg/parts/jobs.js";
import { momentCut } from "../../src/linalg/parts/moment-blocks.js";
import { momentJob } from "../../src/linalg/parts/moment-products.js";
import { pairJob } from "../../src/linalg/parts/pair-products.js";
import { PartHelpers } from "../../src/linalg/parts/part-helpers.node.js";
import { NATIVE_STRETCH, type Products } from "../../src/linalg/parts/products.js";
import { type FormsJob, formsJob, packedLength, packUppers } from "../../src/linalg/parts/row-forms.js";
import { type PullJob, pullJob, type ScoresJob, scoresJob, tallParts } from "../../src/linalg/parts/row-products.js";
import { type SizesJob, sizesJob, sizesParts } from "../../src/linalg/parts/row-sizes.js";
import { sharedFolds } from "../../src/linalg/parts/share.js";
import { type WeightedGramsJob, weightedGramsJob, weightedGramsStarts } from "../../src/linalg/parts/weighted-grams.js";
import { Random } from "../models/naive.js";
import { backends, required } from "./backends.js";

const native = backends[1];
/** As it is built: threads read no TypeScript. */
const program = new URL("../../dist/linalg/parts/part-helper.node.js", import.meta.url);
const library = /\(([^\s()]+)[^()]*\)$/.exec(native.blas?.description ?? "")?.[1] ?? "";

const shared = (values: readonly number[]): Float64Array => {
  const out = new Float64Array(new SharedArrayBuffer(8 * values.length));
  out.set(values);
  return out;
};

const room = (count: number): Float64Array => new Float64Array(new SharedArrayBuffer(8 * count));

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
  return curvedJob({
    features: m,
    classes: K,
    columns,
    weights: shared(random.normals(m * columns)),
    intercepts: shared(random.normals(columns)),
    blocks,
    sums: room(curvedParts(sizes.length) * sumsOfPart(m, columns)),
  });
}

/** Pairs of the variables of every row, and their fourth moments. */
function momentJobs(): { pairs: PartsJob<Float64Array>; moments: PartsJob<Float64Array>; sums: Float64Array } {
  const random = new Random(3);
  const [cut, rows] = [momentCut(13), 50];
  const [z, omega] = [shared(random.normals(rows * cut.variables)), shared(random.normals(rows))];
  const [pairs, weighted, sums] = [room(rows * cut.pairs), room(rows * cut.pairs), room(cut.work)];
  return {
    pairs: pairJob({ cut, rows, z, omega, pairs, weighted }),
    moments: momentJob({ cut, rows, pairs, weighted, sums }),
    sums,
  };
}

/** Several sets of weights of rows that fill a stretch and more, features in two parts. */
function gramsJob(): WeightedGramsJob {
  const random = new Random(5);
  const [rows, d, sets] = [300, 26, 3];
  const starts = weightedGramsStarts(d);
  const features = shared(random.normals(rows * d));
  const weights = shared(random.normals(rows * sets));
  return weightedGramsJob({ starts, rows, sets, features, weights, sums: room(((d * (d + 1)) / 2) * sets) });
}

/** Rows in two parts, of several small products each. */
function tallRows() {
  const random = new Random(6);
  const [rows, features, columns] = [1100, 1000, 3];
  return { random, rows, features, columns, x: Float64Array.from(random.normals(rows * features)) };
}

function scoresOfRows(): ScoresJob<Float64Array> {
  const { random, ...rows } = tallRows();
  const weights = shared(random.normals(rows.features * rows.columns));
  return scoresJob({ ...rows, weights, scores: shared(random.normals(rows.rows * rows.columns)) });
}

function pullOfRows(): PullJob<Float64Array> {
  const { random, ...rows } = tallRows();
  const sums = room(tallParts(rows.rows, rows.features) * rows.columns * rows.features);
  return pullJob({ ...rows, q: shared(random.normals(rows.rows * rows.columns)), sums });
}

/** Rows in three parts, one of them empty, under weights alike and apart, all together or in four folds, of which one has no rows. */
function gramOfRows(inFolds: boolean): GramJob<Float64Array> {
  const random = new Random(7);
  const [rows, features, grams, pulls] = [90, 31, 2, 1];
  const x = Float64Array.from(random.normals(rows * features));
  const weights = [...new Array<number>(rows).fill(0.5), ...Array.from({ length: rows }, () => random.uniform())];
  const of = sharedFolds(Uint16Array.from({ length: rows }, (_, i) => [3, 0, 1][(i * i) % 3]));
  const shape = { features, grams, borders: true, pulls };
  return gramJob({
    ...shape,
    x,
    rows,
    starts: [0, 50, 50, rows],
    folds: inFolds ? { of, count: 4 } : null,
    vectors: shared([...weights, ...random.normals(rows)]),
    sums: room((inFolds ? 12 : 3) * gramSums(shape)).fill(3),
    first: true,
  });
}

/** Sizes of rows of two parts. */
function sizesOfRows(p: 1 | 2): SizesJob<Float64Array> {
  const random = new Random(8);
  const [rows, features] = [200, 1000];
  const x = Float64Array.from(random.normals(rows * features));
  return sizesJob({ x, rows, features, p, sizes: room(rows), unsafe: room(sizesParts(rows, features)) });
}

/** Entry (i, j) of matrix k, as it lies behind a first row and column that do not count. */
const entryOf = (k: number, i: number, j: number): number => Math.sin(1 + 3 * k + i + 2 * j * j);

/** Forms of rows in two parts, of several stretches and blocks of columns. */
function formsOfRows(): FormsJob<Float64Array> {
  const random = new Random(9);
  const [rows, features, forms] = [1600, 130, 2];
  const uppers = room(packedLength(features, forms));
  const ld = features + 1;
  const matrices = Array.from({ length: forms }, (_, k) =>
    Float64Array.from({ length: ld * ld }, (__, at) => entryOf(k, Math.floor(at / ld) - 1, (at % ld) - 1)),
  );
  packUppers(matrices, { ld, first: 1, features }, uppers.fill(Number.NaN));
  const borders = shared(random.normals(features * forms));
  const x = Float64Array.from(random.normals(rows * features));
  return formsJob({ x, rows, features, forms, uppers, borders, out: room(forms * rows).fill(2) });
}

/** Products with plain arrays by the back end under test. */
const products: Products<Float64Array> = {
  gemm: (...product) => required(native).gemm(...product),
  syrk: (...product) => required(native).syrk(...product),
  from: (x, number) => x.subarray(number),
  numbers: (x, count) => x.subarray(0, count),
  stretch: NATIVE_STRETCH,
};

function fail(): never {
  throw new Error("no part");
}

describe.skipIf(native.blas === undefined || !existsSync(program))("threads beside this one", () => {
  const helpers = new PartHelpers(1, library, koffi, program, 0);
  afterAll(() => helpers.close());

  const doAlone = (job: PartsJob<Float64Array>): void => {
    for (let part = 0; part < job.parts; part++) addPart(job, part, products);
  };

  /** Returns how many parts were taken beside this thread. */
  function share(job: PartsJob<Float64Array>): number {
    let own = 0;
    helpers
      .share(job, (part) => {
        own++;
        for (const until = performance.now() + 5; performance.now() < until; );
        addPart(job, part, products);
      })
      .end();
    return job.parts - own;
  }

  /** A thread takes a while to start, and may come late to any job. */
  async function shareUntilTaken(jobs: () => number): Promise<void> {
    let taken = 0;
    for (const end = performance.now() + 20_000; taken === 0 && performance.now() < end; ) {
      taken = jobs();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    expect(taken).toBeGreaterThan(0);
  }

  async function sameAsAlone<Job extends PartsJob<Float64Array>>(
    make: () => Job,
    outOf: (job: Job) => Float64Array,
    parts: number,
  ): Promise<void> {
    const alone = make();
    expect(alone.parts).toBe(parts);
    doAlone(alone);
    await shareUntilTaken(() => {
      const job = make();
      const taken = share(job);
      expect(outOf(job)).toEqual(outOf(alone));
      return taken;
    });
  }

  test.each([
    [5, 2, 1],
    [401, 3, 2],
    [784, 10, 1],
  ])("%d features, %d classes, %d directions: to the last digit what one thread sums", async (m, K, k) => {
    await sameAsAlone(
      () => jobOf(m, K, k),
      ({ sums }) => sums,
      3,
    );
  });

  test("pairs and moments: to the last digit what one thread sums", async () => {
    const alone = momentJobs();
    doAlone(alone.pairs);
    doAlone(alone.moments);
    expect(alone.sums.every((sum) => sum !== 0)).toBe(true);
    await shareUntilTaken(() => {
      const { pairs, moments, sums } = momentJobs();
      const taken = Math.min(share(pairs), share(moments));
      expect(sums).toEqual(alone.sums);
      return taken;
    });
  });

  test("weighted Gram matrices: to the last digit what one thread sums", () =>
    sameAsAlone(gramsJob, ({ sums }) => sums, 2));
  test("scores of many rows: to the last digit what one thread sums", () =>
    sameAsAlone(scoresOfRows, ({ scores }) => scores, 9));
  test("pullbacks of many rows: to the last digit what one thread sums", () =>
    sameAsAlone(pullOfRows, ({ sums }) => sums, 2));

  test.each([true, false])("Gram matrices, in folds %s: those of plain loops", async (inFolds) => {
    const make = (): GramJob<Float64Array> => gramOfRows(inFolds);
    await sameAsAlone(make, ({ sums }) => sums, 3);
    const job = make();
    doAlone(job);
    const { features: m, rows, vectors, folds, starts, x } = job;
    const count = folds?.count ?? 1;
    const size = gramSums(job);
    for (let place = 0; place < 3 * count; place++) {
      const [part, fold] = [Math.floor(place / count), place % count];
      const sums = job.sums.subarray(place * size, (place + 1) * size);
      const over = (term: (i: number) => number): number => {
        let sum = 0;
        for (let i = starts[part]; i < starts[part + 1]; i++) if (!folds || folds.of[i] === fold) sum += term(i);
        return sum;
      };
      for (let j = 0; j < m; j++) {
        for (let g = 0; g < 2; g++)
          for (let l = 0; l <= j; l++)
            expect(sums[g * m * m + j * m + l]).toBeCloseTo(
              over((i) => vectors[g * rows + i] * x[i * m + j] * x[i * m + l]),
              10,
            );
        for (let v = 0; v < 3; v++)
          expect(sums[2 * m * m + v * m + j]).toBeCloseTo(
            over((i) => vectors[v * rows + i] * x[i * m + j]),
            10,
          );
      }
    }
    doAlone({ ...job, first: false });
    const again = make();
    doAlone(again);
    job.sums.forEach((sum, at) => expect(sum).toBeCloseTo(2 * again.sums[at], 10));
  });

  test.each([1, 2] as const)("sizes of many rows, p = %d: those of plain loops", async (p) => {
    await sameAsAlone(
      () => sizesOfRows(p),
      ({ sizes }) => sizes,
      2,
    );
    const { x, sizes, features, unsafe } = sizesOfRows(p);
    const job = sizesOfRows(p);
    job.unsafe.fill(1);
    doAlone(job);
    expect([...job.unsafe]).toEqual(p === 2 ? [0, 0] : [1, 1]);
    expect(unsafe.length).toBe(2);
    job.sizes.forEach((size, i) => {
      const row = x.subarray(i * features, (i + 1) * features);
      expect(size).toBeCloseTo(p === 1 ? row.reduce((sum, v) => sum + Math.abs(v), 0) : Math.hypot(...row), 9);
    });
    expect(sizes.every((size) => size === 0)).toBe(true);
  });

  test("quadratic forms of rows: those of plain loops", async () => {
    await sameAsAlone(formsOfRows, ({ out }) => out, 2);
    const job = formsOfRows();
    doAlone(job);
    const { x, rows, features: m, borders, out } = job;
    for (let i = 0; i < rows; i += 37) {
      const row = x.subarray(i * m, (i + 1) * m);
      for (let k = 0; k < 2; k++) {
        const image = row.map((_, a) => row.reduce((sum, v, b) => sum + entryOf(k, a, b) * v, 0));
        const wanted = row.reduce((sum, v, a) => sum + v * (image[a] + borders[a * 2 + k]), 2);
        expect(out[k * rows + i]).toBeCloseTo(wanted, 9);
      }
    }
  });

  test("a size that squares cannot have is flagged", () => {
    const job = sizesOfRows(2);
    job.x[150_000] = 1e200;
    doAlone(job);
    expect([...job.unsafe]).toEqual([0, 1]);
  });

  test("a thread that cannot start takes no part", () => {
    const none = new PartHelpers(2, library, koffi, new URL("./nowhere.js", import.meta.url), 0);
    const job = jobOf(5, 2, 1);
    const own: number[] = [];
    none.share(job, (part) => own.push(part)).end();
    expect(own).toEqual([0, 1, 2]);
    return none.close();
  });

  test("before it is worth a thread, this one does all, and what fails ends it", () => {
    const early = new PartHelpers(1, library, koffi, program, 1e9);
    const own: number[] = [];
    early.share(jobOf(5, 2, 1), (part) => own.push(part)).end();
    expect(own).toEqual([0, 1, 2]);
    const again = new PartHelpers(1, library, koffi, program, 1e9);
    expect(() => again.share(jobOf(5, 2, 1), () => fail()).end()).toThrow("no part");
  });

  test("what fails here is thrown when all parts have ended", () => {
    const none = new PartHelpers(0, library, koffi, program, 0);
    const own: number[] = [];
    const failing = (part: number): void => {
      own.push(part);
      if (part !== 1) throw new Error(`part ${part}`);
    };
    expect(() => none.share(jobOf(5, 2, 1), failing).end()).toThrow("part 0");
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
    const { pairs, moments } = momentJobs();
    const short = (whole: PartsJob<Float64Array>, name: string): void => {
      const numbers: Float64Array = Object.entries(whole).find(([key]) => key === name)?.[1];
      expect(() => shareParts?.({ ...whole, [name]: numbers.subarray(1) }, () => {})).toThrow(
        /shareParts: .* needs \d+ numbers/,
      );
    };
    for (const name of ["z", "omega", "pairs", "weighted"]) short(pairs, name);
    for (const name of ["x", "uppers", "borders", "out"]) short(formsOfRows(), name);
    for (const name of ["pairs", "weighted", "sums"]) short(moments, name);
    for (const name of ["features", "weights", "sums"]) short(gramsJob(), name);
    for (const name of ["x", "weights", "scores"]) short(scoresOfRows(), name);
    for (const name of ["x", "q", "sums"]) short(pullOfRows(), name);
    for (const name of ["x", "vectors", "sums"]) short(gramOfRows(true), name);
    for (const name of ["x", "sizes", "unsafe"]) short(sizesOfRows(2), name);
  });
});
