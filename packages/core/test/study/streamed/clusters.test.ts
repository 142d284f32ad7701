/** Clusters of rows that pass by: every interval is that of rows in memory, on any ranks and in any blocks. */
import { describe, expect, test } from "vitest";
import { DEFAULT_SETTINGS, type StudySettings, type Table } from "../../../src/index.js";
import type { Checkpoint } from "../../../src/parallel/checkpoint.js";
import { Random } from "../../models/naive.js";
import { categorical, houses, loans, numeric, table } from "../tables.js";
import { expectAgreement, RANKS, streamed } from "./agreement.js";

const INF = Number.POSITIVE_INFINITY;

/** A table with a column of streets, some of one row and some of many, and one of weights; few rows of a street stand together. */
function inStreets(data: Table, streets: number, seed = 3): Table {
  const random = new Random(seed);
  const street = Array.from({ length: data.rows }, () => Math.floor(streets * random.uniform() ** 2));
  const weight = street.map(() => 1 + Math.floor(3 * random.uniform()));
  const target = data.columns[data.columns.length - 1];
  return table([
    ...data.columns.slice(0, -1),
    categorical(
      "street",
      street.map((place) => `street ${place}`),
    ),
    numeric(
      "district",
      street.map((place) => (place * 7) % 11),
    ),
    numeric("weight", weight),
    target,
  ]);
}

const homes = inStreets(houses(), 45);
const credits = inStreets(loans(), 60);
const plain: Partial<StudySettings> = { cluster: "street", exclude: ["district", "weight"] };
const weighed: Partial<StudySettings> = { cluster: "street", exclude: ["district"], weights: "weight" };

const cases: readonly (readonly [string, Table, Partial<StudySettings>])[] = [
  ["linear, in folds", homes, { ...plain, norms: [1, 2, INF] }],
  [
    "linear, weights, a share held out, by groups",
    homes,
    { ...weighed, by: "town", evaluation: { kind: "fraction", share: 0.4 } },
  ],
  ["linear, counts, in sample", homes, { ...weighed, weightsKind: "frequency", evaluation: { kind: "training" } }],
  [
    "linear, absolute sizes, numbers as labels",
    homes,
    { cluster: "district", exclude: ["street", "weight"], radii: [0.1], evaluation: { kind: "cv", folds: 3 } },
  ],
  [
    "linear, splits by another column",
    homes,
    { ...plain, exclude: ["weight"], splitBy: "district", evaluation: { kind: "cv", folds: 2 } },
  ],
  ["linear, many parameters a row", inStreets(houses(70), 30), { ...plain, norms: [2] }],
  ["quadratic", homes, { ...plain, model: "quadratic", norms: [2, INF] }],
  ["logistic, in folds", credits, { ...plain, target: "repaid", norms: [2] }],
  [
    "logistic, weights, balanced, in sample",
    credits,
    { ...weighed, target: "repaid", classWeight: "balanced", evaluation: { kind: "training" } },
  ],
  ["bootstrap", homes, { ...weighed, inference: "bootstrap", draws: 60, norms: [2, INF] }],
  [
    "bootstrap of counts, logistic",
    credits,
    { ...weighed, weightsKind: "frequency", target: "repaid", inference: "bootstrap", draws: 50, norms: [2] },
  ],
];

/** Loans of three kinds, in streets; which kind shows in the columns by halves. */
function kinds(rows = 120, seed = 5): Table {
  const random = new Random(seed);
  const base = inStreets(loans(rows), 30);
  const kind = Array.from({ length: rows }, () => ["car", "home", "boat"][Math.floor(2.5 * random.uniform())]);
  const size = kind.map((name) => name.length + 0.8 * random.normal());
  return table([...base.columns.slice(0, -1), numeric("size", size), categorical("kind", kind)]);
}

const softmax: Partial<StudySettings> = { ...plain, target: "kind", model: "softmax", l2: 0.02, norms: [2] };
const ofClasses: readonly (readonly [string, Table, Partial<StudySettings>])[] = [
  ["softmax, in folds, every norm", kinds(), { ...softmax, norms: [1, 2, INF], evaluation: { kind: "cv", folds: 3 } }],
  [
    "softmax, weights, balanced, a share held out, by groups, no ridge",
    kinds(),
    {
      ...softmax,
      ...weighed,
      l2: null,
      by: "district",
      exclude: [],
      classWeight: "balanced",
      evaluation: { kind: "fraction", share: 0.4 },
    },
  ],
  [
    "softmax, counts, in sample, some rows attacked",
    kinds(),
    {
      ...softmax,
      ...weighed,
      weightsKind: "frequency",
      evaluation: { kind: "training" },
      local: { ...DEFAULT_SETTINGS.local, attackRows: 50 },
    },
  ],
  [
    "softmax, bootstrap",
    kinds(),
    { ...softmax, ...weighed, inference: "bootstrap", draws: 50, evaluation: { kind: "training" } },
  ],
];

describe("clusters", () => {
  test.each([...cases, ...ofClasses])("%s", async (_, data, changes) => {
    await expectAgreement(data, changes);
    await expectAgreement(data, changes, RANKS);
  });

  test("rows of another file have clusters of their own", async () => {
    const changes: Partial<StudySettings> = { ...plain, evaluation: { kind: "file", path: "later.csv" }, norms: [2] };
    await expectAgreement(homes, changes, RANKS, inStreets(houses(53, 7), 12, 8));
  });

  test("one cluster alone is refused, and more than there is room for", async () => {
    const one = { cluster: "town", exclude: ["street", "district", "weight"] };
    const same = table(
      homes.columns.map((column) => (column.name === "town" ? categorical("town", Array(120).fill("a")) : column)),
    );
    await expect(streamed(same, { ...one, evaluation: { kind: "training" } }, RANKS)).rejects.toThrow(
      /All rows are in one cluster of --cluster "town"/,
    );
    const room = { ...RANKS, memoryBytes: 10_000 };
    await expect(streamed(homes, plain, room)).rejects.toMatchObject({ code: "resource" });
    await expect(streamed(homes, plain, room)).rejects.toThrow(
      /^--cluster "street" names \d+ clusters, whose sums take \d+ kB, for which --memory leaves no room: [^\n]*$/,
    );
  });
});

test.each(["sandwich", "bootstrap"] as const)(
  "%s: a run that goes on from a checkpoint has the same digits, of the AUC too",
  async (inference) => {
    const changes: Partial<StudySettings> = {
      ...weighed,
      target: "repaid",
      inference,
      draws: 50,
      norms: [2],
      exact: false,
    };
    const saved = new Map<string, readonly string[]>();
    const keeping: Checkpoint = { load: () => null, save: async (stage, data) => void saved.set(stage, data) };
    const [whole] = await streamed(credits, changes, { checkpoint: keeping });
    const half = new Map([...saved].slice(0, Math.floor(saved.size / 2)));
    for (const known of [half, saved]) {
      const going: Checkpoint = { load: (stage) => known.get(stage) ?? null, save: async () => {} };
      const [again] = await streamed(credits, changes, { checkpoint: going });
      expect({ ...again, timings: null }).toEqual({ ...whole, timings: null });
    }
    expect(whole.fit.metrics["auc"]).toBeGreaterThan(0.5);
  },
);
