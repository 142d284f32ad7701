/** What −(H + λI)⁻¹Φ is away from a minimum (MATH 9), and what stands in its way. */
import { describe, expect, test } from "vitest";
import { lp, Matrix, matrixDataset } from "../../../src/index.js";
import { dampingCurve } from "../../../src/influence/local/damping-curve.js";
import { localInfluence } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { localValidity, stationarityLimit } from "../../../src/influence/local/validity.js";
import { riskOperator } from "../../../src/solvers/risk-operator.js";
import { dot, Random, relativeError, solve } from "../../models/naive.js";
import { gradientOf, numericalHessian, smallNetwork, userLoss, worstRows, zeroOf } from "./user-losses.js";

const L2 = 0.01;
const DAMPING = 2;

/** c·ε for a network's data, p = 2. */
function radiusOf(data: ReturnType<typeof smallNetwork>["data"], epsilon: number): number {
  const [{ x, w }] = data.blocks(data.rows);
  return epsilon * w.reduce((sum, weight, i) => sum + weight * Math.hypot(...x.row(i)), 0);
}

/** f'(0) from values at h, h/2, h/4 and the known one at 0: two Richardson steps, one-sided. */
function slopeAtZero(f: (epsilon: number) => Float64Array, zero: Float64Array, h: number): Float64Array {
  const [a, b, c] = [h, h / 2, h / 4].map((step) => f(step).map((value, j) => (value - zero[j]) / step));
  return c.map((_, j) => (8 * c[j] - 6 * b[j] + a[j]) / 3);
}

