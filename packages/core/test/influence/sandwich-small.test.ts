/** IF_i of Î and of Ŝ on a few rows, by moving weight to each row and fitting again, and sums of them by plain loops. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Dataset,
  ensureBlas,
  fit,
  type Influence,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
  quadratic,
  scoreShifts,
  type ThreatDescription,
} from "../../src/index.js";
import { naturalHessianTimes } from "../../src/influence/contributions.js";
import { estimationLoss, parameterCovariance } from "../../src/influence/estimation-loss.js";
import { leverageFor, rowCounts, sandwich, sandwichParts } from "../../src/influence/sandwich.js";
import { balanceOf, balanceSums, gramOfScalars } from "../../src/influence/sandwich-grams.js";
import { between, image, inverseMatrix, product } from "../../src/influence/sandwich-inverse.js";
import { clusterSquares, gramOfRows } from "../../src/influence/sandwich-rows.js";
import type { RowScalars } from "../../src/influence/sandwich-scalars.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { dot, features, Random, relativeError } from "../models/naive.js";
import { Cut } from "./cut.js";
import { randomCase } from "./problems.js";

beforeAll(() => ensureBlas());

const n = 18;
const random = new Random(3);
const X = random.rows(n, 2).map((x) => x.map((value) => Math.min(1, value)));
const y = X.map((x) => (random.uniform() < 1 / (1 + Math.exp(-0.8 * x[0] + 0.5 * x[1])) ? 1 : -1));
const raw = X.map((_, i) => 1 + (i % 3));
const total = raw.reduce((sum, value) => sum + value, 0);
const w = Float64Array.from(raw, (value) => value / total);
const matrix = Matrix.fromRows(X);
const dataOf = (weights: ArrayLike<number>): Dataset =>
  new Cut(matrixDataset(matrix, y, { weights: Array.from(weights) }), 5);

interface Setting {
  readonly name: string;
  readonly model: ModelDescription;
  readonly threat: ThreatDescription;
  readonly l2: number;
  readonly relative?: boolean;
}

const box = { bounds: { lower: [-9, -9], upper: [1, 1] } };
const settings: readonly Setting[] = [
  { name: "p = 2", model: logistic(), threat: lp(2), l2: 0.1 },
  { name: "p = 1.5, budgets", model: logistic(), threat: lp(1.5, { budgets: [1, 0.4] }), l2: 0.05 },
  { name: "p = 3, no intercept", model: logistic({ intercept: false }), threat: lp(3), l2: 0.2 },
  {
    name: "one feature frozen, absolute radius",
    model: logistic(),
    threat: lp(2, { budgets: [0, 2] }),
    l2: 0.1,
    relative: false,
  },
  { name: "in a box", model: logistic(), threat: lp(2, box), l2: 0.1 },
  { name: "quadratic", model: quadratic({ loss: "logistic" }), threat: lp(2), l2: 0.2 },
  {
    name: "quadratic, p = 1.5, absolute",
    model: quadratic({ loss: "logistic" }),
    threat: lp(1.5, { budgets: [1, 2] }),
    l2: 0.2,
    relative: false,
  },
  { name: "quadratic in a box", model: quadratic({ loss: "logistic" }), threat: lp(1.5, box), l2: 0.3 },
];

/** dÎ and dŜ per unit of weight moved to each row. */
async function moved({ model, threat, l2, relative = true }: Setting): Promise<{ rows: number[][]; S: number[] }> {
  const c0 = (await influence(await fit(model, dataOf(w), { l2 }), threat)).scale;
  const at = async (i: number, eta: number): Promise<number[]> => {
    const weights = w.map((value, k) => (1 - eta) * value + (k === i ? eta : 0));
    const attack = await influence(await fit(model, dataOf(weights), { l2 }), threat);
    const I = attack.influence.map((value) => (relative ? 1 : c0 / attack.scale) * value);
    return [...I, 0.5 * dot(I, naturalHessianTimes(attack.fit, I))];
  };
  const rows: number[][] = [];
  const S: number[] = [];
  for (let i = 0; i < n; i++) {
    const slopes: number[][] = [];
    for (const eta of [1e-3, 5e-4]) {
      const [up, down] = [await at(i, eta), await at(i, -eta)];
      slopes.push(up.map((value, j) => (value - down[j]) / (2 * eta)));
    }
    const slope = slopes[1].map((value, j) => (4 * value - slopes[0][j]) / 3);
    rows.push(slope.slice(0, -1));
    S.push(slope[slope.length - 1]);
  }
  return { rows, S };
}

