/** An analysis of rows that pass by must say what one in memory says, for any ranks and any blocks. */
import { describe, expect, test } from "vitest";
import type { StudySettings, Table } from "../../../src/index.js";
import { Random } from "../../models/naive.js";
import { categorical, houses, loans, numeric, table } from "../tables.js";
import { expectAgreement, RANKS, streamed } from "./agreement.js";

const INF = Number.POSITIVE_INFINITY;

/** Counts of events, with weights and gaps. */
function counts(n = 150, seed = 5): Table {
  const random = new Random(seed);
  const [a, b] = [0, 1].map(() => Array.from({ length: n }, () => random.normal()));
  const events = a.map((value, i) => Math.floor(Math.exp(0.4 + 0.5 * value - 0.3 * b[i]) * (0.5 + random.uniform())));
  return table([
    numeric(
      "a",
      a.map((value) => (random.uniform() < 0.05 ? Number.NaN : value)),
    ),
    numeric("b", b),
    categorical(
      "kind",
      a.map((_, i) => ["x", "y", "z"][i % 3]),
    ),
    numeric(
      "weight",
      a.map(() => 1 + Math.floor(4 * random.uniform())),
    ),
    numeric("price", events),
  ]);
}

/** Houses of which some are in a town of their own: of two, a fit without one meets the other exactly. */
function rareTown(there: readonly number[] = [20, 41]): Table {
  const all = houses(60, 4);
  const columns = all.columns.map((column) =>
    column.kind === "categorical"
      ? categorical(
          "town",
          Array.from(column.codes, (code, i) => (there.includes(i) ? "Dorsten" : column.levels[code])),
        )
      : column,
  );
  return { ...all, columns };
}

