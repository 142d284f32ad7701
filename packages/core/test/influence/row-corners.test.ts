/** The density of corners where gradients differ by row, and kinks of any model, by hand. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  ensureBlas,
  fit,
  fitAt,
  influence,
  kinkFraction,
  kinkRadii,
  kinkRadius,
  LOSSES,
  logistic,
  lp,
  Matrix,
  quadratic,
  residualFraction,
  scoreShifts,
} from "../../src/index.js";
import {
  bandwidth,
  bandwidthRate,
  cornerTerms,
  deviation,
  gammaSpreads,
  gaussian,
  gradientDensity,
  hasRowCorners,
  rateOf,
  twoLargest,
} from "../../src/influence/gradient-density.js";
import { densityOf } from "../../src/influence/influence-jacobian.js";
import { coupledKinks, snapGradient, snapResiduals } from "../../src/influence/kinks.js";
import { divergence } from "../../src/threats/divergence.js";
import { wasserstein } from "../../src/threats/wasserstein.js";
import { dot, features, relativeError } from "../models/naive.js";
import { Cut } from "./cut.js";
import { influenceJacobian } from "./jacobian.js";
import { randomCase, smoothCase } from "./problems.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;

describe("where gradients differ by row", () => {
  test("the two largest, the spreads, and what corners add, by hand", async () => {
    expect(twoLargest(Float64Array.of(1, -3, 2), Float64Array.of(1, 1, 1))).toEqual({ first: 1, second: 2, gap: 1 });
    expect(twoLargest(Float64Array.of(-3, 1, 2), Float64Array.of(1, 1, 1))).toEqual({ first: 0, second: 2, gap: 1 });
    expect(twoLargest(Float64Array.of(1, 3, 9), Float64Array.of(2, 1, 0))).toEqual({ first: 1, second: 0, gap: 1 });
    expect(twoLargest(Float64Array.of(2, 2), Float64Array.of(1, 1))).toEqual({ first: 0, second: 1, gap: 0 });
    expect(twoLargest(Float64Array.of(2, 5), Float64Array.of(1, 0))).toEqual({ first: 0, second: -1, gap: 0 });
    expect(gaussian(0)).toBeCloseTo(0.3989422804014327, 14);
    expect(gaussian(-1.5)).toBeCloseTo(0.12951759566589174, 14);
    expect(bandwidth(2, 0.5)).toBeCloseTo(1.06, 14);
    expect(rateOf(0.01)).toBeCloseTo(0.01 ** 0.2, 14);
    expect(rateOf(0.01, { weightsKind: "frequency", totalWeight: 32 })).toBeCloseTo(0.5, 14);
    expect(rateOf(0.01, { weightsKind: "frequency" })).toBeCloseTo(0.01 ** 0.2, 14);
    expect(rateOf(0.01, { weightsKind: "sampling", totalWeight: 32 })).toBeCloseTo(0.01 ** 0.2, 14);
    expect(bandwidthRate(Float64Array.of(0.5, 0.5))).toBeCloseTo(0.5 ** 0.2, 14);
    expect(deviation(Float64Array.of(1, 3, 7), Float64Array.of(0.5, 0.25, 0.25))).toBeCloseTo(Math.sqrt(6), 14);
    expect(densityOf(LOSSES.logistic, 0.3)(0.1)).toBe(0);
    expect(densityOf(LOSSES.squared, 0)(0.1)).toBe(0);
    expect(densityOf(LOSSES.squared, 0.5)(0.25)).toBeCloseTo(gaussian(0.5) / 0.5, 14);
  });

  test.each([1, INF])("D + T with the density of corners: p = %d", async (p) => {
    const made = await smoothCase(
      "quadratic-logistic",
      5,
      { n: 16, m: 2, p, weighted: true, l2: 0.2, budgets: [1, 0.6] },
      1e-4,
    );
    const data = new Cut(made.data, 5);
    const own = await fit(quadratic({ loss: "logistic" }), data, { l2: 0.2 });
    const budgets = [1, 0.6];
    const attack = await influence(own, lp(p, { budgets }));
    const d = own.parameters.length;
    const { problem } = made;
    const V = (x: readonly number[], k: number): number[] => {
      const [a, b] = x;
      return k === 0 ? [0, 1, 0, 2 * a, b, 0] : [0, 0, 1, 0, a, 2 * b];
    };
    const gamma = problem.X.map((x) => [0, 1].map((k) => dot(V(x, k), own.parameters)));
    const { w } = problem;
    const slopes = own.scores.map((f, i) => own.model.loss.first(f, own.data.y[i]));
    const rate = w.reduce((sum, value) => sum + value * value, 0) ** 0.2;
    const corners = Array.from({ length: d }, () => new Array<number>(d).fill(0));
    const add = (weight: number, a: readonly number[]): void => {
      for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) corners[j][k] += weight * a[j] * a[k];
    };
    expect(hasRowCorners(attack)).toBe(true);
    if (p === INF) {
      for (const k of [0, 1]) {
        const mean = gamma.reduce((sum, g, i) => sum + w[i] * g[k], 0);
        const h = 1.06 * rate * Math.sqrt(gamma.reduce((sum, g, i) => sum + w[i] * (g[k] - mean) ** 2, 0));
        gamma.forEach((g, i) =>
          add((w[i] * Math.abs(slopes[i]) * 2 * budgets[k] * gaussian(g[k] / h)) / h, V(problem.X[i], k)),
        );
      }
    } else {
      const gaps = gamma.map(([a, b]) => Math.abs(Math.abs(a) - 0.6 * Math.abs(b)));
      const h = 1.06 * rate * Math.sqrt(gaps.reduce((sum, gap, i) => sum + w[i] * gap ** 2, 0));
      gamma.forEach(([a, b], i) => {
        const [u, v] = [V(problem.X[i], 0), V(problem.X[i], 1)];
        const along = u.map((value, j) => Math.sign(a) * value - 0.6 * Math.sign(b) * v[j]);
        add((w[i] * Math.abs(slopes[i]) * gaussian(gaps[i] / h)) / h, along);
      });
    }
    const shifts = await scoreShifts(attack);
    const whole = await influenceJacobian(attack, shifts);
    const without = await influenceJacobian(attack, shifts, {}, { density: () => 0, corners: null });
    const found = whole.data.map((value, at) => (value - without.data[at]) / attack.scale);
    expect(relativeError(found, corners.flat())).toBeLessThan(1e-8);
    // Second differences of A without corners: directions stay where they are for a small step.
    const balance = async (theta: Float64Array): Promise<Float64Array> => {
      const there = await influence(
        await fitAt(quadratic({ loss: "logistic" }), data, theta, { l2: 0.2 }),
        lp(p, { budgets }),
      );
      const H = there.fit.hessian.data;
      return there.penaltyGradient.map((value, j) => {
        let sum = value;
        for (let k = 0; k < d; k++) sum += H[d * Math.max(j, k) + Math.min(j, k)] * attack.influence[k];
        return sum;
      });
    };
    for (let j = 0; j < d; j++) {
      const at = (h: number) => balance(own.parameters.map((value, k) => (k === j ? value + h : value)));
      const [up, down] = [await at(1e-6), await at(-1e-6)];
      const truth = up.map((value, k) => (value - down[k]) / 2e-6);
      expect(relativeError(without.column(j), truth)).toBeLessThan(1e-5);
    }
    const spreads = await gammaSpreads(attack, async (sum) => {
      const sums = new Float64Array(2);
      for (const block of data.blocks()) sum(block, sums);
      return sums;
    });
    expect(spreads.every((value, k) => (p === 1 && k === 1 ? value === 0 : value > 0))).toBe(true);
    expect(cornerTerms(attack, new Float64Array(2), rate) === null).toBe(p === 1);
    for (const other of [2, 3]) {
      const smooth = { ...attack, threat: lp(other)(2) };
      expect(hasRowCorners(smooth)).toBe(false);
      expect(await gradientDensity(smooth, rate)).toBeNull();
    }
    const line = await influence(await fit(logistic(), made.data, { l2: 0.2 }), lp(p));
    expect(hasRowCorners(line)).toBe(false);
  });
});

test("a row with one feature to attack has no tie to be near to", async () => {
  const made = randomCase("quadratic-logistic", 5, { n: 10, m: 2, p: 1, l2: 0.2 });
  const own = await fit(quadratic({ loss: "logistic" }), made.data, { l2: 0.2 });
  const attack = await influence(own, lp(1, { budgets: [1, 0] }));
  const terms = cornerTerms(attack, Float64Array.of(1, 1), 1);
  const out = Matrix.zeros(6, 6);
  for (const { x, w } of made.data.blocks()) terms?.(x, own.model.map.inputGradients(own.parameters, x), w, out);
  expect(terms).not.toBeNull();
  expect(out.data.every((value) => value === 0)).toBe(true);
});

describe("kinks", () => {
  test("residuals within rounding of 0 are 0, in place; targets without a kink are left alone", () => {
    const y = Float64Array.of(1, 2, 3, 4);
    const slopes = Float64Array.of(1, 1e-10, -1e-9, 2e-9);
    const rows = snapResiduals(LOSSES.squared, slopes, Float64Array.of(1, 2, 3, 4), y);
    expect(rows).toEqual([1, 2]);
    expect([...slopes]).toEqual([1, 0, 0, 2e-9]);
    const wide = Float64Array.of(1e-3, 5e-9);
    expect(snapResiduals(LOSSES.squared, wide, Float64Array.of(1, 1e6), Float64Array.of(0, 0), 1e-3)).toEqual([1]);
    expect(
      snapResiduals(LOSSES.squared, Float64Array.of(1, 3e-8), Float64Array.of(1, 1e6), Float64Array.of(0, 0)),
    ).toEqual([]);
    // Small scores round to less, not to more.
    const small = Float64Array.of(1e-3, 1e-5);
    expect(snapResiduals(LOSSES.squared, small, Float64Array.of(1, 1e-12), Float64Array.of(0, 0))).toEqual([]);
    expect(
      snapResiduals(LOSSES.logistic, Float64Array.of(0, 1), Float64Array.of(0, 0), Float64Array.of(1, -1)),
    ).toEqual([]);
    expect(snapResiduals(LOSSES.poisson, Float64Array.of(0, 0), Float64Array.of(0, 0), Float64Array.of(0, 1))).toEqual([
      1,
    ]);
  });

  test("coordinates at 0 and ties, among what is attacked", () => {
    const gamma = Float64Array.of(1, 1e-10, -1, 0, 0.5);
    expect(snapGradient(gamma, Float64Array.of(1, 1, 1, 0, 2), INF)).toEqual({
      zeroCoordinates: [1],
      ties: [],
      zeroGradient: false,
    });
    expect([...gamma]).toEqual([1, 0, -1, 0, 0.5]);
    expect(snapGradient(Float64Array.of(1, 0.2, -1, 0, 0.5), Float64Array.of(1, 1, 1, 0, 2), 1).ties).toEqual([
      0, 2, 4,
    ]);
    expect(snapGradient(Float64Array.of(1, 0.2), Float64Array.of(1, 1), 1).ties).toEqual([]);
    expect(snapGradient(Float64Array.of(1, -1), Float64Array.of(1, 1), 2)).toEqual({
      zeroCoordinates: [],
      ties: [],
      zeroGradient: false,
    });
    const rounding = Float64Array.of(1e-17, 1e-18);
    expect(snapGradient(rounding, Float64Array.of(1, 1), 2, Float64Array.of(1e-16, 1e-16)).zeroGradient).toBe(true);
    expect([...rounding]).toEqual([0, 0]);
    expect(snapGradient(Float64Array.of(0, 5), Float64Array.of(1, 0), 2).zeroGradient).toBe(true);
  });

  test("rows that have one, where their slope is not 0", () => {
    const rows = Matrix.fromRows([
      [1, 0],
      [1, 2],
      [1, 1],
      [0, 0],
      [1, 0],
    ]);
    const slopes = Float64Array.of(1, 1, 1, 1, 0);
    const ones = Float64Array.of(1, 1);
    expect([
      coupledKinks(rows, slopes, ones, INF),
      coupledKinks(rows, slopes, ones, 1),
      coupledKinks(rows, slopes, ones, 2),
    ]).toEqual([2, 2, 1]);
  });

  test("the first of all of them, and the share of rows beyond", () => {
    const radii = {
      residuals: Float64Array.of(0.5, INF, 0.2),
      gradients: Float64Array.of(0.1, 0.9, INF),
      shared: INF,
      support: null,
    };
    const w = Float64Array.of(0.5, 0.3, 0.2);
    expect(kinkRadius(radii)).toBe(0.1);
    expect(kinkRadius({ ...radii, gradients: null })).toBe(0.2);
    expect(kinkRadius({ ...radii, shared: 0.05 })).toBe(0.05);
    const entering = { epsilon: 0.02, parameter: 1, kind: "enters" } as const;
    expect(kinkRadius({ ...radii, support: entering })).toBe(0.02);
    expect(kinkRadius({ residuals: Float64Array.of(INF), gradients: null, shared: INF, support: null })).toBeNull();
    expect(kinkFraction(radii, w, 0.1)).toBe(0);
    expect(kinkFraction(radii, w, 0.15)).toBeCloseTo(0.5, 14);
    expect(kinkFraction(radii, w, 0.3)).toBeCloseTo(0.7, 14);
    expect(kinkFraction({ ...radii, gradients: null }, w, 0.3)).toBeCloseTo(0.2, 14);
    expect(kinkFraction({ ...radii, shared: 0.01 }, w, 0.02)).toBe(1);
    expect(kinkFraction({ ...radii, shared: 0.02 }, w, 0.02)).toBe(0);
    expect(residualFraction(radii, w, 0.5)).toBeCloseTo(0.2, 14);
    expect(residualFraction(radii, w, 0.6)).toBeCloseTo(0.7, 14);
  });

  test.each([1, INF, 2])("of a quadratic model, each row its own, p = %d", async (p) => {
    const made = await smoothCase("quadratic", 8, { n: 12, m: 2, p, budgets: [1, 0.5], l2: 0.1 }, 1e-3);
    const own = await fit(quadratic(), new Cut(made.data, 5), { l2: 0.1 });
    const attack = await influence(own, lp(p, { budgets: [1, 0.5] }));
    const found = await kinkRadii(attack, await scoreShifts(attack));
    expect(found.shared).toBe(INF);
    expect(found.gradients === null).toBe(p === 2);
    made.problem.X.forEach((x, i) => {
      const along = (theta: ArrayLike<number>) => [
        theta[1] + 2 * theta[3] * x[0] + theta[4] * x[1],
        0.5 * (theta[2] + theta[4] * x[0] + 2 * theta[5] * x[1]),
      ];
      const state = (epsilon: number): string => {
        const theta = Array.from(own.parameters, (value, j) => value + epsilon * attack.influence[j]);
        const [a, b] = along(theta);
        return p === INF ? `${Math.sign(a)} ${Math.sign(b)}` : `${Math.abs(a) > Math.abs(b)}`;
      };
      const v = features(made.problem.terms, x);
      const [f, s] = [dot(v, own.parameters), dot(v, attack.influence)];
      const crossing = (made.problem.y[i] - f) / s;
      if (crossing > 0) expect(found.residuals[i] / crossing).toBeCloseTo(1, 9);
      else expect(found.residuals[i]).toBe(INF);
      if (!found.gradients) return;
      const at = found.gradients[i];
      expect(state(Math.min(at, 1e3) * 0.999)).toBe(state(0));
      if (at < INF) expect(state(at * 1.001)).not.toBe(state(0));
    });
  });

  test("with one budget: none of residuals; at u = 1 where another row's gain overtakes the largest", async () => {
    const made = randomCase("half", 21, { n: 10, m: 2, weighted: true, l2: 0.1 });
    const own = await fit(made.describe, new Cut(made.data, 4), { l2: 0.1 });
    const attack = await influence(own, wasserstein(1, lp(2)));
    const shifts = await scoreShifts(attack);
    const found = await kinkRadii(attack, shifts);
    expect(found.residuals.every((value) => value === INF)).toBe(true);
    const r = own.scores.map((f, i) => f - own.data.y[i]);
    const top = r.reduce((best, value, i) => (Math.abs(value) > Math.abs(r[best]) ? i : best), 0);
    // |r_i| + ε sgn(r_i)s_i reaches that of the largest.
    const crossings = Array.from(r, (value, i) => {
      const gap = Math.abs(r[top]) - Math.abs(value);
      const speed = Math.sign(value) * shifts[i] - Math.sign(r[top]) * shifts[top];
      return i !== top && speed > 0 ? gap / speed : INF;
    });
    expect(found.shared / Math.min(...crossings)).toBeCloseTo(1, 9);
    const second = await influence(own, wasserstein(2, lp(2)));
    expect((await kinkRadii(second, await scoreShifts(second))).shared).toBe(INF);
    const tilted = await influence(own, divergence("chi2"));
    expect(kinkRadius(await kinkRadii(tilted, await scoreShifts(tilted)))).toBeNull();
  });
});
