/** A softmax analysis of rows that pass by says what one in memory says, for any ranks and any blocks. */
import { describe, expect, test } from "vitest";
import {
  ALONE,
  analyzeStreamed,
  assignFolds,
  type Checkpoint,
  DEFAULT_SETTINGS,
  type StudyResult,
  type StudySettings,
  type Table,
} from "../../../src/index.js";
import { encodeTraining } from "../../../src/study/prepare.js";
import { Random } from "../../models/naive.js";
import { categorical, leaves, numeric, settings, table } from "../tables.js";
import { expectAgreement, RANKS, streamed } from "./agreement.js";
import { streamOf } from "./passing-rows.js";

const INF = Number.POSITIVE_INFINITY;

/** Flowers of three kinds that overlap, in columns of different units, with weights and a class that is rare. */
function flowers(n = 130, seed = 3): Table {
  const random = new Random(seed);
  const kinds = Array.from({ length: n }, () => ["fern", "moss", "rose"][Math.floor(2.4 * random.uniform())]);
  const place = (kind: string): number => ["fern", "moss", "rose"].indexOf(kind);
  return table([
    numeric(
      "length",
      kinds.map((kind) => 30 + 4 * place(kind) + 6 * random.normal()),
    ),
    numeric(
      "width",
      kinds.map((kind) => 0.2 * (place(kind) === 1 ? 1 : 0) + 0.2 * random.normal()),
    ),
    categorical(
      "soil",
      kinds.map((_, i) => ["sand", "clay"][(i * i) % 2]),
    ),
    numeric(
      "weight",
      kinds.map(() => 1 + Math.floor(4 * random.uniform())),
    ),
    categorical("kind", kinds),
  ]);
}

const base: Partial<StudySettings> = { target: "kind", model: "softmax", exclude: ["weight"] };
const cases: readonly (readonly [string, Partial<StudySettings>])[] = [
  ["in sample, every norm", { evaluation: { kind: "training" }, norms: [1, INF], l2: 0.01 }],
  ["a share held out, no ridge", { evaluation: { kind: "fraction", share: 0.3 }, norms: [2] }],
  ["folds", { evaluation: { kind: "cv", folds: 3 }, norms: [1.5], l2: 0.02 }],
  ["folds, no ridge, absolute sizes", { evaluation: { kind: "cv", folds: 3 }, norms: [2], radii: [0.05, 0.1] }],
  [
    "weights, balanced classes, share of attacks, no intercept",
    {
      evaluation: { kind: "fraction", share: 0.3 },
      exclude: [],
      weights: "weight",
      weightsKind: "frequency",
      classWeight: "balanced",
      attackRate: 0.4,
      intercept: false,
      C: 1,
      norms: [2, INF],
    },
  ],
  [
    "balanced classes in folds",
    { evaluation: { kind: "cv", folds: 3 }, norms: [2], l2: 0.02, classWeight: "balanced" },
  ],
  ["groups in folds", { evaluation: { kind: "cv", folds: 3 }, norms: [2], l2: 0.02, by: "soil" }],
  [
    "some rows attacked",
    {
      evaluation: { kind: "cv", folds: 2 },
      norms: [2],
      l2: 0.02,
      local: { ...DEFAULT_SETTINGS.local, attackRows: 50 },
    },
  ],
  ["bootstrap", { evaluation: { kind: "training" }, norms: [1, 2], l2: 0.02, inference: "bootstrap", draws: 60 }],
  [
    "bootstrap of counts, folds, no ridge, absolute sizes",
    {
      evaluation: { kind: "cv", folds: 2 },
      norms: [2],
      radii: [0.05],
      exclude: [],
      weights: "weight",
      weightsKind: "frequency",
      inference: "bootstrap",
      draws: 50,
    },
  ],
  [
    "conjugate gradients",
    {
      evaluation: { kind: "training" },
      norms: [2],
      l2: 0.02,
      local: { ...DEFAULT_SETTINGS.local, solver: "cg", damping: 0.1 },
    },
  ],
];

