/** Corners of A and rows attacked together on a few rows: least norms by a search, and what is told of them. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  checkValidity,
  type Dataset,
  ensureBlas,
  type Fit,
  fit,
  type Influence,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  quadratic,
  rowContributions,
  scoreShifts,
  type ThreatDescription,
} from "../../src/index.js";
import { slopeExtent } from "../../src/influence/aif.js";
import { resolveKinks } from "../../src/influence/one-sided.js";
import { responseAt, rowGains, usedBudgets } from "../../src/influence/response.js";
import { oneRow, rowPull, tiedRowColumns } from "../../src/influence/tied-rows.js";
import { lasso } from "../../src/solvers/lasso/lasso.js";
import { divergence } from "../../src/threats/divergence.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { dot, pNorm, Random, relativeError, solve } from "../models/naive.js";
import { Cut } from "./cut.js";
import { randomCase } from "./problems.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

/** The design ±1 × ±1 and copies with other targets, in blocks: coefficients are what is asked for, exactly. */
function crossed(beta: readonly number[], noise: number): Dataset {
  const X = [0, 1].flatMap(() => [
    [1, 1],
    [1, -1],
    [-1, 1],
    [-1, -1],
  ]);
  const y = X.map((x, i) => beta[0] + beta[1] * x[0] + beta[2] * x[1] + (i < 4 ? noise : -noise) * (1 + (i % 4)));
  return new Cut(matrixDataset(Matrix.fromRows(X), y), 3);
}

/** ½v'Hv + A'(θ̂; v): what I minimises, A by the definition. */
function objective(own: Fit, p: number, budgets: readonly number[]) {
  const rows: { v: number[]; y: number; w: number }[] = [];
  for (const { x, y, w } of own.data.blocks())
    for (let i = 0; i < x.rows; i++) rows.push({ v: [1, ...x.row(i)], y: y[i], w: w[i] });
  const q = p === 1 ? INF : p === INF ? 1 : p / (p - 1);
  const c = rows.reduce(
    (sum, { v, w }) =>
      sum +
      w *
        pNorm(
          v.slice(1).flatMap((value, k) => (budgets[k] > 0 ? [value / budgets[k]] : [])),
          p,
        ),
    0,
  );
  const A = (theta: readonly number[]): number => {
    const N = pNorm(
      theta.slice(1).map((value, k) => value * budgets[k]),
      q,
    );
    return c * N * rows.reduce((sum, { v, y, w }) => sum + 2 * w * Math.abs(dot(v, theta) - y), 0);
  };
  const theta = [...own.parameters];
  return (v: readonly number[]): number => {
    const h = 1e-6;
    const bend = rows.reduce((sum, row) => sum + row.w * dot(row.v, v) ** 2, 0);
    return bend + (A(theta.map((value, j) => value + h * v[j])) - A(theta)) / h;
  };
}

const expectLeast = (attack: Influence, value: (v: readonly number[]) => number): void => {
  const I = [...attack.influence];
  const least = value(I);
  const random = new Random(3);
  for (let draw = 0; draw < 120; draw++) {
    const size = 10 ** (-2.5 * random.uniform());
    expect(value(I.map((entry) => entry + size * random.normal()))).toBeGreaterThan(least - 1e-5);
  }
};

/** Contributions of all rows add up to I, and the residual that is told is that of HI = −Φ. */
async function expectSum(attack: Influence): Promise<void> {
  for (const j of attack.influence.keys()) {
    const unit = Float64Array.from(attack.influence, (_, k) => (k === j ? 1 : 0));
    const rows = await rowContributions(attack, unit);
    expect(rows.reduce((sum, value) => sum + value, 0)).toBeCloseTo(attack.influence[j], 9);
  }
  expect(attack.relativeResidual).toBeLessThan(1e-10);
}