const ALL = [1, 1.5, 2, INF];
const BOOTSTRAP = { inference: "bootstrap", draws: 70 } as const;
const bounds = [{ column: "area", lower: 0, upper: 1000 }];
const cases: readonly (readonly [string, Table, Partial<StudySettings>])[] = [
  ["linear, every norm", houses(), { norms: [1, 1.5, 2, 3, INF] }],
  ["linear, in sample", houses(), { evaluation: { kind: "training" }, norms: [2, INF] }],
  ["linear, a share held out", houses(), { evaluation: { kind: "fraction", share: 0.25 }, norms: ALL }],
  ["linear, ridge, raw units", houses(), { l2: 0.1, standardize: false, loss: "half-squared" }],
  ["linear, no intercept", houses(), { intercept: false, l2: 0.1 }],
  ["linear, many parameters a row", houses(70), { norms: [2, INF] }],
  ["linear, budgets", houses(), { budgets: [{ column: "area", budget: 5 }], norms: [1, 2] }],
  ["linear, budgets and relative sizes", houses(), { budgets: [{ column: "age", budget: 5 }], epsilons: [0, 0.1] }],
  ["linear, bounds", houses(), { bounds, norms: ALL }],
  ["linear, frozen, absolute sizes", houses(), { freeze: ["age"], radii: [0.1, 0.2] }],
  [
    "linear, conditions, share of attacks",
    houses(),
    {
      attackRate: 0.3,
      failIf: [{ text: "cost>1@0.05", quantity: "cost", operator: ">", limit: 1, epsilon: 0.05 }],
    },
  ],
  ["linear, a level that one row of is left without a fold", rareTown(), { norms: ALL, loss: "half-squared" }],
  ["linear, groups", houses(), { by: "town", norms: [2, INF] }],
  [
    "linear, groups by numbers, in sample, no intervals",
    houses(),
    { by: "age", evaluation: { kind: "training" }, inference: "none" },
  ],
  [
    "logistic, groups, a share held out",
    loans(),
    { target: "repaid", by: "income", evaluation: { kind: "fraction", share: 0.4 } },
  ],
  ["linear, no intervals", houses(), { inference: "none", norms: [2, INF] }],
  ["logistic", loans(), { target: "repaid", norms: ALL }],
  ["linear, second order", houses(), { secondOrder: "plain", norms: [1, 1.5, 2, INF] }],
  ["logistic, second order", loans(), { secondOrder: "plain", target: "repaid", norms: ALL }],
  [
    "poisson, second order with densities",
    counts(),
    { secondOrder: "density", model: "poisson", missing: "mean", norms: [2] },
  ],
  [
    "quadratic, second order with densities",
    houses(),
    { secondOrder: "density", model: "quadratic", norms: [1, 2, INF], evaluation: { kind: "training" } },
  ],
  ["linear, bootstrap", houses(), { ...BOOTSTRAP, norms: [1, 2, INF], weights: "age" }],
  [
    "poisson, bootstrap of counts, absolute sizes",
    counts(),
    { ...BOOTSTRAP, model: "poisson", missing: "drop", weights: "weight", weightsKind: "frequency", radii: [0.1] },
  ],
  [
    "linear, bootstrap, bounds",
    houses(70),
    { ...BOOTSTRAP, draws: 50, bounds, norms: [2], evaluation: { kind: "training" } },
  ],
  ["logistic, bootstrap", loans(), { ...BOOTSTRAP, target: "repaid", norms: [2, INF], classWeight: "balanced" }],
  [
    "logistic, bootstrap, draws fitted by themselves",
    loans(45),
    { ...BOOTSTRAP, target: "repaid", norms: [2], l2: 0.01 },
  ],
  [
    "poisson, bootstrap",
    counts(),
    { ...BOOTSTRAP, model: "poisson", missing: "mean", norms: [2], evaluation: { kind: "training" } },
  ],
  [
    "quadratic, bootstrap",
    houses(),
    { ...BOOTSTRAP, draws: 50, model: "quadratic", norms: [2], evaluation: { kind: "training" } },
  ],
  ["logistic, few rows", loans(45), { target: "repaid", norms: [2], l2: 0.01 }],
  [
    "logistic, in sample, balanced",
    loans(),
    {
      target: "repaid",
      classWeight: "balanced",
      evaluation: { kind: "training" },
      norms: [2, INF],
    },
  ],
  [
    "logistic, a share held out, balanced",
    loans(),
    {
      target: "repaid",
      classWeight: "balanced",
      C: 1,
      evaluation: { kind: "fraction", share: 0.3 },
    },
  ],
  ["poisson, weights, gaps", counts(), { model: "poisson", weights: "weight", missing: "mean", norms: ALL }],
  [
    "poisson, frequencies, gaps dropped",
    counts(),
    {
      model: "poisson",
      weights: "weight",
      weightsKind: "frequency",
      missing: "drop",
      norms: [2],
    },
  ],
  ["quadratic", houses(), { model: "quadratic", norms: [1, 1.5, 2, INF] }],
  [
    "quadratic, logistic loss",
    loans(),
    {
      model: "quadratic",
      loss: "logistic",
      target: "repaid",
      l2: 0.01,
      norms: [2, INF],
      evaluation: { kind: "cv", folds: 3 },
    },
  ],
  [
    "basis, in sample",
    houses(),
    {
      model: "basis:area,age,area*age",
      norms: [2, INF],
      evaluation: { kind: "training" },
    },
  ],
];

describe("what is said of rows that pass by is what is said of rows in memory", () => {
  test.each(cases)("%s", async (_, data, changes) => {
    await expectAgreement(data, changes);
    await expectAgreement(data, changes, RANKS);
  });
});

test("a bootstrap with room for few draws at a time has the same draws", async () => {
  // Three matrices of 6 × 6 numbers a draw: room for one draw, and for seven.
  for (const draws of [1, 7]) {
    const memory = { ...RANKS, memoryBytes: 2 * 8 * 3 * 36 * draws };
    const changes: Partial<StudySettings> = { ...BOOTSTRAP, target: "price", norms: [2] };
    await expectAgreement(houses(), changes, memory);
    await expectAgreement(
      houses(),
      { ...changes, model: "quadratic", l2: 0.1, evaluation: { kind: "training" } },
      memory,
    );
  }
});

