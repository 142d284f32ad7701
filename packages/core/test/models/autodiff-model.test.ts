/** Losses of one's own: regressions written with tensors against the closed forms, the golden fixture and differences. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  columns,
  concatColumns,
  emptyPool,
  exp,
  halfSquaredLoss,
  logisticLoss,
  matmul,
  mul,
  pooledBytes,
  squaredLoss,
  sub,
  sum,
  type Tensor,
} from "../../src/autodiff/index.js";
import type { Block } from "../../src/data/dataset.js";
import { AifError } from "../../src/errors.js";
import { type Dataset, dualDirection, linear, logistic, Matrix, poisson, quadratic } from "../../src/index.js";
import { type AutodiffModel, modelOf } from "../../src/models/autodiff-model.js";
import type { ScoreModel } from "../../src/models/score-model.js";
import { exponentOf, type GoldenCase, golden, goldenData, goldenName, relativeError } from "../golden.js";
import { drawsOf } from "../long.js";
import { dot, Random } from "./naive.js";

type RowLoss = (f: Tensor, y: Tensor) => Tensor;

const intercept = { rows: 1, columns: 1, penalised: false };

/** f = b + β'x, the intercept first where there is one. */
function linearLoss(m: number, loss: RowLoss, withIntercept = true): AutodiffModel {
  const slope = { rows: m, columns: 1 };
  return withIntercept
    ? modelOf({
        parameters: { intercept, slope },
        losses: ({ intercept, slope }, x, y) => loss(add(matmul(x, slope), intercept), y),
      })
    : modelOf({ parameters: { slope }, losses: ({ slope }, x, y) => loss(matmul(x, slope), y) });
}

/** f = b + θ'(x, x_j x_k for j ≤ k), the products made column by column. */
function quadraticLoss(m: number, loss: RowLoss, withIntercept = true): AutodiffModel {
  const products = (x: Tensor): Tensor[] =>
    Array.from({ length: m }, (_, j) => mul(columns(x, j, j + 1), columns(x, j, m)));
  const slope = { rows: m + (m * (m + 1)) / 2, columns: 1 };
  const score = (x: Tensor, slope: Tensor): Tensor => matmul(concatColumns([x, ...products(x)]), slope);
  return withIntercept
    ? modelOf({
        parameters: { intercept, slope },
        losses: ({ intercept, slope }, x, y) => loss(add(score(x, slope), intercept), y),
      })
    : modelOf({ parameters: { slope }, losses: ({ slope }, x, y) => loss(score(x, slope), y) });
}

const poissonLoss: RowLoss = (f, y) => sub(exp(f), mul(y, f));

function wholeBlock(data: Dataset): Block {
  const [block] = data.blocks(data.rows);
  return block;
}

function asModel(c: GoldenCase, m: number): AutodiffModel {
  const loss = c.loss === "logistic" ? logisticLoss : halfSquaredLoss;
  return (c.model.startsWith("quadratic") ? quadraticLoss : linearLoss)(m, loss, c.intercept);
}

describe("user losses against the golden reference", () => {
  it.each(golden.cases.map((c) => [goldenName(c), c] as const))("%s", (_, c) => {
    const block = wholeBlock(goldenData(c));
    const model = asModel(c, block.x.columns);
    const theta = Float64Array.from(c.theta);
    const directions = Matrix.zeros(block.x.rows, block.x.columns);
    const g = model.inputGradients(theta, block);
    for (let i = 0; i < g.rows; i++) dualDirection(g.row(i), exponentOf(c.p), directions.row(i));
    const phi = model.mixedProduct(
      theta,
      block,
      directions,
      block.w.map((w) => c.c * w),
    );
    expect(relativeError(phi, c.Phi)).toBeLessThan(1e-11);
    const d = theta.length;
    const unit = new Matrix(
      Float64Array.from({ length: d * d }, (_, k) => (k % (d + 1) === 0 ? 1 : 0)),
      d,
      d,
    );
    const hessian = model.hessianProduct(theta, block, unit);
    model.penalised.forEach((penalised, j) => {
      hessian.data[j * d + j] += penalised * c.l2;
    });
    expect(relativeError(hessian.data, c.H.flat())).toBeLessThan(1e-11);
    const gradient = model.gradient(theta, block).map((value, j) => value + model.penalised[j] * c.l2 * theta[j]);
    expect(Math.max(...gradient.map(Math.abs))).toBeLessThan(1e-9);
  });
});

