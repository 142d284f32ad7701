/** Models of components, of rows that pass by: every number is that of rows in memory, also where folds learn projections of their own. */
import { describe, expect, test } from "vitest";
import type { StudySettings, Table } from "../../../src/index.js";
import { Random } from "../../models/naive.js";
import { categorical, numeric, table } from "../tables.js";
import { expectAgreement, RANKS, streamed } from "./agreement.js";

const INF = Number.POSITIVE_INFINITY;

/** Six columns that two hidden numbers move, and what they say of a number, of two labels and of three. */
function measured(n = 150, seed = 4): Table {
  const random = new Random(seed);
  const hidden = Array.from({ length: n }, () => [random.normal(), random.normal()] as const);
  const loadings = [3, 2, -1, 0.5, 1, -2].map((a, k) => [a, Math.cos(k)] as const);
  const columns = loadings.map(([a, b], k) =>
    numeric(
      `x${k}`,
      hidden.map(([u, v]) => 10 * k + a * u + b * v + 0.6 * random.normal()),
    ),
  );
  const score = hidden.map(([u, v]) => u - 0.5 * v + 0.8 * random.normal());
  return table([
    ...columns,
    categorical(
      "shift",
      score.map((_, i) => ["early", "late"][(i * i) % 2]),
    ),
    numeric("y", score),
    categorical(
      "label",
      score.map((value) => (value > 0.2 ? "yes" : "no")),
    ),
    categorical(
      "kind",
      score.map((value) => (value + random.normal() > 0.8 ? "high" : value > -0.5 ? "middle" : "low")),
    ),
  ]);
}

const pca = { kind: "pca", components: 2 } as const;
const factors = { kind: "factors", components: 2 } as const;
const cases: readonly (readonly [string, Partial<StudySettings>])[] = [
  ["linear, in folds", { project: pca, target: "y", exclude: ["label", "kind"], norms: [1, 2, INF] }],
  [
    "factors, a share held out",
    { project: factors, target: "y", exclude: ["label", "kind"], evaluation: { kind: "fraction", share: 0.3 } },
  ],
  [
    "quadratic, in sample",
    { project: pca, target: "y", exclude: ["label", "kind"], model: "quadratic", evaluation: { kind: "training" } },
  ],
  [
    "logistic, factors, in folds",
    { project: factors, target: "label", exclude: ["y", "kind"], evaluation: { kind: "cv", folds: 3 } },
  ],
  [
    "logistic, bootstrap",
    {
      project: pca,
      target: "label",
      exclude: ["y", "kind"],
      inference: "bootstrap",
      draws: 50,
      evaluation: { kind: "training" },
    },
  ],
  [
    "softmax, in folds",
    {
      project: pca,
      target: "kind",
      exclude: ["y", "label"],
      model: "softmax",
      l2: 0.01,
      norms: [2],
      evaluation: { kind: "cv", folds: 3 },
    },
  ],
];

describe("a projection", () => {
  test.each(cases)("%s", async (_, changes) => {
    await expectAgreement(measured(), changes);
    await expectAgreement(measured(), changes, RANKS);
  });

  test("that a file gives, feature by feature", async () => {
    const matrix = table(
      [
        categorical("feature", ["x5", "x4", "x3", "x2", "x1", "x0"]),
        numeric("first", [1, 0.5, 0, 0, -1, 2]),
        numeric("second", [0, 1, 1, -1, 0, 0.5]),
      ],
      "matrix.csv",
    );
    const changes: Partial<StudySettings> = {
      project: { kind: "matrix", path: "matrix.csv" },
      target: "y",
      exclude: ["label", "kind", "shift"],
    };
    await expectAgreement(measured(), changes, RANKS, undefined, matrix);
  });

  test("of more components than features is refused on all ranks", async () => {
    const changes = { project: { kind: "pca", components: 9 }, target: "y", exclude: ["label", "kind"] } as const;
    await expect(streamed(measured(), changes, RANKS)).rejects.toThrow(/^--project pca:9 asks for more components/);
  });
});