/** Σ_g (Σ_{i in g} f_i IF_i)(…)' times a factor, d×d. */
function summed(rows: readonly number[][], groups: ArrayLike<number>, factors: ArrayLike<number>, times = 1): number[] {
  const d = rows[0].length;
  const sums = new Map<number, number[]>();
  rows.forEach((row, i) => {
    const sum = sums.get(groups[i]) ?? new Array<number>(d).fill(0);
    sums.set(
      groups[i],
      sum.map((value, j) => value + factors[i] * row[j]),
    );
  });
  const out = new Array<number>(d * d).fill(0);
  for (const sum of sums.values())
    for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) out[j * d + k] += times * sum[j] * sum[k];
  return out;
}

describe.each(settings)("logistic loss, $name", (setting) => {
  test("V̂ and the spread of Ŝ are those of moved weights: rows, counts and clusters", async () => {
    const { model, threat, l2, relative = true } = setting;
    const attack = await influence(await fit(model, dataOf(w), { l2 }), threat);
    const shifts = await scoreShifts(attack);
    const { rows, S } = await moved(setting);
    const alone = [...w.keys()];
    const cases = [
      { options: {}, groups: alone, factors: w, times: 1 },
      {
        options: { weightsKind: "frequency", totalWeight: total },
        groups: alone,
        factors: w.map((value) => Math.sqrt(value / total)),
        times: 1,
      },
      {
        options: { clusters: Int32Array.from(alone, (i) => 7 - (i % 4)) },
        groups: alone.map((i) => 7 - (i % 4)),
        factors: w,
        times: 4 / 3,
      },
    ] as const;
    for (const { options, groups, factors, times } of cases) {
      const found = await sandwich(attack, shifts, { ...options, relativeRadius: relative });
      const wanted = summed(rows, groups, factors, times);
      expect(relativeError(found.covariance.data, wanted)).toBeLessThan(1e-6);
      const d = rows[0].length;
      found.standardErrors.forEach((error, j) => expect(error).toBeCloseTo(Math.sqrt(wanted[j * (d + 1)]), 5));
      expect(relativeError(found.sensitivityRows, S)).toBeLessThan(1e-6);
      const [variance] = summed(
        S.map((value) => [value]),
        groups,
        factors,
        times,
      );
      expect(found.sensitivityStandardError / Math.sqrt(variance)).toBeCloseTo(1, 6);
      // ½I'H_LI − ½tr(H_LV̂)
      let trace = 0;
      for (let j = 0; j < d; j++) trace += naturalHessianTimes(attack.fit, found.covariance.row(j))[j];
      const curvature = dot(attack.influence, naturalHessianTimes(attack.fit, attack.influence));
      expect(found.debiased).toBeCloseTo(0.5 * (curvature - trace), 12);
    }
    // With Gram matrices or row by row it is the same sum.
    const parts = await sandwichParts(attack, shifts, { relativeRadius: relative });
    const byRow = await gramOfRows(attack, parts.rows, parts, parts.omega, undefined, {});
    if (attack.pull.shared)
      expect(
        relativeError((await gramOfScalars(attack.fit, parts.rows, parts, parts.omega, {})).data, byRow.data),
      ).toBeLessThan(1e-9);
    expect(relativeError(between(parts.inverse, byRow).data, summed(rows, alone, w))).toBeLessThan(1e-6);
  });

  test("Cov θ̂ is that of moved weights", async () => {
    const { model, l2 } = setting;
    const own = await fit(model, dataOf(w), { l2 });
    const rows: number[][] = [];
    for (let i = 0; i < n; i++) {
      const [up, down] = [1e-4, -1e-4].map((eta) => w.map((value, k) => (1 - eta) * value + (k === i ? eta : 0)));
      const [a, b] = [await fit(model, dataOf(up), { l2 }), await fit(model, dataOf(down), { l2 })];
      rows.push(Array.from(a.parameters, (value, j) => (value - b.parameters[j]) / 2e-4));
    }
    const alone = [...w.keys()];
    const sampled = await parameterCovariance(own, { weightsKind: "sampling", totalWeight: n });
    expect(relativeError(sampled.data, summed(rows, alone, w))).toBeLessThan(1e-5);
    const counted = await parameterCovariance(own, { weightsKind: "frequency", totalWeight: total });
    const roots = w.map((value) => Math.sqrt(value / total));
    expect(relativeError(counted.data, summed(rows, alone, roots))).toBeLessThan(1e-5);
    const clusters = Int32Array.from(alone, (i) => i % 5);
    const grouped = await parameterCovariance(own, { weightsKind: "sampling", totalWeight: n, clusters });
    expect(relativeError(grouped.data, summed(rows, clusters, w, 5 / 4))).toBeLessThan(1e-5);
    let trace = 0;
    for (let j = 0; j < own.ridge.length; j++) trace += naturalHessianTimes(own, sampled.row(j))[j];
    expect(estimationLoss(own, sampled)).toBeCloseTo(0.5 * trace, 12);
  });
});