describe.each([1, 2, 3])("a network at parameters that are no minimum, seed %d", (seed) => {
  const { model, data, start } = smallNetwork(seed);
  const gradient = (theta: Float64Array, epsilon: number): Float64Array =>
    gradientOf(model, data, L2, theta, worstRows(model, data, theta, radiusOf(data, epsilon)));
  const natural = (theta: Float64Array): Float64Array => gradientOf(model, data, L2, theta);
  const response = async () =>
    localInfluence(await pointAt(model, data, start, { l2: L2 }), lp(2), { damping: DAMPING });

  test("what it says of the point", async () => {
    const { local, point } = await response();
    const g = natural(start);
    expect(relativeError(point.gradient, g)).toBeLessThan(1e-13);
    const H = numericalHessian(natural, start).map((row, i) => row.map((v, j) => v + (i === j ? DAMPING : 0)));
    const step = solve(H, [...g]);
    expect(
      relativeError(
        local.shift,
        step.map((value) => -value),
      ),
    ).toBeLessThan(1e-8);
    expect(Math.abs(local.newtonDecrement / (0.5 * dot(g, step)) - 1)).toBeLessThan(1e-8);
    expect(local.gradientNorm).toBeGreaterThan(1e-3);
  });

  test("(iii) it is the slope of one damped Newton step on the robust risk, H frozen", async () => {
    const H = numericalHessian(natural, start).map((row, i) => row.map((v, j) => v + (i === j ? DAMPING : 0)));
    const step = (epsilon: number): Float64Array => {
      const delta = solve(H, [...gradient(start, epsilon)]);
      return start.map((value, j) => value - delta[j]);
    };
    const slope = slopeAtZero(step, step(0), 4e-3);
    expect(relativeError((await response()).influence, slope)).toBeLessThan(1e-6);
  });

  test("(ii) it is the AIF of the proximal objective", async () => {
    const g0 = natural(start);
    const proximal = (epsilon: number): Float64Array =>
      zeroOf((theta) => gradient(theta, epsilon).map((v, j) => v - g0[j] + DAMPING * (theta[j] - start[j])), start);
    const slope = slopeAtZero(proximal, start, 4e-3);
    expect(relativeError((await response()).influence, slope)).toBeLessThan(1e-5);
  });

  test("κ compares with ∇L(θ̃), and with the damped problem", async () => {
    const epsilon = 0.01;
    const attack = await response();
    const { influence: I } = attack;
    const H = numericalHessian(natural, start).map((row, i) => row.map((v, j) => v + (i === j ? DAMPING : 0)));
    const g0 = natural(start);
    const length = (g: Float64Array): number => Math.sqrt(dot(g, solve(H, [...g])));
    const moved = start.map((value, j) => value + epsilon * I[j]);
    const there = gradient(moved, epsilon).map((value, j) => value - g0[j]);
    const here = length(gradient(start, epsilon).map((value, j) => value - g0[j]));
    const [found] = await localValidity(attack, [epsilon]);
    expect(Math.abs(found.stationarity / (length(there) / here) - 1)).toBeLessThan(1e-4);
    const damped = length(there.map((value, j) => value + DAMPING * epsilon * I[j]));
    const limit = await stationarityLimit(attack);
    expect(Math.abs(limit.stationarity / found.stationarity - 1)).toBeLessThan(0.1);
    expect(damped / here).toBeLessThan(0.5 * found.stationarity);
    expect(limit.damped).toBeLessThan(damped / here);
  });

  test("the curve against λ: every λ by itself, from eigenvectors and by conjugate gradients", async () => {
    const attack = await response();
    const H = numericalHessian(natural, start);
    const dampings = [3, DAMPING, 1, 0.1];
    const wanted = dampings.map((damping) => {
      const x = solve(
        H.map((row, i) => row.map((v, j) => v + (i === j ? damping : 0))),
        [...attack.penaltyGradient],
      );
      return {
        S:
          0.5 *
          dot(
            x,
            H.map((row) => dot(row, x)),
          ),
        length: Math.hypot(...x),
      };
    });
    const smallest = attack.local.smallestEigenvalue ?? Number.NaN;
    const { system } = attack;
    const layered = await localInfluence(attack.point, lp(2), { damping: DAMPING, solver: "cg" });
    const { gaussNewtonRows: _, ...other } = attack.point.model;
    const sketched = await localInfluence({ ...attack.point, model: other }, lp(2), { damping: DAMPING, solver: "cg" });
    expect([layered, sketched, attack].map((one) => one.system.choice.preconditioner)).toEqual([
      "gauss-newton",
      "nystrom",
      "none",
    ]);
    for (const one of [attack, { ...attack, system: { ...system, matrix: null } }, layered, sketched]) {
      const curve = await dampingCurve(one, dampings);
      curve.forEach(({ damping, sensitivity, length }, k) => {
        expect(damping).toBe(dampings[k]);
        if (smallest + damping <= 0) return expect(sensitivity).toBe(null);
        expect(Math.abs((sensitivity ?? Number.NaN) / wanted[k].S - 1)).toBeLessThan(1e-6);
        expect(Math.abs((length ?? Number.NaN) / wanted[k].length - 1)).toBeLessThan(1e-6);
      });
      const at = curve[1].sensitivity ?? Number.NaN;
      const product = await system.operator.product(new Matrix(attack.influence, start.length, 1));
      expect(Math.abs(at / (0.5 * dot(attack.influence, product.data)) - 1)).toBeLessThan(1e-6);
    }
    await expect(dampingCurve(attack, [-1])).rejects.toThrow(/damping must be a number ≥ 0/);
  });

  test("a λ too small is refused with one that works", async () => {
    const point = await pointAt(model, data, start, { l2: L2 });
    for (const solver of ["cholesky", "cg"] as const) {
      const message = await localInfluence(point, lp(2), { solver }).then(
        () => "",
        (error: Error) => error.message,
      );
      const found =
        /smallest eigenvalue (\S+)\).*--damping (\S+) \(at least (\S+)\), or --curvature gauss-newton\./.exec(message);
      expect(message).toMatch(/The Hessian is not positive definite at these parameters/);
      const [eigenvalue, proposed, least] = (found ?? []).slice(1).map(Number);
      expect(eigenvalue).toBeLessThan(0);
      expect(least).toBeLessThan(1.01 * -eigenvalue);
      for (const damping of [least, proposed]) {
        const { solver: end } = await localInfluence(point, lp(2), { damping });
        expect(end.end).toBe("converged");
      }
      await expect(localInfluence(point, lp(2), { solver, damping: 0.9 * least })).rejects.toThrow(/with a damping of/);
    }
  });

  test("Gauss–Newton is never indefinite", async () => {
    const point = await pointAt(model, data, start, { l2: L2 });
    const { influence: I, local, penaltyGradient } = await localInfluence(point, lp(2), { curvature: "gauss-newton" });
    expect(local.smallestEigenvalue).toBeGreaterThan(0);
    // J of the scores by differences of the losses' own slopes: H_GN = Σ w σ(f)σ(−f) JJ' for the logistic loss.
    const [{ x, w }] = data.blocks(data.rows);
    const scores = (theta: Float64Array): Float64Array => model.outputs(theta, x).data;
    const J = Array.from(start, (_, j) => {
      const at = (h: number) => scores(start.map((v, k) => (k === j ? v + h : v)));
      const [up, down, up2, down2] = [1e-3, -1e-3, 2e-3, -2e-3].map(at);
      return up.map((v, i) => (8 * (v - down[i]) - (up2[i] - down2[i])) / 12e-3);
    });
    const bend = scores(start).map((f) => 1 / (2 + Math.exp(f) + Math.exp(-f)));
    const G = J.map((a, j) =>
      J.map(
        (b, k) => a.reduce((sum, v, i) => sum + w[i] * bend[i] * v * b[i], 0) + (j === k ? L2 * model.penalised[j] : 0),
      ),
    );
    const wanted = solve(G, [...penaltyGradient]).map((value) => -value);
    expect(relativeError(I, wanted)).toBeLessThan(1e-6);
  });
});

