/** (H + λI)⁻¹ from a network's layers, against the Gauss–Newton matrix by its products. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import {
  add,
  dense,
  matmul,
  mul,
  scale,
  squaredLoss,
  sub,
  sum,
  sumOverColumns,
  tanh,
} from "../../src/autodiff/index.js";
import { matrixDataset } from "../../src/index.js";
import { pointAt } from "../../src/influence/local/point.js";
import { localSystem } from "../../src/influence/local/system.js";
import { ensureBlas } from "../../src/linalg/backend.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { type NetworkLoss, perceptron } from "../../src/models/perceptron.js";
import { type OutputDescription, predictiveModel } from "../../src/models/predictive-model.js";
import { blockConjugateGradients } from "../../src/solvers/block-cg.js";
import {
  gaussNewtonMatrix,
  gaussNewtonPlan,
  gaussNewtonPreconditioner,
  type RiskAt,
} from "../../src/solvers/gauss-newton.js";
import { ridgeOf } from "../../src/solvers/model-risk.js";
import { dampedOperator } from "../../src/solvers/operator.js";
import { riskOperator, unitVectors } from "../../src/solvers/risk-operator.js";
import { solveSystem } from "../../src/solvers/solve.js";
import { trainModel } from "../../src/solvers/train.js";
import { drawsOf } from "../long.js";
import { Random, relativeError } from "../models/naive.js";
import { naiveResiduals, randomBlock, refusal } from "./systems.js";

beforeAll(() => ensureBlas());

interface Draw {
  readonly rows: number;
  readonly hidden: readonly number[];
  readonly loss: NetworkLoss;
  readonly l2: number;
  readonly seed: number;
}

const K = 3;

/** A network with random parameters on random rows of unequal weight, some of weight 0. */
function drawn({ rows, hidden, loss, l2, seed }: Draw): RiskAt & { readonly l2: number } {
  const random = new Random(seed);
  const x = random.rows(rows, 2);
  const target = { softmax: () => random.below(K), logistic: () => (random.uniform() < 0.5 ? -1 : 1) };
  const y = x.map((row) => (loss === "softmax" || loss === "logistic" ? target[loss]() : row[0] + random.normal()));
  const weights = x.map((_, i) => (i % 5 === 3 ? 0 : 0.2 + random.uniform()));
  const model = perceptron({
    inputs: 2,
    hidden,
    activation: "tanh",
    loss,
    ...(loss === "softmax" ? { classes: K } : { outputScaler: { mean: 0.3, scale: 1.7 } }),
  });
  const parameters = Float64Array.from(random.normals(model.parameterNames.length));
  const data = matrixDataset(Matrix.fromRows(x), y, { weights });
  return { model, data, ridge: ridgeOf(model, l2), parameters, l2 };
}

const draws = fc.record({
  rows: fc.integer({ min: 1, max: 30 }),
  hidden: fc.constantFrom([], [3], [4, 2]),
  loss: fc.constantFrom<NetworkLoss>("squared", "half-squared", "logistic", "softmax"),
  l2: fc.constantFrom(0, 0.1),
  seed: fc.integer({ min: 0, max: 1e6 }),
});

/** d×d, by one product with each unit vector. */
async function byProducts(problem: RiskAt): Promise<Matrix> {
  const d = problem.parameters.length;
  return riskOperator(problem, { curvature: "gauss-newton", withRidge: true }).product(unitVectors(d, 0, d));
}

describe("the Gauss–Newton part from layers", () => {
  test("F'F is what products give, for any loss and depth", async () => {
    await fc.assert(
      fc.asyncProperty(draws, async (draw) => {
        const problem = drawn(draw);
        const expected = await byProducts(problem);
        const d = expected.rows;
        const found = await gaussNewtonMatrix(problem);
        const size = Math.max(...expected.data.map(Math.abs), 1e-300);
        for (let i = 0; i < d; i++) {
          for (let j = 0; j <= i; j++) {
            const wanted = expected.data[i * d + j] - (i === j ? problem.ridge[i] : 0);
            expect(Math.abs((found?.data[i * d + j] ?? Number.NaN) - wanted)).toBeLessThan(1e-12 * size);
          }
        }
      }),
      { numRuns: drawsOf(60, 500) },
    );
  });

  test("by parameters and by rows its inverse solves the damped system, for other λ too", async () => {
    await fc.assert(
      fc.asyncProperty(draws, fc.constantFrom("parameters", "rows"), async (draw, form) => {
        const problem = drawn(draw);
        const [damping, other] = [0.05, 0.5];
        const expected = await byProducts(problem);
        const made = await gaussNewtonPreconditioner(problem, { form }, damping);
        expect(made).toMatchObject({ name: "gauss-newton", products: 0 });
        const right = randomBlock(expected.rows, 2, draw.seed);
        for (const [preconditioner, lambda] of [
          [made, damping],
          [made?.withDamping(other), other],
        ] as const) {
          const x = preconditioner?.apply(right) ?? right;
          for (const residual of naiveResiduals(expected, x, right, lambda)) expect(residual).toBeLessThan(1e-10);
        }
      }),
      { numRuns: drawsOf(60, 500) },
    );
  });

  test("conjugate gradients behind it reach the tolerance in the Hessian too, with far fewer products", async () => {
    const random = drawn({ rows: 400, hidden: [12], loss: "squared", l2: 0.01, seed: 3 });
    const { parameters } = await trainModel(random.model, random.data, { l2: 0.01, maximumIterations: 60 });
    const operator = riskOperator({ ...random, parameters }, { curvature: "hessian", withRidge: true });
    const damping = 0.1;
    const right = randomBlock(operator.size, 2, 4);
    const choice = { name: "cg", rank: 0, memoryBytes: 0, reason: "" } as const;
    const solve = (preconditioner: "none" | "gauss-newton") =>
      solveSystem({ operator, damping, right }, { ...choice, preconditioner }, { tolerance: 1e-9 });
    const [plain, near] = [await solve("none"), await solve("gauss-newton")];
    for (const found of [plain, near]) expect(found).toMatchObject({ end: "converged", sketchProducts: 0 });
    expect(near.products).toBeLessThan(0.7 * plain.products);
    expect(relativeError(near.solution.data, plain.solution.data)).toBeLessThan(1e-7);
  });
});

