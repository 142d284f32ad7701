/** What the verification says must agree with optima, norms and losses computed apart. */
import { describe, expect, test } from "vitest";
import {
  AifError,
  analyze,
  fit,
  influence,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  type StudySettings,
  type Table,
  type VerificationResult,
  type VerifiedPoint,
  verify,
} from "../../src/index.js";
import { robustOptimum } from "../../src/robust/optimum.js";
import { verificationVerdict } from "../../src/study/verify-words.js";
import { exponentOf, type GoldenCase, golden, goldenName, relativeError } from "../golden.js";
import { dot } from "../models/naive.js";
import { categorical, houses, leaves, loans, numeric, settings, table } from "./tables.js";

const INF = Number.POSITIVE_INFINITY;
const run = (data: Table, changes: Partial<StudySettings> = {}): Promise<VerificationResult> =>
  verify({ table: data, settings: settings({ evaluation: { kind: "training" }, ...changes }) });

/** √(x'Ax) */
const lengthIn = (A: readonly (readonly number[])[], x: readonly number[]): number =>
  Math.sqrt(x.reduce((sum, value, j) => sum + value * dot(A[j], x), 0));

/** Σ ω v v' with an intercept in v. */
function gram(rows: readonly (readonly number[])[], omega: readonly number[]): number[][] {
  const V = rows.map((x) => [1, ...x]);
  return V[0].map((_, j) => V[0].map((__, k) => V.reduce((sum, v, i) => sum + omega[i] * v[j] * v[k], 0)));
}

describe("golden robust fits", () => {
  const chosen = golden.cases.filter(
    ({ data, model, intercept, l2, p }) =>
      data === "mid" && ["linear", "logistic"].includes(model) && intercept && l2 === 0.1 && [1, 2, "inf"].includes(p),
  );
  test.each(chosen.map((c) => [goldenName(c), c] as const))("%s", async (_, c: GoldenCase) => {
    const { X, y, yb } = golden.data[c.data];
    const target =
      c.loss === "logistic"
        ? categorical(
            "y",
            yb.map((value) => (value > 0 ? "yes" : "no")),
          )
        : numeric("y", y);
    const columns = X[0].map((__, k) =>
      numeric(
        `x${k}`,
        X.map((row) => row[k]),
      ),
    );
    const truths = Object.entries(c.robust ?? {}).map(([epsilon, truth]) => ({ epsilon: Number(epsilon), ...truth }));
    const epsilons = truths.map(({ epsilon }) => epsilon);
    const data = table([...columns, target]);
    const changes: Partial<StudySettings> = {
      target: "y",
      loss: c.loss === "logistic" ? null : "half-squared",
      standardize: false,
      freeze: ["none"],
      l2: c.l2,
      norms: [exponentOf(c.p)],
      epsilons,
    };
    const { threats, fit: fitted } = await run(data, changes);
    const [{ curve }] = threats;
    const { result } = await analyze({ table: data, settings: settings(changes) });
    expect(curve).toHaveLength(4);
    for (const truth of truths) {
      const point = curve.find(({ epsilon }) => epsilon === truth.epsilon);
      const collapsed = truth.epsilon >= (c.collapse_eps ?? INF);
      const beside = result.threats[0].curve.find(({ epsilon }) => epsilon === truth.epsilon)?.thisData.exact;
      expect(beside).toBeCloseTo(truth.risk - fitted.trainingLoss, 9);
      expect(point?.optimum).toMatchObject({ method: "active-set", converged: true, collapsed });
      expect(point?.robustNaturalLoss).toBeCloseTo(truth.risk, 9);
      expect(point?.thisData.exact).toBeCloseTo(truth.risk - fitted.trainingLoss, 9);
      if (collapsed) expect(point?.robustParameters?.slice(1)).toEqual(X[0].map(() => 0));
      else expect(relativeError(point?.robustParameters ?? [], truth.theta)).toBeLessThan(1e-9);
      const error = truth.theta.map((value, j) => value - c.theta[j] - truth.epsilon * c.aif[j]);
      if (c.model === "linear") {
        expect(point?.errorNorm).toBe("hessian");
        expect(point?.parameterError).toBeCloseTo(lengthIn(c.H, error), 8);
        expect(point?.relativeParameterError).toBeCloseTo(
          lengthIn(c.H, error) / truth.epsilon / lengthIn(c.H, c.aif),
          5,
        );
      }
    }
  });
});