describe("corners of the penalty", () => {
  test.each([
    ["a coefficient of 0", INF, [0.3, 1, 0], 0.2, [1, 1], { coordinates: [1], ties: [], residuals: 0 }],
    ["a frozen one is none", INF, [0.3, 1, 0], 0.2, [1, 0], null],
    ["two that are tied", 1, [0.3, 1, -1], 0.2, [1, 1], { coordinates: [], ties: [0, 1], residuals: 0 }],
    ["tied by their budgets", 1, [0.3, 2, -1], 0.2, [0.5, 1], { coordinates: [], ties: [0, 1], residuals: 0 }],
    ["not tied", 1, [0.3, 2, -1], 0.2, [1, 1], null],
    ["smooth at p = 2", 2, [0.3, 1, 0], 0.2, [1, 1], null],
  ] as const)("%s, p = %d", async (_, p, beta, noise, budgets, wanted) => {
    const own = await fit(linear(), crossed(beta, noise));
    const attack = await influence(own, lp(p, { budgets: [...budgets] }));
    expect(attack.oneSided).toBe(wanted !== null);
    expect(attack.coupledKinks).toBe(0);
    const found = attack.multipliers;
    if (wanted === null) expect(found).toBeNull();
    else {
      expect(found?.coordinates.map(({ feature }) => feature)).toEqual(wanted.coordinates);
      expect(found?.ties.map(({ feature }) => feature)).toEqual(wanted.ties);
      expect(found?.residuals).toHaveLength(wanted.residuals);
      expect(found && "rows" in found).toBe(false);
      for (const { value } of found?.coordinates ?? []) expect(Math.abs(value)).toBeLessThanOrEqual(1);
      if (wanted.ties.length > 0) {
        const values = found?.ties.map(({ value }) => value) ?? [];
        expect(values.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 10);
        expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
      }
    }
    expectLeast(attack, objective(own, p, budgets));
    await expectSum(attack);
  });

  test("rows that the fit meets: κ between −1 and 1", async () => {
    const beta = [0.3, 1, -2];
    const X = [
      [1, 1],
      [1, -1],
      [-1, 1],
      [-1, -1],
      [0.5, 0.2],
      [1, 1],
      [1, -1],
      [-1, 1],
      [-1, -1],
    ];
    const noise = [0.4, 0.1, 0.3, 0.2, 0, -0.4, -0.1, -0.3, -0.2];
    const y = X.map((x, i) => beta[0] + dot(beta.slice(1), x) + noise[i]);
    const own = await fit(linear(), new Cut(matrixDataset(Matrix.fromRows(X), y), 4));
    for (const p of [1, 2, INF]) {
      const attack = await influence(own, lp(p));
      expect(attack.multipliers?.residuals.map(({ row }) => row)).toEqual([4]);
      expect(Math.abs(attack.multipliers?.residuals[0].value ?? 9)).toBeLessThanOrEqual(1);
      expect(attack.pull.slopes[4]).toBe(0);
      expectLeast(attack, objective(own, p, [1, 1]));
      await expectSum(attack);
    }
  });

  test("nothing to attack with: Φ = 0, whatever p; the size of rounding goes with the scores", async () => {
    const own = await fit(linear(), crossed([0.3, 0, 0], 0.2));
    for (const p of [1, 2, INF]) {
      const attack = await influence(own, lp(p));
      expect(attack.influence.every((value) => value === 0)).toBe(true);
      expect([attack.oneSided, attack.multipliers, attack.penalty]).toEqual([true, null, 0]);
    }
    const extent = slopeExtent(own);
    // r = ±0.2(1 + k), ℓ' = 2r, ℓ'' = 2, f = 0.3: Σw(ℓ'²/2 + 2f²).
    expect(extent.largest).toBeCloseTo(1.6, 12);
    expect(extent.size).toBeCloseTo((2 * 0.04 * (1 + 4 + 9 + 16)) / 4 + 2 * 0.09, 12);
  });

  test("all rows met: no influence, and nothing to resolve", async () => {
    const own = await fit(linear(), crossed([0.3, 1, 0], 0));
    const attack = await influence(own, lp(INF));
    expect([attack.multipliers, attack.oneSided]).toEqual([null, true]);
    expect(attack.influence.every((value) => value === 0)).toBe(true);
  });

  test("more corners than can be resolved are refused, with how many", async () => {
    const own = await fit(linear(), crossed([0.3, 1, 0.5], 0.2));
    const { pull, scale, threat, penaltyGradient } = await influence(own, lp(2));
    const kinks = { zeroCoordinates: [], ties: [], zeroGradient: false, tiedRows: [] };
    const many = { ...kinks, zeroResiduals: Array.from({ length: 2001 }, () => 0) };
    const corner = { fit: own, threat, scale, smooth: penaltyGradient, pull };
    await expect(resolveKinks({ ...corner, kinks: many })).rejects.toThrow(
      /^2001 residuals, coordinates or ties are exactly zero, more than the 2000 that can be resolved/,
    );
    const none = await resolveKinks({ ...corner, kinks: { ...kinks, zeroResiduals: [] } });
    expect(none.penaltyGradient).toEqual(penaltyGradient);
    expect([none.multipliers, none.pull === pull, none.staying]).toEqual([null, true, []]);
  });

  test("a singular H: named by its rank where Φ needs what the data leave open", async () => {
    const X = [
      [1, 2],
      [2, 4],
      [-1, -2],
      [0.5, 1],
      [3, 6],
    ];
    const own = await fit(linear(), matrixDataset(Matrix.fromRows(X), [1, 3, -2, 0, 2]));
    await expect(influence(own, lp(1))).rejects.toThrow(
      /^The Hessian is singular \(rank 2 of 3 parameters, 5 rows\) and the adversary pulls along directions that the data do not determine \(share \d\.\de[-+]\d+\)/,
    );
    const along = await influence(own, lp(2));
    expect(along.relativeResidual).toBeLessThan(1e-8);
  });

  test("a Hessian that is singular because of units far apart says so, another does not", async () => {
    const refusal = async (units: readonly [number, number]): Promise<string> => {
      const X = [1, 2, -1, 0.5, 3, -2].map((x) => [units[0] * x, units[1] * (x % 2), units[1] * (x % 2)]);
      const own = await fit(linear(), matrixDataset(Matrix.fromRows(X), [1, 3, -2, 0, 2, 1]));
      return influence(own, lp(Infinity, { budgets: [1, 1, 0] })).then(
        () => "",
        (error: Error) => error.message,
      );
    };
    expect(await refusal([1, 1])).toMatch(/combinations of others\.$/);
    expect(await refusal([1, 1e6])).toMatch(
      /combinations of others\. The columns are in units far apart, .*--no-standardize/,
    );
  });
});

