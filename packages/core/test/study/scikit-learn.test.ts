/** --C and --alpha mean what they mean in scikit-learn (MATH 14.7): the coefficients are those of its own fits. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { analyze, type Column, encode, fit, logistic, type StudySettings } from "../../src/index.js";
import { categorical, numeric, settings, table } from "./tables.js";

/** One fit of influence/fixtures/make-penalties.py. */
interface PenalisedFit {
  model: "logistic" | "linear" | "poisson";
  target: "classes" | "numbers" | "counts";
  scaler: "plain" | "weighted" | null;
  weights: "none" | "sample" | "balanced";
  option: "C" | "alpha";
  strength: number | null;
  parameters: number[];
}

interface Fixture {
  library: string;
  X: number[][];
  targets: Record<PenalisedFit["target"], number[]>;
  sampleWeight: number[];
  fits: PenalisedFit[];
}

const fixture: Fixture = JSON.parse(
  readFileSync(new URL("../influence/fixtures/penalties.json", import.meta.url), "utf8"),
);
const { X, targets, sampleWeight } = fixture;

/** n / (2 · rows of the class): what scikit-learn calls "balanced". */
function balancedWeights(y: readonly number[]): number[] {
  return y.map((label) => y.length / (2 * y.filter((other) => other === label).length));
}

function standardized(values: readonly number[]): number[] {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return values.map((value) => (value - mean) / Math.sqrt(variance));
}

function columnsFor({ target, scaler, weights }: PenalisedFit): Column[] {
  // Class weights given as row weights would weigh the scaler too, which scikit-learn's class weights never do.
  const ready = weights === "balanced" && scaler === "plain" ? standardized : (values: number[]) => values;
  const y = targets[target];
  return [
    ...X[0].map((_, k) => numeric(`x${k + 1}`, ready(X.map((x) => x[k])))),
    target === "classes"
      ? categorical(
          "y",
          y.map((label) => (label > 0 ? "yes" : "no")),
        )
      : numeric("y", y),
    ...(weights === "none" ? [] : [numeric("weight", weights === "sample" ? sampleWeight : balancedWeights(y))]),
  ];
}

function settingsFor({ model, scaler, weights, option, strength }: PenalisedFit): StudySettings {
  return settings({
    target: "y",
    model,
    standardize: scaler !== null && weights !== "balanced",
    weights: weights === "none" ? null : "weight",
    [option]: strength,
    evaluation: { kind: "training" },
    inference: "none",
  });
}

const nameOf = ({ model, option, strength, scaler, weights }: PenalisedFit): string =>
  `${model}, ${option} = ${strength ?? "none"}, ${scaler ?? "no"} scaler, weights: ${weights}`;

function expectClose(found: ArrayLike<number>, expected: readonly number[], tolerance = 1e-8): void {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, j) => {
    expect(Math.abs(found[j] - value), `parameter ${j}`).toBeLessThan(tolerance * Math.max(1, Math.abs(value)));
  });
}

describe(`penalised fits are those of ${fixture.library}`, () => {
  test.each(fixture.fits.map((item) => [nameOf(item), item] as const))("%s", async (_name, item) => {
    const { result } = await analyze({ table: table(columnsFor(item)), settings: settingsFor(item) });
    expectClose(result.fit.parameters, item.parameters);
  });

  test.each(fixture.fits.flatMap((item) => (item.weights === "balanced" ? [[nameOf(item), item] as const] : [])))(
    "balanced classes: %s",
    async (_name, item) => {
      const rows = table(columnsFor({ ...item, scaler: null, weights: "none" }));
      const standardize = item.scaler === "plain";
      const data = encode(rows, { target: "y", task: "binary", classWeight: "balanced", standardize });
      const { parameters } = await fit(logistic(), data, {
        l2: item.strength === null ? 0 : 1 / (item.strength * X.length),
      });
      expectClose(parameters, item.parameters);
    },
  );

  test("the strengths matter, so that a wrong conversion shows", () => {
    for (const model of ["logistic", "linear", "poisson"]) {
      const slopes = fixture.fits
        .filter((item) => item.model === model && item.scaler === null && item.weights === "none")
        .map(({ parameters }) => parameters[1]);
      expect(slopes.length).toBeGreaterThan(2);
      expect(Math.max(...slopes) / Math.min(...slopes)).toBeGreaterThan(1.5);
    }
  });
});

/** One fit of fixtures/make-classes.py. */
interface ClassesFixture {
  library: string;
  X: number[][];
  y: string[];
  fits: { C: number; balanced: boolean; intercept: boolean; coefficients: number[][]; intercepts: number[] }[];
}

const several: ClassesFixture = JSON.parse(readFileSync(new URL("./fixtures/classes.json", import.meta.url), "utf8"));

describe(`softmax fits are those of ${several.library}`, () => {
  const rows = table([
    numeric(
      "a",
      several.X.map(([a]) => a),
    ),
    numeric(
      "b",
      several.X.map(([, b]) => b),
    ),
    categorical("y", several.y),
  ]);

  test.each(several.fits)("C = $C, balanced: $balanced, intercept: $intercept", async (expected) => {
    const { C, balanced, intercept, coefficients, intercepts } = expected;
    const { result } = await analyze({
      table: rows,
      settings: settings({
        target: "y",
        model: "softmax",
        standardize: false,
        C,
        classWeight: balanced ? "balanced" : null,
        intercept,
        evaluation: { kind: "training" },
        inference: "none",
        epsilons: [0.001],
      }),
    });
    const { parameters } = result.fit;
    const found = intercept ? parameters.slice(0, 3) : [0, 0, 0];
    const mean = found.reduce((sum, value) => sum + value / 3, 0);
    expect(result.model.intercept).toBe(intercept);
    const fitted = [...parameters.slice(intercept ? 3 : 0), ...found.map((value) => value - mean)].slice(0, 9);
    // Both end at a gradient of about 1e-8, which a small ridge turns into a little more.
    expectClose(fitted, [...coefficients.flat(), ...intercepts], 1e-7);
  });
});
