/** Columns in units far apart: what is fitted and predicted is that of the same columns in like units, transformed. */
import { expect, test } from "vitest";
import { localInfluence, lp, Matrix, matrixDataset, pointAt, softmaxRegression, trainModel } from "../../src/index.js";
import { relativeSize } from "../../src/solvers/gradient-terms.js";
import { parameterUnits } from "../../src/solvers/parameter-units.js";
import { conjugate, dot, numericalGradient, pNorm, Random, relativeError, solve } from "../models/naive.js";

const [n, m] = [240, 4];

/** Rows in like units, and classes of them. */
function rowsOf(K: number, seed: number) {
  const random = new Random(seed);
  const X = Array.from({ length: n }, () => Array.from({ length: m }, (_, k) => random.normal() + 0.2 * k));
  const y = X.map((x) => {
    const scores = Array.from(
      { length: K },
      (_, k) => 0.6 * k * x[0] - 0.5 * x[k % m] - Math.log(-Math.log(random.uniform())),
    );
    return scores.indexOf(Math.max(...scores));
  });
  return { X, y };
}

/** Softmax regression by Newton's method with the first class's parameters 0, and its AIF; then each class less the mean over classes. */
function truth(X: number[][], y: number[], K: number, p: number) {
  const V = X.map((x) => [1, ...x]);
  const q = m + 1;
  const probabilities = (t: ArrayLike<number>, v: number[]): number[] => {
    const f = Array.from({ length: K }, (_, k) => (k === 0 ? 0 : dot(Array.from(t).slice((k - 1) * q, k * q), v)));
    const total = f.reduce((sum, value) => sum + Math.exp(value), 0);
    return f.map((value) => Math.exp(value) / total);
  };
  const d = (K - 1) * q;
  const gradientOf = (t: number[]): number[] => {
    const g = new Array<number>(d).fill(0);
    V.forEach((v, i) => {
      const P = probabilities(t, v);
      for (let k = 1; k < K; k++)
        v.forEach((value, j) => (g[(k - 1) * q + j] += ((P[k] - Number(y[i] === k)) * value) / n));
    });
    return g;
  };
  const hessianOf = (t: number[]): number[][] => {
    const H = Array.from({ length: d }, () => new Array<number>(d).fill(0));
    for (const v of V) {
      const P = probabilities(t, v);
      for (let a = 0; a < d; a++) {
        for (let b = 0; b < d; b++) {
          const [k, l] = [1 + Math.floor(a / q), 1 + Math.floor(b / q)];
          H[a][b] += (P[k] * (Number(k === l) - P[l]) * v[a % q] * v[b % q]) / n;
        }
      }
    }
    return H;
  };
  let t = new Array<number>(d).fill(0);
  for (let step = 0; step < 12; step++) {
    const move = solve(hessianOf(t), gradientOf(t));
    t = t.map((value, j) => value - move[j]);
  }
  const c = X.reduce((sum, x) => sum + pNorm(x, p) / n, 0);
  const growth = (at: ArrayLike<number>): number =>
    c *
    V.reduce((sum, v, i) => {
      const P = probabilities(at, v);
      const slope = Array.from({ length: m }, (_, j) => {
        let total = 0;
        for (let k = 1; k < K; k++) total += (P[k] - Number(y[i] === k)) * at[(k - 1) * q + 1 + j];
        return total;
      });
      return sum + pNorm(slope, conjugate(p)) / n;
    }, 0);
  const Phi = numericalGradient((at) => growth(at), t, 1e-4);
  const I = solve(hessianOf(t), Phi).map((value) => -value);
  /** Intercepts first, then class by class. */
  const whole = (x: number[]): number[] => {
    const at = (k: number, j: number): number => (k === 0 ? 0 : x[(k - 1) * q + j]);
    const classes = Array.from({ length: K }, (_, k) => k);
    const mean = Array.from({ length: q }, (_, j) => classes.reduce((sum, k) => sum + at(k, j) / K, 0));
    const less = (k: number, j: number): number => at(k, j) - mean[j];
    return [
      ...classes.map((k) => less(k, 0)),
      ...classes.flatMap((k) => Array.from({ length: m }, (_, j) => less(k, 1 + j))),
    ];
  };
  return { theta: whole(t), influence: whole(I) };
}

const UNITS = [
  [1, 1, 1, 1],
  [1, 1e3, 1, 1],
  [1, 1e3, 1e6, 1e-6],
  [1e8, 1, 1, 1e-8],
  [1e-10, 1e10, 1e-3, 1],
];

test.each([2, 3].flatMap((K) => [2, 3].map((p) => ({ K, p }))))("softmax, %o", async ({ K, p }) => {
  const { X, y } = rowsOf(K, 7 * K);
  const known = truth(X, y, K, p);
  const names = (count: number, letter: string): string[] => Array.from({ length: count }, (_, k) => `${letter}${k}`);
  const features = names(m, "x");
  const model = softmaxRegression({ features, classes: names(K, "c") });
  for (const units of UNITS) {
    const data = matrixDataset(Matrix.fromRows(X.map((x) => x.map((value, k) => value * units[k]))), y, { features });
    const trained = await trainModel(model, data, { tolerance: 1e-11 });
    expect(trained.converged).toBe(true);
    const inLikeUnits = (x: Float64Array): number[] =>
      [...x].map((value, j) => (j < K ? value : value * units[(j - K) % m]));
    expect(relativeError(inLikeUnits(trained.parameters), known.theta)).toBeLessThan(1e-9);
    const point = await pointAt(model, data, trained.parameters);
    expect(point.gradientNorm).toBeLessThan(1e-11);
    const attack = await localInfluence(point, lp(p, { budgets: units }));
    expect(attack.solver.name).toBe("pseudo-inverse");
    expect(attack.solver.rank).toBe((K - 1) * (m + 1));
    expect(relativeError(inLikeUnits(attack.influence), known.influence)).toBeLessThan(1e-6);
    const iterated = await localInfluence(point, lp(p, { budgets: units }), { solver: "cg" });
    expect(iterated.solver).toMatchObject({ name: "cg", converged: true });
    expect(relativeError(inLikeUnits(iterated.influence), known.influence)).toBeLessThan(1e-6);
  }
});