/** Numbers of two columns alone, so that a naive reference can be written down. */
function plainLoans(): { data: Table; X: number[][]; y: number[] } {
  const all = loans();
  const X = Array.from({ length: all.rows }, (_, i) =>
    ["income", "debt"].map((name) => {
      const column = all.columns.find((found) => found.name === name);
      return column?.kind === "numeric" ? column.values[i] / 10 : Number.NaN;
    }),
  );
  const repaid = all.columns[2];
  const y = X.map((_, i) => (repaid.kind === "categorical" && repaid.levels[repaid.codes[i]] === "yes" ? 1 : -1));
  const columns = ["income", "debt"].map((name, k) =>
    numeric(
      name,
      X.map((row) => row[k]),
    ),
  );
  return { data: table([...columns, repaid]), X, y };
}

test("a change that is rounding is 0, and is compared with nothing", async () => {
  const x = Array.from({ length: 40 }, (_, i) => Math.sin(5 * i));
  const data = table([
    numeric("x", x),
    numeric(
      "y",
      x.map((value) => 1 + 2 * value),
    ),
  ]);
  const { threats } = await run(data, { target: "y", epsilons: [1e-3], norms: [2] });
  for (const { thisData, lossRatio } of threats[0].curve) {
    expect(thisData.exact ?? 0).toBe(0);
    expect(lossRatio).toBeNull();
  }
  expect(threats[0].verification.text).toMatch(/^There is no cost to compare/);
});

