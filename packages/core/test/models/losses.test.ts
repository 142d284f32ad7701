/** Losses and their derivatives against differences of their values and against their limits in the tails. */
import { describe, expect, test } from "vitest";
import { LOSSES, type LossName } from "../../src/index.js";
import { eachLoss, ROWS_TOGETHER, rowJets } from "../../src/models/loss-rows.js";
import { JET_ROWS, sigmoid, softplus } from "../../src/models/losses.js";
import { lossOf, Random } from "./naive.js";

const NAMES: readonly LossName[] = ["squared", "half-squared", "logistic", "poisson"];
const targets = (name: LossName, random: Random): number =>
  name === "logistic" ? (random.uniform() < 0.5 ? -1 : 1) : name === "poisson" ? random.below(6) : 3 * random.normal();

/** Central difference with two Richardson steps. */
function slope(f: (t: number) => number, at: number, h = 0.02): number {
  const central = (step: number) => (f(at + step) - f(at - step)) / (2 * step);
  const [a, b, c] = [central(h), central(h / 2), central(h / 4)];
  const [ab, bc] = [(4 * b - a) / 3, (4 * c - b) / 3];
  return (16 * bc - ab) / 15;
}

describe.each(NAMES)("%s", (name) => {
  const loss = LOSSES[name];

  test("value and three derivatives agree with MATH 0 and with differences", () => {
    const random = new Random(3);
    for (let draw = 0; draw < 300; draw++) {
      const f = 2.5 * random.normal();
      const y = targets(name, random);
      const truth = lossOf(name, f, y);
      const size = 1 + Math.abs(truth[0]) + Math.exp(Math.abs(f)) * (name === "poisson" ? 1 : 0);
      expect(Math.abs(loss.value(f, y) - truth[0])).toBeLessThan(1e-13 * size);
      expect(Math.abs(loss.first(f, y) - truth[1])).toBeLessThan(1e-13 * size);
      expect(Math.abs(loss.second(f, y) - truth[2])).toBeLessThan(1e-13 * size);
      expect(Math.abs(loss.third(f, y) - truth[3])).toBeLessThan(1e-13 * size);
      expect(Math.abs(slope((t) => loss.value(t, y), f) - loss.first(f, y))).toBeLessThan(1e-9 * size);
      expect(Math.abs(slope((t) => loss.first(t, y), f) - loss.second(f, y))).toBeLessThan(1e-9 * size);
      expect(Math.abs(slope((t) => loss.second(t, y), f) - loss.third(f, y))).toBeLessThan(1e-9 * size);
    }
  });

  test("slopes and curvatures of many rows", () => {
    const random = new Random(5);
    const f = Float64Array.from(random.normals(2 * ROWS_TOGETHER + 3));
    const y = f.map(() => targets(name, random));
    let next = 0;
    eachLoss(loss, f, y, (from, slopes, curvatures) => {
      expect(from).toBe(next);
      next += slopes.length;
      let [worstSlope, worstCurvature] = [0, 0];
      slopes.forEach((slope, i) => {
        const [, first, second] = lossOf(name, f[from + i], y[from + i]);
        worstSlope = Math.max(worstSlope, Math.abs(slope - first) / (1 + Math.abs(first)));
        worstCurvature = Math.max(worstCurvature, Math.abs(curvatures[i] - second) / (1 + second));
      });
      expect(worstSlope).toBeLessThan(1e-12);
      expect(worstCurvature).toBeLessThan(1e-12);
    });
    expect(next).toBe(f.length);
  });

  test("the kink is where ℓ' changes sign, or nowhere", () => {
    const random = new Random(4);
    for (let draw = 0; draw < 50; draw++) {
      const y = targets(name, random);
      const kink = loss.kink(y);
      if (Number.isNaN(kink)) {
        const signs = new Set([-30, -3, 0, 3, 30].map((f) => Math.sign(loss.first(f, y))));
        expect(signs.size).toBe(1);
      } else {
        expect(loss.first(kink - 1e-3, y)).toBeLessThan(0);
        expect(loss.first(kink + 1e-3, y)).toBeGreaterThan(0);
      }
    }
  });

  test("recession: the loss's growth along a ray, per step of the score", () => {
    const random = new Random(5);
    for (let draw = 0; draw < 50; draw++) {
      const y = targets(name, random);
      const shift = random.normal();
      const far = 600 / Math.abs(shift);
      const rise = loss.value(far * shift, y) - loss.value(0.5 * far * shift, y);
      if (Math.abs(rise) < 1e-9) expect(loss.recession(shift, y)).toBeLessThanOrEqual(0);
      else expect(Math.sign(loss.recession(shift, y))).toBe(Math.sign(rise));
    }
  });

  test("the constant score makes the mean derivative 0", () => {
    const y = name === "logistic" ? [1, 1, -1, 1] : [1, 0, 4, 2];
    const mean = y.reduce((sum, value) => sum + value, 0) / y.length;
    const f = loss.constantScore(mean);
    expect(Math.abs(y.reduce((sum, target) => sum + loss.first(f, target), 0))).toBeLessThan(1e-14);
  });
});

