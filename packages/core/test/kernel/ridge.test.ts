import { describe, expect, test } from "vitest";
import {
  type KernelRidgeSettings,
  kernel,
  kernelFit,
  kernelInfluence,
  kernelParameterContributions,
  kernelPredictor,
  kernelRobustOptimum,
  kernelRowContributions,
  kernelSensitivity,
  localInfluence,
  lp,
  Matrix,
  matrixDataset,
  pointAt,
  predictionChanges,
} from "../../src/index.js";
import { exponentOf, golden, relativeError } from "../golden.js";
import { NAIVE, normals, problem } from "./naive.js";

const GAMMA = 0.4;
const settings = (name: keyof typeof NAIVE, rest: Partial<KernelRidgeSettings> = {}): KernelRidgeSettings => ({
  kernel: kernel(name, { gamma: GAMMA }),
  ridge: 0.02,
  centres: "move",
  penalty: "coefficients",
  ...rest,
});

const goldenRows = () => {
  const { X, y } = golden.data["kern"];
  return {
    x: Matrix.fromRows(X),
    y: new Matrix(Float64Array.from(y), y.length, 1),
    weights: new Float64Array(y.length).fill(1 / y.length),
  };
};

describe("the robust optimum", () => {
  test.each(golden.kernel.filter(({ p }) => p === 2))("$kind, centres $centres: brute force at ε = 1e-4", async (c) => {
    const fit = await kernelFit(
      goldenRows(),
      settings(c.kind, { kernel: kernel(c.kind, { gamma: c.gamma }), ridge: c.lam, centres: c.centres }),
    );
    const { threat, scale } = await kernelInfluence(fit, lp(exponentOf(c.p)));
    const found = await kernelRobustOptimum(fit, threat, 1e-4 * scale, { tolerance: 1e-9 });
    expect(found.converged).toBe(true);
    const shift = (theta: ArrayLike<number>) => Array.from(theta, (value, j) => value - c.theta[j]);
    expect(relativeError(shift(found.theta.data), shift(c.robust_1e_4))).toBeLessThan(1e-5);
  });
});

/** The derivative of the path of robust optima at 0, from sizes ε and 2ε. */
const cases: readonly (readonly [string, KernelRidgeSettings, number, number, "ball" | "sphere"])[] = [
  ["rbf", settings("rbf"), 2, 1, "ball"],
  ["rbf, 3 outputs", settings("rbf"), 2, 3, "ball"],
  ["rbf, p = 3", settings("rbf"), 3, 2, "ball"],
  ["rbf, centres fixed", settings("rbf", { centres: "fixed" }), 2, 2, "ball"],
  ["rbf, p = inf", settings("rbf"), Number.POSITIVE_INFINITY, 1, "ball"],
  ["rbf, p = 1", settings("rbf"), 1, 1, "ball"],
  ["matern52", settings("matern52"), 2, 2, "ball"],
  ["poly", settings("poly", { ridge: 0.5 }), 2, 1, "ball"],
  ["ntk", settings("ntk"), 2, 2, "ball"],
  ["ntk on the sphere", settings("ntk"), 2, 2, "sphere"],
  ["nngp", settings("nngp"), 2, 1, "ball"],
  ["nngp, centres fixed", settings("nngp", { centres: "fixed" }), 2, 1, "ball"],
  ["rbf, θ'Kθ", settings("rbf", { penalty: "rkhs" }), 2, 2, "ball"],
  ["rbf, θ'Kθ, centres fixed", settings("rbf", { penalty: "rkhs", centres: "fixed" }), 2, 1, "ball"],
  ["ntk, θ'Kθ", settings("ntk", { penalty: "rkhs" }), 2, 1, "ball"],
];