/** What the closed forms of MATH 0 and 1 give, row by row, from v, ∂v/∂x and the loss's derivatives in the score. */
function closedForms({ map, loss }: ScoreModel, theta: Float64Array, { x, y }: Block, phi: Matrix, u: Float64Array) {
  const v = map.features(x);
  const pushed = map.jacobianTimes(x, phi);
  const gamma = map.inputGradients(theta, x);
  const curvature = map.curvature(theta, x, phi);
  const rows = Array.from({ length: x.rows }, (_, i) => {
    const f = dot(theta, v.row(i));
    const [first, second] = [loss.first(f, y[i]), loss.second(f, y[i])];
    const slope = gamma.row(gamma.rows === 1 ? 0 : i);
    const along = dot(slope, phi.row(i));
    return {
      loss: loss.value(f, y[i]),
      inputs: slope.map((value) => first * value),
      gradient: v.row(i).map((value) => first * value),
      mixed: v.row(i).map((value, a) => second * along * value + first * pushed.row(i)[a]),
      hessian: v.row(i).map((value) => second * dot(v.row(i), u) * value),
      curvature: second * along ** 2 + first * (curvature?.[i] ?? 0),
    };
  });
  const flat = (key: "inputs" | "gradient" | "mixed" | "hessian"): number[] => rows.flatMap((row) => [...row[key]]);
  const total = (key: "gradient" | "mixed" | "hessian", weights: Float64Array): number[] =>
    [...theta].map((_, a) => rows.reduce((sum, row, i) => sum + weights[i] * row[key][a], 0));
  return { rows, flat, total };
}

function randomBlock(rows: number, m: number, random: Random, target: () => number): Block {
  const w = Float64Array.from({ length: rows }, () => 0.1 + random.uniform());
  return {
    x: Matrix.fromRows(random.rows(rows, m)),
    y: Float64Array.from({ length: rows }, target),
    w: w.map((value) => value / w.reduce((a, b) => a + b)),
    firstRow: 0,
  };
}

const REGRESSIONS = [
  { name: "linear", closed: linear(), user: linearLoss, loss: squaredLoss, target: (r: Random) => r.normal() },
  {
    name: "logistic",
    closed: logistic(),
    user: linearLoss,
    loss: logisticLoss,
    target: (r: Random) => r.below(2) * 2 - 1,
  },
  { name: "Poisson", closed: poisson(), user: linearLoss, loss: poissonLoss, target: (r: Random) => r.below(4) },
  { name: "quadratic", closed: quadratic(), user: quadraticLoss, loss: squaredLoss, target: (r: Random) => r.normal() },
];

describe.each(REGRESSIONS)("$name regression as a user's loss", ({ closed, user, loss, target }) => {
  it("equals the closed forms", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 1e6 }),
        (m, rows, seed) => {
          const random = new Random(seed);
          const block = randomBlock(rows, m, random, () => target(random));
          const score = closed({ features: Array.from({ length: m }, (_, j) => `x${j}`) });
          const model = user(m, loss);
          const d = model.parameterNames.length;
          expect(d).toBe(score.parameterNames.length);
          const [theta, u] = [random.normals(d), random.normals(d)].map((v) => Float64Array.from(v, (x) => 0.4 * x));
          const phi = Matrix.fromRows(random.rows(rows, m));
          const { rows: truth, flat, total } = closedForms(score, theta, block, phi, u);
          const omega = Float64Array.from(random.normals(rows));
          const near = (a: ArrayLike<number>, b: ArrayLike<number>): void =>
            expect(relativeError(a, b)).toBeLessThan(1e-11);
          near(
            model.losses(theta, block),
            truth.map((row) => row.loss),
          );
          near(model.gradient(theta, block), total("gradient", block.w));
          near(model.inputGradients(theta, block).data, flat("inputs"));
          near(model.mixedProduct(theta, block, phi, omega), total("mixed", omega));
          near(model.hessianProduct(theta, block, new Matrix(u, d, 1)).data, total("hessian", block.w));
          near(model.gradientRows(theta, block).data, flat("gradient"));
          near(model.mixedRows(theta, block, phi).data, flat("mixed"));
          near(model.hessianRows(theta, block, u).data, flat("hessian"));
          near(
            model.inputCurvature(theta, block, phi),
            truth.map((row) => row.curvature),
          );
        },
      ),
      { numRuns: drawsOf(40, 1000) },
    );
  });
});

describe("sums over blocks", () => {
  it("add up, however the rows are cut, and products with several vectors are those with each", () => {
    const random = new Random(3);
    const whole = randomBlock(23, 3, random, () => random.below(2) * 2 - 1);
    const model = quadraticLoss(3, logisticLoss);
    const d = model.parameterNames.length;
    const theta = Float64Array.from(random.normals(d));
    const vectors = Matrix.fromRows(random.rows(d, 3));
    const parts = [0, 5, 6, 17].map((from, k, all): Block => {
      const to = all[k + 1] ?? 23;
      const [y, w] = [whole.y.subarray(from, to), whole.w.subarray(from, to)];
      return { x: whole.x.rowRange(from, to), y, w, firstRow: from };
    });
    const total = (vector: (block: Block) => Float64Array): Float64Array =>
      parts.map(vector).reduce((sum, part) => sum.map((value, j) => value + part[j]));
    expect(
      relativeError(
        total((b) => model.gradient(theta, b)),
        model.gradient(theta, whole),
      ),
    ).toBeLessThan(1e-13);
    const products = model.hessianProduct(theta, whole, vectors);
    expect(
      relativeError(
        total((b) => model.hessianProduct(theta, b, vectors).data),
        products.data,
      ),
    ).toBeLessThan(1e-13);
    for (let k = 0; k < 3; k++) {
      const alone = model.hessianProduct(theta, whole, new Matrix(vectors.column(k), d, 1));
      expect([...products.column(k)]).toEqual([...alone.data]);
    }
  });
});