describe("tails", () => {
  const logistic = LOSSES.logistic;
  test.each([40, 300, 700, 1e5])("logistic at |f| = %d", (f) => {
    // Right side: the loss is e^{−f} and so are −ℓ' and ℓ''; wrong side: f, with derivative 1.
    const small = Math.exp(-f);
    expect(logistic.value(f, 1)).toBeCloseTo(small, 300);
    for (const y of [-1, 1]) {
      const [right, wrong] = [y * f, -y * f];
      expect(Math.abs(logistic.value(right, y) - small)).toBeLessThanOrEqual(1e-13 * small);
      expect(Math.abs(y * logistic.first(right, y) + small)).toBeLessThanOrEqual(1e-13 * small);
      expect(logistic.value(wrong, y)).toBe(f);
      expect(logistic.first(wrong, y)).toBe(-y);
      for (const at of [right, wrong]) {
        expect(Math.abs(logistic.second(at, y) - small)).toBeLessThanOrEqual(1e-13 * small);
        expect(Math.abs(Math.abs(logistic.third(at, y)) - small)).toBeLessThanOrEqual(1e-13 * small);
      }
    }
    expect(softplus(-f)).toBeLessThanOrEqual(small);
    expect(sigmoid(-f) / (small || 1)).toBeCloseTo(small === 0 ? 0 : 1, 12);
  });

  test("Poisson: empty counts far below, large ones far above", () => {
    const { poisson } = LOSSES;
    expect(poisson.value(-800, 0)).toBe(0);
    expect(poisson.first(-800, 0)).toBe(0);
    expect(poisson.first(-50, 3)).toBe(Math.exp(-50) - 3);
    expect(poisson.value(100, 2) / Math.exp(100)).toBeCloseTo(1, 14);
    expect(poisson.kink(0)).toBeNaN();
    expect(poisson.kink(7)).toBe(Math.log(7));
  });
});

describe.each(NAMES)("%s of many rows", (name) => {
  const loss = LOSSES[name];

  test.each([1, 2, 7, JET_ROWS])("is that of the formula in each of %i rows", (rows) => {
    const random = new Random(rows);
    const y = Float64Array.from({ length: rows }, () => targets(name, random));
    const f = Float64Array.from({ length: rows }, (_, i) =>
      Math.min(600, 10 ** (1.5 * random.normal() - (i % 3)) * random.normal()),
    );
    const { slopes, curvatures } = loss.bends(f, y);
    const bends = [slopes.slice(), curvatures.slice()];
    const jets = loss.jets(f, y);
    for (let i = 0; i < rows; i++) {
      const [value, first, second] = lossOf(name, f[i], y[i]);
      for (const [found, truth] of [
        [jets.values[i], value],
        [jets.slopes[i], first],
        [jets.curvatures[i], second],
        [bends[0][i], first],
        [bends[1][i], second],
      ])
        expect(Math.abs(found - truth)).toBeLessThanOrEqual(4e-15 * Math.max(Math.abs(truth), 1e-300));
    }
  });

  test("goes over any number of rows in stretches", () => {
    const n = 2 * JET_ROWS + 3;
    const f = Float64Array.from({ length: n }, (_, i) => Math.sin(i));
    const y = Float64Array.from({ length: n }, (_, i) => (i % 2 === 0 ? 1 : name === "poisson" ? 0 : -1));
    let next = 0;
    for (const { from, to, values } of rowJets(loss, f, y)) {
      expect(from).toBe(next);
      expect(values.length).toBe(to - from);
      for (let i = from; i < to; i++) expect(values[i - from]).toBeCloseTo(loss.value(f[i], y[i]), 13);
      next = to;
    }
    expect(next).toBe(n);
  });
});

test("the logistic loss of many rows keeps its limits, and what is no number", () => {
  const f = Float64Array.of(0, -0, 709, -709, 1e6, -1e6, Infinity, -Infinity, Number.NaN);
  const { values, slopes, curvatures } = LOSSES.logistic.jets(f, new Float64Array(9).fill(1));
  const none = Number.NaN;
  expect([...values]).toEqual([Math.LN2, Math.LN2, 0, 709, 0, 1e6, 0, Infinity, none]);
  expect([...slopes].map((slope) => slope + 0)).toEqual([-0.5, -0.5, 0, -1, 0, -1, 0, -1, none]);
  expect([...curvatures]).toEqual([0.25, 0.25, 0, 0, 0, 0, 0, 0, none]);
  const [allSlopes, allCurvatures] = [slopes.slice(), curvatures.slice()];
  const bends = LOSSES.logistic.bends(f, new Float64Array(9).fill(1));
  expect(bends.slopes).toEqual(allSlopes);
  expect(bends.curvatures).toEqual(allCurvatures);
});