describe("rows attacked together", () => {
  const made = randomCase("half", 7, { n: 9, m: 2, weighted: true });
  const data = new Cut(made.data, 4);

  test.each([1, 1.5, 2, 5])("u = %d: A and Φ by the Hölder weights", async (u) => {
    const own = await fit(made.describe, data, { l2: 0.1 });
    const attack = await influence(own, wasserstein(u, lp(2)));
    const dual = u === 1 ? INF : u / (u - 1);
    const { X, y, w } = made.problem;
    const c = attack.scale;
    const A = (theta: ArrayLike<number>): number => {
      const N = Math.hypot(theta[1], theta[2]);
      const sizes = X.map((x, i) => N * Math.abs(dot([1, ...x], theta) - y[i]));
      if (dual === INF) return c * Math.max(...sizes);
      return c * sizes.reduce((sum, size, i) => sum + w[i] * size ** dual, 0) ** (1 / dual);
    };
    expect(attack.penalty / A(own.parameters)).toBeCloseTo(1, 10);
    const h = 1e-6;
    const slope = [0, 1, 2].map((j) => {
      const at = (step: number) => A(Array.from(own.parameters, (value, k) => value + (k === j ? step : 0)));
      return (at(h) - at(-h)) / (2 * h);
    });
    expect(relativeError(attack.penaltyGradient, slope)).toBeLessThan(1e-7);
    expect([attack.oneSided, attack.coupledKinks]).toEqual([false, 0]);
    await expectSum(attack);
    const gains = await rowGains(own, attack.threat, attack.pull);
    X.forEach((x, i) =>
      expect(gains[i]).toBeCloseTo(
        Math.hypot(own.parameters[1], own.parameters[2]) * Math.abs(dot([1, ...x], own.parameters) - y[i]),
        10,
      ),
    );
  });

  test("reweighted: Φ = Σ w a ∇l, c = 1; a corner where all losses are the same", async () => {
    const own = await fit(made.describe, data, { l2: 0.1 });
    const attack = await influence(own, divergence("chi2"));
    const { X, y, w } = made.problem;
    const deviation = (theta: ArrayLike<number>): number => {
      const losses = X.map((x, i) => 0.5 * (dot([1, ...x], theta) - y[i]) ** 2);
      const mean = dot(losses, w);
      return Math.sqrt(losses.reduce((sum, loss, i) => sum + w[i] * (loss - mean) ** 2, 0));
    };
    expect(attack.penalty).toBeCloseTo(deviation(own.parameters), 12);
    expect([attack.scale, attack.oneSided, attack.multipliers]).toEqual([1, false, null]);
    expect([...attack.rowScales]).toEqual(new Array(9).fill(1));
    const h = 1e-6;
    const slope = [0, 1, 2].map((j) => {
      const at = (step: number) => deviation(Array.from(own.parameters, (value, k) => value + (k === j ? step : 0)));
      return (at(h) - at(-h)) / (2 * h);
    });
    expect(relativeError(attack.penaltyGradient, slope)).toBeLessThan(1e-7);
    expect(attack.pull.onJacobian.every((value) => value === 0)).toBe(true);
    await expectSum(attack);
    const flat = await fit(linear(), crossed([0, 0, 0], 0));
    const still = await influence(flat, divergence("chi2"));
    expect([still.oneSided, still.penalty]).toEqual([true, 0]);
    expect(still.influence.every((value) => value === 0)).toBe(true);
  });

  test("rows tied for the largest gain share the budget, each as if it had all of it", async () => {
    const own = await fit(linear(), crossed([0.3, 1, 0.5], 0.2));
    // Rows 3 and 7 have residuals ∓0.8.
    const attack = await influence(own, wasserstein(1, lp(2)));
    expect(attack.multipliers?.rows?.map(({ row }) => row)).toEqual([3, 7]);
    const shares = attack.multipliers?.rows?.map(({ value }) => value) ?? [];
    expect(shares[0] + shares[1]).toBeCloseTo(1, 10);
    const { pull, scale, threat } = attack;
    const slopes = own.scores.map((f, i) => 2 * (f - own.data.y[i]));
    const at = { fit: own, threat, scale, pull: { ...pull, slopes } };
    const N = Math.hypot(1, 0.5);
    const columns = tiedRowColumns(at, [3, 7]);
    for (const [k, row] of [3, 7].entries()) {
      const block = oneRow(own, row);
      expect([block.firstRow, block.y[0], block.w[0]]).toEqual([row, own.data.y[row], 1 / 8]);
      const own_ = rowPull(at, row);
      const sign = Math.sign(slopes[row]);
      expect(own_.onFeatures).toBeCloseTo(2 * sign * N, 10);
      expect(own_.onJacobian).toBeCloseTo(Math.abs(slopes[row]), 10);
      const v = [1, ...block.x.data];
      const wanted = v.map(
        (value, j) => scale * (2 * sign * N * value + (j > 0 ? (Math.abs(slopes[row]) * own.parameters[j]) / N : 0)),
      );
      expect(relativeError(columns[k], wanted)).toBeLessThan(1e-10);
    }
    const Phi = [0, 1, 2].map((j) => shares[0] * columns[0][j] + shares[1] * columns[1][j]);
    expect(relativeError(attack.penaltyGradient, Phi)).toBeLessThan(1e-9);
    await expectSum(attack);
    // Of least length: no other split is shorter.
    const length = (share: number): number => {
      const g = [0, 1, 2].map((j) => share * columns[0][j] + (1 - share) * columns[1][j]);
      return dot(g, own.inverse.solve(Float64Array.from(g)));
    };
    for (let share = 0; share <= 1; share += 0.05) expect(length(share)).toBeGreaterThan(length(shares[0]) - 1e-9);
    // Under tied coordinates the first row stands for all, and that is told.
    const both = await influence(await fit(linear(), crossed([0.3, 1, -1], 0.2)), wasserstein(1, lp(1)));
    expect(both.coupledKinks).toBe(2);
    expect(both.multipliers?.rows).toBeUndefined();
  });

  test("no gain at all is a corner", async () => {
    const own = await fit(linear(), crossed([0.3, 1, 0.5], 0));
    const attack = await influence(own, wasserstein(2, lp(2)));
    expect([attack.oneSided, attack.penalty]).toEqual([true, 0]);
    expect(attack.influence.every((value) => value === 0)).toBe(true);
  });
});

