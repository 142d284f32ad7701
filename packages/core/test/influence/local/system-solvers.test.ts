/** What each solver of a local system is chosen for, what it makes on the way, and how exact it is. */
import { beforeAll, describe, expect, test } from "vitest";
import { add, halfSquaredLoss, matmul } from "../../../src/autodiff/index.js";
import { type Dataset, ensureBlas, lp, Matrix, matrixDataset } from "../../../src/index.js";
import { localInfluence, localInfluences } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { localSystem } from "../../../src/influence/local/system.js";
import { modelOf } from "../../../src/models/autodiff-model.js";
import type { Model } from "../../../src/models/model.js";
import { perceptron } from "../../../src/models/perceptron.js";
import { softmaxRegression } from "../../../src/models/softmax.js";
import { NO_PRECONDITIONER } from "../../../src/solvers/preconditioner.js";
import { dot, Random, relativeError, solve } from "../../models/naive.js";
import { gradientOf, numericalHessian, userLoss } from "./user-losses.js";

beforeAll(() => ensureBlas());

const columnOf = (values: ArrayLike<number>): Matrix => new Matrix(Float64Array.from(values), values.length, 1);

describe("a Gram matrix where all scores share their inputs", () => {
  /** Classes on columns of which every second is nearly the one before, by `spread`. */
  async function classes(spread: number) {
    const random = new Random(3);
    const X = random.rows(40, 6).map((x) => x.map((value, k) => (k % 2 === 1 ? spread * value + x[k - 1] : value)));
    const data = matrixDataset(
      Matrix.fromRows(X),
      X.map((_, i) => i % 3),
    );
    const { gaussNewtonRows: _none, ...base } = softmaxRegression({
      features: X[0].map((_, k) => `x${k}`),
      classes: ["a", "b", "c"],
    });
    let made = 0;
    const model: Model = {
      ...base,
      sharedCurvature: (theta, block) => {
        if (block.x.rows > 0) made++;
        return base.sharedCurvature?.(theta, block) ?? Promise.reject(new Error("none")).then();
      },
    } as Model;
    const theta = Float64Array.from(random.normals(base.parameterNames.length), (value) => 0.3 * value);
    const point = await pointAt(model, data, theta, { l2: 1e-6 });
    const right = columnOf(random.normals(theta.length));
    const H = numericalHessian((at) => gradientOf(model, data, 1e-6, at), theta);
    return { point, right, H, made: () => made };
  }

  test("is made where conjugate gradients are slow without it, once, and leaves them little to do", async () => {
    const { point, right, H, made } = await classes(1e-2);
    const damping = 1e-4;
    const system = await localSystem(point, { solver: "cg", damping }, 1);
    expect(system.choice.preconditioner).toBe("kronecker");
    expect(made()).toBe(0);
    const first = await system.solve(right);
    expect(made()).toBe(1);
    const again = await system.solve(right);
    expect(made()).toBe(1);
    expect(again.products).toBeLessThan(first.products);
    const truth = solve(
      H.map((row, i) => row.map((value, j) => value + (i === j ? damping : 0))),
      [...right.data],
    );
    for (const { solution } of [first, again]) expect(relativeError(solution.data, truth)).toBeLessThan(1e-4);
    const found = await system.preconditioner();
    expect(found?.name).toBe("kronecker");
    expect(await system.preconditioner()).toBe(found);
    const other = await system.preconditioner({}, 10);
    expect(other?.name).toBe("kronecker");
    // (H + 10)⁻¹ is about 1/10, (H + 1e-4)⁻¹ far more.
    const length = (M: typeof found): number => Math.hypot(...(M?.apply(right).data ?? []));
    expect(length(other)).toBeLessThan(0.11 * Math.hypot(...right.data));
    expect(length(found)).toBeGreaterThan(length(other));
    expect(made()).toBe(1);
  });

  test("is not made where another is at hand, nor where products are few", async () => {
    const { point, right, made } = await classes(1e-2);
    const given = await localSystem(point, { solver: "cg", damping: 1e-4, preconditioner: NO_PRECONDITIONER }, 1);
    await given.solve(right);
    expect(made()).toBe(0);
    const easy = await localSystem(point, { solver: "cg", damping: 1e3 }, 1);
    expect((await easy.solve(right)).converged).toBe(true);
    expect(made()).toBe(0);
  });
});

