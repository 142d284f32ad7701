/** Small parts of the solvers against their definitions, by loops over plain arrays. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  fit,
  fitAt,
  kernel,
  kernelFit,
  lasso,
  lassoPath,
  linear,
  logistic,
  Matrix,
  matrixDataset,
  quadratic,
} from "../../src/index.js";
import { normalise } from "../../src/linalg/orthonormal-rows.js";
import { perceptron } from "../../src/models/perceptron.js";
import { minimiseAdam } from "../../src/solvers/adam.js";
import { conjugateGradients } from "../../src/solvers/conjugate-gradient.js";
import { gradientTerms } from "../../src/solvers/gradient-terms.js";
import { proposedDamping } from "../../src/solvers/lanczos.js";
import { softThreshold } from "../../src/solvers/lasso/coordinate-descent.js";
import { lassoGap } from "../../src/solvers/lasso/gap.js";
import { holdAtZero } from "../../src/solvers/lasso/lasso.js";
import { objectiveOf, smoothPart } from "../../src/solvers/lasso/problem.js";
import { minimiseLbfgs } from "../../src/solvers/lbfgs.js";
import { ridgeOf } from "../../src/solvers/model-risk.js";
import { NormalEquations } from "../../src/solvers/normal-equations.js";
import { RidgeFamily } from "../../src/solvers/ridge-family.js";
import { unitVectors } from "../../src/solvers/risk-operator.js";
import { wolfeSearch } from "../../src/solvers/wolfe-search.js";
import { Random, relativeError, solve } from "../models/naive.js";

beforeAll(() => ensureBlas());

function drawn(n: number, m: number, seed: number) {
  const random = new Random(seed);
  const x = random.rows(n, m).map((row) => row.map((value, k) => value + (k === 0 ? 3 : 0)));
  const y = x.map((row) => 1 + row[0] - 0.5 * (row[1] ?? 0) + random.normal());
  return { x, y, data: matrixDataset(Matrix.fromRows(x), y) };
}

test("columns of the identity, from anywhere", () => {
  for (const [from, to] of [
    [0, 4],
    [1, 3],
    [2, 4],
  ]) {
    const found = unitVectors(4, from, to);
    for (let j = 0; j < 4; j++) {
      for (let k = from; k < to; k++) expect(found.data[j * (to - from) + k - from]).toBe(j === k ? 1 : 0);
    }
  }
});

test("a vector is made a unit one, but for one without a length or with one that is not finite", () => {
  const vector = Float64Array.of(3, 0, -4);
  expect(normalise(vector)).toBeCloseTo(5, 12);
  [0.6, 0, -0.8].forEach((value, j) => expect(vector[j]).toBeCloseTo(value, 12));
  for (const entry of [0, Number.POSITIVE_INFINITY]) {
    const kept = Float64Array.of(entry, 0);
    expect(normalise(kept)).toBe(entry);
    expect([...kept]).toEqual([entry, 0]);
  }
});

test("a soft threshold moves towards 0 by λ, and stays there", () => {
  for (const t of [-5, -2, -1, -0.3, 0, 0.3, 1, 2, 5]) {
    for (const lambda of [0, 1, 3]) {
      const s = softThreshold(t, lambda);
      expect(Math.abs(s)).toBe(Math.max(0, Math.abs(t) - lambda));
      expect(s * t).toBeGreaterThanOrEqual(0);
    }
  }
});

describe("sizes of the terms of a gradient", () => {
  // Of twice 2048 rows and more only some are looked at, evenly spread wherever blocks begin.
  test.each([700, 4_500, 7_001])("sums of |w ∂l/∂θ| of single rows, for %d rows", async (n) => {
    const { x, y, data } = drawn(n, 3, 3);
    const model = perceptron({ inputs: 3, hidden: [2], activation: "tanh", loss: "squared" });
    const theta = Float64Array.from(new Random(2).normals(model.parameterNames.length));
    const ridge = ridgeOf(model, 0.3);
    const step = Math.max(1, Math.floor(n / 2048));
    const truth = new Float64Array(theta.length);
    let looked = 0;
    for (let i = 0; i < n; i += step, looked++) {
      const row = { x: Matrix.fromRows([x[i]]), y: Float64Array.of(y[i]), w: Float64Array.of(1), firstRow: 0 };
      model.gradient(theta, row).forEach((value, j) => (truth[j] += Math.abs(value)));
    }
    const terms = await gradientTerms({ model, data, ridge }, theta);
    terms.forEach((term, j) => {
      expect(term / (truth[j] / looked + ridge[j] * Math.abs(theta[j]))).toBeCloseTo(1, 9);
    });
  });
});

test("one decomposition for all ridges solves what elimination solves, with and without an intercept", () => {
  const random = new Random(8);
  for (const intercept of [true, false]) {
    const d = 5;
    const rows = random.rows(30, d).map((row) => row.map((value, j) => (intercept && j === 0 ? 1 : value + j)));
    const gram = Matrix.zeros(d, d);
    for (let i = 0; i < d; i++)
      for (let j = 0; j <= i; j++) gram.data[i * d + j] = rows.reduce((sum, row) => sum + row[i] * row[j], 0);
    const family = new RidgeFamily(
      gram,
      Uint8Array.from({ length: d }, (_, j) => Number(!intercept || j > 0)),
    );
    for (const l2 of [0.01, 1, 50]) {
      const full = Array.from({ length: d }, (_, i) =>
        Array.from(
          { length: d },
          (_, j) => gram.data[Math.max(i, j) * d + Math.min(i, j)] + (i === j && (i > 0 || !intercept) ? l2 : 0),
        ),
      );
      const b = random.normals(d);
      expect(relativeError(family.inverse(l2).solve(Float64Array.from(b)), solve(full, b))).toBeLessThan(1e-11);
    }
  }
});

test("sums of the folds at θ are those of their rows", async () => {
  const { x, y, data } = drawn(40, 3, 5);
  const foldOf = Uint16Array.from({ length: 40 }, (_, i) => i % 3);
  const { model } = await fit(linear({ loss: "half-squared" }), data);
  const equations = await NormalEquations.of(model, data, foldOf, 3);
  const chosen = Int32Array.of(0, 2, 3);
  const theta = Float64Array.of(0.5, -1, 2);
  const { grams, pulls } = equations.sumsAt(chosen, theta);
  for (let fold = 0; fold < 3; fold++) {
    const gram = [0, 0, 0].map(() => [0, 0, 0]);
    const pull = [0, 0, 0];
    x.forEach((row, i) => {
      if (foldOf[i] !== fold) return;
      const v = [1, row[1], row[2]];
      const residual = v.reduce((sum, value, j) => sum + value * theta[j], 0) - y[i];
      for (let a = 0; a < 3; a++) {
        pull[a] += (residual * v[a]) / 40;
        for (let b = 0; b < 3; b++) gram[a][b] += (v[a] * v[b]) / 40;
      }
    });
    for (let a = 0; a < 3; a++) {
      expect(pulls.data[a * 3 + fold]).toBeCloseTo(pull[a], 12);
      for (let b = 0; b <= a; b++) expect(grams[fold].data[a * 3 + b]).toBeCloseTo(gram[a][b], 12);
    }
  }
});

test("classes that a line separates are refused without a ridge, and fitted to their optimum with one", async () => {
  const x = [-3, -2, -1.5, -1, 1, 1.2, 2, 4].map((value) => [value]);
  const y = x.map(([value]) => Math.sign(value));
  const data = matrixDataset(Matrix.fromRows(x), y);
  await expect(fit(logistic(), data)).rejects.toThrow(/separate the targets/);
  for (const l2 of [1e-6, 1e-3]) {
    const { parameters } = await fit(logistic(), data, { l2 });
    const gradient = [0, l2 * parameters[1]];
    x.forEach(([value], i) => {
      const slope = -y[i] / (1 + Math.exp(y[i] * (parameters[0] + parameters[1] * value))) / x.length;
      gradient[0] += slope;
      gradient[1] += slope * value;
    });
    for (const entry of gradient) expect(Math.abs(entry)).toBeLessThan(1e-9);
  }
});

test.each(["coefficients", "rkhs"] as const)(
  "a kernel fit's gradient is its own, small but measured: %s",
  async (penalty) => {
    const { x, y } = drawn(25, 2, 6);
    const settings = { kernel: kernel("rbf", { gamma: 0.5 }), ridge: 0.02, centres: "fixed", penalty } as const;
    const rows = {
      x: Matrix.fromRows(x),
      y: new Matrix(Float64Array.from(y), 25, 1),
      weights: new Float64Array(25).fill(1 / 25),
    };
    const { gradientNorm } = await kernelFit(rows, settings);
    expect(gradientNorm).toBeLessThan(1e-12);
    expect(gradientNorm).toBeGreaterThan(0);
    const zeros = { ...rows, y: Matrix.zeros(25, 1) };
    expect((await kernelFit(zeros, settings)).gradientNorm).toBe(0);
  },
);

describe("a lasso", () => {
  test("of a quadratic model names the inputs that its parameters depend on, and no others", async () => {
    const random = new Random(9);
    const x = random.rows(120, 4);
    const y = x.map((row) => 2 * row[0] + 3 * row[1] * row[1] + 0.01 * random.normal());
    const { sparse, model } = await lasso(quadratic(), matrixDataset(Matrix.fromRows(x), y), { l1: 0.5 });
    const names = sparse?.support.map((j) => model.parameterNames[j]) ?? [];
    expect(names.length).toBeGreaterThan(1);
    const used = ["x1", "x2", "x3", "x4"].map((name) => Number(names.some((parameter) => parameter.includes(name))));
    expect(used).toEqual([1, 1, 0, 0]);
    expect([...(sparse?.inputs ?? [])]).toEqual(used);
  });

  test("whose boundary is held at zero has neither those in its support nor on its boundary", async () => {
    const { data } = drawn(60, 4, 12);
    const found = await lasso(linear(), data, { l1: 0.05 });
    const { sparse } = found;
    if (!sparse) throw new Error("not sparse");
    const [first, second] = sparse.support.slice(1);
    const held = holdAtZero({ ...found, sparse: { ...sparse, boundary: [first, second] } }, [second]);
    expect(held.sparse?.boundary).toEqual([first]);
    expect(held.sparse?.support).toEqual(sparse.support.filter((j) => j !== second));
  });

  test("away from its optimum in the intercept alone is no closer to it than the gap says", async () => {
    const { data } = drawn(60, 3, 14);
    const l1 = 0.1;
    const found = await lasso(linear({ loss: "half-squared" }), data, { l1 });
    const penalties = Float64Array.of(0, l1, l1, l1);
    const { model } = found;
    const ridge = new Float64Array(4);
    const problem = { model, data, penalties, ridge };
    const at = async (theta: Float64Array) => {
      const smooth = await smoothPart(problem, theta);
      const objective = objectiveOf(problem, smooth.loss, theta);
      return { objective, gap: await lassoGap(problem, { theta, smooth, objective, residual: 0, iterations: 0 }) };
    };
    const least = (await at(found.parameters)).objective;
    for (const by of [1e-14, 1e-3, -0.5]) {
      const theta = found.parameters.slice();
      theta[0] += by;
      const { objective, gap } = await at(theta);
      expect(gap).toBeGreaterThanOrEqual(objective - least - 1e-15);
      // Nothing is feasible where the slopes do not add up to 0 over an intercept without a penalty.
      expect(gap === Number.POSITIVE_INFINITY).toBe(Math.abs(by) > 1e-6);
    }
  });
});

describe("a line search", () => {
  /** f(t) along one coordinate. */
  const search = (f: (t: number) => number, slope: (t: number) => number, first = 1) => {
    const evaluate = async (theta: Float64Array) => ({
      value: f(theta[0]),
      gradient: Float64Array.of(slope(theta[0])),
    });
    const from = { theta: Float64Array.of(0), value: f(0), gradient: Float64Array.of(slope(0)) };
    return wolfeSearch(from, Float64Array.of(1), first, evaluate);
  };

  test.each([1, 0, -1e-6])("takes no point that is hardly lower, however flat it is there: f(1) = %d", async (top) => {
    // f(0) = 0, f'(0) = −1, f'(1) = 0.
    const [cube, square] = [-1 - 2 * top, 2 + 3 * top];
    const found = await search(
      (t) => cube * t ** 3 + square * t * t - t,
      (t) => 3 * cube * t * t + 2 * square * t - 1,
    );
    expect(found?.value).toBeLessThanOrEqual(-1e-4 * (found?.theta[0] ?? 0));
    expect(found?.value).toBeLessThan(0);
    expect(Math.abs(found?.gradient[0] ?? 1)).toBeLessThanOrEqual(0.9);
  });

  test("finds a lower and flatter point from first steps of any size", async () => {
    for (const first of [1e-4, 0.1, 1, 30, 1e4]) {
      const found = await search(
        (t) => Math.cosh(t - 2),
        (t) => Math.sinh(t - 2),
        first,
      );
      expect(found?.value).toBeLessThan(Math.cosh(2));
      expect(Math.abs(found?.gradient[0] ?? 9)).toBeLessThanOrEqual(0.9 * Math.sinh(2));
    }
  });
});