describe("each point of the curve", () => {
  test("a logistic model: the optimum called apart, the error in the norm of the bound", async () => {
    const { data, X, y } = plainLoans();
    const epsilons = [0, 0.002, 0.01, 0.2];
    const { threats, fit: fitted } = await run(data, { target: "repaid", standardize: false, norms: [2], epsilons });
    const [{ curve, scale, errorBudget, sensitivity }] = threats;
    const apart = await fit(logistic(), matrixDataset(Matrix.fromRows(X), y));
    const { influence: I } = await influence(apart, lp(2));
    const sigma = (value: number): number => 1 / (1 + Math.exp(-value));
    const hessianAt = (theta: readonly number[], rho: number): number[][] =>
      gram(
        X,
        X.map((x, i) => {
          const e = -y[i] * (theta[0] + x[0] * theta[1] + x[1] * theta[2]) + rho * Math.hypot(theta[1], theta[2]);
          return (sigma(e) * sigma(-e)) / X.length;
        }),
      );
    const H = hessianAt([...apart.parameters], 0);
    for (const point of curve) {
      const { epsilon } = point;
      const optimum = await robustOptimum(apart, lp(2)(2), epsilon * scale);
      expect(relativeError(point.robustParameters ?? [], optimum.parameters)).toBeLessThan(1e-9);
      expect(point.robustNaturalLoss).toBeCloseTo(optimum.naturalLoss, 12);
      expect(point.thisData.exact).toBeCloseTo(optimum.naturalLoss - fitted.trainingLoss, 12);
      expect(point.lossError).toBe(point.thisData.predicted - (point.thisData.exact ?? Number.NaN));
      if (epsilon === 0) {
        expect([point.lossRatio, point.relativeParameterError]).toEqual([null, null]);
        expect(point.parameterError).toBeLessThan(1e-9);
        continue;
      }
      expect(point.lossRatio).toBeCloseTo(point.thisData.predicted / (point.thisData.exact ?? Number.NaN), 12);
      const moved = [...apart.parameters].map((value, j) => value + epsilon * I[j]);
      const error = moved.map((value, j) => optimum.parameters[j] - value);
      const norm = point.errorBound === null ? H : hessianAt(moved, epsilon * scale);
      expect(point.errorNorm).toBe(point.errorBound === null ? "hessian" : "robust-hessian");
      expect(Math.abs((point.parameterError ?? 0) / lengthIn(norm, error) - 1)).toBeLessThan(1e-5);
      const relative = lengthIn(norm, error) / (epsilon * lengthIn(norm, [...I]));
      expect(point.relativeParameterError).toBeCloseTo(relative, 5);
      if (point.errorBound !== null) expect(point.parameterError).toBeLessThanOrEqual(point.errorBound);
      expect(point.seconds.prediction).toBeGreaterThan(0);
      expect(point.seconds.exact).toBeGreaterThan(0);
    }
    expect(curve.map(({ errorBound }) => errorBound !== null)).toEqual([true, true, true, false]);

    const budget = errorBudget ?? expect.fail("no budget");
    const at = curve.find(({ epsilon }) => epsilon === budget.epsilon);
    expect(at?.extrapolated).toBe(false);
    const left = [...apart.parameters].map(
      (value, j) => (at?.robustParameters?.[j] ?? 0) - value - budget.epsilon * I[j],
    );
    expect(budget.linearisation).toBeCloseTo(lengthIn(H, left) / (budget.epsilon * lengthIn(H, [...I])), 5);
    expect(budget.fit).toBeLessThan(1e-6);
    expect(budget.solver).toBeLessThan(1e-12);
    expect(budget.damping).toBe(0);
    const { population } = sensitivity;
    expect(budget.sampling).toBeCloseTo((population?.standardError ?? 0) / lengthIn(H, [...I]) ** 2 / 0.5, 8);
  });

  test("a squared model under p = inf with weights left equal: prediction, bound and kinks are those of the analysis", async () => {
    const changes = { norms: [INF, 1], epsilons: [0.003, 0.03] };
    const request = { table: houses(), settings: settings(changes) };
    const [verified, { result }] = await Promise.all([verify(request), analyze(request)]);
    verified.threats.forEach((threat, t) => {
      const { curve, errorBudget: _, verification: __, ...section } = threat;
      const { curve: plain, ...same } = result.threats[t];
      expect(section).toEqual(same);
      curve.forEach((point, k) => {
        expect(point).toMatchObject({ ...plain[k], thisData: { predicted: plain[k].thisData.predicted } });
        if (point.errorBound !== null) expect(point.parameterError).toBeLessThanOrEqual(point.errorBound);
      });
    });
    expect({ ...verified.settings }).toEqual(result.settings);
    expect(verified.flags).toEqual(result.flags);
  });

  test("beyond collapse the optimum is the model without attacked features, and the verdict says so", async () => {
    const { threats } = await run(houses(), { freeze: ["none"], norms: [2], epsilons: [0.01, 5, 8] });
    const [{ curve, verification, collapseRadius }] = threats;
    expect(collapseRadius).toBeLessThan(5);
    expect(curve.map(({ optimum }) => optimum?.collapsed)).toEqual([false, true, true]);
    expect(curve[1].robustParameters?.slice(1).every((value) => value === 0)).toBe(true);
    expect(curve[1].robustNaturalLoss).toBe(curve[2].robustNaturalLoss);
    expect(verification.text).toContain("gives up every attacked feature: the optimum is the best model without them");
  });

  test("is plain data, and JSON brings it back", async () => {
    const result = await run(loans(), { target: "repaid", norms: [1, 2, INF] });
    expect(result.schema).toBe("aif.verification/1");
    for (const { path, value } of leaves(result)) {
      expect(value, path).not.toBeUndefined();
      if (typeof value === "number") expect(Number.isFinite(value), path).toBe(true);
    }
    const exact = result.threats.flatMap(({ curve }) => curve.map(({ seconds }) => seconds.exact));
    expect(result.timings.exact).toBeCloseTo(
      exact.reduce((sum, seconds) => sum + seconds, 0),
      9,
    );
    const { total, passes: _, ...parts } = result.timings;
    expect(total).toBeGreaterThanOrEqual(Object.values(parts).reduce((sum, seconds) => sum + seconds, 0));
  });
});