test("a limit of iterations is told, not hidden", async () => {
  const { model, data, start } = smallNetwork(1);
  const point = await pointAt(model, data, start, { l2: L2 });
  const { solver } = await localInfluence(point, lp(2), {
    damping: 1,
    solver: "cg",
    maximumIterations: 1,
    eigenvalues: false,
  });
  expect(solver).toMatchObject({ converged: false, end: "iteration-limit" });
  expect(solver.relativeResidual).toBeGreaterThan(1e-6);
});

test("the whole H, its products and the mean of its samples agree", async () => {
  const random = new Random(4);
  const rows = random.rows(700, 2);
  const data = matrixDataset(Matrix.fromRows(rows), random.normals(700), { weights: rows.map(() => random.uniform()) });
  const model = userLoss("half", 2, true);
  const point = await pointAt(model, data, [0.1, 0.2, 0.3], { l2: 0.5 });
  const operator = riskOperator(point, { curvature: "hessian", withRidge: true, seed: 3 });
  const unit = new Matrix(Float64Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), 3, 3);
  const H = rows.reduce(
    (sum, row, i) =>
      sum.map((value, at) => value + data.weights[i] * [1, ...row][Math.floor(at / 3)] * [1, ...row][at % 3]),
    [0, 0, 0, 0, 0.5, 0, 0, 0, 0.5],
  );
  expect(relativeError((await operator.product(unit)).data, H)).toBeLessThan(1e-13);
  expect(relativeError((await operator.matrix?.())?.data ?? [], H)).toBeLessThan(1e-13);
  const draws = 300;
  const sums = new Float64Array(9);
  const squares = new Float64Array(9);
  for (let batch = 0; batch < draws; batch++) {
    const sample = (await operator.sampledProduct?.(unit, batch))?.data ?? [];
    for (let at = 0; at < 9; at++) {
      sums[at] += sample[at] / draws;
      squares[at] += sample[at] ** 2 / draws;
    }
  }
  H.forEach((value, at) => {
    const error = Math.sqrt((squares[at] - sums[at] ** 2) / draws);
    expect(error).toBeLessThan(0.01);
    expect(Math.abs(sums[at] - value)).toBeLessThan(4 * error);
  });
});

test("what makes no sense is refused", async () => {
  const { model, data, start } = smallNetwork(1);
  await expect(pointAt(model, data, [1, 2])).rejects.toThrow(/13 parameters, got 2/);
  await expect(pointAt(model, data, start, { l2: -1 })).rejects.toThrow(/l2/);
  const point = await pointAt(model, data, start);
  await expect(localInfluence(point, lp(2, { budgets: [1, 1, 1] }))).rejects.toThrow(/one number per feature/);
  await expect(localInfluence(point, lp(2), { damping: -1 })).rejects.toThrow(/damping must be a number ≥ 0/);
  const linearPoint = await pointAt(userLoss("half", 2, true), data, [0, 0, 0]);
  await expect(localInfluence(linearPoint, lp(2), { curvature: "gauss-newton" })).rejects.toThrow(
    /take --curvature hessian\./,
  );
});