test("conjugate gradients stop at their limit, and say so", async () => {
  const n = 12;
  const product = async (v: Matrix): Promise<Matrix> =>
    new Matrix(
      v.data.map((value, j) => value * (j + 1) ** 3),
      n,
      1,
    );
  const right = new Matrix(new Float64Array(n).fill(1), n, 1);
  const run = (maximumIterations: number) =>
    conjugateGradients(product, (r) => new Matrix(r.data.slice(), n, 1), right, { tolerance: 1e-8, maximumIterations });
  for (const limit of [0, 1, 4]) {
    const { iterations, converged } = await run(limit);
    expect([iterations, converged]).toEqual([limit, false]);
  }
  const { solution, converged } = await run(60);
  expect(converged).toBe(true);
  solution.data.forEach((value, j) => expect(value * (j + 1) ** 3).toBeCloseTo(1, 6));
});

describe("the size of a gradient away from the minimum", () => {
  // |∇L_j| beside √(Σ wℓ'²/ℓ'' · H_jj) + P_j|θ_j|, the most that it could be (Cauchy and Schwarz).
  test.each([0, 0.4])("is what loops find, l2 = %d", async (l2) => {
    const { x, y, data } = drawn(50, 2, 31);
    const theta = [0.3, -0.7, 1.1];
    const { gradientNorm } = await fitAt(linear({ loss: "half-squared" }), data, theta, { l2 });
    const rows = x.map((row) => [1, ...row]);
    const residuals = rows.map((v, i) => v.reduce((sum, value, j) => sum + value * theta[j], 0) - y[i]);
    const mean = (value: (i: number) => number): number => rows.reduce((sum, _, i) => sum + value(i), 0) / 50;
    const shares = theta.map((value, j) => {
      const ridge = j === 0 ? 0 : l2;
      const possible =
        Math.sqrt(mean((i) => residuals[i] ** 2) * mean((i) => rows[i][j] ** 2)) + ridge * Math.abs(value);
      return Math.abs(mean((i) => residuals[i] * rows[i][j]) + ridge * value) / possible;
    });
    expect(gradientNorm / Math.max(...shares)).toBeCloseTo(1, 10);
  });
});

