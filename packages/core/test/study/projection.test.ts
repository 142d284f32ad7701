/** `--project` in whole analyses. */
import { describe, expect, test } from "vitest";
import { analyze, type StudySettings, type Table, verify } from "../../src/index.js";
import { Random } from "../models/naive.js";
import { houses, loans, numeric, settings, table } from "./tables.js";

const run = async (changes: Partial<StudySettings>, data = houses(), projectionTable?: Table) =>
  analyze({ table: data, settings: settings(changes), ...(projectionTable && { projectionTable }) });

describe("what is said of components", () => {
  test("names, shares, and coefficients of the features in original units", async () => {
    const { result, coefficients } = await run({ project: { kind: "pca", components: 2 }, epsilons: [0.05] });
    expect(result.settings.project).toBe("pca:2");
    expect(result.model.parameters).toEqual(["(intercept)", "pc1", "pc2"]);
    const { projection, scaler } = result.model;
    expect(projection?.components).toEqual(["pc1", "pc2"]);
    expect(result.flags.map(({ code }) => code)).toContain("projection-given");
    expect(coefficients.names).toEqual(["(intercept)", ...result.data.features]);
    // The prediction of a row from its own columns is that from its components.
    const row = result.data.features.map((_, j) => 10 + 3 * j);
    const [intercept, ...beta] = coefficients.columns[0].values;
    const direct = row.reduce((sum, value, j) => sum + value * beta[j], intercept);
    const z = [0, 1].map((c) =>
      row.reduce(
        (sum, value, j) =>
          sum +
          ((value - (scaler?.mean[j] ?? 0)) / (scaler?.scale[j] ?? 1) - (projection?.centre[j] ?? 0)) *
            (projection?.matrix[j][c] ?? 0),
        0,
      ),
    );
    const [b, first, second] = result.fit.parameters;
    expect(direct).toBeCloseTo(b + first * z[0] + second * z[1], 8);
    expect(result.threats[0].threat.attacked).toEqual(["area", "age"]);
  });

  test("factors say which scores, and how long the iteration took", async () => {
    const random = new Random(4);
    const common = Array.from({ length: 90 }, () => random.normal());
    const noisy = (size: number) => common.map((value) => value + size * random.normal());
    const columns = [0.5, 0.7, 0.9].map((size, k) => numeric(`x${k}`, noisy(size)));
    const { result } = await run(
      { target: "y", project: { kind: "factors", components: 1 } },
      table([...columns, numeric("y", noisy(0.4))]),
    );
    expect(result.model.projection).toMatchObject({ kind: "factors", components: ["factor1"], scores: "regression" });
    expect(result.model.projection?.iterations).toBeGreaterThan(0);
  });

  test("a given matrix by the features' names, in any order; parameters carry its columns' names", async () => {
    const names = ["garden", "town=Borken", "area", "age", "town=Coesfeld"];
    const { result: plain } = await run({});
    const rows = ["area", "age", ...plain.data.features.filter((name) => !["area", "age"].includes(name))];
    expect(new Set(names)).toEqual(new Set(rows));
    const matrix = (order: readonly string[]): Table =>
      table([
        {
          kind: "categorical",
          name: "feature",
          boolean: false,
          levels: [...order].sort(),
          codes: Int32Array.from(order, (name) => [...order].sort().indexOf(name)),
        },
        numeric(
          "size",
          order.map((name) => (name === "area" ? 1 : 0.1)),
        ),
        numeric(
          "rest",
          order.map((name) => (name === "age" ? 1 : 0)),
        ),
      ]);
    const project = { kind: "matrix", path: "P.csv" } as const;
    const [one, two] = [
      await run({ project }, houses(), matrix(names)),
      await run({ project }, houses(), matrix(rows)),
    ];
    expect(one.result.model.parameters).toEqual(["(intercept)", "size", "rest"]);
    expect(two.result.fit.parameters).toEqual(one.result.fit.parameters);
    expect(one.result.flags.map(({ code }) => code)).not.toContain("projection-given");
  });

  test("quadratic and softmax models work on components too, with what deployment needs", async () => {
    const quadratic = await run({ project: { kind: "pca", components: 2 }, model: "quadratic" });
    expect(quadratic.result.model.parameters).toEqual(["(intercept)", "pc1", "pc2", "pc1^2", "pc1*pc2", "pc2^2"]);
    expect(quadratic.coefficients.projection?.components).toEqual(["pc1", "pc2"]);
    const softmax = await run(
      { target: "repaid", model: "softmax", l2: 0.01, project: { kind: "pca", components: 1 } },
      loans(),
    );
    expect(softmax.result.model.parameters).toContain("yes: pc1");
    const logistic = await run({ target: "repaid", l2: 0.005, project: { kind: "pca", components: 1 } }, loans());
    // Two classes with a ridge of λ each are one log-odds with λ/2: the same loss on rows not trained on, fold by fold.
    expect(softmax.result.fit.heldOutLoss).toBeCloseTo(logistic.result.fit.heldOutLoss ?? 0, 6);
    expect(softmax.result.threats[0].sensitivity.heldOut?.curvature).toBeCloseTo(
      logistic.result.threats[0].sensitivity.heldOut?.curvature ?? 0,
      6,
    );
  });

  test("exact optima stand beside the prediction for p = 2, and are proven to be it", async () => {
    const { curve } = (
      await run({ target: "repaid", project: { kind: "pca", components: 1 }, epsilons: [0.01] }, loans())
    ).result.threats[0];
    expect(curve[0].thisData.exact).not.toBeNull();
    const checked = await verify({
      table: loans(),
      settings: settings({
        target: "repaid",
        project: { kind: "pca", components: 1 },
        epsilons: [0.01],
        evaluation: { kind: "training" },
      }),
    });
    expect(checked.threats[0].curve[0].lossError).toBeLessThan(0.05);
  });
});

describe("refusals", () => {
  const matrix = { kind: "matrix", path: "P.csv" } as const;
  const numbers = (rows: number, value = 1): Table =>
    table(
      [
        numeric(
          "a",
          Array.from({ length: rows }, (_, j) => (j === 1 ? value : 1)),
        ),
      ],
      "P.csv",
    );
  test.each([
    ["more components than features", { kind: "pca", components: 9 }, undefined, "use 1 to 5"],
    ["no component", { kind: "factors", components: 0 }, undefined, "from 1"],
    ["a file of another shape", matrix, numbers(3), "P.csv has 3 rows, but the model sees 5 features"],
    ["a cell without a number", matrix, numbers(5, Number.NaN), 'row 2, column "a" holds no number'],
    ["a file that was not read", matrix, undefined, "was not read"],
  ] as const)("%s", async (_, project, given, said) => {
    await expect(run({ project }, houses(), given)).rejects.toThrow(said);
  });
});