/** Rows that mirror each other, so that residuals and one coefficient are exactly 0. */
function mirrored(noise: number): Table {
  const [x, z, y]: number[][] = [[], [], []];
  for (let k = 1; k <= 12; k++) {
    for (const [sx, sz] of [
      [1, 1],
      [1, -1],
      [-1, 1],
      [-1, -1],
    ]) {
      x.push(sx * k);
      z.push(sz);
      y.push(sx * (2 * k + noise * Math.sin(k)));
    }
    x.push(0);
    z.push(k % 2 === 0 ? 1 : -1);
    y.push(0);
  }
  return table([numeric("x", x), numeric("z", z), numeric("price", y)]);
}

/** Counts with a column that one row alone has. */
function aloneOfItsKind(): Table {
  const { columns, ...all } = counts();
  const price = columns.find(({ name }) => name === "price");
  const at = price?.kind === "numeric" ? price.values.findIndex((value, i) => i > 50 && value > 1) : -1;
  const alone = numeric(
    "alone",
    Float64Array.from({ length: all.rows }, (_, i) => Number(i === at)),
  );
  return { ...all, columns: [...columns.filter(({ name }) => name !== "weight"), alone] };
}

/** Columns that add up to a third. */
function collinear(more: Table["columns"] = []): Table {
  const random = new Random(9);
  const [a, b] = [0, 1].map(() => Array.from({ length: 60 }, () => random.normal()));
  const price = a.map((value, i) => value - b[i] + random.normal());
  return table([
    numeric("a", a),
    numeric("b", b),
    numeric(
      "both",
      a.map((value, i) => value + b[i]),
    ),
    ...more,
    numeric("price", price),
  ]);
}

describe("corners and singular fits", () => {
  const cases: readonly (readonly [string, Table, Partial<StudySettings>])[] = [
    ["residuals of exactly 0", mirrored(1), { freeze: ["none"], norms: [1, 2, INF], evaluation: { kind: "training" } }],
    [
      "no second order at a corner",
      mirrored(1),
      { secondOrder: "plain", freeze: ["none"], norms: [1, 2, INF], evaluation: { kind: "training" } },
    ],
    [
      "a row alone in its town, met but for rounding",
      rareTown([20]),
      { norms: [1, 2, INF], evaluation: { kind: "training" } },
    ],
    [
      "a count alone of its kind",
      aloneOfItsKind(),
      { model: "poisson", missing: "mean", freeze: ["alone"], norms: [1, 2, INF], evaluation: { kind: "training" } },
    ],
    ["the same in folds", mirrored(1), { freeze: ["none"], norms: [2, INF], evaluation: { kind: "cv", folds: 3 } }],
    ["a singular Hessian", collinear(), { norms: [2], evaluation: { kind: "cv", folds: 4 } }],
    ["nothing to give up", houses(50), { freeze: ["none"], intercept: false, norms: [2], l2: 1 }],
  ];
  test.each(cases)("%s", async (_, data, changes) => {
    await expectAgreement(data, changes);
    await expectAgreement(data, changes, RANKS);
  });

  test("no influence: all rows are named, not only those that are met exactly", async () => {
    // A column that one row alone has meets that row exactly.
    const data = collinear([
      numeric(
        "once",
        Float64Array.from({ length: 60 }, (_, i) => Number(i === 7)),
      ),
    ]);
    const asked = streamed(data, { norms: [1], freeze: ["none"], evaluation: { kind: "training" } });
    await expect(asked).rejects.toThrow(/singular \(rank 4 of 5 parameters, 60 rows\)/);
  });

  test("every row met exactly: what is left is rounding, and nothing pulls", async () => {
    const [found] = await streamed(mirrored(0), { freeze: ["none"], evaluation: { kind: "training" } });
    expect(found.fit.trainingLoss).toBeLessThan(1e-25);
    expect(Math.max(...found.threats[0].influence.map(Math.abs))).toBeLessThan(1e-6);
  });
});

test("rows of another file, apart on other ranks than the training rows", async () => {
  const changes: Partial<StudySettings> = { evaluation: { kind: "file", path: "later.csv" }, norms: [2, INF] };
  await expectAgreement(houses(), changes, RANKS, houses(53, 7));
});