test("a ridge in raw units holds what it is large beside, and the rest is fitted", async () => {
  const [K, l2] = [3, 0.01];
  const { X, y } = rowsOf(K, 11);
  const features = ["a", "b", "c", "d"];
  const model = softmaxRegression({ features, classes: ["x", "y", "z"] });
  for (const units of UNITS) {
    const rows = X.map((x) => x.map((value, k) => value * units[k]));
    const data = matrixDataset(Matrix.fromRows(rows), y, { features });
    const { parameters, converged } = await trainModel(model, data, { l2, tolerance: 1e-10 });
    expect(converged).toBe(true);
    const sums = new Float64Array(parameters.length);
    const sizes = new Float64Array(parameters.length);
    rows.forEach((x, i) => {
      const scores = [0, 1, 2].map((k) => parameters[k] + dot(parameters.subarray(K + k * m, K + (k + 1) * m), x));
      const f = scores.map((score) => score - Math.max(...scores));
      const total = f.reduce((sum, value) => sum + Math.exp(value), 0);
      f.forEach((value, k) => {
        const slope = (Math.exp(value) / total - Number(y[i] === k)) / n;
        [1, ...x].forEach((entry, j) => {
          const at = j === 0 ? k : K + k * m + j - 1;
          sums[at] += slope * entry;
          sizes[at] += Math.abs(slope * entry);
        });
      });
    });
    const left = sums.map((sum, j) => {
      const penalty = j < K ? 0 : l2 * parameters[j];
      return Math.abs(sum + penalty) / (sizes[j] + Math.abs(penalty));
    });
    expect(Math.max(...left)).toBeLessThan(1e-9);
    // A ridge leaves no part that all classes share, nor has Φ one.
    const attack = await localInfluence(await pointAt(model, data, parameters, { l2 }), lp(2, { budgets: units }));
    for (const found of [parameters, attack.influence]) {
      for (let j = 0; j < m; j++) {
        const weights = [0, 1, 2].map((k) => found[K + k * m + j]);
        const size = Math.max(...weights.map(Math.abs));
        expect(Math.abs(weights.reduce((sum, value) => sum + value, 0))).toBeLessThanOrEqual(1e-9 * size);
      }
    }
  }
});

test("a gradient is small beside what its own feature's units make of it", async () => {
  const { X, y } = rowsOf(2, 3);
  const features = ["a", "b", "c", "d"];
  const model = softmaxRegression({ features, classes: ["no", "yes"] });
  const data = matrixDataset(Matrix.fromRows(X.map(([a, ...rest]) => [1e-6 * a, ...rest.map((x) => 1e6 * x)])), y, {
    features,
  });
  // Far from the minimum in the small feature alone: its slope is small beside the others' terms, not beside its own.
  const { parameters } = await trainModel(model, data, { tolerance: 1e-11 });
  const away = parameters.map((value, j) => (j === 2 ? value + 2e6 : value));
  expect((await pointAt(model, data, away)).gradientNorm).toBeGreaterThan(1e-2);
});

test("units are powers of two, one for all weights of a feature, and 1 where features are near", () => {
  const model = softmaxRegression({ features: ["a", "b"], classes: ["x", "y"] });
  const far = Float64Array.of(0.5, 0.5, 900, 1e-3, 1100, 2e-3);
  const units = parameterUnits(model, far, new Float64Array(6));
  expect([...(units ?? [])]).toEqual([2, 2, 2 ** -10, 2 ** 9, 2 ** -10, 2 ** 9]);
  // Where a ridge is larger than the feature's own curvature, that.
  const held = parameterUnits(model, far, Float64Array.of(0, 0, 0, 16, 0, 16));
  expect([...(held ?? [])]).toEqual([2, 2, 2 ** -10, 1 / 4, 2 ** -10, 1 / 4]);
  expect(parameterUnits(model, Float64Array.of(1, 2, 3, 4, 8, 16), new Float64Array(6))).toBeNull();
  expect(relativeSize(Float64Array.of(0, 2), Float64Array.of(1, 4))).toBe(0.5);
});

test.each([13, 14, 15, 16, 17, 18])(
  "a column far from 0 beside its spread has the weights that it has about its centre, seed %d",
  async (seed) => {
    const K = 3;
    const { X, y } = rowsOf(K, seed);
    const known = truth(X, y, K, 2);
    const features = ["year", "b", "c", "d"];
    const model = softmaxRegression({ features, classes: ["x", "y", "z"] });
    const rows = X.map(([a, ...rest]) => [2000 + 5 * a, ...rest]);
    const { parameters } = await trainModel(model, matrixDataset(Matrix.fromRows(rows), y, { features }));
    const weights = [...parameters.subarray(K)].map((value, j) => (j % m === 0 ? 5 * value : value));
    expect(relativeError(weights, known.theta.slice(K))).toBeLessThan(1e-8);
  },
);
