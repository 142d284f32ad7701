/** Comparisons against NumPy (fixtures/make-comparison.py): fits, costs under both conventions, AIC, BIC, ranking, intervals. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type ComparisonFamily, compare, DEFAULT_SETTINGS, type FeatureRule, type Table } from "../../../src/index.js";
import { categorical, numeric, table } from "../tables.js";

type LossName = "squared" | "logistic" | "poisson";
interface Expected {
  columns: string[];
  l2: number;
  scale: number;
  trainingLoss: number;
  naturalLoss: number;
  relativeCost: number;
  absoluteCost: number;
  curvature: number;
  degreesOfFreedom: number;
  aic: number;
  bic: number;
  losses: number[];
}
type Rows = { X: number[][] } & Record<LossName, number[]>;
interface Fixture {
  epsilon: number;
  radius: number;
  train: Rows;
  evaluation: Rows;
  lasso: string[];
  families: Record<LossName, { candidates: Expected[]; forward: string[] }>;
}

const fixture: Fixture = JSON.parse(readFileSync(new URL("fixtures/comparison.json", import.meta.url), "utf8"));

const tableOf = (rows: Rows, loss: LossName): Table =>
  table([
    ...rows.X[0].map((_, k) =>
      numeric(
        `x${k + 1}`,
        rows.X.map((x) => x[k]),
      ),
    ),
    loss === "logistic"
      ? categorical(
          "y",
          rows[loss].map((label) => (label > 0 ? "yes" : "no")),
        )
      : numeric("y", rows[loss]),
  ]);

const models: Record<LossName, string> = { squared: "linear", logistic: "logistic", poisson: "poisson" };
const first: FeatureRule = { kind: "first", from: null, to: null };

const compared = (loss: LossName, family: Partial<ComparisonFamily>) =>
  compare({
    table: tableOf(fixture.train, loss),
    evaluationTable: tableOf(fixture.evaluation, loss),
    settings: {
      ...DEFAULT_SETTINGS,
      target: "y",
      standardize: false,
      epsilons: [fixture.epsilon],
      evaluation: { kind: "file", path: "evaluation.csv" },
    },
    family: { models: [models[loss]], features: [first], l2: [], seeds: 1, ...family },
  });

describe.each(["squared", "logistic", "poisson"] as const)("%s loss", (loss) => {
  test("every model's numbers, and their order", async () => {
    const result = await compared(loss, { l2: [0, 0.1] });
    const wanted = fixture.families[loss].candidates.toSorted((a, b) => a.naturalLoss - b.naturalLoss);
    expect(result.models.map(({ columns, l2 }) => [columns, l2])).toEqual(
      wanted.map(({ columns, l2 }) => [columns, l2]),
    );
    expect(result.sizes.radius).toBeCloseTo(fixture.radius, 12);
    result.models.forEach((model, k) => {
      const expected = wanted[k];
      const close = (value: number | undefined, goal: number, size = Math.abs(goal)): void =>
        expect(Math.abs((value ?? Number.NaN) - goal) / size).toBeLessThan(1e-8);
      close(model.scale, expected.scale);
      close(model.trainingLoss, expected.trainingLoss);
      close(model.naturalLoss.value, expected.naturalLoss);
      close(model.relative.cost.value, expected.relativeCost);
      close(model.absolute.cost.value, expected.absoluteCost);
      close(model.absolute.radius, fixture.radius);
      close(model.information?.degreesOfFreedom, expected.degreesOfFreedom);
      close(model.information?.aic, expected.aic);
      close(model.information?.bic, expected.bic);
    });
  });

  test("standard errors of differences are those of the rows' differences", async () => {
    const result = await compared(loss, { l2: [0, 0.1] });
    const wanted = fixture.families[loss].candidates.toSorted((a, b) => a.naturalLoss - b.naturalLoss);
    const { factor, reach } = result.natural;
    for (const [i, j] of [
      [0, 1],
      [2, 7],
      [9, 4],
    ]) {
      const differences = wanted[i].losses.map((value, row) => value - wanted[j].losses[row]);
      const n = differences.length;
      const mean = differences.reduce((sum, value) => sum + value / n, 0);
      const error = Math.sqrt(differences.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / n;
      expect((reach?.[i][j] ?? 0) / (factor ?? 0)).toBeCloseTo(error, 9);
    }
  });

  test("forward selection takes the columns that lower the objective most", async () => {
    const { forward } = fixture.families[loss];
    const result = await compared(loss, { features: [{ kind: "forward", from: null, to: null }] });
    for (const { features, columns } of result.models) {
      const count = Number(features.split(" ")[1]);
      expect(new Set(columns)).toEqual(new Set(forward.slice(0, count)));
    }
  });
});

test("lasso selection takes the columns in the order in which they enter the path", async () => {
  const result = await compared("squared", { features: [{ kind: "lasso", from: null, to: null }] });
  expect(result.models).toHaveLength(5);
  for (const { features, columns } of result.models) {
    expect(new Set(columns)).toEqual(new Set(fixture.lasso.slice(0, Number(features.split(" ")[1]))));
  }
});
