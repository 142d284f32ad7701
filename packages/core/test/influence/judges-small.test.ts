/** What judges of a prediction say on a few rows, by hand: single rows, corners, and a lasso. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  checkValidity,
  ensureBlas,
  fit,
  type Influence,
  influence,
  linear,
  lp,
  Matrix,
  matrixDataset,
  scoreShifts,
} from "../../src/index.js";
import { leastNormCandidate, snapToCorner } from "../../src/influence/corner-point.js";
import { sparseJudge } from "../../src/influence/sparse-validity.js";
import {
  isCertified,
  type Judge,
  type JudgedRows,
  judgeFrom,
  judgeOf,
  type Rigour,
} from "../../src/influence/validity.js";
import { robustGradients } from "../../src/robust/robust-gradient.js";
import { lasso } from "../../src/solvers/lasso/lasso.js";
import { budgetScale, dot, hessian, type Problem, Random, relativeError, robustRisk, solve } from "../models/naive.js";
import { Cut } from "./cut.js";
import { type ModelName, type Options, randomCase, smoothCase } from "./problems.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

/** ‖g‖_{H⁻¹} and ‖x‖_H of a problem. */
function lengths(problem: Problem, theta: ArrayLike<number>) {
  const H = hessian(problem, theta);
  return {
    dual: (g: readonly number[]) => Math.sqrt(dot(g, solve(H, [...g]))),
    own: (x: readonly number[]) =>
      Math.sqrt(
        dot(
          x,
          H.map((row) => dot(row, x)),
        ),
      ),
  };
}