test("what rows count, and from how many parameters on leverages matter", () => {
  const weights = Float64Array.of(0.2, 0.3, 0.5);
  expect([...rowCounts(weights, {})]).toEqual(Array.from(weights, (value) => value * value));
  expect([...rowCounts(weights, { weightsKind: "frequency", totalWeight: 10 })]).toEqual(
    Array.from(weights, (v) => v / 10),
  );
  expect(() => rowCounts(weights, { weightsKind: "frequency" })).toThrow(
    "Frequency weights count units, so their total is needed: give totalWeight, the sum of the raw weights.",
  );
  expect([leverageFor(5, 100), leverageFor(6, 100), leverageFor(1, 20), leverageFor(1, 19)]).toEqual([
    "none",
    "centred",
    "none",
    "centred",
  ]);
  expect(balanceOf(Float64Array.of(8, 2))).toBe(2);
  expect([balanceOf(Float64Array.of(0, 2)), balanceOf(Float64Array.of(3, 0))]).toEqual([1, 1]);
});

test("products, with nothing to multiply too; H⁻¹ where H is regular and where it is not", async () => {
  const a = Matrix.fromRows([
    [1, 2],
    [3, 4],
    [5, 6],
  ]);
  const b = Matrix.fromRows([
    [1, -1],
    [2, 0],
  ]);
  expect([...product(a, b).data]).toEqual([5, -1, 11, -3, 17, -5]);
  expect([...product(a, b, true).data]).toEqual([-1, 2, -1, 6, -1, 10]);
  expect([...image(a, Float64Array.of(1, -1))]).toEqual([-1, -1, -1]);
  expect([...image(a, Float64Array.of(1, 0, -1), true)]).toEqual([-4, -4]);
  expect(product(Matrix.zeros(0, 2), b).rows).toBe(0);
  expect([...image(Matrix.zeros(0, 2), Float64Array.of(1, 2))]).toEqual([]);
  expect([...image(Matrix.zeros(0, 2), new Float64Array(0), true)]).toEqual([0, 0]);
  const made = randomCase("half", 2, { n: 12, m: 3 });
  const own = await fit(made.describe, made.data);
  const full = product(
    inverseMatrix(own),
    Matrix.fromRows(
      [0, 1, 2, 3].map((j) => [0, 1, 2, 3].map((k) => own.hessian.data[Math.max(j, k) * 4 + Math.min(j, k)])),
    ),
  );
  expect(relativeError(full.data, [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1])).toBeLessThan(1e-11);
  const twice = matrixDataset(Matrix.fromRows(made.problem.X.map(([x]) => [x, 2 * x])), [...made.problem.y]);
  const singular = await fit(linear({ intercept: false }), twice);
  expect(singular.inverse.method).toBe("pseudo-inverse");
  // H = h(1, 2)(1, 2)', so that H⁺ = H/(5h)².
  const h = singular.hessian.data[0];
  const wanted = [1, 2, 2, 4].map((value) => value / (25 * h));
  expect(relativeError(inverseMatrix(singular).data, wanted)).toBeLessThan(1e-10);
});

