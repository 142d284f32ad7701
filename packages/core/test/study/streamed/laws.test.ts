/** What does not change the rows does not change the result: ranks, blocks, and where a run was cut off. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ALONE,
  analyze,
  assignFolds,
  type Checkpoint,
  refuseUnstreamed,
  type StudySettings,
} from "../../../src/index.js";
import { encodeTraining } from "../../../src/study/prepare.js";
import { analyzeStreamed } from "../../../src/study/streamed/analyze.js";
import { together } from "../../parallel/together.js";
import { houses, leaves, loans, settings } from "../tables.js";
import { RANKS, streamed } from "./agreement.js";
import { type Cut, cutsOf, streamOf } from "./passing-rows.js";

const asked = settings({ evaluation: { kind: "cv", folds: 4 }, epsilons: [0.02], norms: [2, Infinity] });
const data = encodeTraining(houses(60), asked);
const foldOf = assignFolds(data.sourceRows, 4, 0);

const whole = (changes: Partial<Cut> = {}) =>
  streamOf(data, { ranks: ALONE, from: 0, to: data.rows, foldOf, ...changes });
const inputOf = (training: ReturnType<typeof whole>) => ({
  training,
  evaluation: null,
  settings: asked,
  source: "test.csv",
  readSeconds: 0,
});
const numbersOf = (value: unknown): number[] =>
  leaves(value).flatMap(({ path, value: leaf }) =>
    typeof leaf === "number" && !path.startsWith(".timings") ? [leaf] : [],
  );

const known = analyzeStreamed(inputOf(whole()));

describe("laws", () => {
  test("any cut of the rows into ranks and blocks", async () => {
    const expected = numbersOf((await known).result);
    const largest = Math.max(1, (await known).result.fit.trainingLoss);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }),
        fc.integer({ min: 1, max: 70 }),
        async (bounds, rowsPerBlock) => {
          const cuts = cutsOf(data.rows, bounds);
          const studies = await together(bounds.length + 1, (ranks) =>
            analyzeStreamed(inputOf(whole({ ...cuts[ranks.rank], ranks, rowsPerBlock }))),
          );
          for (const { result } of studies) {
            const found = numbersOf(result);
            expect(found.length).toBe(expected.length);
            found.forEach((value, k) => {
              expect(Math.abs(value - expected[k])).toBeLessThanOrEqual(1e-8 * Math.abs(expected[k]) + 1e-12 * largest);
            });
          }
          // All ranks say the same to the last digit.
          for (const { result } of studies) expect(numbersOf(result)).toEqual(numbersOf(studies[0].result));
        },
      ),
      { numRuns: 12 },
    );
  });

  test("a run that goes on from a checkpoint ends with the same digits and asks the rows for the rest only", async () => {
    const saved = new Map<string, readonly string[]>();
    const keeping: Checkpoint = {
      load: () => null,
      save: async (stage, numbers) => void saved.set(stage, numbers),
    };
    const cut = new Error("cut off");
    let blocks = 0;
    const failing = (limit: number) => {
      const rows = whole();
      return {
        ...rows,
        *blocks(size?: number) {
          for (const block of rows.blocks(size)) {
            if (++blocks > limit) throw cut;
            yield block;
          }
        },
      };
    };
    await expect(analyzeStreamed(inputOf(failing(8)), { checkpoint: keeping })).rejects.toBe(cut);
    const before = saved.size;
    expect(before).toBeGreaterThan(3);
    blocks = 0;
    const going: Checkpoint = { ...keeping, load: (stage) => saved.get(stage) ?? null };
    const { result } = await analyzeStreamed(inputOf(failing(Infinity)), { checkpoint: going });
    const straight = (await known).result;
    expect(numbersOf(result)).toEqual(numbersOf(straight));
    expect(blocks).toBe((straight.timings.passes ?? 0) - before);
  });
});

describe("options that need all rows in memory are refused by name before any pass", () => {
  const cases: readonly (readonly [string, Partial<StudySettings>])[] = [
    ["--l1", { l1: [0.1] }],
    ["--wasserstein", { wasserstein: 2 }],
    ["--divergence", { divergence: "chi2", norms: [] }],
    ["--model kernel:rbf", { model: "kernel:rbf" }],
    ["--model mlp:3", { model: "mlp:3" }],
  ];
  test.each(cases)("%s", (option, changes) => {
    expect(() => refuseUnstreamed(settings(changes))).toThrow(`${option} needs all rows in memory`);
  });
  test("rows attacked one by one are not refused", () => {
    expect(() => refuseUnstreamed(settings({ wasserstein: Infinity }))).not.toThrow();
  });
});

describe("bad rows end in a sentence on all ranks", () => {
  test.each(["linear", "softmax"])(
    "a row outside of its bounds is the one that is named in memory: %s",
    async (model) => {
      const table = houses();
      const cut = 40;
      const data = {
        ...table,
        files: [
          { name: "a.csv", rows: cut },
          { name: "b.csv", rows: table.rows - cut },
        ],
      };
      const changes = {
        model,
        target: model === "softmax" ? "town" : "price",
        bounds: [{ column: "age", lower: 0, upper: 20 }],
        norms: [2],
        l2: 0.01,
        evaluation: { kind: "training" } as const,
      };
      const inMemory = analyze({ table: data, settings: settings(changes) });
      const sentence = await inMemory.then(
        () => "",
        (error: Error) => error.message,
      );
      const ages = table.columns.find(({ name }) => name === "age");
      const values: Float64Array = ages?.kind === "numeric" ? ages.values : new Float64Array(0);
      const oldest = values.indexOf(Math.max(...values));
      expect(oldest).toBeGreaterThan(cut);
      expect(sentence).toContain(`leave out rows: data row ${oldest - cut + 1} of b.csv has ${values[oldest]}, `);
      await expect(streamed(data, changes, RANKS)).rejects.toThrow(sentence);
    },
  );

  test("a target that the loss is not defined for names its row", async () => {
    const counts = { ...asked, model: "poisson" };
    const rows = whole();
    const below = {
      ...rows,
      *blocks(size?: number) {
        for (const block of rows.blocks(size))
          yield { ...block, y: block.y.map((y, i) => (block.sourceRows[i] === 7 ? -1 : Math.abs(y))) };
      },
    };
    await expect(analyzeStreamed({ ...inputOf(below), settings: counts })).rejects.toThrow(/Target -1 in row 7/);
  });

  test("classes that come apart are refused", async () => {
    const apart = settings({ target: "repaid", evaluation: { kind: "training" } });
    const rows = encodeTraining(loans(80), apart);
    const y = rows.y;
    const separated = streamOf(rows, { ranks: ALONE, from: 0, to: rows.rows, foldOf: null });
    const split = {
      ...separated,
      *blocks(size?: number) {
        for (const block of separated.blocks(size))
          yield { ...block, y: block.y.map((_, i) => (block.x.row(i)[0] > 0 ? 1 : -1)) };
      },
    };
    expect(y.length).toBe(80);
    const input = { training: split, evaluation: null, settings: apart, source: "test.csv", readSeconds: 0 };
    await expect(analyzeStreamed(input)).rejects.toThrow(/separate the targets/);
  });
});