describe("a judge of single rows", () => {
  test.each<[ModelName, Options]>([
    ["linear", { p: 2 }],
    ["half", { p: 1.5, budgets: [1, 0, 2], weighted: true }],
    ["logistic", { p: 2, l2: 0.05 }],
    ["poisson", { p: 3, l2: 0.05, intercept: false }],
  ])("%s, %o: κ and the estimate by hand; the radius where it crosses the tolerance", async (model, options) => {
    const made = await smoothCase(model, 31, { n: 16, ...options }, 1e-3);
    const { problem, attack: one, fit: own } = made;
    const judge = judgeOf(one, await scoreShifts(one));
    const { dual, own: length } = lengths(problem, own.parameters);
    const c = budgetScale(problem);
    const I = [...one.influence];
    const errorAt = (epsilon: number) => {
      const moved = Array.from(own.parameters, (value, j) => value + epsilon * I[j]);
      const left = dual(robustRisk(problem, epsilon * c, moved).gradient.map((g, j) => g - own.gradient[j]));
      const still = dual(
        robustRisk(problem, epsilon * c, [...own.parameters]).gradient.map((g, j) => g - own.gradient[j]),
      );
      return { left, still, relative: left / (epsilon * length(I)) };
    };
    const epsilons = [1e-3, 0.02];
    expect(await judge.at([], "estimate")).toEqual([]);
    for (const [e, found] of (await judge.at(epsilons, "estimate")).entries()) {
      const truth = errorAt(epsilons[e]);
      expect(found.epsilon).toBe(epsilons[e]);
      expect(found.stationarity / (truth.left / truth.still)).toBeCloseTo(1, 7);
      expect((found.relativeError ?? 0) / truth.relative).toBeCloseTo(1, 7);
      expect([found.errorBound, found.errorLength]).toEqual([null, null]);
    }
    const { trust, at } = await checkValidity(one, await scoreShifts(one), { tolerance: 0.2 });
    const radius = trust.radius ?? 0;
    if (model === "poisson") {
      expect(judge.certified).toBe(false);
      expect(errorAt(radius).relative).toBeLessThanOrEqual(0.2);
      expect(errorAt(1.03 * radius).relative).toBeGreaterThan(0.2);
      return;
    }
    expect(judge.certified).toBe(true);
    const [bound] = await at([radius]);
    expect(bound.relativeError).toBeLessThanOrEqual(0.2);
    const own_ = bound.errorLength?.(one.influence) ?? 0;
    expect((bound.relativeError ?? 0) / ((bound.errorBound ?? 0) / (radius * own_))).toBeCloseTo(1, 10);
    expect(trust.errorNorm).toBe(model === "logistic" ? "robust-hessian" : "hessian");
    if (model !== "logistic") expect(own_ / length(I)).toBeCloseTo(1, 9);
    // Estimates are never above what is proved.
    const [rough] = await judge.at([radius], "estimate");
    expect(rough.relativeError).toBeLessThanOrEqual((bound.relativeError ?? 0) * (1 + 1e-9));
  });

  test("rows are told which points are certified next: none for an estimate", async () => {
    const made = await smoothCase("half", 3, { n: 14, m: 2, l2: 0.1 });
    const told: number[][] = [];
    const none: JudgedRows = {
      async gradients(points, proven) {
        told.push([points.length, proven.length]);
        return robustGradients(made.fit, made.attack.threat, points);
      },
      scoresAt: async () => undefined,
      certify: null,
      each: (tasks) => Promise.all(tasks.map((task) => task(none))),
    };
    const judge = judgeFrom(made.attack, none);
    expect(judge.certified).toBe(false);
    for (const rigour of ["estimate", "certificate", { atMost: 0.1 }, "error"] as const)
      await judge.at([0.01, 0.02], rigour);
    // Each size at θ̂ + εI, and at θ̂ where κ is asked for.
    expect(told).toEqual([
      [4, 0],
      [4, 2],
      [2, 2],
      [2, 0],
    ]);
    const [whole, error] = [await judge.at([0.02], "estimate"), await judge.at([0.02], "error")];
    expect((error[0].relativeError ?? 0) / (whole[0].relativeError ?? 1)).toBeCloseTo(1, 10);
    expect(error[0].stationarity).toBeNaN();
    expect(await judge.at([], "estimate")).toEqual([]);
    // Where a coefficient has changed its sign the corner beside the point is asked about too.
    const own = await fit(linear(), around([1, 2, 0.02, -1], 1));
    const one = await influence(own, lp(INF));
    const epsilon = (1.5 * 0.02) / Math.abs(one.influence[2]);
    told.length = 0;
    const corners: JudgedRows = {
      ...none,
      gradients: async (points, proven) => {
        told.push([points.length, proven.length]);
        return robustGradients(own, one.threat, points);
      },
    };
    await judgeFrom(one, corners).at([0.1 * epsilon, epsilon], { atMost: 1 });
    await judgeFrom(one, corners).at([epsilon], "certificate");
    expect(told).toEqual([
      [3, 3],
      [3, 2],
    ]);
  });

  test("a lasso has no certificate", async () => {
    const data = around([1, 2, 0.02, -1], 1);
    const one = await influence(await lasso(linear(), data, { l1: 0.3 }), lp(2));
    expect(judgeOf(one, await scoreShifts(one)).certified).toBe(false);
    const other = await influence(await fit(linear(), data), lp(2));
    expect(judgeOf(other, await scoreShifts(other)).certified).toBe(true);
  });

  test("certificates that would take too long are not made", () => {
    const of = (quadratic: boolean, rows: number, d: number) =>
      isCertified({
        fit: { model: { loss: { quadratic } }, data: { rows } },
        influence: new Float64Array(d),
      } as unknown as Influence);
    expect(of(false, 4e6, 100)).toBe(true);
    expect(of(false, 4e6 + 1, 100)).toBe(false);
    expect(of(true, 4e6 + 1, 100)).toBe(true);
  });
});

