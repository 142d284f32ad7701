/** Parts of a fit, by hand: where it begins, what it refuses, and what a lasso fit answers. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, fit, fitAt, LOSSES, linear, logistic, Matrix, matrixDataset, poisson } from "../../src/index.js";
import {
  constantPoint,
  type Fit,
  fitFree,
  fitHessianTimes,
  refuseRunaway,
  refuseTooFewRows,
  runaway,
  startingPoint,
  stationaryGradient,
  withRidge,
} from "../../src/solvers/fit.js";
import type { InverseHessian } from "../../src/solvers/inverse-hessian.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const features = ["a", "b"];
const x = Matrix.fromRows([
  [1, 0],
  [0, 1],
  [-1, 2],
  [2, 2],
]);
const data = matrixDataset(x, [1, 2, 0, 5]);

describe("what a fit with and without an l1 penalty answers", () => {
  test("its gradient has λ sgn θ where parameters are selected", async () => {
    const plain = await fitAt(linear(), data, [1, 2, -3]);
    expect(stationaryGradient(plain)).toBe(plain.gradient);
    const gradient = Float64Array.of(0.5, 1, -2);
    const sparse = { l1: 3, selected: [1, 2] } as unknown as Fit["sparse"];
    const found = stationaryGradient(Object.assign({}, plain, { gradient, sparse }));
    expect([...found]).toEqual([0.5, 4, -5]);
    expect([...gradient]).toEqual([0.5, 1, -2]);
  });

  test("its Hessian is 0 outside the support", async () => {
    const plain = await fitAt(linear(), data, [1, 2, -3]);
    const hessian = Matrix.fromRows([
      [2, 0],
      [1, 5],
    ]);
    const sparse = { support: [0, 2] } as unknown as Fit["sparse"];
    expect([...fitHessianTimes({ ...plain, hessian, sparse } as Fit, Float64Array.of(1, 100, 3))]).toEqual([5, 0, 16]);
    const whole = Matrix.fromRows([
      [2, 0, 0],
      [1, 5, 0],
      [0, 1, 1],
    ]);
    expect([...fitHessianTimes({ ...plain, hessian: whole }, Float64Array.of(1, 10, 3))]).toEqual([12, 54, 13]);
  });
});

describe("where it begins", () => {
  test("the intercept of the best constant, and 0 where there is none or it is infinite", () => {
    expect([...constantPoint(poisson()({ features }), Math.E)]).toEqual([1, 0, 0]);
    expect([...constantPoint(poisson()({ features }), 0)]).toEqual([0, 0, 0]);
    expect([...constantPoint(poisson({ intercept: false })({ features }), Math.E)]).toEqual([0, 0]);
    const weighted = matrixDataset(x, [1, 2, 0, 5], { weights: [1, 1, 1, 5] });
    expect(startingPoint(linear()({ features }), weighted)[0]).toBeCloseTo(3.5, 14);
    expect([...startingPoint(linear({ intercept: false })({ features }), weighted)]).toEqual([0, 0]);
  });

  test("the ridge leaves the intercept alone, and nothing else", () => {
    expect([...withRidge(linear()({ features }), 2).ridge]).toEqual([0, 2, 2]);
    expect([...withRidge(linear({ intercept: false })({ features }), 2).ridge]).toEqual([2, 2]);
    expect([...withRidge(linear()({ features }), 0).ridge]).toEqual([0, 0, 0]);
  });

  test("H that is known is the fit's, and an inverse without it is none", async () => {
    const own = await fit(linear(), data, { l2: 0.5 });
    const known = await fit(linear(), data, { l2: 0.5, hessian: own.hessian, inverse: own.inverse });
    expect(known.hessian).toBe(own.hessian);
    expect(known.inverse).toBe(own.inverse);
    const other = await fit(linear(), data, { l2: 0.5, hessian: own.hessian });
    expect(other.hessian).toBe(own.hessian);
    expect(other.inverse).not.toBe(own.inverse);
    const uphill = { ...own.inverse, solve: (b: Float64Array) => b.map((value) => -value) } as InverseHessian;
    const ignored = await fit(linear(), data, { l2: 0.5, inverse: uphill });
    ignored.parameters.forEach((value, j) => expect(value).toBeCloseTo(own.parameters[j], 13));
    const begun = await fit(linear(), data, { l2: 0.5, start: own.parameters });
    expect(begun.iterations).toBe(0);
  });
});

test("with some parameters alone, the scores of that model", async () => {
  const fitted = await fit(linear(), data);
  const constant = await fitFree(fitted, Uint8Array.of(1, 0, 0));
  for (const score of constant) expect(score).toBeCloseTo(2, 13);
  const own = await fit(linear(), matrixDataset(Matrix.fromRows([[1], [0], [-1], [2]]), [1, 2, 0, 5]));
  const two = await fitFree(fitted, Uint8Array.of(1, 1, 0));
  two.forEach((score, i) => expect(score).toBeCloseTo(own.scores[i], 12));
});

describe("what it refuses", () => {
  test("fewer rows of weight than parameters, and no more than that", async () => {
    const model = linear()({ features });
    expect(() => refuseTooFewRows(model, 0, 3)).not.toThrow();
    expect(() => refuseTooFewRows(model, 1e-9, 2)).not.toThrow();
    expect((await refusal(() => refuseTooFewRows(model, 0, 2))).message).toContain(
      "2 rows cannot determine 3 parameters",
    );
  });

  test("losses that fall for ever as the intercept goes up or down: rows of weight 0 do not count", async () => {
    // Rises and falls upwards, rises and falls downwards.
    for (const [loss, y, w, expected] of [
      ["logistic", [1, -1], [1, 1], [true, true, true, true]],
      ["logistic", [1, 1], [1, 1], [false, true, true, false]],
      ["logistic", [1, -1], [1, 0], [false, true, true, false]],
      ["logistic", [-1, -1], [1, 1], [true, false, false, true]],
      ["poisson", [0, 0], [1, 1], [true, false, false, true]],
      ["poisson", [0, 2], [1, 1], [true, false, true, true]],
      ["squared", [3, 3], [1, 1], [true, false, true, false]],
    ] as const) {
      const found = runaway(LOSSES[loss], Float64Array.from(y), Float64Array.from(w));
      expect(found).toEqual(expected);
      const [risesUp, fallsUp, risesDown, fallsDown] = expected;
      const refused = (!risesUp && fallsUp) || (!risesDown && fallsDown);
      if (refused) expect((await refusal(() => refuseRunaway(found))).message).toContain("All targets are alike");
      else expect(() => refuseRunaway(found)).not.toThrow();
    }
  });

  test("alike targets are fitted where there is no intercept to run away", async () => {
    const ones = matrixDataset(Matrix.fromRows([[1], [-1], [0.5]]), [1, 1, 1]);
    const { parameters } = await fit(logistic({ intercept: false }), ones, { l2: 0.1 });
    expect(parameters).toHaveLength(1);
    expect((await refusal(fit(logistic(), ones, { l2: 0.1 }))).message).toContain("All targets are alike");
  });

  test("entries that are not finite are looked for where sums are not, and only there", async () => {
    let looked = 0;
    const watched = (rows: typeof data) => Object.assign(Object.create(rows), { check: () => void looked++ });
    await fit(linear(), watched(data));
    expect(looked).toBe(0);
    const broken = matrixDataset(Matrix.fromRows([[1], [Number.NaN], [2]]), [1, 2, 3]);
    expect((await refusal(fit(linear(), watched(broken)))).code).toBe("numerical");
    expect(looked).toBeGreaterThan(0);
    // Rows that nobody can look through leave what the numbers say.
    const silent = Object.assign(Object.create(broken), { check: undefined });
    expect((await refusal(fit(linear(), silent))).message).toContain("not finite");
  });
});