describe("where it is offered", () => {
  const problem = drawn({ rows: 12, hidden: [6], loss: "softmax", l2: 0.1, seed: 1 });

  test("the smaller form, and only where everything is damped", async () => {
    // 12 rows of K − 1 outputs, 39 parameters.
    expect(gaussNewtonPlan(problem, 0.1)).toMatchObject({ form: "rows", whole: false });
    const more = drawn({ rows: 60, hidden: [6], loss: "softmax", l2: 0.1, seed: 1 });
    expect(gaussNewtonPlan(more, 0.1)).toMatchObject({ form: "parameters" });
    expect(gaussNewtonPlan(drawn({ rows: 60, hidden: [], loss: "softmax", l2: 0, seed: 1 }), 0.1)?.whole).toBe(true);
    // Biases have no ridge.
    expect(gaussNewtonPlan(problem, 0)).toBeNull();
    const uneven = { ...problem, ridge: problem.ridge.map((P, j) => (j === 2 ? 2 * P : P)) };
    expect(gaussNewtonPlan(uneven, 0.1)).toMatchObject({ form: "parameters" });
  });

  test("a system of few rows and many parameters is solved by its rows, exactly", async () => {
    const { model, data, parameters } = drawn({ rows: 12, hidden: [90], loss: "softmax", l2: 0, seed: 8 });
    const point = await pointAt(model, data, parameters, { l2: 0.01 });
    const options = { damping: 1e-3, curvature: "gauss-newton", solver: "cg" } as const;
    const system = await localSystem(point, options, 1);
    expect(system.choice).toMatchObject({ name: "cg", preconditioner: "gauss-newton" });
    const right = randomBlock(parameters.length, 1, 2);
    const found = await system.solve(right);
    expect(found).toMatchObject({ end: "converged", iterations: 1 });
    expect(found.relativeResidual).toBeLessThan(1e-10);
    const plain = await blockConjugateGradients(dampedOperator(system.operator, 1e-3), right);
    expect(relativeError(found.solution.data, plain.solution.data)).toBeLessThan(1e-7);
    const other = await system.preconditioner({}, 0.1);
    const there = await blockConjugateGradients(dampedOperator(system.operator, 0.1), right, {
      ...(other && { preconditioner: other }),
    });
    expect(there.iterations).toBe(1);
  });

  test("no model without layers of its own gives it", async () => {
    const { data, parameters, ridge } = drawn({ rows: 12, hidden: [3], loss: "squared", l2: 0.1, seed: 5 });
    type Outputs = OutputDescription<"a" | "b">["outputs"];
    const modelWith = (outputs: Outputs, a: { rows: number; columns: number }, loss = squaredLoss) =>
      predictiveModel<"a" | "b">({ parameters: { a, b: { rows: 1, columns: 2 } }, outputs, loss });
    const given = (outputs: Outputs, a: { rows: number; columns: number }, loss = squaredLoss) => {
      const model = modelWith(outputs, a, loss);
      const d = model.parameterNames.length;
      return gaussNewtonPlan({ model, data, ridge: ridge.slice(0, d), parameters: parameters.slice(0, d) }, 0.1);
    };
    const plain: Outputs = ({ a, b }, x) => dense(tanh(dense(x, a)), b);
    expect(given(plain, { rows: 2, columns: 2 })).not.toBeNull();
    // One weight in two layers; parameters that multiply; a product from the other side; a loss that bends down.
    expect(given(({ a, b }, x) => dense(tanh(dense(tanh(dense(x, a)), a)), b), { rows: 2, columns: 2 })).toBeNull();
    expect(given(({ a, b }, x) => sumOverColumns(mul(mul(x, b), a)), { rows: 1, columns: 2 })).toBeNull();
    expect(given(({ a, b }, x) => dense(tanh(matmul(x, a)), b), { rows: 2, columns: 2 })).toBeNull();
    expect(given(plain, { rows: 2, columns: 2 }, (f, y) => scale(squaredLoss(f, y), -1))).toBeNull();
    expect(given(({ a, b }, x) => add(dense(tanh(dense(x, a)), b), sum(b)), { rows: 2, columns: 2 })).toBeNull();
    const operator = riskOperator(
      {
        model: modelWith(({ a, b }, x) => sub(dense(x, b), sum(a)), { rows: 1, columns: 1 }),
        data,
        ridge: ridge.slice(0, 3),
        parameters: parameters.slice(0, 3),
      },
      { curvature: "hessian", withRidge: true },
    );
    const choice = { name: "cg", preconditioner: "gauss-newton", rank: 0, memoryBytes: 0, reason: "" } as const;
    const error = await refusal(solveSystem({ operator, damping: 1, right: randomBlock(3, 1, 1) }, choice));
    expect(error).toMatchObject({ code: "usage", message: expect.stringContaining("linear layers") });
  });
});