/** Pairs of rows whose residuals cancel: coefficients are exactly what is asked for. */
function around(beta: readonly number[], seed: number) {
  const random = new Random(seed);
  const half = random.rows(10, beta.length - 1);
  const noise = random.normals(10).map((value) => value + 0.5 * Math.sign(value));
  const plane = (x: readonly number[]): number => beta[0] + dot(beta.slice(1), x);
  const X = [...half, ...half];
  const y = X.map((x, i) => plane(x) + (i < 10 ? 1 : -1) * noise[i % 10]);
  return matrixDataset(Matrix.fromRows(X), y);
}

describe("corners near θ̂ + εI", () => {
  test("coefficients that have changed sign, or stay at 0, at p = ∞; ties at p = 1; none elsewhere", async () => {
    const own = await fit(linear(), around([1, 2, 0.3, -1], 1));
    const sharp = await influence(own, lp(INF, { budgets: [1, 1, 0] }));
    const [b0, b1, b2, b3] = own.parameters;
    const at = (theta: number[]) => snapToCorner(sharp, { theta: Float64Array.from(theta), radius: 0.2 });
    expect(at([b0, b1, b2, b3])).toBeNull();
    const crossed = at([-b0, b1, -0.1, -b3]);
    // The intercept and frozen features have no corner.
    expect(crossed?.zeros).toEqual([2]);
    expect(crossed?.ties).toEqual([]);
    expect([...(crossed?.point.theta ?? [])]).toEqual([-b0, b1, 0, -b3]);
    expect(crossed?.point.radius).toBe(0.2);
    const smooth = await influence(own, lp(2));
    expect(snapToCorner(smooth, { theta: Float64Array.of(b0, b1, -0.1, b3), radius: 0.2 })).toBeNull();
    const held = await influence(await fit(linear(), around([1, 2, 0, -1], 1)), lp(INF));
    expect(held.multipliers?.coordinates.map(({ feature }) => feature)).toEqual([1]);
    const stays = snapToCorner(held, { theta: Float64Array.of(1, 2, 1e-12, -1), radius: 0.1 });
    expect(stays?.zeros).toEqual([2]);
    expect(snapToCorner(held, { theta: Float64Array.of(1, 2, 1e-6, -1), radius: 0.1 })?.zeros ?? []).toEqual(
      held.fit.parameters[2] < 0 ? [2] : [],
    );
    const tied = await influence(await fit(linear(), around([1, 2, -2, 0.5], 3)), lp(1));
    expect(tied.multipliers?.ties.map(({ feature }) => feature)).toEqual([0, 1]);
    expect(snapToCorner(tied, { theta: Float64Array.of(1, 1.9, -1.9, 0.5), radius: 0.1 })?.ties).toEqual([1, 2]);
    expect(snapToCorner(tied, { theta: Float64Array.of(1, 1.9, -1.8, 0.5), radius: 0.1 })).toBeNull();
    expect(snapToCorner(await influence(own, lp(1)), { theta: own.parameters, radius: 0.1 })).toBeNull();
  });

  test.each([
    [INF, [1, 2, 0, -1], [1, 1, 2]],
    [INF, [1, 0, 0, -1], [1, 0.5, 1]],
    [1, [1, 2, -2, 0.5], [1, 1, 1]],
    [1, [1, 2, -1, 0.5], [1, 2, 1]],
  ])("the subgradient of least length, by a search over multipliers: p = %d, %o, %o", async (p, beta, budgets) => {
    const own = await fit(linear(), around(beta, 5));
    const one = await influence(own, lp(p, { budgets }));
    const radius = 0.15;
    const target = own.parameters.map((value, j) => value + 0.1 * one.influence[j]);
    const corner = snapToCorner(one, { theta: target, radius });
    if (!corner) throw new Error("There is a corner.");
    const [robust] = await robustGradients(own, one.threat, [corner.point]);
    const score = (): number => 0;
    const found = leastNormCandidate(one, corner, robust, target, score);
    expect(found.score).toBe(score);
    expect(found.theta).toBe(corner.point.theta);
    found.away.forEach((value, j) => expect(value).toBeCloseTo(target[j] - corner.point.theta[j], 14));
    // ∂R at the corner: 2Σwr-part by hand, plus ρb_kΣw|ℓ'| times what each multiplier allows.
    const w = 1 / 20;
    const rows = [...own.data.blocks()].flatMap(({ x }) => Array.from({ length: x.rows }, (_, i) => [1, ...x.row(i)]));
    const theta = corner.point.theta;
    const N =
      p === 1
        ? Math.max(...budgets.map((b, k) => b * Math.abs(theta[k + 1])))
        : dot(budgets, Array.from(theta.subarray(1), Math.abs));
    const sizes = rows.map((v, i) => 2 * (Math.abs(dot(v, theta) - own.data.y[i]) + radius * N));
    const pull = w * sizes.reduce((sum, value) => sum + value, 0);
    const free = [...corner.zeros, ...corner.ties];
    const at = (multipliers: readonly number[]): number[] =>
      Array.from(theta, (value, j) => {
        const loss = rows.reduce(
          (sum, v, i) => sum + w * sizes[i] * Math.sign(dot(v, theta) - own.data.y[i]) * v[j],
          0,
        );
        if (j === 0) return loss;
        const b = budgets[j - 1];
        const a = free.indexOf(j);
        const sign = Math.sign(value);
        const norm = p === 1 ? (a < 0 ? 0 : multipliers[a] * sign) : a < 0 ? sign : multipliers[a];
        return loss + radius * b * pull * norm;
      });
    const H = Array.from({ length: 4 }, (_, j) =>
      Array.from({ length: 4 }, (__, k) => own.hessian.data[4 * Math.max(j, k) + Math.min(j, k)]),
    );
    const length = (g: readonly number[]): number => Math.sqrt(dot(g, solve(H, [...g])));
    let least = INF;
    const steps = 60;
    for (let a = 0; a <= steps; a++) {
      for (let b = 0; b <= (free.length > 1 && p !== 1 ? steps : 0); b++) {
        const values = p === 1 ? [a / steps, 1 - a / steps] : [(2 * a) / steps - 1, (2 * b) / steps - 1];
        least = Math.min(least, length(at(values)));
      }
    }
    const ours = length([...found.gradient]);
    expect(ours).toBeLessThanOrEqual(least * (1 + 1e-9));
    expect(ours).toBeGreaterThan(0.97 * least - 1e-4);
  });

  test("the smaller bound counts, of the point itself or of the corner with its distance", async () => {
    const own = await fit(linear(), around([1, 2, 0.02, -1], 1));
    const one = await influence(own, lp(INF));
    const I = [...one.influence];
    const epsilon = (1.5 * 0.02) / Math.abs(I[2]);
    const moved = own.parameters.map((value, j) => value + epsilon * I[j]);
    const away = Math.abs(moved[2]);
    const size = Math.hypot(...I);
    const asked: { corner: boolean; goal: number | null }[] = [];
    /** Proofs of given bounds, in the two-norm. */
    const judgeWith = (atCorner: number | null, onLine: number | null): Judge => {
      const rows: JudgedRows = {
        gradients: async (points) => robustGradients(own, one.threat, points),
        scoresAt:
          async ({ theta }) =>
          (row) =>
            theta[0] + row,
        certify: async ({ theta, score, goal }) => {
          const corner = theta[2] === 0;
          expect(score?.(3)).toBe(theta[0] + 3);
          const length = (x: Float64Array): number => Math.hypot(...x);
          asked.push({ corner, goal: goal ? goal(length) : null });
          const bound = corner ? atCorner : onLine;
          return bound === null ? null : { bound, length };
        },
        each: (tasks) => Promise.all(tasks.map((task) => task(rows))),
      };
      return judgeFrom(one, rows);
    };
    const boundOf = async (atCorner: number | null, onLine: number | null, rigour: Rigour = "certificate") =>
      (await judgeWith(atCorner, onLine).at([epsilon], rigour))[0];
    const near = await boundOf(0.1, 5);
    expect(near.errorBound).toBeCloseTo(0.1 + away, 12);
    expect(near.relativeError).toBeCloseTo((0.1 + away) / size / epsilon, 10);
    expect((await boundOf(0.1, 0.05)).errorBound).toBeCloseTo(0.05, 12);
    expect((await boundOf(null, 0.4)).errorBound).toBe(0.4);
    expect((await boundOf(0.3, null)).errorBound).toBeCloseTo(0.3 + away, 12);
    const none = await boundOf(null, null);
    expect([none.errorBound, none.errorLength, none.relativeError]).toEqual([null, null, null]);
    expect(none.stationarity).toBeGreaterThan(0);
    expect((await boundOf(INF, INF)).relativeError).toBeNull();
    // Asked whether an error of so much holds: each point at what is left of it, and no more where the first does.
    asked.length = 0;
    const atMost = (2 * (0.1 + away)) / size / epsilon;
    await boundOf(0.1, 5, { atMost });
    expect(asked).toHaveLength(1);
    expect(asked[0].corner).toBe(true);
    expect(asked[0].goal).toBeCloseTo(atMost * epsilon * size - away, 10);
    asked.length = 0;
    await boundOf(9, 5, { atMost });
    expect(asked.map(({ corner }) => corner)).toEqual([true, false]);
    expect(asked[1].goal).toBeCloseTo(atMost * epsilon * size, 10);
    asked.length = 0;
    await boundOf(1e-9, 1e-9);
    expect(asked.map(({ goal }) => goal)).toEqual([null, null]);
    asked.length = 0;
    const [rough] = await judgeWith(1, 1).at([epsilon], "estimate");
    expect(asked).toEqual([]);
    expect([rough.errorBound, rough.errorLength]).toEqual([null, null]);
    expect(judgeWith(1, 1).certified).toBe(true);
    expect(await judgeWith(1, 1).at([], "certificate")).toEqual([]);
  });

  test("scores of points off the line are computed where a proof asks for them", async () => {
    const own = await fit(linear(), new Cut(around([1, 2, 0.02, -1], 1), 6));
    const one = await influence(own, lp(INF));
    const epsilon = (1.5 * 0.02) / Math.abs(one.influence[2]);
    const whole = await influence(await fit(linear(), around([1, 2, 0.02, -1], 1)), lp(INF));
    const [a] = await judgeOf(one, await scoreShifts(one)).at([epsilon], "certificate");
    const [b] = await judgeOf(whole, await scoreShifts(whole)).at([epsilon], "certificate");
    expect((a.errorBound ?? 0) / (b.errorBound ?? 1)).toBeCloseTo(1, 9);
  });

  test("a proof at the corner counts what lies between", async () => {
    const own = await fit(linear(), around([1, 2, 0.02, -1], 1));
    const one = await influence(own, lp(INF));
    const epsilon = (1.5 * 0.02) / Math.abs(one.influence[2]);
    const judge = judgeOf(one, await scoreShifts(one));
    const [estimate] = await judge.at([epsilon], "estimate");
    const [proof] = await judge.at([epsilon], "certificate");
    expect(estimate.relativeError).toBeLessThanOrEqual(proof.relativeError ?? 0);
    const [wide] = await judge.at([epsilon], { atMost: 1e3 });
    expect(wide.relativeError).toBeLessThanOrEqual(1e3);
    const [vain] = await judge.at([epsilon], { atMost: 1e-9 });
    expect(vain.relativeError ?? 1).toBeGreaterThan(1e-9);
  });
});