test("a solution that is none has a residual: that of H = G + λP, relative to the right side", () => {
  const gram = new Matrix(Float64Array.of(2, 0, 1, 3), 2, 2);
  const inverse = new RidgeFamily(gram, Uint8Array.of(1, 1)).inverse(0.5);
  // H = [2.5, 1; 1, 3.5]
  expect(inverse.relativeResidual(Float64Array.of(1, 2), Float64Array.of(3, 4))).toBeCloseTo(
    Math.hypot(3 - 4.5, 4 - 8) / 5,
    14,
  );
  expect(inverse.relativeResidual(new Float64Array(2), new Float64Array(2))).toBe(0);
});

describe("what makes no sense is refused, and the last that does is not", () => {
  const start = Float64Array.of(1);
  test.each([-0.1, 1, Number.NaN])("a decay of Adam of %d", async (decay) => {
    const options = { batches: () => [0], gradient: async () => Float64Array.of(0), epochs: 1 };
    for (const name of ["firstDecay", "secondDecay"]) {
      const training = minimiseAdam(start, { ...options, [name]: decay });
      await expect(training).rejects.toThrow(/decay of Adam must lie in \[0, 1\)/);
    }
  });

  test("pairs that L-BFGS keeps: 1 are enough", async () => {
    const objective = async (theta: Float64Array) => ({
      value: Math.cosh(theta[0] - 2) + theta[1] ** 2,
      gradient: Float64Array.of(Math.sinh(theta[0] - 2), 2 * theta[1]),
    });
    const relativeGradient = ({ gradient }: { gradient: Float64Array }): number => Math.hypot(...gradient);
    const from = Float64Array.of(-1, 3);
    for (const memory of [0, -1, Number.NaN]) {
      await expect(minimiseLbfgs(objective, from, { relativeGradient, memory })).rejects.toThrow(/at least 1 pair/);
    }
    const found = await minimiseLbfgs(objective, from, { relativeGradient, memory: 1 });
    expect(found.theta[0]).toBeCloseTo(2, 7);
    expect(found.theta[1]).toBeCloseTo(0, 7);
  });

  test("points of a path of lassos: one is the largest λ", async () => {
    const { data } = drawn(40, 3, 15);
    for (const points of [0, -2, 1.5]) {
      await expect(lassoPath(linear(), data, { points })).rejects.toThrow(/A path needs 1 point or more/);
    }
    const { fits, largestL1 } = await lassoPath(linear(), data, { points: 1 });
    expect(fits.length).toBe(1);
    expect([...fits[0].parameters.subarray(1)].every((value) => value === 0)).toBe(true);
    expect(fits[0].sparse?.l1).toBeCloseTo(largestL1, 12);
  });

  test("one entry that is not finite, by its row and column", async () => {
    const { x, y } = drawn(20, 3, 16);
    x[7][1] = Number.NaN;
    await expect(lasso(linear(), matrixDataset(Matrix.fromRows(x), y), { l1: 0.1 })).rejects.toThrow(/Row 7 .*x2/);
  });
});

test("a damping is proposed by what may be the smallest eigenvalue", () => {
  const pair = (value: number, residual: number) => ({ value, residual, vector: new Float64Array(1) });
  const of = (smallest: number, residual: number, largest: number, floor: number | null) => {
    const extreme = {
      smallest: pair(smallest, residual),
      largest: pair(largest, 0),
      floor,
      products: 1,
      converged: true,
    };
    return proposedDamping(extreme);
  };
  expect(of(1, 0, 10, null)).toEqual({ smallest: 0, proposed: 0 });
  const negative = of(-2, 0.5, 10, null);
  expect(negative.smallest).toBeCloseTo(2.5, 10);
  expect(negative.proposed).toBeCloseTo(2.5 + 1e-5, 10);
  // A floor that is known holds where the sketch says less.
  expect(of(-2, 0.5, 10, 0).proposed).toBeCloseTo(1e-5, 12);
  expect(of(1e-7, 0, 10, null).proposed).toBeCloseTo(1e-5 - 1e-7, 14);
});
