/** The parts of the lasso in closed form. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  lasso,
  lassoPath,
  linear,
  logistic,
  Matrix,
  matrixDataset,
  poisson,
  quadratic,
} from "../../src/index.js";
import { basicSolution } from "../../src/solvers/lasso/basic-solution.js";
import { coordinateDescent } from "../../src/solvers/lasso/coordinate-descent.js";
import { principalPart, quadraticForm, quadraticLasso } from "../../src/solvers/lasso/feature-sign.js";
import { lassoGap } from "../../src/solvers/lasso/gap.js";
import { holdAtZero, lassoFree } from "../../src/solvers/lasso/lasso.js";
import { minimiseSparse, residualOf } from "../../src/solvers/lasso/minimise.js";
import { objectiveOf, restrictedPart, type SparseProblem, smoothPart } from "../../src/solvers/lasso/problem.js";
import { Random } from "../models/naive.js";
import { toldProgress } from "./progress.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const lower = (rows: readonly (readonly number[])[]): Matrix =>
  Matrix.fromRows(rows.map((row, i) => rows.map((_, j) => (j <= i ? row[j] : Number.NaN))));
const of = (...values: number[]): Float64Array => Float64Array.from(values);
const close = (found: ArrayLike<number>, expected: readonly number[], digits = 12): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, j) => expect(found[j]).toBeCloseTo(value, digits));
};

describe("coordinate descent on ½z'Hz − b'z + Σλ|z|", () => {
  test("of a diagonal H is the soft threshold, from anywhere", () => {
    for (const start of [
      [0, 0, 0],
      [5, -7, 1],
    ]) {
      const z = Float64Array.from(start);
      coordinateDescent({ H: lower([[2], [0, 4], [0, 0, 1]]), b: of(6, -1, -3), penalties: of(2, 1.5, 0) }, z);
      close(z, [2, 0, -3], 13);
    }
  });

  test("of an H that is not settles to a share of 1e-7", () => {
    const H = lower([[2], [1, 2], [0, 1, 4]]);
    const full = (i: number, j: number): number => H.data[3 * Math.max(i, j) + Math.min(i, j)];
    // b = Hz + λ sgn z at (1, −2, 0.5).
    const wanted = [1, -2, 0.5];
    const penalties = of(0.5, 0.25, 1);
    const b = Float64Array.from(wanted, (value, i) =>
      wanted.reduce((sum, z, j) => sum + full(i, j) * z, penalties[i] * Math.sign(value)),
    );
    const z = of(-3, 0, 9);
    coordinateDescent({ H, b, penalties }, z);
    wanted.forEach((value, j) => expect(Math.abs(z[j] - value)).toBeLessThan(2e-6));
    const moved = Math.max(...wanted.map((value, j) => Math.abs(z[j] - value)));
    expect(moved).toBeGreaterThan(1e-14);
  });

  test("leaves alone what has no curvature", () => {
    const z = of(3, 7);
    coordinateDescent({ H: lower([[0], [0, 2]]), b: of(1, 4), penalties: of(1, 0) }, z);
    close(z, [3, 2]);
  });

  test("ends after a hundred sweeps, however far", () => {
    // Each sweep leaves (1 − 1e-3)² of what is missing.
    const H = lower([[1], [0.999, 1]]);
    const z = of(0, 0);
    coordinateDescent({ H, b: of(0.001, -0.001), penalties: of(0, 0) }, z);
    // First z = (b, −b − 0.999b), then z_2 falls short of −1 by (1 + 0.999b·…) 0.999^(2·99).
    let [a, c] = [0, 0];
    for (let sweep = 0; sweep < 100; sweep++) {
      a = 0.001 - 0.999 * c;
      c = -0.001 - 0.999 * a;
    }
    close(z, [a, c], 11);
    expect(Math.abs(z[0] - 1)).toBeGreaterThan(0.5);
  });
});

describe("the quadratic lasso", () => {
  test("by hand: one sign, both, none, and without penalties", () => {
    const H = lower([[2], [1, 2]]);
    for (const [b, penalties, expected] of [
      [of(3, 0), of(1, 1), [1, 0]],
      [of(-3, 0), of(1, 1), [-1, 0]],
      [of(3, 3), of(0.5, 1), [1, 0.5]],
      [of(0.5, -0.9), of(1, 1), [0, 0]],
      [of(3, 0), of(0, 0), [2, -1]],
      [of(3, 0), of(1, 0), [4 / 3, -2 / 3]],
    ] as const)
      for (const start of [of(0, 0), of(4, -9)]) close(quadraticLasso({ H, b, penalties }, start), [...expected], 13);
  });

  test("of nearly parallel columns, where descent does not arrive: signs are corrected one by one", () => {
    for (let seed = 1; seed <= 15; seed++) {
      const random = new Random(seed);
      const k = 5;
      const rows = Array.from({ length: 12 }, () => {
        const shared = random.normal();
        return Array.from({ length: k }, () => shared + 3e-3 * random.normal());
      });
      const h = Array.from({ length: k }, (_, i) =>
        Array.from({ length: k }, (__, j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)),
      );
      const penalties = Float64Array.from({ length: k }, (_, j) => (j === 3 ? 0 : 1e-3 * (1 + random.uniform())));
      const wanted = Array.from({ length: k }, (_, j) => (random.uniform() < 0.4 && j !== 3 ? 0 : 5 * random.normal()));
      // 0 ∈ Hz − b + λ∂|z|
      const b = Float64Array.from(wanted, (value, i) => {
        const side = value === 0 ? 1.8 * random.uniform() - 0.9 : Math.sign(value);
        return wanted.reduce((sum, z, j) => sum + h[i][j] * z, penalties[i] * side);
      });
      const start = Float64Array.from({ length: k }, () => 10 * random.normal());
      const kept = start.slice();
      const found = quadraticLasso({ H: lower(h), b, penalties }, start);
      wanted.forEach((value, j) => {
        expect(Math.abs(found[j] - value)).toBeLessThan(1e-6);
        if (value === 0) expect(found[j]).toBe(0);
      });
      expect(start).toEqual(kept);
      // In other units of the target the same, however small or large b is.
      for (const unit of [2 ** -40, 2 ** 40]) {
        const scaled = (values: Float64Array): Float64Array => values.map((value) => unit * value);
        const problem = { H: lower(h), b: scaled(b), penalties: scaled(penalties) };
        expect(quadraticLasso(problem, scaled(start))).toEqual(scaled(found));
      }
    }
  });

  test("of copies: any split of the sum, none of it negative", () => {
    for (const start of [of(0, 0, 0), of(1, -1, 0), of(-4, 9, 2), of(0.25, 0.5, 0)]) {
      const H = lower([[1], [1, 1], [0, 0, 2]]);
      const found = quadraticLasso({ H, b: of(2, 2, 5), penalties: of(0.5, 0.5, 1) }, start);
      expect(found[0] + found[1]).toBeCloseTo(1.5, 8);
      expect(Math.min(found[0], found[1])).toBeGreaterThanOrEqual(0);
      expect(found[2]).toBeCloseTo(2, 12);
    }
  });

  test("of copies of which one is cheaper: all in that one", () => {
    for (const start of [of(3, 0), of(0, 0), of(-2, 1)]) {
      const found = quadraticLasso({ H: lower([[1], [1, 1]]), b: of(2, 2), penalties: of(0.5, 0.25) }, start);
      close(found, [0, 1.75], 8);
    }
  });

  test("of copies among nearly parallel columns meets the conditions |Hz − b| ≤ λ, with equality where z is not 0", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = new Random(seed);
      const k = 5;
      const rows = Array.from({ length: 12 }, () => {
        const shared = random.normal();
        const row = Array.from({ length: k }, () => shared + 0.03 * random.normal());
        row[4] = row[1];
        return row;
      });
      const h = Array.from({ length: k }, (_, i) =>
        Array.from({ length: k }, (__, j) => rows.reduce((sum, row) => sum + row[i] * row[j], 0)),
      );
      const towards = random.normals(k);
      const b = Float64Array.from(h, (row) => row.reduce((sum, value, j) => sum + value * towards[j], 0));
      const penalties = Float64Array.from({ length: k }, (_, j) =>
        j === 2 ? 0 : 0.01 + (j === 4 ? 0 : 0.01 * random.uniform()),
      );
      if (seed % 2 === 0) penalties[1] = penalties[4];
      const z = quadraticLasso({ H: lower(h), b, penalties }, Float64Array.from(random.normals(k)));
      const size = Math.max(...b.map(Math.abs));
      h.forEach((row, i) => {
        const g = row.reduce((sum, value, j) => sum + value * z[j], -b[i]);
        const breach =
          z[i] === 0 && penalties[i] > 0
            ? Math.max(0, Math.abs(g) - penalties[i])
            : Math.abs(g + penalties[i] * Math.sign(z[i]));
        expect(breach).toBeLessThan(1e-9 * size);
      });
    }
  });

  test("rows and columns, and z'Hz that is not negative", () => {
    const H = lower([[2], [1, 3], [4, 5, 6]]);
    const part = principalPart(H, [0, 2]);
    expect([part.data[0], part.data[2], part.data[3]]).toEqual([2, 4, 6]);
    expect(quadraticForm(H, of(1, -1, 0))).toBe(3);
    expect(quadraticForm(lower([[-1]]), of(2))).toBe(0);
  });
});

describe("a solution whose parameters H tells apart", () => {
  test("of copies keeps one, and neither scores nor Σ|θ| change", () => {
    const theta = of(9, 2, 0, 1, -1);
    const found = basicSolution(lower([[1], [1, 1]]), [1, 3], theta, of(0, 1, 1, 1, 1));
    close(found, [9, 3, 0, 0, -1], 10);
    expect(found[3]).toBe(0);
    expect([...theta]).toEqual([9, 2, 0, 1, -1]);
    close(basicSolution(lower([[1], [1, 1]]), [0, 1], of(-1, -2), of(1, 1)), [0, -3], 10);
  });

  test("of a column and its opposite, and of three copies, leaves one", () => {
    close(basicSolution(lower([[1], [-1, 1]]), [0, 1], of(2, -5), of(1, 1)), [0, -7], 10);
    const three = basicSolution(lower([[1], [1, 1], [1, 1, 1]]), [0, 1, 2], of(1, 2, 3), of(1, 1, 1));
    close(three, [0, 0, 6], 9);
  });

  test("leaves out none that is not penalised, and nothing where H is regular", () => {
    close(basicSolution(lower([[1], [1, 1]]), [0, 1], of(5, 2), of(0, 1)), [7, 0], 10);
    expect([...basicSolution(lower([[1], [1, 1]]), [0, 1], of(5, 2), of(0, 0))]).toEqual([5, 2]);
    expect([...basicSolution(lower([[1], [0.5, 1]]), [0, 1], of(5, 2), of(1, 1))]).toEqual([5, 2]);
    expect([...basicSolution(Matrix.zeros(0, 0), [], of(5), of(1))]).toEqual([5]);
  });

  test("one without curvature at all goes to 0, and another beside it stays", () => {
    close(basicSolution(lower([[0], [0, 4]]), [0, 1], of(5, 2), of(1, 1)), [0, 2]);
  });
});

/** √n·I: θ = S(y/√n, λ) under half the squared loss. */
function orthonormal(targets: readonly number[], loss: "half-squared" | "squared" = "half-squared") {
  const n = targets.length;
  const x = Matrix.zeros(n, n);
  targets.forEach((_, i) => (x.data[i * (n + 1)] = Math.sqrt(n)));
  const data = matrixDataset(
    x,
    Float64Array.from(targets, (value) => value * Math.sqrt(n)),
  );
  return { data, description: linear({ loss, intercept: false }) };
}