test("the balance of a mixed Gram makes both of its parts weigh alike, by hand", () => {
  const rows = {
    onFeatures: Float64Array.of(1, -2, 3),
    slope: Float64Array.of(0.5, 1, 0),
  } as unknown as RowScalars;
  // Σωα² = 0.5 + 0.25·4 + 0.25·9, Σωℓ'² = 0.5·0.25 + 0.25.
  expect([...balanceSums(rows, Float64Array.of(0.5, 0.25, 0.25))]).toEqual([3.75, 0.375]);
  expect(balanceOf(Float64Array.of(3.75, 0.375))).toBeCloseTo(Math.sqrt(10), 14);
  for (const sums of [
    [0, 0.375],
    [3.75, 0],
    [0, 0],
  ])
    expect(balanceOf(Float64Array.from(sums))).toBe(1);
});

test("sums within clusters: codes in any order, rows without weight none, one cluster alone", () => {
  const values = Float64Array.of(1, 2, 3, 4, 50);
  const weights = Float64Array.of(0.2, 0.3, 0.2, 0.3, 0);
  expect(clusterSquares(values, Int32Array.of(9, 2, 9, 5, 7), weights)).toBeCloseTo((3 / 2) * (16 + 4 + 16), 12);
  expect(clusterSquares(values, Int32Array.of(9, 2, 9, 5, 2), weights)).toBeCloseTo((3 / 2) * (16 + 52 ** 2 + 16), 10);
  expect(clusterSquares(Float64Array.of(1, 2), Int32Array.of(4, 4), Float64Array.of(0.5, 0.5))).toBe(9);
});

test("rows that share a budget have no sandwich", async () => {
  const made = randomCase("half", 2, { n: 12 });
  const attack = await influence(await fit(made.describe, made.data), wasserstein(2, lp(2)));
  await expect(sandwich(attack, await scoreShifts(attack))).rejects.toThrow(/^Sandwich intervals are/);
});

/** Σ w ℓ'' sgn… by loops where squared losses have density terms: D + T of a linear model by hand. */
test("squared loss: the density of residuals at 0 counts, by loops", async () => {
  const made = randomCase("half", 21, { n: 16, m: 2, weighted: true, l2: 0.1 });
  const { problem } = made;
  const own = await fit(made.describe, new Cut(made.data, 5), { l2: 0.1 });
  const attack: Influence = await influence(own, lp(2));
  const shifts = await scoreShifts(attack);
  const { jacobian } = await sandwichParts(attack, shifts, {});
  const c = attack.scale;
  const V = problem.X.map((x) => features(problem.terms, x));
  const r = V.map((v, i) => dot(v, own.parameters) - problem.y[i]);
  const mean = dot(r, problem.w);
  const sd = Math.sqrt(r.reduce((sum, value, i) => sum + problem.w[i] * (value - mean) ** 2, 0));
  const h = 1.06 * sd * problem.w.reduce((sum, value) => sum + value * value, 0) ** 0.2;
  const beta = [...own.parameters.subarray(1)];
  const N = Math.hypot(...beta);
  const phi = [0, ...beta.map((value) => value / N)];
  const size = r.reduce((sum, value, i) => sum + problem.w[i] * Math.abs(value), 0);
  const signs = [0, 1, 2].map((j) => V.reduce((sum, v, i) => sum + problem.w[i] * Math.sign(r[i]) * v[j], 0));
  const wanted = [0, 1, 2].flatMap((j) =>
    [0, 1, 2].map((k) => {
      const bend = j > 0 && k > 0 ? ((j === k ? 1 : 0) - phi[j] * phi[k]) / N : 0;
      const density = V.reduce(
        (sum, v, i) =>
          sum + (problem.w[i] * 2 * Math.exp(-0.5 * (r[i] / h) ** 2) * N * v[j] * v[k]) / (h * Math.sqrt(2 * Math.PI)),
        0,
      );
      return c * (size * bend + signs[j] * phi[k] + signs[k] * phi[j] + density);
    }),
  );
  expect(relativeError(jacobian.data, wanted)).toBeLessThan(1e-10);
});
