/** κ, its limit and the trust radius of local responses on a few rows, and the units of a network that flip. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Dataset,
  ensureBlas,
  fit,
  type Influence,
  influence,
  logistic,
  lp,
  Matrix,
  matrixDataset,
} from "../../../src/index.js";
import { scoreShifts } from "../../../src/influence/aif.js";
import { jointJudge } from "../../../src/influence/joint-validity.js";
import { type LocalInfluence, localInfluence } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import {
  flippedShare,
  type LocalTrust,
  localTrust,
  localValidity,
  stationarityLimit,
} from "../../../src/influence/local/validity.js";
import { wasserstein } from "../../../src/threats/wasserstein.js";
import { dot, hessian, type Problem, robustRisk, solve } from "../../models/naive.js";
import { Cut } from "../cut.js";
import { randomCase } from "../problems.js";
import { userLoss } from "./user-losses.js";

beforeAll(() => ensureBlas());

interface Setup {
  readonly problem: Problem;
  readonly data: Dataset;
  readonly closed: Influence;
  readonly attack: LocalInfluence;
}

/** A logistic regression, whose worst cases have a closed form, as a loss of one's own. */
async function setup(damping = 0, n = 14, away = 0): Promise<Setup> {
  const made = randomCase("logistic", 6, { n, m: 2, weighted: true, l2: 0.1 });
  const data = new Cut(made.data, 5);
  const fitted = await fit(logistic(), data, { l2: 0.1 });
  const closed = await influence(fitted, lp(2));
  const there = fitted.parameters.map((value, j) => value + away * (j - 0.5));
  const point = await pointAt(userLoss("logistic", 2, true), data, there, { l2: 0.1 });
  const attack = await localInfluence(point, lp(2), { damping });
  return { problem: made.problem, data, closed, attack };
}

/** κ(ε) by the closed form of the robust risk. */
function kappa({ problem, attack }: Setup, epsilon: number): { kappa: number; losses: [number, number] } {
  const { damping, influence: I, scale, point } = attack;
  const H = hessian(problem, point.parameters).map((row, i) => row.map((value, j) => value + (i === j ? damping : 0)));
  const at = (moved: number) => {
    const theta = Array.from(point.parameters, (value, j) => value + moved * I[j]);
    const { value, gradient } = robustRisk(problem, epsilon * scale, theta);
    const excess = gradient.map((g, j) => g - point.gradient[j]);
    const ridge = problem.ridge.reduce((sum, P, j) => sum + 0.5 * P * theta[j] ** 2, 0);
    return { loss: value - ridge, length: Math.sqrt(dot(excess, solve(H, excess))) };
  };
  const [still, moved] = [at(0), at(epsilon)];
  return { kappa: moved.length / still.length, losses: [still.loss, moved.loss] };
}

describe("κ", () => {
  test.each([
    [0, 0],
    [0.5, 0],
    [0.5, 0.3],
  ])("is that of the closed form, at several sizes; λ = %d, %d away from the minimum", async (damping, away) => {
    const given = await setup(damping, 14, away);
    const epsilons = [0.02, 0.2, 0.07];
    const seen: string[] = [];
    const found = await localValidity(given.attack, epsilons, {
      observe: ({ epsilon, moved }) => {
        seen.push(`${epsilon} ${moved}`);
        return () => undefined;
      },
    });
    expect(seen).toEqual(["0.02 0", "0.02 0.02", "0.2 0", "0.2 0.2", "0.07 0", "0.07 0.07"]);
    found.forEach((one, k) => {
      const truth = kappa(given, epsilons[k]);
      expect(one.epsilon).toBe(epsilons[k]);
      expect(Math.abs(one.stationarity / truth.kappa - 1)).toBeLessThan(1e-3);
      expect(one.robustLossNatural).toBeCloseTo(truth.losses[0], 6);
      expect(one.robustLoss).toBeCloseTo(truth.losses[1], 6);
    });
    expect(await localValidity(given.attack, [])).toEqual([]);
  });

  test("sizes that make no sense are refused", async () => {
    const { attack } = await setup();
    for (const bad of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      await expect(localValidity(attack, [0.1, bad])).rejects.toThrow(
        `The size ε = ${bad} makes no sense here: sizes are numbers above 0.`,
      );
    }
  });

  test("of rows that share a budget: that of their exact worst cases", async () => {
    const { closed, attack } = await setup();
    const threat = wasserstein(2, lp(2));
    const shared = await localInfluence(attack.point, threat);
    const exact = await influence(closed.fit, threat);
    const judge = jointJudge(exact, await scoreShifts(exact));
    const epsilons = [0.02, 0.3];
    const [found, wanted] = [await localValidity(shared, epsilons), await judge.at(epsilons, "estimate")];
    found.forEach(({ stationarity }, k) => expect(stationarity / wanted[k].stationarity).toBeCloseTo(1, 2));
    expect(found[0].robustLossNatural).toBeGreaterThan(attack.point.trainingLoss);
  });

  test("its limit: 0 for a derivative, ‖λI‖ of Φ with a damping, against κ at a tiny ε", async () => {
    expect(await stationarityLimit((await setup()).attack)).toEqual({ stationarity: 0, damped: 0 });
    const given = await setup(0.5);
    const { stationarity, damped } = await stationarityLimit(given.attack);
    expect(stationarity).toBeCloseTo(kappa(given, 1e-6).kappa, 4);
    expect(damped).toBeLessThan(1e-8);
    // Φ + HI = −λI, in the norm of (H + λ)⁻¹, relative to Φ.
    const { attack, problem } = given;
    const H = hessian(problem, attack.point.parameters).map((row, i) => row.map((v, j) => v + (i === j ? 0.5 : 0)));
    const left = Array.from(attack.influence, (value) => 0.5 * value);
    const Phi = [...attack.penaltyGradient];
    expect(stationarity).toBeCloseTo(Math.sqrt(dot(left, solve(H, left)) / dot(Phi, solve(H, Phi))), 8);
    const still = { ...attack, penaltyGradient: new Float64Array(3), influence: new Float64Array(3) };
    expect(await stationarityLimit(still)).toEqual({ stationarity: 0, damped: 0 });
    // Of a linear model Gauss–Newton is H itself.
    const gaussNewton = { ...given.attack, curvature: "gauss-newton" as const };
    expect((await stationarityLimit(gaussNewton)).stationarity).toBeCloseTo(stationarity, 8);
  });
});

