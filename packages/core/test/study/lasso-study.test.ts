import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { analyze, type StudySettings, verify } from "../../src/index.js";
import { Random } from "../models/naive.js";
import { categorical, houses, loans, numeric, settings, table } from "./tables.js";

interface Example {
  readonly name: string;
  readonly loss: string;
  readonly x: number[][];
  readonly y: number[];
  readonly l1: number;
  readonly l2: number;
  readonly weights: number[] | null;
  readonly intercept: boolean;
  readonly coefficients: number[];
  readonly constant: number;
}

/** Fits of scikit-learn: solvers/fixtures/lasso.py. */
const EXAMPLES: readonly Example[] = JSON.parse(
  readFileSync(new URL("../solvers/fixtures/lasso.json", import.meta.url), "utf8"),
);

const study = async (changes: Partial<StudySettings>, of = houses()) =>
  (await analyze({ table: of, settings: settings(changes) })).result;

/** More features than rows: three of them matter. */
function wide(n = 40, d = 70) {
  const random = new Random(3);
  const columns = Array.from({ length: d }, () => Array.from({ length: n }, () => random.normal()));
  const price = columns[0].map((value, i) => 2 * value - 1.5 * columns[4][i] + columns[9][i] + 0.5 * random.normal());
  return table([...columns.map((values, k) => numeric(`g${k}`, values)), numeric("price", price)]);
}