describe("a lasso", () => {
  test.each([
    [2, [1, 1, 1]],
    [INF, [1, 0.5, 2]],
  ])("is judged by its least subgradient, p = %d, %o", async (p, budgets) => {
    const random = new Random(4);
    const X = random.rows(16, 3);
    const y = X.map((x) => 1 + 1.5 * x[0] + 0.02 * x[1] + 0.4 * x[2] + 0.3 * random.normal());
    const data = new Cut(matrixDataset(Matrix.fromRows(X), y), 5);
    const [l1, l2] = [0.62, 0.05];
    const own = await lasso(linear(), data, { l1, l2 });
    const one = await influence(own, lp(p, { budgets }));
    const zeros = [1, 2, 3].filter((j) => own.parameters[j] === 0);
    expect(zeros.length).toBeGreaterThan(0);
    expect(zeros.length).toBeLessThan(3);
    const judge = sparseJudge(one);
    expect(judge.certified).toBe(false);
    expect(await judge.at([], "estimate")).toEqual([]);
    const problem: Problem = {
      ...randomCase("linear", 1, { n: 16 }).problem,
      X,
      y,
      w: y.map(() => 1 / 16),
      p,
      budgets,
      ridge: [0, l2, l2, l2],
    };
    const c = budgetScale(problem);
    const kept = [0, 1, 2, 3].filter((j) => !zeros.includes(j));
    const H = hessian(problem, own.parameters);
    const HS = kept.map((j) => kept.map((k) => H[j][k]));
    let entering = 0;
    const soft = (g: number, by: number): number => Math.sign(g) * Math.max(0, Math.abs(g) - by);
    const excess = (theta: number[], rho: number): number => {
      // At zeros robustRisk counts sgn 0 = 0 of the norm.
      const { gradient } = robustRisk(problem, rho, theta);
      const N =
        p === 2 ? Math.hypot(...budgets.map((b, k) => b * theta[k + 1])) : dot(budgets, theta.slice(1).map(Math.abs));
      const pull = X.reduce((sum, x, i) => sum + (2 * (Math.abs(dot([1, ...x], theta) - y[i]) + rho * N)) / 16, 0);
      const least = gradient.map((g, j) => {
        if (j === 0) return g;
        if (theta[j] !== 0) return g + l1 * Math.sign(theta[j]);
        return soft(g, l1 + (p === INF ? rho * budgets[j - 1] * pull : 0));
      });
      const inside = kept.map((j) => least[j]);
      const outside = zeros.reduce((sum, j) => sum + least[j] ** 2 / (H[j][j] - l2), 0);
      if (outside > 0) entering++;
      return Math.sqrt(dot(inside, solve(HS, inside)) + outside);
    };
    const length = (x: readonly number[]) =>
      Math.sqrt(
        dot(
          x,
          H.map((row) => dot(row, x)),
        ),
      );
    const I = [...one.influence];
    const crossing = Math.min(
      ...kept
        .slice(1)
        .map((j) => -own.parameters[j] / I[j])
        .filter((e) => e > 0),
    );
    for (const epsilon of [0.01, 0.2, 0.8, 3, 1.2 * crossing].filter(Number.isFinite)) {
      const [found] = await judge.at([epsilon], "estimate");
      const moved = Array.from(own.parameters, (value, j) => value + epsilon * I[j]);
      const snapped = moved.map((value, j) => (j > 0 && value * own.parameters[j] < 0 ? 0 : value));
      const away = moved.map((value, j) => value - snapped[j]);
      const left = excess(snapped, epsilon * c);
      expect(found.stationarity / (left / excess([...own.parameters], epsilon * c))).toBeCloseTo(1, 6);
      expect((found.relativeError ?? 0) / ((left + length(away)) / (epsilon * length(I)))).toBeCloseTo(1, 6);
      expect([found.epsilon, found.errorBound, found.errorLength]).toEqual([epsilon, null, null]);
    }
    expect(relativeError([c], [one.scale])).toBeLessThan(1e-12);
    // With p = 2 the attack pushes zeros beyond the penalty; at p = ∞ it holds them as well.
    expect(entering > 0).toBe(p === 2);
  });
});
