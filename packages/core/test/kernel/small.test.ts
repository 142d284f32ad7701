/** Subsamples, κ and the trust radius of kernel regressions on a few rows, each by its definition. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  type KernelInfluence,
  type KernelRidgeSettings,
  kernel,
  kernelFit,
  kernelInfluence,
  kernelParameterContributions,
  kernelRowContributions,
  kernelSensitivity,
  kernelSubsampling,
  lp,
  Matrix,
  predictionChanges,
} from "../../src/index.js";
import { rowsOf, subGram } from "../../src/influence/kernel/subsampling.js";
import { kernelStationarity, kernelTrust } from "../../src/influence/kernel/validity.js";
import { normalQuantile } from "../../src/stats/distributions.js";
import { randomStream } from "../../src/stats/random.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { relativeError } from "../golden.js";
import { normals, problem } from "./naive.js";

beforeAll(() => ensureBlas());

const settings = (rest: Partial<KernelRidgeSettings> = {}): KernelRidgeSettings => ({
  kernel: kernel("rbf", { gamma: 0.4 }),
  ridge: 0.02,
  centres: "move",
  penalty: "coefficients",
  ...rest,
});

describe("subsamples", () => {
  const n = 21;
  const rows = problem(n, 2, 2, 3);
  const points = normals(3, 2, 9);
  const seed = 5;
  const draws = 20;

  /** b rows of n by the first steps of a shuffle. */
  function drawn(b: number, draw: number): Int32Array {
    const { uniform } = randomStream(seed, draw);
    const order = Array.from({ length: n }, (_, i) => i);
    for (let k = 0; k < b; k++) {
      const other = k + Math.floor(uniform() * (n - k));
      [order[k], order[other]] = [order[other], order[k]];
    }
    return Int32Array.from(order.slice(0, b).toSorted((a, c) => a - c));
  }

  test.each([
    { penalty: "coefficients", relative: true, level: 0.95 },
    { penalty: "rkhs", relative: false, level: 0.8 },
  ] as const)("$penalty, relative: $relative: spread and bias by hand", async ({ penalty, relative, level }) => {
    const fit = await kernelFit(rows, settings({ penalty }));
    const attack = await kernelInfluence(fit, lp(2));
    const found = await kernelSubsampling(attack, { draws, seed, level, points, relativeRadius: relative });
    const b = 10;
    expect([found.rows, found.draws]).toEqual([b, draws]);
    const parts: { S: number; changes: Float64Array }[] = [];
    for (let draw = 0; draw < draws; draw++) {
      const chosen = drawn(b, draw);
      const total = chosen.reduce((sum, i) => sum + rows.weights[i], 0);
      const part = {
        x: Matrix.fromRows(Array.from(chosen, (i) => rows.x.row(i))),
        y: Matrix.fromRows(Array.from(chosen, (i) => rows.y.row(i))),
        weights: Float64Array.from(chosen, (i) => rows.weights[i] / total),
      };
      const ridge = penalty === "coefficients" ? (0.02 * b) / n : 0.02;
      const again = await kernelInfluence(await kernelFit(part, settings({ penalty, ridge })), lp(2));
      const factor = relative ? 1 : attack.scale / again.scale;
      parts.push({
        S: factor ** 2 * kernelSensitivity(again).curvature,
        changes: predictionChanges(again, points).data.map((value) => factor * value),
      });
    }
    const expectEstimate = (
      one: typeof found.sensitivity,
      whole: number,
      values: number[],
      least = -Infinity,
    ): void => {
      const share = b / (n - b);
      const mean = values.reduce((sum, value) => sum + value, 0) / draws;
      const variance = (share * values.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / (draws - 1);
      const bias = share * (mean - whole);
      const reach = normalQuantile(0.5 + level / 2) * Math.sqrt(variance + bias ** 2);
      expect(one.estimate).toBeCloseTo(whole, 12);
      expect(one.debiased).toBeCloseTo(Math.max(least, whole - bias), 8);
      expect(one.standardError).toBeCloseTo(Math.sqrt(variance), 8);
      expect(one.interval[0]).toBeCloseTo(Math.max(least, whole - reach), 8);
      expect(one.interval[1]).toBeCloseTo(whole + reach, 8);
    };
    const S = kernelSensitivity(attack).curvature;
    expectEstimate(
      found.sensitivity,
      S,
      parts.map((part) => part.S),
      0,
    );
    const whole = predictionChanges(attack, points).data;
    expect(found.predictions).toHaveLength(6);
    found.predictions.forEach((one, at) =>
      expectEstimate(
        one,
        whole[at],
        parts.map(({ changes }) => changes[at]),
      ),
    );
  });

  test("no more than 20 rows and 20 draws are asked for; without points no predictions", async () => {
    const few = await kernelInfluence(await kernelFit(problem(20, 2, 1, 4), settings()), lp(2));
    const found = await kernelSubsampling(few, { draws: 20 });
    expect([found.rows, found.draws, found.predictions.length]).toEqual([10, 20, 0]);
    await expect(kernelSubsampling(few, { draws: 19 })).rejects.toThrow(
      "Subsampling needs at least 20 rows and 20 draws, got 20 and 19.",
    );
    const fewer = await kernelInfluence(await kernelFit(problem(19, 2, 1, 4), settings()), lp(2));
    await expect(kernelSubsampling(fewer, { draws: 20 })).rejects.toThrow("got 19 and 20");
  });

  test("samples without weight have no fit; too many of them are refused", async () => {
    const heavy = problem(20, 2, 1, 4);
    const weights = heavy.weights.map((_, i) => (i === 0 ? 1 : 0));
    const attack = await kernelInfluence(await kernelFit({ ...heavy, weights }, settings()), lp(2));
    await expect(kernelSubsampling(attack, { draws: 24 })).rejects.toThrow(/^Only \d+ of 24 subsamples have a fit\.$/);
  });

  test("rows and their K", () => {
    const from = Matrix.fromRows([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
    expect([...rowsOf(from, Int32Array.of(2, 0)).data]).toEqual([7, 8, 9, 1, 2, 3]);
    expect([...subGram(from, Int32Array.of(0, 2)).data]).toEqual([1, 3, 7, 9]);
  });
});

describe("κ and the trust radius", () => {
  const made = async (rest: Partial<KernelRidgeSettings> = {}): Promise<KernelInfluence> =>
    kernelInfluence(await kernelFit(problem(10, 2, 1, 6), settings({ ridge: 0.1, ...rest })), lp(2));

  test("κ vanishes as ε does; 1 for no move at all, 2 for the opposite one", async () => {
    const attack = await made();
    const [near, nearer] = [await kernelStationarity(attack, 2e-3), await kernelStationarity(attack, 1e-3)];
    expect(near).toBeLessThan(0.05);
    expect(near / nearer).toBeCloseTo(2, 0);
    const times = (factor: number): KernelInfluence => ({
      ...attack,
      influence: new Matrix(
        attack.influence.data.map((value) => factor * value),
        10,
        1,
      ),
    });
    expect(await kernelStationarity(times(0), 1e-3)).toBeCloseTo(1, 10);
    expect(await kernelStationarity(times(-1), 1e-3)).toBeCloseTo(2, 1);
    const { reason, radius } = await kernelTrust(times(-1), { tolerance: 0.25 });
    expect([radius, reason]).toEqual([null, "already at ε = 0.000001 the prediction is more than 25 % off"]);
  });

  test.each([0.005, 0.1, 0.3])("the radius is where κ crosses %d", async (tolerance) => {
    const attack = await made();
    const phases: string[] = [];
    const { radius, reason } = await kernelTrust(attack, { tolerance, onProgress: ({ phase }) => phases.push(phase) });
    expect(reason).toBeNull();
    expect(new Set(phases)).toEqual(new Set(["trust radius"]));
    expect(await kernelStationarity(attack, radius ?? 0)).toBeLessThanOrEqual(tolerance);
    // Known to the eighth root of 4.
    expect(await kernelStationarity(attack, 1.2 * (radius ?? 0))).toBeGreaterThan(tolerance);
  });

  test("no further than 1; 10 % by default", async () => {
    const attack = await made({ ridge: 20 });
    expect(await kernelTrust(attack, { tolerance: 50 })).toEqual({ radius: 1, reason: null });
    const usual = await made();
    expect(await kernelTrust(usual)).toEqual(await kernelTrust(usual, { tolerance: 0.1 }));
  });
});

describe("along I", () => {
  test.each([settings(), settings({ centres: "fixed" }), settings({ penalty: "rkhs" })])(
    "the penalised objective rises by what it says: %o",
    async (chosen) => {
      const fit = await kernelFit(problem(12, 2, 2, 8), chosen);
      const attack = await kernelInfluence(fit, lp(2));
      const objective = (t: number): number => {
        const theta = fit.theta.data.map((value, j) => value + t * attack.influence.data[j]);
        let sum = 0;
        for (let i = 0; i < 12; i++) {
          for (let o = 0; o < 2; o++) {
            let f = 0;
            for (let j = 0; j < 12; j++) f += fit.gram.data[i * 12 + j] * theta[2 * j + o];
            sum += fit.weights[i] * (f - fit.y.data[2 * i + o]) ** 2;
            sum += fit.ridge * theta[2 * i + o] * (chosen.penalty === "rkhs" ? f : theta[2 * i + o]);
          }
        }
        return sum;
      };
      const { penalised, slope, curvature } = kernelSensitivity(attack);
      expect((objective(1) + objective(-1) - 2 * objective(0)) / 2).toBeCloseTo(penalised, 9);
      if (chosen.penalty === "coefficients") {
        const along = fit.theta.data.reduce((sum, value, j) => sum + value * attack.influence.data[j], 0);
        expect(slope).toBeCloseTo(-2 * fit.ridge * along, 9);
        const size = attack.influence.data.reduce((sum, value) => sum + value * value, 0);
        expect(penalised).toBeCloseTo(curvature + fit.ridge * size, 10);
      }
    },
  );

  test.each([
    settings(),
    settings({ centres: "fixed" }),
    settings({ penalty: "rkhs" }),
    settings({ centres: "fixed", penalty: "rkhs" }),
  ])("rows and parameters share out the curvature: %o", async (chosen) => {
    const fit = await kernelFit(problem(9, 2, 2, 8), chosen);
    const attack = await kernelInfluence(fit, lp(2));
    const { curvature } = kernelSensitivity(attack);
    const total = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0);
    expect(total(await kernelRowContributions(attack)) / curvature).toBeCloseTo(1, 8);
    expect(total(kernelParameterContributions(attack)) / curvature).toBeCloseTo(1, 10);
  });

  test("where there is nothing to attack nothing moves, and nothing is left", async () => {
    const rows = problem(8, 2, 1, 8);
    const flat = await kernelFit({ ...rows, y: Matrix.zeros(8, 1) }, settings());
    const attack = await kernelInfluence(flat, lp(2));
    expect([attack.penalty, attack.relativeResidual]).toEqual([0, 0]);
    expect(attack.influence.data.every((value) => value === 0)).toBe(true);
  });

  test("gains are ‖∇_x‖_q and A their sum; directions have length 1; other surfaces and budgets are refused", async () => {
    const fit = await kernelFit(problem(8, 2, 1, 8), settings({ kernel: kernel("ntk", {}) }));
    for (const p of [2, Number.POSITIVE_INFINITY]) {
      const attack = await kernelInfluence(fit, lp(p));
      expect(attack.penalty).toBeCloseTo(attack.scale * attack.gains.reduce((sum, gain) => sum + gain, 0), 12);
      for (let i = 0; i < 8; i++) {
        const row = attack.directions.row(i);
        const length = p === 2 ? Math.hypot(...row) : Math.max(...row.map(Math.abs));
        expect(length).toBeCloseTo(1, 12);
      }
    }
    const sphere = await kernelInfluence(fit, lp(2), { surface: "sphere" });
    for (let i = 0; i < 8; i++) {
      const along = sphere.directions.row(i).reduce((sum, value, k) => sum + value * fit.points.x.row(i)[k], 0);
      expect(along).toBeCloseTo(0, 10);
    }
    const refused = /needs p = 2, without budgets, frozen features and bounds/;
    const bounds = { lower: [-9, -9], upper: [9, 9] };
    for (const threat of [lp(3), lp(2, { budgets: [1, 2] }), lp(2, { bounds })])
      await expect(kernelInfluence(fit, threat, { surface: "sphere" })).rejects.toThrow(refused);
    await expect(kernelInfluence(fit, wasserstein(2, lp(2)))).rejects.toThrow(
      /a budget that rows share is not supported/,
    );
    // What its own system leaves is told: here half of the right-hand side.
    const half = (solved: Matrix): Matrix =>
      new Matrix(
        solved.data.map((value) => 0.5 * value),
        solved.rows,
        solved.columns,
      );
    const system = { ...fit.system, solve: (p: Matrix, rest: Matrix | null) => half(fit.system.solve(p, rest)) };
    for (const p of [2, 3]) {
      expect((await kernelInfluence(fit, lp(p))).relativeResidual).toBeLessThan(1e-10);
      expect((await kernelInfluence({ ...fit, system }, lp(p))).relativeResidual).toBeCloseTo(0.5, 8);
    }
    expect(relativeError([sphere.scale], [(await kernelInfluence(fit, lp(2))).scale])).toBe(0);
  });
});