describe("a study with an l1 penalty", () => {
  it("reads scikit-learn's alpha, C and l1_ratio as it means them", async () => {
    for (const { name, loss, x, y, l1, l2, weights, intercept, constant, coefficients } of EXAMPLES) {
      if (weights !== null || !intercept || x[0].length > x.length) continue;
      const target =
        loss === "logistic"
          ? categorical(
              "y",
              y.map((label) => (label > 0 ? "yes" : "no")),
            )
          : numeric("y", y);
      const whole = l1 + l2;
      const penalty = loss === "logistic" ? { C: 1 / (whole * y.length) } : { alpha: whole };
      for (const scale of loss === "logistic" ? (["logistic"] as const) : (["squared", "half-squared"] as const)) {
        const { result } = await analyze({
          table: table([
            ...x[0].map((_, k) =>
              numeric(
                `x${k}`,
                x.map((row) => row[k]),
              ),
            ),
            target,
          ]),
          settings: settings({
            target: "y",
            loss: scale,
            ...penalty,
            l1Ratio: l1 / whole,
            standardize: false,
            exact: false,
          }),
        });
        [constant, ...coefficients].forEach((value, j) =>
          expect(result.fit.parameters[j], `${name} ${scale}`).toBeCloseTo(value, 7),
        );
      }
    }
  });

  it("says what was selected, how far that holds, and what it cannot say", async () => {
    const { fit, model, threats, flags, settings: asked } = await study({ l1: [30], norms: [2, Infinity] });
    expect(model.l1).toBe(30);
    expect(asked.l1).toEqual([30]);
    expect(fit.sparse?.selected).toContain("area");
    expect(fit.sparse?.selected.length).toBeLessThan(model.parameters.length - 1);
    expect(fit.sparse?.relativeGap).toBeLessThan(1e-12);
    for (const { influence, supportChange, sensitivity, standardErrors, contributions, curve, kinkRadius } of threats) {
      model.parameters.forEach((name, j) => {
        const isIn = j === 0 || fit.sparse?.selected.includes(name);
        expect(influence[j] !== 0).toBe(isIn);
      });
      expect(supportChange?.epsilon).toBeGreaterThanOrEqual(kinkRadius ?? 0);
      expect([sensitivity.population, standardErrors]).toEqual([null, null]);
      expect(sensitivity.heldOut?.curvature).toBeGreaterThan(0);
      expect(contributions.parameters.map(({ name }) => name)).toEqual(
        model.parameters.filter((_, j) => influence[j] !== 0),
      );
      expect(contributions.parameters.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
      // The slope of the natural training loss is that of a finite difference of exact optima.
      const [first] = curve;
      expect(first.thisData.exact).not.toBeNull();
      expect(Math.abs(first.thisData.predicted / (first.thisData.exact ?? 0) - 1)).toBeLessThan(0.05);
      expect(
        sensitivity.training.slope * first.epsilon + sensitivity.training.curvature * first.epsilon ** 2,
      ).toBeCloseTo(first.thisData.predicted, 9);
    }
    expect(flags.map(({ code }) => code)).toContain("selected-features");
  });

  it("chooses among several λ by the held-out loss, features selected anew in every fold", async () => {
    const { lassoPath, fit, model, flags } = await study({ l1: [300, 100, 30, 3], exact: false });
    expect(lassoPath?.points.map(({ l1 }) => l1)).toEqual([300, 100, 30, 3]);
    const points = lassoPath?.points ?? [];
    const best = points.toSorted((a, b) => (a.heldOutLoss ?? 0) - (b.heldOutLoss ?? 0))[0];
    expect(points[lassoPath?.chosen ?? -1]).toBe(best);
    expect(model.l1).toBe(best.l1);
    expect(fit.heldOutLoss).toBeCloseTo(best.heldOutLoss ?? 0, 9);
    expect(flags.map(({ code }) => code)).toContain("l1-chosen");
    for (const { l1, heldOutLoss, selected, threats } of points) {
      if (selected.length === 0) continue;
      const alone = await study({ l1: [l1], exact: false, epsilons: [lassoPath?.epsilon ?? 0] });
      expect(alone.lassoPath).toBeNull();
      expect(alone.fit.heldOutLoss).toBeCloseTo(heldOutLoss ?? 0, 9);
      expect(alone.fit.sparse?.selected).toEqual(selected);
      expect(alone.threats[0].curve[0].cost).toBeCloseTo(threats[0].cost, 9);
      expect(alone.threats[0].sensitivity.training.curvature).toBeCloseTo(threats[0].curvature, 6);
    }
  });

  it("holds with more features than rows, and is verified by the exact robust lasso", async () => {
    const input = { table: wide(), settings: settings({ l1: [0.6], norms: [2, Infinity], epsilons: [1e-5, 1e-4] }) };
    const { threats, fit } = await verify(input);
    expect(fit.sparse?.selected).toEqual(expect.arrayContaining(["g0", "g4", "g9"]));
    for (const { curve, errorBudget } of threats) {
      expect(curve[0].optimum).toMatchObject({ method: "lasso", converged: true });
      expect(curve[0].relativeParameterError).toBeLessThan(0.02);
      expect(errorBudget?.fit).toBeLessThan(1e-6);
      expect(curve[0].lossRatio).toBeCloseTo(1, 2);
    }
  });

  it("takes logistic, quadratic and basis models too", async () => {
    const logistic = await study({ target: "repaid", l1: [0.05] }, loans());
    expect(logistic.fit.sparse?.selected.length).toBeGreaterThan(0);
    const quadratic = await study({ model: "quadratic", l1: [60], norms: [2, Infinity] });
    expect(quadratic.fit.sparse?.selected.length).toBeLessThan(quadratic.model.parameters.length - 1);
    expect(quadratic.threats[1].oneSided).toBe(false);
    expect(quadratic.flags.map(({ code }) => code)).not.toContain("coupled-kink");
    const basis = await study({ model: "basis:area,age,area*age,age^2", l1: [60] });
    expect(basis.threats[0].influence.some((value) => value !== 0)).toBe(true);
  });

  it("says so where columns are combinations of each other", async () => {
    const { columns } = houses();
    const [area, age] = columns;
    if (area.kind !== "numeric" || age.kind !== "numeric") throw new Error("Houses begin with numbers.");
    const doubled = numeric(
      "twice",
      area.values.map((value) => 2 * value + 1),
    );
    const { flags } = await study({ l1: [10] }, table([...columns, doubled]));
    expect(flags.map(({ code }) => code)).toContain("lasso-not-unique");
  });

  it.each<[Partial<StudySettings>, string]>([
    [{ l1: [-1] }, "--l1 -1 makes no sense"],
    [{ l1: [1e6] }, "leaves no feature in the model"],
    [{ l1: [1e6, 1e7] }, "leaves no feature in the model"],
    [{ l1: [1], inference: "bootstrap" }, "--inference bootstrap does not hold"],
    [{ l1: [1], secondOrder: "plain" }, "--second-order is not offered with --l1"],
    [{ l1: [1], model: "mlp:4" }, "--l1 is for linear"],
    [{ l1Ratio: 0.5 }, "--l1-ratio says what share"],
    [{ l1Ratio: 2, alpha: 1 }, "--l1-ratio must be between 0 and 1"],
    [{ l1Ratio: 0.5, alpha: 1, l1: [1] }, "leave out --l1 and --l2"],
    [{ l1Ratio: 0.5, C: 1 }, "--C is the penalty of scikit-learn's LogisticRegression"],
  ])("refuses %o", async (changes, message) => {
    await expect(study(changes)).rejects.toThrow(message);
  });
});