test.each(cases)("%s: the influence is the derivative of the robust optima", async (_, chosen, p, outputs, surface) => {
  const fit = await kernelFit(problem(14, 4, outputs, 3), chosen);
  const attack = await kernelInfluence(fit, lp(p), { surface });
  expect(attack.relativeResidual).toBeLessThan(1e-9);
  const slopeAt = async (epsilon: number): Promise<Float64Array> => {
    const { theta, residual } = await kernelRobustOptimum(fit, attack.threat, epsilon * attack.scale, {
      surface,
      tolerance: 1e-8,
    });
    expect(residual).toBeLessThan(1e-6);
    return theta.data.map((value, j) => (value - fit.theta.data[j]) / epsilon);
  };
  const h = 5e-4;
  const [near, far] = [await slopeAt(h), await slopeAt(2 * h)];
  const derivative = near.map((value, j) => 2 * value - far[j]);
  expect(relativeError(attack.influence.data, derivative)).toBeLessThan(2e-4);
});

describe("what is read off the influence", () => {
  const setups: readonly (readonly [string, KernelRidgeSettings])[] = [
    ["move", settings("rbf")],
    ["fixed", settings("rbf", { centres: "fixed" })],
    ["θ'Kθ", settings("nngp", { penalty: "rkhs" })],
  ];

  test.each(setups)("%s: contributions sum to the curvature, which is that of the loss along I", async (_, chosen) => {
    const fit = await kernelFit(problem(20, 3, 2, 5), chosen);
    const attack = await kernelInfluence(fit, lp(2));
    const { slope, curvature } = kernelSensitivity(attack);
    const sum = (values: Float64Array) => values.reduce((total, value) => total + value, 0);
    expect(sum(await kernelRowContributions(attack))).toBeCloseTo(curvature, 9);
    expect(sum(kernelParameterContributions(attack))).toBeCloseTo(curvature, 9);
    const lossAt = (epsilon: number): number => {
      const theta = fit.theta.data.map((value, j) => value + epsilon * attack.influence.data[j]);
      let loss = 0;
      for (let i = 0; i < 20; i++) {
        for (let o = 0; o < 2; o++) {
          let f = 0;
          for (let j = 0; j < 20; j++) f += fit.gram.data[i * 20 + j] * theta[j * 2 + o];
          loss += fit.weights[i] * (f - fit.y.data[i * 2 + o]) ** 2;
        }
      }
      return loss;
    };
    expect((lossAt(0.5) - lossAt(-0.5)) / 1).toBeCloseTo(slope, 9);
    expect((lossAt(1) + lossAt(-1) - 2 * lossAt(0)) / 2).toBeCloseTo(curvature, 9);
  });

  test("each row's contribution is that of its attack alone", async () => {
    const fit = await kernelFit(problem(12, 3, 1, 6), settings("rbf"));
    const attack = await kernelInfluence(fit, lp(2));
    const rows = await kernelRowContributions(attack);
    // Φ of an attack on row 4 alone, by finite differences of ½∇L along φ_4.
    const h = 1e-5;
    const halfGradient = (tau: number): Float64Array => {
      const x = new Matrix(fit.points.x.data.slice(), 12, 3);
      for (let k = 0; k < 3; k++) x.data[4 * 3 + k] += tau * attack.directions.row(4)[k];
      const K = Array.from({ length: 12 }, (_, i) =>
        Array.from({ length: 12 }, (_, j) => NAIVE.rbf(x.row(i), x.row(j), GAMMA)),
      );
      const r = K.map((row, i) => row.reduce((sum, value, j) => sum + value * fit.theta.data[j], 0) - fit.y.data[i]);
      return Float64Array.from({ length: 12 }, (_, j) =>
        K.reduce((sum, row, i) => sum + fit.weights[i] * r[i] * row[j], 0),
      );
    };
    const [up, down] = [halfGradient(h), halfGradient(-h)];
    const phi = new Matrix(
      up.map((value, j) => (attack.scale * (value - down[j])) / (2 * h)),
      12,
      1,
    );
    const zeta = fit.system.solve(null, phi).data;
    const image = fit.gram.data;
    let expected = 0;
    for (let i = 0; i < 12; i++) {
      let [moved, part] = [0, 0];
      for (let j = 0; j < 12; j++) {
        moved += image[i * 12 + j] * attack.influence.data[j];
        part -= image[i * 12 + j] * zeta[j];
      }
      expected += fit.weights[i] * moved * part;
    }
    expect(rows[4]).toBeCloseTo(expected, 6);
  });

  test("predictions change by Σ I_j K(x, x_j)", async () => {
    const fit = await kernelFit(problem(15, 3, 1, 7), settings("matern52"));
    const attack = await kernelInfluence(fit, lp(2));
    const points = normals(3, 3, 8);
    const changes = predictionChanges(attack, points);
    for (let i = 0; i < 3; i++) {
      const expected = Array.from(
        { length: 15 },
        (_, j) => attack.influence.data[j] * NAIVE.matern52(points.row(i), fit.points.x.row(j), GAMMA),
      ).reduce((a, b) => a + b, 0);
      expect(changes.data[i]).toBeCloseTo(expected, 12);
    }
  });

  test("centres that stay: the same as Theorem 4.1 with the basis K(·, x_j)", async () => {
    const rows = problem(16, 3, 1, 9);
    const fit = await kernelFit(rows, settings("rbf", { centres: "fixed" }));
    const attack = await kernelInfluence(fit, lp(2));
    const names = Array.from({ length: 16 }, (_, j) => `row ${j}`);
    const model = kernelPredictor(fit.kernel, fit.points, names);
    const data = matrixDataset(rows.x, rows.y.data, { weights: rows.weights });
    const point = await pointAt(model, data, fit.theta.data, { l2: 2 * fit.ridge });
    const local = await localInfluence(point, lp(2));
    expect(relativeError(attack.influence.data, local.influence)).toBeLessThan(1e-7);
    expect(attack.penalty).toBeCloseTo(local.penalty, 10);
  });
});

