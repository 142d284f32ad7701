/** At a minimum of a small smooth network: the response, κ and the trust radius against the exact robust optima. */
import { beforeAll, describe, expect, test } from "vitest";
import { lp, Matrix } from "../../../src/index.js";
import { type LocalInfluence, localInfluence } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { flippedShare, localTrust, localValidity, stationarityLimit } from "../../../src/influence/local/validity.js";
import { modelAdversarialTraining } from "../../../src/robust/model-training.js";
import { divergence } from "../../../src/threats/divergence.js";
import { wasserstein } from "../../../src/threats/wasserstein.js";
import { drawsOf } from "../../long.js";
import { relativeError } from "../../models/naive.js";
import { gradientOf, minimumOf, smallNetwork, worstRows, zeroOf } from "./user-losses.js";

const L2 = 0.02;
const SEEDS = Array.from({ length: drawsOf(2, 8) }, (_, k) => k + 1);

describe.each(SEEDS)("a tanh network polished to rounding, seed %d", (seed) => {
  const { model, data, start } = smallNetwork(seed);
  let attack: LocalInfluence;
  let theta: Float64Array;

  beforeAll(async () => {
    theta = minimumOf((at) => gradientOf(model, data, L2, at), start);
    const point = await pointAt(model, data, theta, { l2: L2 });
    expect(point.gradientNorm).toBeLessThan(1e-12);
    attack = await localInfluence(point, lp(2));
  });

  /** The exact robust optimum near θ̂, by fixed points inside and Newton's method outside. */
  const optimum = (epsilon: number): Float64Array =>
    zeroOf((at) => gradientOf(model, data, L2, at, worstRows(model, data, at, epsilon * attack.scale)), theta);

  /** ‖v‖ in the norm of H. */
  const length = async (v: Float64Array): Promise<number> => {
    const image = await attack.system.operator.product(new Matrix(v, v.length, 1));
    return Math.sqrt(v.reduce((sum, value, j) => sum + value * image.data[j], 0));
  };

  test("the response is the slope of exact adversarial training, warm-started", async () => {
    const slopes: Float64Array[] = [];
    for (const epsilon of [4e-3, 2e-3, 1e-3]) {
      const { parameters, gradientNorm } = await modelAdversarialTraining(
        { ...attack.point, parameters: theta },
        attack.threat,
        epsilon * attack.scale,
        { innerSteps: 200, tolerance: 1e-11, outerSteps: 500 },
      );
      expect(gradientNorm).toBeLessThan(1e-8);
      slopes.push(parameters.map((value, j) => (value - theta[j]) / epsilon));
    }
    const [a, b, c] = slopes;
    const slope = c.map((_, j) => (8 * c[j] - 6 * b[j] + a[j]) / 3);
    expect(relativeError(attack.influence, slope)).toBeLessThan(1e-4);
    // Naive optima are far more exact.
    const [d, e, f] = [2e-3, 1e-3, 5e-4].map((epsilon) =>
      optimum(epsilon).map((value, j) => (value - theta[j]) / epsilon),
    );
    expect(
      relativeError(
        attack.influence,
        f.map((_, j) => (8 * f[j] - 6 * e[j] + d[j]) / 3),
      ),
    ).toBeLessThan(1e-6);
  });

  test.each(seed === 1 || drawsOf(0, 1) === 1 ? [1, 3, Number.POSITIVE_INFINITY] : [])(
    "so it is for p = %d",
    async (p) => {
      const other = await localInfluence(attack.point, lp(p));
      const optimumAt = (epsilon: number): Float64Array =>
        zeroOf((at) => gradientOf(model, data, L2, at, worstRows(model, data, at, epsilon * other.scale, p)), theta);
      // So small that no row comes to a corner on the way.
      const [a, b, c] = [4e-5, 2e-5, 1e-5].map((epsilon) =>
        optimumAt(epsilon).map((value, j) => (value - theta[j]) / epsilon),
      );
      const slope = c.map((_, j) => (8 * c[j] - 6 * b[j] + a[j]) / 3);
      expect(relativeError(other.influence, slope)).toBeLessThan(1e-5);
      const epsilon = 1e-4;
      const radius = epsilon * other.scale;
      const options = { innerSteps: 200, tolerance: 1e-9, outerSteps: 500 };
      const trained = await modelAdversarialTraining(other.point, other.threat, radius, options);
      const moved = trained.parameters.map((value, j) => (value - theta[j]) / epsilon);
      expect(relativeError(other.influence, moved)).toBeLessThan(5e-3);
    },
  );

  test("κ is the relative error while it is small", async () => {
    const I = attack.influence;
    const epsilons = [1e-3, 3e-3, 1e-2];
    const checks = await localValidity(attack, epsilons);
    for (const { epsilon, stationarity, robustLoss, robustLossNatural } of checks) {
      const exact = optimum(epsilon);
      const error = exact.map((value, j) => value - theta[j] - epsilon * I[j]);
      const relative = (await length(error)) / (epsilon * (await length(I)));
      if (relative < 0.1) expect(Math.abs(stationarity / relative - 1)).toBeLessThan(0.3);
      const [block] = data.blocks(data.rows);
      for (const [at, found] of [
        [theta, robustLossNatural],
        [theta.map((value, j) => value + epsilon * I[j]), robustLoss],
      ] as const) {
        const losses = model.losses(at, { ...block, x: worstRows(model, data, at, epsilon * attack.scale) });
        expect(Math.abs(found - losses.reduce((sum, l, i) => sum + block.w[i] * l, 0))).toBeLessThan(1e-9);
      }
    }
    expect(checks[0].stationarity).toBeLessThan(0.3);
    expect(checks[0].stationarity).toBeLessThan(checks[2].stationarity);
  });

  test("the trust radius is where κ crosses its tolerance", async () => {
    for (const tolerance of [0.05, 0.2]) {
      const { radius, checks } = await localTrust(attack, { tolerance });
      expect(checks.length).toBeLessThan(7);
      const inside = checks.filter(({ epsilon }) => epsilon <= (radius ?? 0));
      const outside = checks.find(({ epsilon }) => epsilon > (radius ?? 0));
      expect(inside.every(({ stationarity }) => stationarity <= tolerance)).toBe(true);
      expect(outside?.stationarity).toBeGreaterThan(tolerance);
      expect((outside?.epsilon ?? Number.NaN) / (radius ?? 0)).toBeLessThan(1.1 + 1e-9);
      const exact = optimum(radius ?? 0);
      const error = exact.map((value, j) => value - theta[j] - (radius ?? 0) * attack.influence[j]);
      const relative = (await length(error)) / ((radius ?? 0) * (await length(attack.influence)));
      expect(relative).toBeLessThan(1.5 * tolerance);
      expect(relative).toBeGreaterThan(0.5 * tolerance);
    }
    const { radius, reason } = await localTrust(attack, { tolerance: 1e9, ceiling: 0.05 });
    expect([radius, reason]).toEqual([0.05, null]);
  });

  test("a damping keeps κ up, and says that it does", async () => {
    const damped = await localInfluence(attack.point, lp(2), { damping: 0.5 });
    const [{ stationarity }] = await localValidity(damped, [1e-5]);
    const limit = await stationarityLimit(damped);
    expect(limit.damped).toBeLessThan(1e-6);
    expect(limit.stationarity).toBeGreaterThan(0.1);
    expect(Math.abs(stationarity / limit.stationarity - 1)).toBeLessThan(1e-3);
    const { radius, reason, checks } = await localTrust(damped, { tolerance: 0.01 });
    expect(checks.length).toBe(0);
    expect(radius).toBe(null);
    expect(reason).toMatch(/the damping decides/);
  });

  test("rows that are attacked together are so in the check too: κ shrinks with ε, as the influence is a derivative", async () => {
    for (const description of [wasserstein(2, lp(2)), divergence("kl")]) {
      const joint = await localInfluence(attack.point, description);
      const [small, large] = await localValidity(joint, [1e-3, 1e-2]);
      expect(small.stationarity).toBeLessThan(0.3 * large.stationarity);
      expect(small.stationarity).toBeLessThan(0.1);
      const { radius } = await localTrust(joint);
      expect(radius ?? 0).toBeGreaterThan(1e-3);
    }
  });

  test("sizes and tolerances are numbers above 0", async () => {
    await expect(localValidity(attack, [0])).rejects.toThrow(/above 0/);
    await expect(localTrust(attack, { tolerance: 0 })).rejects.toThrow(/tolerance 0/);
  });

  test("flips are counted row by row, with the rows' weights", async () => {
    const pattern = {
      /** Two units; the first is on in the first half of the rows where a parameter is not what it is at θ̂, the second never. */
      activations: (at: Float64Array, x: { rows: number }) =>
        Uint8Array.from({ length: 2 * x.rows }, (_, k) => (k % 2 === 0 && k < x.rows && at[0] !== theta[0] ? 1 : 0)),
    };
    const share = await flippedShare(attack, pattern, 0.1);
    const half = data.weights.slice(0, data.rows / 2).reduce((sum, w) => sum + w, 0);
    expect(share).toBeCloseTo(half / 2, 12);
  });
});