describe("a softmax model of rows that pass by is that of rows in memory", () => {
  test.each(cases)("%s", async (name, changes) => {
    const asked = { ...base, ...changes };
    await expectAgreement(flowers(), asked);
    await expectAgreement(flowers(), asked, RANKS);
  });
});

test("rows of another file, apart on other ranks than the training rows", async () => {
  const changes: Partial<StudySettings> = { ...base, evaluation: { kind: "file", path: "later.csv" }, norms: [2] };
  await expectAgreement(flowers(), changes, RANKS, flowers(53, 7));
});

test.runIf(process.env["AIF_LONG_TESTS"] === "1")(
  "more rows than are counted out: intervals of metrics are normal",
  { timeout: 600_000 },
  async () => {
    const changes: Partial<StudySettings> = {
      ...base,
      evaluation: { kind: "training" },
      weights: "weight",
      exclude: [],
      norms: [2],
      epsilons: [0.02],
      l2: 0.01,
      local: { ...DEFAULT_SETTINGS.local, attackRows: "all" },
    };
    const [found] = await streamed(flowers(100_050), changes, { rowsPerBlock: 100_000 });
    const { accuracy, balancedAccuracy } = found.threats[0].curve[0].metrics.changes.robust;
    expect([accuracy.method, balancedAccuracy.method]).toEqual(["paired", "paired"]);
    await expectAgreement(flowers(100_050), changes, { bounds: [0.3], rowsPerBlock: 100_000 });
  },
);

test("classes that come apart on no process by itself are refused on all", async () => {
  const x = Array.from({ length: 60 }, (_, i) => i + Math.sin(i));
  const apart = table([
    numeric("x", x),
    categorical(
      "kind",
      x.map((i) => ["a", "b", "c"][Math.floor(i / 20)]),
    ),
  ]);
  await expect(streamed(apart, { ...base, exclude: [], evaluation: { kind: "training" } }, RANKS)).rejects.toThrow(
    /separate the classes/,
  );
});

const numbersOf = (result: StudyResult): number[] =>
  leaves(result).flatMap(({ path, value }) =>
    typeof value === "number" && !path.startsWith(".timings") ? [value] : [],
  );

test.each([
  ["sandwich", 3],
  ["bootstrap", 2],
] as const)(
  "%s: a run that goes on from a checkpoint has the same digits, and asks the rows for the rest only",
  async (inference, folds) => {
    const changes = { inference, draws: 50, evaluation: { kind: "cv", folds } } as const;
    const asked = settings({ ...base, ...changes, norms: [2, INF], l2: 0.02 });
    const data = encodeTraining(flowers(), asked);
    const foldOf = assignFolds(data.sourceRows, folds, 0, { strata: data.y });
    let blocks = 0;
    const cut = new Error("cut off");
    const run = (checkpoint: Checkpoint | undefined, limit = Infinity) => {
      const rows = streamOf(data, { ranks: ALONE, from: 0, to: data.rows, foldOf });
      blocks = 0;
      const counted = {
        ...rows,
        *blocks(size?: number, from?: number) {
          for (const block of rows.blocks(size, from)) {
            if (++blocks > limit) throw cut;
            yield block;
          }
        },
      };
      const input = { training: counted, evaluation: null, settings: asked, source: "test.csv", readSeconds: 0 };
      return analyzeStreamed(input, checkpoint ? { checkpoint } : {});
    };
    const { result: straight } = await run(undefined);
    const passes = blocks;
    expect(straight.timings.passes).toBe(passes);
    for (const share of [0.1, 0.5, 0.9]) {
      const saved = new Map<string, readonly string[]>();
      const keeping: Checkpoint = {
        load: () => null,
        save: async (stage, numbers) => void saved.set(stage, numbers),
      };
      const limit = Math.floor(share * passes);
      await expect(run(keeping, limit)).rejects.toBe(cut);
      expect(saved.size).toBeGreaterThanOrEqual(limit);
      const { result } = await run({ ...keeping, load: (stage) => saved.get(stage) ?? null });
      expect(numbersOf(result)).toEqual(numbersOf(straight));
      // What the operators kept was lost, so that a pass may be needed that was none before.
      expect(blocks).toBeLessThanOrEqual(passes - limit + 5);
    }
  },
);