describe("rows without an answer", () => {
  const rows = (list: number[][]) => {
    const y = Matrix.fromRows(list.map((_, i) => [i]));
    return { x: Matrix.fromRows(list), y, weights: new Float64Array(list.length).fill(1 / list.length) };
  };

  test("a row of zeros has no direction", async () => {
    await expect(
      kernelFit(
        rows([
          [1, 2],
          [0, 0],
          [3, 1],
        ]),
        settings("ntk"),
      ),
    ).rejects.toThrow(/Row 1 is 0 in every column.*ntk/);
    await expect(
      kernelFit(
        rows([
          [1, 2],
          [0, 0],
          [3, 1],
        ]),
        settings("nngp"),
      ),
    ).rejects.toThrow(/Row 1 is 0/);
    const fine = await kernelFit(
      rows([
        [1, 2],
        [0, 0],
        [3, 1],
      ]),
      settings("rbf"),
    );
    expect(fine.theta.data.every(Number.isFinite)).toBe(true);
  });

  test.each([[[1, 2]], [[3, 6]], [[-0.1, -0.2]]])("ntk: a row parallel to %o", async (other) => {
    await expect(kernelFit(rows([[1, 2], [4, 1], other]), settings("ntk"))).rejects.toThrow(
      /Row 0 and row 2 have the same direction or opposite ones/,
    );
  });

  test("rows that repeat others are found, and do no harm to a smooth kernel", async () => {
    const fit = await kernelFit(
      rows([
        [1, 2],
        [4, 1],
        [1, 2],
      ]),
      settings("rbf"),
    );
    expect(fit.repeated).toEqual({ rows: [0, 2], count: 1 });
    const attack = await kernelInfluence(fit, lp(2));
    expect(attack.influence.data.every(Number.isFinite)).toBe(true);
  });

  test("λ ≤ 0, centres that stay under a cusp, a sphere with p = 1", async () => {
    const data = problem(6, 2, 1, 1);
    await expect(kernelFit(data, settings("rbf", { ridge: 0 }))).rejects.toThrow(/ridge λ above 0, got 0/);
    await expect(kernelFit(data, settings("ntk", { centres: "fixed" }))).rejects.toThrow(/cusp at every training row/);
    const fit = await kernelFit(data, settings("ntk"));
    await expect(kernelInfluence(fit, lp(1), { surface: "sphere" })).rejects.toThrow(/needs p = 2/);
  });
});