describe("the trust radius", () => {
  const expectBracket = (given: Setup, found: LocalTrust, tolerance: number): void => {
    expect(found.reason).toBeNull();
    const radius = found.radius ?? Number.NaN;
    expect(kappa(given, radius).kappa).toBeLessThanOrEqual(tolerance * (1 + 1e-3));
    expect(kappa(given, 1.11 * radius).kappa).toBeGreaterThan(tolerance * (1 - 1e-3));
    const sizes = found.checks.map(({ epsilon }) => epsilon);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(sizes).toContain(radius);
  };

  test.each([1e-5, 1e-3, 0.02, 0.3, 1, 7])("is found from wherever the search begins: %d", async (start) => {
    const given = await setup();
    const found = await localTrust(given.attack, { tolerance: 0.05, start });
    expectBracket(given, found, 0.05);
    expect(found.checks.length).toBeLessThan(12);
  });

  test.each([0.01, 0.2])("for other tolerances: %d", async (tolerance) => {
    const given = await setup();
    expectBracket(given, await localTrust(given.attack, { tolerance, ceiling: 50 }), tolerance);
  });

  test("above the limit that a damping leaves, and nowhere below it", async () => {
    const given = await setup(0.01);
    const { stationarity } = await stationarityLimit(given.attack);
    const tolerance = stationarity + 0.03;
    expectBracket(given, await localTrust(given.attack, { tolerance }), tolerance);
    const nowhere = await localTrust(given.attack, { tolerance: 0.9 * stationarity });
    expect(nowhere.radius).toBeNull();
    expect(nowhere.checks).toEqual([]);
    expect(nowhere.reason).toBe(
      `κ stays near ${stationarity.toPrecision(2)} however small ε is: the damping decides the response`,
    );
    // Where the damped problem is not met either, it is not the damping.
    const wrong = { ...given.attack, influence: given.attack.influence.map((value) => 3 * value) };
    const { reason } = await localTrust(wrong, { tolerance: 0.1 });
    expect(reason).toMatch(/^κ stays near \d\S* however small ε is$/);
  });

  test("a response that is no derivative: nowhere, as far down as one looks", async () => {
    const { attack } = await setup();
    const wrong = { ...attack, influence: attack.influence.map((value) => 2 * value) };
    const { radius, reason, checks } = await localTrust(wrong, { tolerance: 0.1 });
    expect(radius).toBeNull();
    expect(reason).toMatch(/^κ stays near 1\.0 however small ε is$/);
    expect(checks[0].epsilon).toBe(1e-6);
  });

  test("the ceiling where κ is small up to it; none where parameters do not move", async () => {
    const { attack } = await setup();
    const found = await localTrust(attack, { tolerance: 0.5, ceiling: 0.03 });
    expect([found.radius, found.reason]).toEqual([0.03, null]);
    expect(found.checks.at(-1)?.epsilon).toBe(0.03);
    const still = { ...attack, influence: new Float64Array(3) };
    expect(await localTrust(still)).toEqual({
      radius: null,
      reason: "robust training does not move the parameters at first order",
      checks: [],
    });
  });

  test("what makes no sense is named", async () => {
    const { attack } = await setup();
    for (const [name, options] of [
      ["tolerance 0", { tolerance: 0 }],
      ["ceiling -1", { ceiling: -1 }],
      ["start NaN", { start: Number.NaN }],
      ["ceiling Infinity", { ceiling: Number.POSITIVE_INFINITY }],
    ] as const) {
      await expect(localTrust(attack, options)).rejects.toThrow(`The ${name} makes no sense: it is a number above 0.`);
    }
  });
});

test("the share of units that flip, by the rows' weights", async () => {
  const X = [[1], [2], [-1], [3]];
  const data = matrixDataset(Matrix.fromRows(X), [1, 2, 3, 4], { weights: [1, 2, 3, 4] });
  const point = await pointAt(userLoss("half", 1, true), new Cut(data, 3), [0, 1]);
  const attack = { ...(await localInfluence(point, lp(2))), influence: Float64Array.of(-1, 0) };
  // Two units a row: x + θ₀ and 2x + θ₀ above 0, at θ₀ = 0 and −ε.
  const activations = (theta: Float64Array, x: Matrix): Uint8Array =>
    Uint8Array.from({ length: 2 * x.rows }, (_, u) => ((1 + (u % 2)) * x.data[u >> 1] + theta[0] > 0 ? 1 : 0));
  const pattern = { activations };
  expect(await flippedShare(attack, pattern, 0.5)).toBe(0);
  expect(await flippedShare(attack, pattern, 1.5)).toBeCloseTo(0.1 / 2, 14);
  expect(await flippedShare(attack, pattern, 2.5)).toBeCloseTo(0.1 + 0.2 / 2, 14);
  expect(await flippedShare(attack, pattern, 3.5)).toBeCloseTo(0.1 + 0.2 / 2 + 0.4 / 2, 14);
  const none = { activations: () => new Uint8Array(0) };
  expect(await flippedShare(attack, none, 1)).toBe(0);
});