describe("other models and threats", () => {
  const box = [{ column: "area", lower: 0, upper: 1000 }];

  test("a box that no row meets changes nothing but the method", async () => {
    const changes = { target: "repaid", norms: [2], epsilons: [0.003, 0.03], inference: "none" as const };
    const bounds = [{ column: "income", lower: -1000, upper: 1000 }];
    const [boxed, free] = await Promise.all([run(loans(), { ...changes, bounds }), run(loans(), changes)]);
    boxed.threats[0].curve.forEach((point, k) => {
      const same = free.threats[0].curve[k];
      expect(point.optimum).toMatchObject({ method: "descent", converged: true });
      expect(relativeError(point.robustParameters ?? [], same.robustParameters ?? [])).toBeLessThan(1e-6);
      expect(point.lossRatio).toBeCloseTo(same.lossRatio ?? Number.NaN, 3);
    });
    expect(boxed.threats[0].verification.upTo).toBe(free.threats[0].verification.upTo);
  });

  test("in a box, a squared loss with rows at their corners leaves descent unproven, which is said", async () => {
    const { threats } = await run(houses(), { bounds: box, epsilons: [0.03], inference: "none" });
    const [{ curve, verification }] = threats;
    const free = (await run(houses(), { epsilons: [0.03], inference: "none" })).threats[0].curve[0];
    expect(curve[0].optimum?.converged).toBe(false);
    expect(relativeError(curve[0].robustParameters ?? [], free.robustParameters ?? [])).toBeLessThan(0.01);
    expect(verification.upTo).toBeNull();
    expect(verification.text).toContain("the search for the optimum did not converge");
  });

  test("quadratic, p = 2: the optimum is stationary, and tends to the prediction as ε falls", async () => {
    const { threats } = await run(houses(), { model: "quadratic", norms: [2], epsilons: [1e-4, 1e-3, 1e-2] });
    const [{ curve, errorBudget }] = threats;
    for (const { optimum } of curve) {
      expect(optimum).toMatchObject({ method: "newton", converged: true });
      expect(optimum?.residual).toBeLessThan(1e-6);
    }
    const errors = curve.map(({ relativeParameterError }) => relativeParameterError ?? Number.NaN);
    expect(errors[0]).toBeLessThan(0.05);
    expect(errors[0]).toBeLessThan(errors[2]);
    expect(errorBudget).not.toBeNull();
  });

  test.each<[string, Partial<StudySettings>, RegExp]>([
    ["quadratic under p = inf", { model: "quadratic", norms: [INF] }, /a quadratic model under p = inf is not known/],
    ["a basis", { model: "basis:area,age,area*age/10" }, /a basis model under p = 2 is not known/],
    ["quadratic in a box", { model: "quadratic", bounds: box }, /a quadratic model under --bounds is not known/],
    ["no norm", { norms: [0.5] }, /--norm 0\.5 is not a norm/],
  ])("%s is refused in a sentence", async (_, changes, sentence) => {
    const refusal = await run(houses(), changes).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(AifError);
    expect(refusal).toMatchObject({ code: "usage", message: expect.stringMatching(sentence) });
  });
});

describe("the verdict", () => {
  const base = async (): Promise<VerifiedPoint> =>
    (await run(houses(), { epsilons: [0.01], inference: "none" })).threats[0].curve[0];
  const curveOf = async (ratios: readonly (number | null)[]): Promise<VerifiedPoint[]> => {
    const point = await base();
    return ratios.map((lossRatio, k) => ({ ...point, epsilon: 10 ** (k - 3), lossRatio }));
  };

  test.each<[(number | null)[], number | null, RegExp]>([
    [[1.01, 0.96, 1.049], 0.1, /^The AIF predicts .* within 5 % up to ε = 0\.1, the largest size compared\.$/],
    [[1.01, 0.96, 1.06], 0.01, /up to ε = 0\.01; at ε = 0\.1 it is 6\.0 % too high\. Beyond, use the exact/],
    [[1, 0.94, 1], 0.001, /up to ε = 0\.001; at ε = 0\.01 it is 6\.0 % too low/],
    [[7, 1], null, /^At ε = 0\.001 already, .* is 7\.00 times the exact one: ask for smaller sizes/],
    [[-1, 1], null, /the predicted cost is of the wrong sign/],
    [[null, 1], 0.01, /up to ε = 0\.01, the largest/],
    [[null], null, /^There is no cost to compare/],
  ])("%j", async (ratios, upTo, sentence) => {
    const verdict = verificationVerdict(await curveOf(ratios), null);
    expect(verdict.upTo).toBe(upTo);
    expect(verdict.text).toMatch(sentence);
  });

  test("names optima that were not found or not proven, and does not compare with them", async () => {
    const [first, second, third] = await curveOf([1, 1, 1]);
    const unproven = { ...second, optimum: second.optimum && { ...second.optimum, converged: false } };
    const missing = { ...third, optimum: null, lossRatio: null, failure: "It was not found." };
    const verdict = verificationVerdict([first, unproven, missing], null);
    expect(verdict.upTo).toBe(0.001);
    expect(verdict.text).toContain("No optimum was found at ε = 0.1: It was not found.");
    expect(verdict.text).toContain("At ε = 0.01 the search for the optimum did not converge");
  });
});