describe("the smooth part", () => {
  const data = matrixDataset(
    Matrix.fromRows([
      [1, 2],
      [0, 1],
      [3, -1],
    ]),
    [1, 2, 3],
    { weights: [1, 1, 2] },
  );
  const problem: SparseProblem = {
    model: linear()(data),
    data,
    ridge: of(0, 0.5, 0.25),
    penalties: of(0, 2, Number.POSITIVE_INFINITY),
  };
  // Scores 1 + 2x: 3, 1, 7; residuals 2, −1, 4; weights ¼, ¼, ½.
  const theta = of(1, 2, 0);
  const LOSS = 0.25 * 4 + 0.25 + 0.5 * 16;
  const pull = (v: readonly number[]): number => 2 * (0.25 * 2 * v[0] - 0.25 * v[1] + 0.5 * 4 * v[2]);

  test("on all parameters", async () => {
    const found = await smoothPart(problem, theta);
    expect(found.loss).toBeCloseTo(LOSS, 13);
    close(found.gradient, [pull([1, 1, 1]), pull([1, 0, 3]) + 1, pull([2, 1, -1])], 12);
    close(found.scores, [3, 1, 7], 13);
    // 4Σwr²/2
    expect(found.residualSquare).toBeCloseTo(2 * LOSS, 12);
    expect(found.hessian).toBeNull();
  });

  test("on some of them, with and without the Hessian, and on none", async () => {
    const found = await restrictedPart(problem, [0, 1], of(1, 2), true);
    expect(found.loss).toBeCloseTo(LOSS, 13);
    expect(found.residualSquare).toBeCloseTo(2 * LOSS, 12);
    close(found.gradient, [pull([1, 1, 1]), pull([1, 0, 3]) + 1], 12);
    close(found.scores, [3, 1, 7], 13);
    close(
      [0, 2, 3].map((at) => found.hessian?.data[at] ?? Number.NaN),
      [2, 2 * 1.75, 2 * 4.75 + 0.5],
      12,
    );
    expect((await restrictedPart(problem, [0, 1], of(1, 2), false)).hessian).toBeNull();
    const none = await restrictedPart(problem, [], of(), true);
    expect(none.loss).toBeCloseTo(0.25 + 0.25 * 4 + 0.5 * 9, 13);
    expect([none.gradient.length, none.hessian?.rows, ...none.scores]).toEqual([0, 0, 0, 0, 0]);
  });

  test("F counts nothing for parameters that are 0, whatever their penalty", () => {
    expect(objectiveOf(problem, 7, theta)).toBe(7 + 0.5 * 0.5 * 4 + 4);
    expect(objectiveOf(problem, 7, of(-1, 0, 0))).toBe(7);
  });

  test("tells how many rows have been seen", async () => {
    const told = await toldProgress((work) => restrictedPart(problem, [0], of(1), false, work));
    expect(told).toEqual([["fitting", 3, 3]]);
  });

  test("looks for entries that are not finite where the gradient is not", async () => {
    let looked = 0;
    const watched = Object.assign(Object.create(data), { check: () => void looked++ });
    await smoothPart({ ...problem, data: watched }, theta);
    expect(looked).toBe(0);
    const broken = matrixDataset(
      Matrix.fromRows([
        [1, 2],
        [0, Number.NaN],
        [3, -1],
      ]),
      [1, 2, 3],
    );
    await smoothPart({ ...problem, data: Object.assign(Object.create(broken), { check: () => void looked++ }) }, theta);
    expect(looked).toBe(1);
    await smoothPart({ ...problem, data: Object.assign(Object.create(broken), { check: undefined }) }, theta);
  });

  test("what is left of the conditions, beside the size of their terms", async () => {
    const at = async (point: Float64Array, penalties: Float64Array): Promise<number> => {
      const given = { ...problem, penalties };
      return residualOf(given, point, await smoothPart(given, point));
    };
    const size = Math.sqrt(2 * LOSS);
    // Intercept: |∇| beside √(2·LOSS·2); slope: |∇ + λ| beside √(2·LOSS·9.5) + 0.5·2 + λ; zero: (|∇| − λ)₊ beside λ.
    const [a, b, c] = [pull([1, 1, 1]), pull([1, 0, 3]) + 1, pull([2, 1, -1])];
    const first = Math.abs(a) / (size * Math.SQRT2);
    const second = (lambda: number): number => Math.abs(b + lambda) / (size * Math.sqrt(9.5) + 1 + lambda);
    expect(await at(theta, of(0, 2, 100))).toBeCloseTo(Math.max(first, second(2)), 12);
    expect(await at(theta, of(0, 300, 100))).toBeCloseTo(Math.max(first, second(300)), 12);
    expect(await at(theta, of(0, 2, 0.5))).toBeCloseTo(Math.max(first, second(2), (Math.abs(c) - 0.5) / 0.5), 12);
    expect(await at(theta, of(1e6, 2, 100))).toBeCloseTo(
      Math.max(Math.abs(a + 1e6) / (size * Math.SQRT2 + 1e6), second(2)),
      12,
    );
  });
});