describe("what the adversary may move", () => {
  test("inputs that no score uses and that a lasso leaves out have no budget", async () => {
    const random = new Random(2);
    const X = random.rows(12, 3);
    const y = X.map((x) => 2 * x[0] + 0.01 * random.normal());
    const data = new Cut(matrixDataset(Matrix.fromRows(X), y), 5);
    const sparse = await lasso(linear(), data, { l1: 0.8 });
    expect(sparse.parameters.map((value) => (value === 0 ? 0 : 1)).slice(1)).toEqual(Float64Array.of(1, 0, 0));
    expect([...usedBudgets(sparse, lp(2, { budgets: [1, 2, 3] })(3))]).toEqual([1, 0, 0]);
    const whole = await fit(linear(), data);
    expect([...usedBudgets(whole, lp(2, { budgets: [1, 2, 3] })(3))]).toEqual([1, 2, 3]);
  });

  test("coupled corners of rows are counted, in a box all of them; answers are those at θ̂", async () => {
    const X = [
      [1, 2],
      [-1, 0.5],
      [0, 2],
      [2, -1],
      [0.5, 0.5],
      [-2, 1],
      [1, -2],
      [0.3, -0.7],
    ];
    // f = x₁²: the gradient is 0 in both coordinates where x₁ = 0, and in the second everywhere.
    const y = X.map((x, i) => (x[0] ** 2 + (i % 2) > 1.5 ? 1 : -1));
    const own = await fit(quadratic({ loss: "logistic" }), new Cut(matrixDataset(Matrix.fromRows(X), y), 3), {
      l2: 0.3,
    });
    const attack = await influence(own, lp(INF));
    expect(attack.coupledKinks).toBe(0);
    const zero = { ...own, parameters: Float64Array.of(0, 0, 0, 1, 0, 0) };
    const scores = Float64Array.from(X, (x) => x[0] ** 2);
    const flat = await influence({ ...zero, scores }, lp(INF));
    expect(flat.coupledKinks).toBe(8);
    const smooth = await influence({ ...zero, scores }, lp(2));
    expect(smooth.coupledKinks).toBe(1);
    const [block] = own.data.blocks();
    const { base, gain } = responseAt(smooth, block);
    expect(base.rows).toBe(3);
    [0, 1].forEach((i) => expect(gain[i]).toBeCloseTo(Math.abs(smooth.pull.slopes[i] * 2 * X[i][0]), 10));
    expect(gain[2]).toBe(0);
    const bounds = { lower: [-9, -9], upper: [9, 9] };
    const boxed = await influence(await fit(linear(), crossed([0.3, 1, 0], 0.2)), lp(INF, { bounds }));
    expect([boxed.coupledKinks, boxed.pull.shared]).toEqual([8, null]);
    expect((await influence(await fit(linear(), crossed([0.3, 1, 0.5], 0.2)), lp(INF, { bounds }))).coupledKinks).toBe(
      0,
    );
  });

  test("the loss of a fit with a ridge bends as H says: I by elimination", async () => {
    const made = randomCase("logistic", 17, { n: 11, m: 2, l2: 0.2, weighted: true });
    const own = await fit(logistic(), new Cut(made.data, 4), { l2: 0.2 });
    const describes: ThreatDescription = lp(3);
    const attack = await influence(own, describes);
    const H = [0, 1, 2].map((j) => [0, 1, 2].map((k) => own.hessian.data[3 * Math.max(j, k) + Math.min(j, k)]));
    const I = solve(H, [...attack.penaltyGradient]).map((value) => -value);
    expect(relativeError(attack.influence, I)).toBeLessThan(1e-10);
    const { trust } = await checkValidity(attack, await scoreShifts(attack));
    expect(trust.radius ?? 0).toBeGreaterThan(0);
  });
});
