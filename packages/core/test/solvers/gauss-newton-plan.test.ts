/** What solving with the Gauss–Newton part is said to cost, by hand, and where it is not offered. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix, matrixDataset } from "../../src/index.js";
import { perceptron } from "../../src/models/perceptron.js";
import {
  gaussNewtonMatrix,
  gaussNewtonPlan,
  gaussNewtonPreconditioner,
  type RiskAt,
} from "../../src/solvers/gauss-newton.js";
import { ridgeOf } from "../../src/solvers/model-risk.js";
import { Random } from "../models/naive.js";
import { passing, twice } from "./processes.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

function drawn(rows: number, hidden: readonly number[], loss: "squared" | "softmax", l2 = 0.1): RiskAt {
  const random = new Random(rows);
  const x = random.rows(rows, 2);
  const y = x.map(() => (loss === "softmax" ? random.below(3) : random.normal()));
  const model = perceptron({ inputs: 2, hidden, activation: "tanh", loss, ...(loss === "softmax" && { classes: 3 }) });
  const parameters = Float64Array.from(random.normals(model.parameterNames.length));
  return { model, data: matrixDataset(Matrix.fromRows(x), y), ridge: ridgeOf(model, l2), parameters };
}

describe("the plan", () => {
  test("by rows: 24 rows of F, layers of 2 and 6 inputs and of 6 and 3 outputs, 39 parameters", () => {
    const plan = gaussNewtonPlan(drawn(12, [6], "softmax"), 0.1);
    expect(plan).toMatchObject({
      form: "rows",
      whole: false,
      numbers: 24 * 24 + 2 * (24 * 9 + 12 * 8) + 32 * 2 * 24,
      factorSeconds: 24 ** 3 / 6 / 1e10,
      applySeconds: (24 * 24 + 4 * 12 * 39) / 1e9,
      matrixSeconds: (24 * 39 * 39) / 2 / 1e10 + (24 * 39) / 5e8,
    });
    expect(plan?.formSeconds).toBeCloseTo((24 * 24 * 9 + 12 * 12 * 8) / 2 / 1e10 + (24 * 24 * 2) / 2 / 5e8, 18);
  });

  test("by parameters: 120 rows of F", () => {
    const seconds = (120 * 39 * 39) / 2 / 1e10 + (120 * 39) / 5e8;
    expect(gaussNewtonPlan(drawn(60, [6], "softmax"), 0.1)).toEqual({
      form: "parameters",
      whole: false,
      numbers: 2 * 39 * 39 + 2 ** 22,
      formSeconds: seconds,
      matrixSeconds: seconds,
      factorSeconds: 39 ** 3 / 6 / 1e10,
      applySeconds: (39 * 39) / 1e9,
    });
  });

  test("as many rows as parameters go by parameters, one fewer by rows; outputs linear in them are all of H", () => {
    expect(gaussNewtonPlan(drawn(3, [], "squared"), 0.1)).toMatchObject({ form: "parameters", whole: true });
    expect(gaussNewtonPlan(drawn(2, [], "squared"), 0.1)).toMatchObject({ form: "rows", whole: true });
  });

  test("a ridge that differs within the weights or the biases of a layer goes by parameters", () => {
    const problem = drawn(4, [6], "squared");
    expect(gaussNewtonPlan(problem, 0.1)?.form).toBe("rows");
    // Each weight and bias in turn, of all that are as one.
    const forms = problem.ridge.map((P, changed) => {
      const ridge = problem.ridge.map((value, j) => (j === changed ? P + 1 : value));
      return gaussNewtonPlan({ ...problem, ridge }, 0.1)?.form === "rows" ? 1 : 0;
    });
    // The last layer has one bias, which differs from none.
    expect(forms.reduce((a, b) => a + b, 0)).toBe(1);
  });

  test("rows that pass by go by parameters, seen through one at the origin", () => {
    const problem = drawn(4, [6], "squared");
    const asked: number[] = [];
    const { model, data } = problem;
    const gaussNewtonRows: typeof model.gaussNewtonRows = (theta, block) => {
      asked.push(block.x.rows, ...block.x.data, ...block.y, ...block.w);
      return model.gaussNewtonRows?.(theta, block) ?? null;
    };
    const plan = gaussNewtonPlan({ ...problem, data: passing(data, twice), model: { ...model, gaussNewtonRows } }, 0.1);
    expect(plan).toMatchObject({ form: "parameters" });
    expect(asked).toEqual([1, 0, 0, 0, 1]);
  });

  test("none without damping somewhere, without F, without rows", () => {
    const problem = drawn(4, [6], "squared");
    expect(gaussNewtonPlan(problem, 0)).toBeNull();
    expect(gaussNewtonPlan({ ...problem, ridge: problem.ridge.map(() => 0.1) }, 0)).not.toBeNull();
    const { gaussNewtonRows: _, ...without } = problem.model;
    expect(gaussNewtonPlan({ ...problem, model: without }, 0.1)).toBeNull();
    const none = { ...problem.model, gaussNewtonRows: () => null };
    expect(gaussNewtonPlan({ ...problem, model: none }, 0.1)).toBeNull();
    const empty = Object.assign(Object.create(problem.data), { rows: 0 });
    expect(gaussNewtonPlan({ ...problem, data: empty }, 0.1)).toBeNull();
  });
});

describe("the matrix and its inverse, of a linear model under the squared loss: 2Σ w vv'", () => {
  const x = [
    [1, 2],
    [0, -1],
    [3, 1],
  ];
  const model = perceptron({ inputs: 2, hidden: [], activation: "tanh", loss: "squared" });
  const data = matrixDataset(Matrix.fromRows(x), [1, 2, 3], { weights: [1, 1, 2] });
  const problem = { model, data, ridge: Float64Array.of(0.5, 0.5, 0.25), parameters: Float64Array.of(1, -1, 2) };
  // Weights ¼, ¼, ½ of (x, 1) or (1, x): the parameters say which.
  const first = model.parameterNames.findIndex((name) => /bias|intercept/.test(name)) === 0;
  const rows = x.map((row) => (first ? [1, ...row] : [...row, 1]));
  const G = rows[0].map((_, i) =>
    rows[0].map((__, j) => rows.reduce((sum, v, r) => sum + 2 * [0.25, 0.25, 0.5][r] * v[i] * v[j], 0)),
  );

  test("summed over rows and processes", async () => {
    const found = await gaussNewtonMatrix(problem);
    const doubled = await gaussNewtonMatrix({ ...problem, data: passing(data, twice) });
    for (let i = 0; i < 3; i++)
      for (let j = 0; j <= i; j++) {
        expect(found?.data[3 * i + j]).toBeCloseTo(G[i][j], 13);
        expect(doubled?.data[3 * i + j]).toBeCloseTo(2 * G[i][j], 13);
      }
  });

  test("is not had where a block here or elsewhere has none", async () => {
    const elsewhere = passing(data, ([missing]) => {
      missing[0] += 1;
    });
    expect(await gaussNewtonMatrix({ ...problem, data: elsewhere })).toBeNull();
    let calls = 0;
    const broken = { ...model, gaussNewtonRows: () => (calls++, null) };
    const three = Object.assign(Object.create(data), { blocks: () => [...data.blocks(1)] });
    expect(await gaussNewtonMatrix({ ...problem, model: broken, data: three })).toBeNull();
    // The first that is missing is enough.
    expect(calls).toBe(1);
    for (const form of ["rows", "parameters"] as const)
      expect(await gaussNewtonPreconditioner({ ...problem, model: broken }, { form }, 0.1)).toBeNull();
  });

  test.each(["rows", "parameters"] as const)("(G + P + λI)⁻¹ by %s, for any λ in turn", async (form) => {
    const made = await gaussNewtonPreconditioner(problem, { form }, 0.1);
    const other = made?.withDamping(2);
    const wanted = [
      [1, 0],
      [-2, 1],
      [3, 5],
    ];
    for (const [preconditioner, lambda] of [
      [made, 0.1],
      [other, 2],
      [other?.withDamping(0.1), 0.1],
    ] as const) {
      const right = wanted.map((_, i) =>
        [0, 1].map((c) =>
          wanted.reduce((sum, x, j) => sum + (G[i][j] + (i === j ? problem.ridge[i] + lambda : 0)) * x[c], 0),
        ),
      );
      const found = preconditioner?.apply(Matrix.fromRows(right));
      expect([found?.rows, found?.columns]).toEqual([3, 2]);
      wanted.flat().forEach((value, at) => expect(found?.data[at]).toBeCloseTo(value, 11));
    }
    expect(made).toMatchObject({ name: "gauss-newton", products: 0 });
  });

  test("of numbers that are too large is refused", async () => {
    const far = matrixDataset(Matrix.fromRows([[1e200, 1]]), [0]);
    const error = await refusal(gaussNewtonPreconditioner({ ...problem, data: far }, { form: "rows" }, 0.1));
    expect(error).toMatchObject({ code: "numerical", message: expect.stringContaining("not finite") });
  });
});