describe("the minimiser on orthonormal columns is the soft threshold", () => {
  const problemOf = (targets: readonly number[], l1: number): SparseProblem => {
    const { data, description } = orthonormal(targets);
    return {
      data,
      model: description(data),
      ridge: new Float64Array(targets.length),
      penalties: new Float64Array(targets.length).fill(l1),
    };
  };

  test.each([
    [20, 1],
    [32, 1],
    [33, 2],
    [64, 2],
    [65, 3],
    [128, 3],
  ])(
    "%d parameters enter in %d rounds: 32 at once, or as many as there are, each of two steps",
    async (count, rounds) => {
      const targets = Array.from({ length: count }, (_, j) => (j % 2 ? -1 : 1) * (2 + j / count));
      const start = new Float64Array(count);
      const found = await minimiseSparse(problemOf(targets, 0.5), start);
      targets.forEach((value, j) => expect(found.theta[j]).toBeCloseTo(Math.sign(value) * (Math.abs(value) - 0.5), 10));
      expect(found.iterations).toBe(2 * rounds);
      expect(found.residual).toBeLessThan(1e-12);
      expect(start.every((value) => value === 0)).toBe(true);
    },
  );

  test("of a loss that curves takes as many steps as it takes to 1e-11", async () => {
    // e^t − 4t + ½|t| from counts of 3 and 5: e^t = 3.5.
    const counts = matrixDataset(Matrix.fromRows([[1], [1]]), [3, 5]);
    const problem = { data: counts, model: poisson({ intercept: false })(counts), ridge: of(0), penalties: of(0.5) };
    for (const start of [2, 0.5, 1.2]) {
      const found = await minimiseSparse(problem, of(start));
      expect(found.theta[0]).toBeCloseTo(Math.log(3.5), 11);
      let [t, steps] = [start, 1];
      for (; ; steps++) {
        const h = Math.exp(t);
        const step = -(h - 3.5) / h;
        const residual = Math.sqrt(((h - 3) ** 2 + (h - 5) ** 2) / 2 / h);
        if ((Math.sqrt(h) * Math.abs(step)) / (Math.sqrt(h) * Math.abs(t) + residual) <= 1e-11) break;
        t += step;
      }
      expect(found.iterations).toBe(steps);
    }
  });

  test("with its objective, its smooth part and all conditions", async () => {
    const problem = problemOf([2, -1, 0.25], 0.5);
    const found = await minimiseSparse(problem, of(0, 7, 7));
    close(found.theta, [1.5, -0.5, 0], 12);
    // ½·(¼ + ¼ + 1/16) + ½·2
    expect(found.objective).toBeCloseTo(0.28125 + 1, 12);
    expect(found.smooth.loss).toBeCloseTo(0.28125, 12);
    close(found.smooth.gradient, [-0.5, 0.5, -0.25], 12);
    const again = await minimiseSparse(problem, found.theta);
    expect(again.iterations).toBe(1);
    const nothing = await minimiseSparse(problemOf([0.1, -0.2], 0.5), of(0, 0));
    expect(nothing).toMatchObject({ iterations: 0, theta: of(0, 0) });
  });
});