describe("by how long products take, which is counted where rows pass by", () => {
  /** As many rows as are said, which nobody ever asks for. */
  const passing = (rows: number, features: number): Dataset =>
    ({
      rows,
      features: Array.from({ length: features }, (_, k) => `x${k}`),
      pass: () => Promise.reject(new Error("asked")),
    }) as unknown as Dataset;
  const chosen = async (model: Model, data: Dataset, options: Parameters<typeof localSystem>[1]) => {
    const d = model.parameterNames.length;
    const zeros = new Float64Array(d);
    const problem = {
      model,
      data,
      ridge: zeros,
      parameters: zeros,
      l2: 0,
      trainingLoss: 0,
      gradient: zeros,
      gradientNorm: 1,
    };
    return (await localSystem(problem, options, 1)).choice;
  };

  test("the Gauss–Newton part is worth its factor sooner where it is H itself", async () => {
    // A d of 3001 lies between where 30 passes behind it are too many and where 2 are.
    const deep = perceptron({ inputs: 2, hidden: [750], activation: "tanh", loss: "half-squared" });
    const flat = perceptron({ inputs: 3000, hidden: [], activation: "identity", loss: "half-squared" });
    expect([deep.parameterNames.length, flat.parameterNames.length]).toEqual([3001, 3001]);
    const options = { solver: "cg", damping: 0.1 } as const;
    const preconditionerOf = async (model: Model, m: number, curvature: "hessian" | "gauss-newton") =>
      (await chosen(model, passing(1e7, m), { ...options, curvature })).preconditioner;
    expect(await preconditionerOf(deep, 2, "hessian")).toBe("nystrom");
    expect(await preconditionerOf(deep, 2, "gauss-newton")).toBe("gauss-newton");
    expect(await preconditionerOf(flat, 3000, "hessian")).toBe("gauss-newton");
  });

  test("samples are taken of a Gauss–Newton part only, where passes would take hours", async () => {
    const deep = perceptron({ inputs: 2, hidden: [750], activation: "tanh", loss: "half-squared" });
    const rows = passing(1e9, 2);
    const memoryBytes = 5e7;
    expect(await chosen(deep, rows, { curvature: "gauss-newton", memoryBytes })).toMatchObject({ name: "lissa" });
    expect(await chosen(deep, rows, { memoryBytes })).toMatchObject({ name: "cg", preconditioner: "nystrom" });
    expect(await chosen(deep, passing(1e5, 2), { curvature: "gauss-newton", memoryBytes })).toMatchObject({
      name: "cg",
    });
    // Asked for by name they are taken of either.
    expect(await chosen(deep, rows, { solver: "lissa", damping: 1 })).toMatchObject({ name: "lissa" });
  });
});

describe("how exact solutions are", () => {
  /** Columns of which the third is nearly the sum of the others. */
  const nearly = async (spread: number) => {
    const X = new Random(7).rows(20, 3).map(([a, b, c]) => [a, b, a + b + spread * c]);
    return pointAt(
      userLoss("half", 3, false),
      matrixDataset(
        Matrix.fromRows(X),
        X.map(([a]) => a),
      ),
      [0.1, -0.2, 0.3],
    );
  };

  test("a factor's solution is refined by residuals of the rows while they fall, twice at most", async () => {
    const system = await localSystem(await nearly(1e-5), {}, 1);
    const found = await system.solve(columnOf([1, 2, 3]));
    expect(found).toMatchObject({ solver: "cholesky", end: "converged" });
    expect(found.iterations).toBeGreaterThanOrEqual(1);
    expect(found.iterations).toBeLessThanOrEqual(2);
    expect(found.products).toBeGreaterThan(found.iterations);
    expect(found.products).toBeLessThanOrEqual(3);
    const none = await system.solve(Matrix.zeros(3, 2));
    expect(none).toMatchObject({ iterations: 0, products: 2, relativeResidual: 0 });
  });

  test("responses by conjugate gradients are solved to all digits, the step to the minimum to few", async () => {
    const X = new Random(7).rows(30, 8).map((x) => x.map((value, k) => value * 0.4 ** k));
    const data = matrixDataset(
      Matrix.fromRows(X),
      X.map(([a], i) => a + 0.3 * (i % 2)),
    );
    const point = await pointAt(userLoss("half", 8, false), data, new Float64Array(8).fill(0.2));
    const options = { solver: "cg", damping: 1e-6, preconditioner: NO_PRECONDITIONER } as const;
    const [together] = await localInfluences(point, [lp(2)], options);
    const [apart] = await localInfluences(point, [lp(2)], { ...options, cgTolerance: 1e-11 });
    const dense = await localInfluence(point, lp(2), { damping: 1e-6 });
    for (const [attack, tolerance] of [
      [together, 1e-10],
      [apart, 1e-11],
    ] as const) {
      expect(attack.solver.relativeResidual).toBeLessThanOrEqual(tolerance);
      expect(relativeError(attack.influence, dense.influence)).toBeLessThan(1e-5);
      // ½g'(H + λ)⁻¹g to the digits that are shown.
      expect(attack.local.newtonDecrement / dense.local.newtonDecrement).toBeCloseTo(1, 2);
    }
  });

  test("a gradient that no step can lower does not matter to a response that has one", async () => {
    // l = ½(θ'x − y)² + 2θ₂: H does not see θ₂, whose slope is 2, and no attack moves it.
    const offset = { rows: 1, columns: 1, penalised: false };
    const model = modelOf({
      parameters: { slope: { rows: 2, columns: 1 }, offset },
      losses: ({ slope, offset: b }, x, y) => add(halfSquaredLoss(matmul(x, slope), y), add(b, b)),
    });
    const X = new Random(4).rows(9, 2);
    const data = matrixDataset(
      Matrix.fromRows(X),
      X.map(([a], i) => a - 0.2 * (i % 3)),
    );
    const point = await pointAt(model, data, [0.3, -0.1, 0.7]);
    expect(point.gradient[2]).toBeCloseTo(2, 12);
    const attack = await localInfluence(point, lp(2));
    expect(attack.solver).toMatchObject({ name: "pseudo-inverse", rank: 2 });
    expect(attack.influence[2]).toBeCloseTo(0, 12);
    const H = [0, 1].map((j) => [0, 1].map((k) => X.reduce((sum, x) => sum + (x[j] * x[k]) / 9, 0)));
    const I = solve(H, [...attack.penaltyGradient.subarray(0, 2)]).map((value) => -value);
    expect(relativeError(attack.influence.subarray(0, 2), I)).toBeLessThan(1e-9);
    expect(dot(I, I)).toBeGreaterThan(0);
  });
});