it("mixed products of several adversaries from one pass are those of each by itself", () => {
  const random = new Random(4);
  const block = randomBlock(17, 3, random, () => random.below(2) * 2 - 1);
  const model = quadraticLoss(3, logisticLoss);
  const theta = Float64Array.from(random.normals(model.parameterNames.length));
  const seen = model.inputGradients(theta, block);
  // Rows without weight among them, and rows of one weight.
  const uneven = (): Float64Array => Float64Array.from(random.normals(17), (value, i) => (i % 5 === 0 ? 0 : value));
  const answers = [1, -2, 3].map((factor) => ({
    directions: new Matrix(
      seen.data.map((value, at) => factor * value + at),
      17,
      3,
    ),
    weights: factor === 3 ? new Float64Array(17).fill(0.3) : uneven(),
  }));
  const found = model.mixedProducts?.(theta, block, (gradients) => {
    expect(relativeError(gradients.data, seen.data)).toBeLessThan(1e-15);
    return answers;
  });
  expect(found?.length).toBe(3);
  answers.forEach(({ directions, weights }, t) => {
    const alone = model.mixedProduct(theta, block, directions, weights);
    expect(relativeError(found?.[t] ?? new Float64Array(0), alone)).toBeLessThan(1e-12);
  });
});

it("the memory of many Hessian products at once is that of one", () => {
  const random = new Random(5);
  const block = randomBlock(50, 3, random, () => random.normal());
  const model = quadraticLoss(3, squaredLoss);
  const d = model.parameterNames.length;
  const theta = Float64Array.from(random.normals(d));
  const bytes = (vectors: number): number => {
    emptyPool();
    model.hessianProduct(theta, block, Matrix.fromRows(random.rows(d, vectors)));
    return pooledBytes();
  };
  model.losses(theta, block);
  expect(bytes(40)).toBe(bytes(2));
  expect(bytes(2)).toBeGreaterThan(0);
});

describe("what a description must be", () => {
  const random = new Random(8);
  const block = randomBlock(4, 2, random, () => random.normal());
  const refusal = (act: () => unknown): AifError => {
    try {
      act();
    } catch (error) {
      if (error instanceof AifError) return error;
    }
    throw new Error("Nothing was refused.");
  };
  const slope = { rows: 2, columns: 1 };
  const theta = Float64Array.of(0.5, -1);

  it("one loss a row", () => {
    const model = modelOf({
      parameters: { slope },
      losses: ({ slope }, x, y) => sum(squaredLoss(matmul(x, slope), y)),
    });
    expect(refusal(() => model.losses(theta, block)).message).toMatch(/one number a row: expected 4×1, found 1×1/);
  });

  it("rows that do not mix", () => {
    const model = modelOf({
      parameters: { slope },
      losses: ({ slope }, x, y) => {
        const f = matmul(x, slope);
        return squaredLoss(sub(f, sum(f)), y);
      },
    });
    expect(refusal(() => model.gradient(theta, block))).toMatchObject({ code: "usage" });
    expect(refusal(() => model.gradient(theta, block)).message).toMatch(/must not mix rows/);
  });

  it("parameters with names and sizes that make sense", () => {
    const losses = (_: unknown, __: Tensor, y: Tensor): Tensor => y;
    expect(refusal(() => modelOf({ parameters: {}, losses })).message).toMatch(/at least one block/);
    expect(refusal(() => modelOf({ parameters: { 1: slope }, losses })).message).toMatch(/named by a number \("1"\)/);
    expect(refusal(() => modelOf({ parameters: { a: { rows: 0, columns: 2 } }, losses })).message).toMatch(
      /"a" .* 0×2/,
    );
    const names = { ...slope, names: ["one"] };
    expect(refusal(() => modelOf({ parameters: { a: names }, losses })).message).toMatch(/2 numbers, but 1 names/);
  });

  it("a vector of its length, and finite results", () => {
    const model = modelOf({ parameters: { slope }, losses: ({ slope }, x, y) => poissonLoss(matmul(x, slope), y) });
    expect(refusal(() => model.losses(new Float64Array(3), block)).message).toMatch(/2 parameters, .* vector of 3/);
    const huge = refusal(() => model.losses(Float64Array.of(1e6, 1e6), block));
    expect(huge).toMatchObject({ code: "numerical" });
    expect(huge.message).toMatch(/losses must be finite, and entry \d is/);
  });

  it("names count from 0 and follow the blocks", () => {
    const { parameterNames, penalised } = modelOf({
      parameters: {
        b: intercept,
        w: { rows: 2, columns: 2 },
        a: { rows: 1, columns: 2, names: ["left", "right"] },
        c: slope,
      },
      losses: (_, __, y) => y,
    });
    expect(parameterNames).toEqual(["b", "w[0,0]", "w[0,1]", "w[1,0]", "w[1,1]", "left", "right", "c[0]", "c[1]"]);
    expect([...penalised]).toEqual([0, 1, 1, 1, 1, 1, 1, 1, 1]);
  });
});