describe("a lasso fit", () => {
  const { data, description } = orthonormal([2, -1, 0.25, 0.5]);

  test("names what is selected, what is on the boundary, and what may respond", async () => {
    const found = await lasso(description, data, { l1: 0.5 });
    close(found.parameters, [1.5, -0.5, 0, 0], 12);
    expect(found.sparse).toMatchObject({ l1: 0.5, selected: [0, 1], boundary: [3], support: [0, 1, 3], unique: true });
    expect(found.sparse?.largestL1).toBeCloseTo(2, 12);
    expect([...(found.sparse?.inputs ?? [])]).toEqual([1, 1, 0, 1]);
    expect(found.sparse?.relativeGap).toBeLessThan(1e-14);
    expect([found.l2, found.hessian.rows]).toEqual([0, 3]);
    const { inverse } = found;
    expect(inverse).toMatchObject({ method: "cholesky", rank: 3 });
    close(inverse.solve(of(1, 2, 3, 4)), [1, 2, 0, 4]);
    expect(inverse.dualLength(of(3, 0, 100, 4))).toBeCloseTo(5, 12);
    expect(inverse.nullResidual(of(3, 0, 100, 4))).toBe(0);
    expect(inverse.relativeResidual(of(3, 0, 7, 0), of(3, 0, 100, 4))).toBeCloseTo(0.8, 12);
    const held = holdAtZero(found, [3]);
    expect(held.sparse).toMatchObject({ selected: [0, 1], boundary: [], support: [0, 1] });
    close(held.inverse.solve(of(1, 2, 3, 4)), [1, 2, 0, 0]);
    const plain = { ...found };
    delete (plain as { sparse?: unknown }).sparse;
    expect(holdAtZero(plain, [3])).toBe(plain);
  });

  test("knows its support in order, the intercept among it even where that is 0", async () => {
    const { data: ordered } = orthonormal([0.5, 2, -1]);
    expect((await lasso(description, ordered, { l1: 0.5 })).sparse).toMatchObject({
      boundary: [0],
      selected: [1, 2],
      support: [0, 1, 2],
    });
    const odd = matrixDataset(Matrix.fromRows([[1], [-1], [1], [-1]]), [1, -1, 1, -1]);
    const found = await lasso(linear({ loss: "half-squared" }), odd, { l1: 0.25 });
    expect(found.parameters[0]).toBe(0);
    expect(found.parameters[1]).toBeCloseTo(0.75, 13);
    expect(found.sparse).toMatchObject({ boundary: [], selected: [1], support: [0, 1], unique: true });
    const empty = await lasso(linear({ loss: "half-squared" }), odd, { l1: 3 });
    expect(empty.sparse).toMatchObject({ boundary: [], selected: [], support: [0], unique: true });
  });

  test("of large targets has a gap relative to its objective", async () => {
    const { data: large } = orthonormal([2.1e9, -1.3e9, 0.25e9]);
    const found = await lasso(description, large, { l1: 0.3e9 });
    expect(found.sparse?.relativeGap).toBeLessThan(1e-14);
    expect(found.sparse?.selected).toEqual([0, 1]);
  });

  test("from the largest λ on has only zeros, wherever it begins", async () => {
    for (const l1 of [2, 5]) {
      const found = await lasso(description, data, { l1, start: of(1, 1, 1, 1) });
      expect([...found.parameters]).toEqual([0, 0, 0, 0]);
      expect(found.iterations).toBe(0);
    }
    const under = await lasso(description, data, { l1: 1.9, start: of(1, 1, 1, 1) });
    close(under.parameters, [0.1, 0, 0, 0], 12);
  });

  test("with a ridge shrinks what it selects", async () => {
    const found = await lasso(description, data, { l1: 0.5, l2: 1 });
    close(found.parameters, [0.75, -0.25, 0, 0], 12);
    expect(found.l2).toBe(1);
    const none = await lasso(description, data, { l1: 0, l2: 1, start: of(1, 1, 1, 1) });
    close(none.parameters, [1, -0.5, 0.125, 0.25], 12);
    expect(none.sparse).toBeUndefined();
  });

  test("knows which inputs its parameters depend on, with an intercept and with products", async () => {
    const x = Matrix.fromRows([
      [1, 0, 2],
      [-1, 1, 0],
      [2, -1, 1],
      [0, 2, -1],
      [1, 1, 1],
      [-2, 0, 1],
    ]);
    const rows = matrixDataset(
      x,
      Float64Array.from({ length: 6 }, (_, i) => 3 + 2 * x.row(i)[1]),
    );
    const straight = await lasso(linear(), rows, { l1: 0.5 });
    expect(straight.sparse?.support).toEqual([0, 2]);
    expect([...(straight.sparse?.inputs ?? [])]).toEqual([0, 1, 0]);
    const product = matrixDataset(
      x,
      Float64Array.from({ length: 6 }, (_, i) => 5 * x.row(i)[0] * x.row(i)[2]),
    );
    const curved = await lasso(quadratic(), product, { l1: 2 });
    const names = curved.sparse?.selected.map((j) => curved.model.parameterNames[j]);
    expect(names).toHaveLength(1);
    expect([...(curved.sparse?.inputs ?? [])]).toEqual([1, 0, 1]);
  });

  test("on some of its parameters alone", async () => {
    const found = await lasso(description, data, { l1: 0.5 });
    const free = await lassoFree(found, Uint8Array.of(0, 1, 1, 0));
    close(free.theta, [0, -0.5, 0, 0], 12);
    close(free.scores, [0, -1, 0, 0], 12);
    expect(free.residual).toBeLessThan(1e-12);
    const { sparse: _, ...plain } = found;
    close((await lassoFree(plain, Uint8Array.of(0, 1, 1, 0))).theta, [0, -1, 0.25, 0], 12);
  });

  test("of copies beside each other on the boundary follows the solution that leaves them at 0", async () => {
    const twice = matrixDataset(
      Matrix.fromRows([
        [2, 2, 0, 0],
        [0, 0, 2, 0],
        [0, 0, 0, 2],
        [0, 0, 0, 0],
      ]),
      [4, 1, 0, 0],
    );
    const found = await lasso(description, twice, { l1: 0.5 });
    expect(found.sparse).toMatchObject({ unique: false, boundary: [] });
    expect(found.sparse?.selected).toHaveLength(1);
    expect(found.sparse?.support).toEqual(found.sparse?.selected);
    expect(found.parameters[0] + found.parameters[1]).toBeCloseTo(1.5, 10);
  });

  test("of copies that both begin away from 0 keeps one, with an inverse", async () => {
    const twice = matrixDataset(
      Matrix.fromRows([
        [2, 2, 0],
        [0, 0, 2],
        [0, 0, 0],
        [0, 0, 0],
      ]),
      [4, 3, 0, 0],
    );
    const found = await lasso(description, twice, { l1: 0.5, start: of(1, 0.5, 0) });
    expect(found.sparse?.selected).toHaveLength(2);
    expect(found.parameters[0] * found.parameters[1]).toBe(0);
    close([found.parameters[0] + found.parameters[1], found.parameters[2]], [1.5, 1], 10);
    expect([found.inverse.method, found.gradientNorm < 1e-12]).toEqual(["cholesky", true]);
  });

  test.each([
    [-6, 0],
    [0, 0],
    [2, 5],
  ])("of counts in two groups: each mean moves by 2λ towards the other, from (%d, %d)", async (a, b) => {
    // ½(e^a − m_0 a) + ½(e^{a+b} − m_1(a + b)) + λ|b| with means 2 and 6.
    const counts = matrixDataset(Matrix.fromRows([[0], [0], [1], [1]]), [1, 3, 4, 8]);
    const found = await lasso(poisson(), counts, { l1: 0.5, start: of(a, b) });
    close(found.parameters, [Math.log(3), Math.log(5 / 3)], 11);
    expect(found.iterations).toBeGreaterThan(3);
    expect(found.gradientNorm).toBeLessThan(1e-12);
  });

  test("what makes no sense is refused, and two rows are enough", async () => {
    for (const l1 of [-1e-9, Number.NaN, Number.POSITIVE_INFINITY])
      expect((await refusal(lasso(description, data, { l1 }))).message).toBe(
        `The penalty l1 must be a number ≥ 0, got ${l1}.`,
      );
    const one = matrixDataset(Matrix.fromRows([[1]]), [1]);
    const error = await refusal(lasso(linear({ intercept: false }), one, { l1: 0.1 }));
    expect(error).toMatchObject({ code: "input", message: "One row cannot determine a model: use more rows." });
    const two = matrixDataset(Matrix.fromRows([[1], [1]]), [1, 1]);
    close((await lasso(linear({ intercept: false, loss: "half-squared" }), two, { l1: 0.25 })).parameters, [0.75], 12);
    const alike = matrixDataset(Matrix.fromRows([[1], [2]]), [1, 1]);
    expect((await lasso(logistic({ intercept: false }), alike, { l1: 0.1 })).parameters[0]).toBeGreaterThan(0);
    expect((await refusal(lasso(logistic(), alike, { l1: 0.1 }))).message).toContain("All targets are alike");
  });
});

describe("a path", () => {
  const { data, description } = orthonormal([2, -1, 0.25, 0.5]);
  const lambdas = (fits: readonly { sparse?: { l1: number } }[]): number[] =>
    fits.map(({ sparse }) => sparse?.l1 ?? Number.NaN);

  test("of λ given: falling, each the soft threshold, and told one by one", async () => {
    const told: [string, number, number][] = [];
    const { fits, largestL1 } = await lassoPath(description, data, {
      l1: [0.5, 3, 1],
      onProgress: ({ phase, done, total }) => told.push([phase, done, total]),
    });
    expect(lambdas(fits)).toEqual([3, 1, 0.5]);
    expect(largestL1).toBeCloseTo(2, 12);
    [
      [0, 0, 0, 0],
      [1, 0, 0, 0],
      [1.5, -0.5, 0, 0],
    ].forEach((expected, k) => close(fits[k].parameters, expected, 12));
    expect(told).toEqual([0, 1, 2].map((done) => ["lasso path", done, 3]));
  });

  test("of points: even in log λ from the largest to a thousandth, or a hundredth with more parameters than rows", async () => {
    const { fits } = await lassoPath(description, data, { points: 4, ratio: 0.125 });
    [2, 1, 0.5, 0.25].forEach((value, k) => expect(lambdas(fits)[k]).toBeCloseTo(value, 12));
    const whole = await lassoPath(description, data);
    expect(whole.fits).toHaveLength(30);
    expect(lambdas(whole.fits)[0]).toBeCloseTo(2, 12);
    expect(lambdas(whole.fits).at(-1)).toBeCloseTo(2e-3, 12);
    const wide = matrixDataset(
      Matrix.fromRows([
        [1, 0, 2],
        [0, 1, 1],
      ]),
      [1, 2],
    );
    const few = await lassoPath(description, wide, { points: 2 });
    expect((lambdas(few.fits).at(-1) ?? 0) / few.largestL1).toBeCloseTo(0.01, 12);
    const square = matrixDataset(
      Matrix.fromRows([
        [1, 0],
        [0, 1],
      ]),
      [1, 2],
    );
    const even = await lassoPath(description, square, { points: 2 });
    expect((lambdas(even.fits).at(-1) ?? 0) / even.largestL1).toBeCloseTo(0.001, 12);
  });

  test("is refused where it makes no sense, and cancelled", async () => {
    for (const ratio of [0, 1, -1, Number.NaN])
      expect((await refusal(lassoPath(description, data, { ratio }))).message).toBe(
        `The ratio must be between 0 and 1, got ${ratio}.`,
      );
    for (const points of [0, 1.5, Number.NaN])
      expect((await refusal(lassoPath(description, data, { points }))).message).toBe(
        `A path needs 1 point or more, got ${points}.`,
      );
    expect((await lassoPath(description, data, { points: 1 })).fits).toHaveLength(1);
    for (const bad of [0, Number.POSITIVE_INFINITY, Number.NaN])
      expect((await refusal(lassoPath(description, data, { l1: [1, bad] }))).message).toBe(
        `Every l1 on a path must be a number above 0, got ${bad}.`,
      );
    const { signal } = { signal: AbortSignal.abort() };
    expect((await refusal(lassoPath(description, data, { signal }))).code).toBe("cancelled");
  });
});

describe("the gap of a lasso", () => {
  test("away from the minimum, by hand: one parameter without a ridge", async () => {
    // ½(θ − 2)² + ½|θ| at θ = 1: slope −1, shrunk to −½, so that the bound is ½·2 − ⅛.
    const { data, description } = orthonormal([2]);
    const one = matrixDataset(Matrix.fromRows([[1], [1]]), [2, 2]);
    const model = description(data);
    const problem = { model, data: one, ridge: of(0), penalties: of(0.5) };
    const theta = of(1);
    const smooth = await smoothPart(problem, theta);
    const gap = await lassoGap(problem, { theta, smooth, objective: 1, residual: 0, iterations: 0 });
    expect(gap).toBeCloseTo(1 - (1 - 0.125), 12);
    // With a ridge of 1 the slope −2 of ½(θ − 2)² at 0 leaves (2 − ½)²/2 of the bound.
    const ridged = { ...problem, ridge: of(1) };
    const zero = of(0);
    const there = await smoothPart(ridged, zero);
    const wide = await lassoGap(ridged, { theta: zero, smooth: there, objective: 2, residual: 0, iterations: 0 });
    expect(wide).toBeCloseTo(1.125, 12);
  });
});
