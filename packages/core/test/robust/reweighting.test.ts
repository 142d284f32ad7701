/** The worst weights of a ball, against SciPy, random weights, and finite differences; the robust optimum against SciPy's. */
import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type DivergenceName,
  divergence,
  divergenceRobustOptimum,
  fit,
  influence,
  linear,
  logistic,
  Matrix,
  type ModelDescription,
  matrixDataset,
  poisson,
  quadratic,
  rowContributions,
  worstReweighting,
} from "../../src/index.js";
import { equalLossRadius } from "../../src/robust/equal-loss-radius.js";
import { moments } from "../../src/robust/reweighting.js";
import { relativeError } from "../golden.js";
import { Random } from "../models/naive.js";

interface Fixture {
  readonly worst: readonly {
    divergence: DivergenceName;
    losses: number[];
    weights: number[];
    radius: number;
    value: number;
  }[];
  readonly optima: readonly {
    model: string;
    loss: string;
    divergence: DivergenceName;
    l2: number;
    X: number[][];
    y: number[];
    w: number[];
    theta: number[];
    aif: number[];
    equalLossRadius: number | null;
    robust: Record<string, number[]>;
  }[];
}

const fixture: Fixture = JSON.parse(readFileSync(new URL("./fixtures/divergences.json", import.meta.url), "utf8"));

const BALLS: readonly DivergenceName[] = ["chi2", "kl"];

/** The square of the size of w' in its ball, straight from MATH 13. */
function sizeOf(name: DivergenceName, v: ArrayLike<number>, w: ArrayLike<number>): number {
  return Array.from(v).reduce((sum, value, i) => {
    if (name === "chi2") return sum + (value - w[i]) ** 2 / w[i];
    return value > 0 ? sum + 2 * value * Math.log(value / w[i]) : sum;
  }, 0);
}

function problem(random: Random, n: number): { losses: Float64Array; w: Float64Array } {
  const raw = Array.from({ length: n }, () => 0.2 + random.uniform());
  const total = raw.reduce((sum, value) => sum + value, 0);
  return {
    losses: Float64Array.from({ length: n }, () => random.normal() ** 2),
    w: Float64Array.from(raw, (value) => value / total),
  };
}

test.each(fixture.worst.map((one, k) => [k, one] as const))("worst weights %d as SciPy finds them", (_, one) => {
  const w = Float64Array.from(one.weights);
  const found = worstReweighting(one.divergence, Float64Array.from(one.losses), w, one.radius);
  expect(Math.abs(found.value - one.value)).toBeLessThan(2e-7 * Math.abs(one.value));
  expect(found.value).toBeGreaterThan(one.value - 1e-9 * Math.abs(one.value));
});

describe.each(BALLS)("%s", (name) => {
  test("weights lie in the ball and on its edge, and no random ones there are worse", () => {
    const random = new Random(3);
    for (let k = 0; k < 40; k++) {
      const { losses, w } = problem(random, 3 + random.below(6));
      const radius = 0.02 + 1.2 * random.uniform();
      const found = worstReweighting(name, losses, w, radius);
      expect(found.weights.every((value) => value >= 0)).toBe(true);
      expect(found.weights.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12);
      if (!found.saturated) expect(relativeError([sizeOf(name, found.weights, w)], [radius ** 2])).toBeLessThan(1e-10);
      for (let draw = 0; draw < 300; draw++) {
        const raw = w.map((value) => value * Math.exp(2 * radius * random.normal()));
        const total = raw.reduce((sum, value) => sum + value, 0);
        // Along the segment from w to the draw, as far as the ball goes.
        let [low, high] = [0, 1];
        const at = (t: number) => raw.map((value, i) => w[i] + t * (value / total - w[i]));
        for (let step = 0; step < 40; step++) {
          const middle = 0.5 * (low + high);
          if (sizeOf(name, at(middle), w) <= radius ** 2) low = middle;
          else high = middle;
        }
        const other = at(low).reduce((sum, value, i) => sum + value * losses[i], 0);
        expect(other).toBeLessThanOrEqual(found.value * (1 + 1e-12));
      }
    }
  });

  test("first and second derivatives in the losses, and influences of the rows, are those of differences", () => {
    const random = new Random(11);
    for (const radius of [0.05, 0.4, 1.1]) {
      const { losses, w } = problem(random, 9);
      const found = worstReweighting(name, losses, w, radius);
      const value = (l: Float64Array, v = w) => worstReweighting(name, l, v, radius).value;
      const nudged = (i: number, h: number) => losses.map((loss, k) => (k === i ? loss + h : loss));
      const slopes = losses.map((_, i) => (value(nudged(i, 1e-5)) - value(nudged(i, -1e-5))) / 2e-5);
      expect(relativeError(found.weights, slopes)).toBeLessThan(1e-8);
      const { rate, base } = found.bend;
      const { mean, total, square } = moments(losses, base);
      losses.forEach((_, i) => {
        const up = worstReweighting(name, nudged(i, 1e-5), w, radius).weights;
        const down = worstReweighting(name, nudged(i, -1e-5), w, radius).weights;
        const row = up.map((v, k) => (v - down[k]) / 2e-5);
        const formula = losses.map((loss, k) => {
          const means = (base[i] * base[k]) / total;
          const slope = (base[i] * (losses[i] - mean) * base[k] * (loss - mean)) / (square * total);
          return rate * ((i === k ? base[i] : 0) - means - slope);
        });
        expect(relativeError(formula, row)).toBeLessThan(1e-5);
        // V at (1−t)w + tδ_i: the influence of row i is its slope.
        const towards = (t: number) => w.map((weight, k) => (1 - t) * weight + (k === i ? t : 0));
        const slope = (value(losses, towards(1e-6)) - value(losses, towards(-1e-6))) / 2e-6;
        expect(found.terms[i] - found.value).toBeCloseTo(slope, 5);
      });
      expect(found.terms.reduce((sum, term, i) => sum + w[i] * term, 0)).toBeCloseTo(found.value, 12);
    }
  });

  test("small balls are the mean and a standard deviation; large ones the largest loss", () => {
    const { losses, w } = problem(new Random(5), 12);
    const { mean, square } = moments(losses, w);
    for (const radius of [1e-6, 1e-4]) {
      const { value } = worstReweighting(name, losses, w, radius);
      expect((value - mean) / radius).toBeCloseTo(Math.sqrt(square), 3);
    }
    const { value, saturated, weights } = worstReweighting(name, losses, w, 20);
    expect([value, saturated]).toEqual([Math.max(...losses), true]);
    expect(weights[losses.indexOf(value)]).toBe(1);
    // Just below saturation there is no jump.
    const top = w[losses.indexOf(value)];
    const edge = name === "chi2" ? Math.sqrt(1 / top - 1) : Math.sqrt(-2 * Math.log(top));
    expect(worstReweighting(name, losses, w, edge * (1 - 1e-9)).value).toBeCloseTo(value, 3);
    const same = worstReweighting(name, new Float64Array(12).fill(2), w, 0.5);
    expect(same.value).toBeCloseTo(2, 14);
    expect([...same.weights]).toEqual([...w]);
  });

  test("the order of rows and duplicates change nothing", () => {
    fc.assert(
      fc.property(fc.integer(), fc.double({ min: 0.01, max: 1.5, noNaN: true }), (seed, radius) => {
        const { losses, w } = problem(new Random(seed), 7);
        const { value } = worstReweighting(name, losses, w, radius);
        const turned = worstReweighting(name, losses.toReversed(), w.toReversed(), radius).value;
        const twice = (list: Float64Array, factor: number) => Float64Array.from([...list, ...list], (v) => factor * v);
        const doubled = worstReweighting(name, twice(losses, 1), twice(w, 0.5), radius).value;
        expect(relativeError([turned, doubled], [value, value])).toBeLessThan(1e-11);
      }),
      { numRuns: 50 },
    );
  });
});

const models: Readonly<Record<string, (loss: string) => ModelDescription>> = {
  linear: (loss) => linear({ loss: loss === "half-squared" ? "half-squared" : "squared" }),
  logistic: () => logistic(),
  poisson: () => poisson(),
  quadratic: () => quadratic(),
};

describe.each(fixture.optima.map((one) => [`${one.model}, ${one.loss}, ${one.divergence}`, one] as const))(
  "%s",
  (_, one) => {
    const { model, loss, l2, X, y, w, divergence: name } = one;
    const data = (rows = [...X.keys()]) =>
      matrixDataset(
        Matrix.fromRows(rows.map((i) => X[i])),
        rows.map((i) => y[i]),
        { weights: rows.map((i) => w[i]) },
      );
    const fitted = (rows?: number[]) => fit(models[model](loss), data(rows), { l2 });

    test("the influence is the derivative of SciPy's minimisers", async () => {
      const own = await fitted();
      expect(relativeError(own.parameters, one.theta)).toBeLessThan(1e-9);
      const found = await influence(own, divergence(name));
      expect(relativeError(found.influence, one.aif)).toBeLessThan(1e-5);
      expect([found.scale, found.oneSided, found.coupledKinks]).toEqual([1, false, 0]);
      const metric = Float64Array.from(one.theta, (__, j) => j + 1);
      const shares = await rowContributions(found, metric);
      expect(shares.reduce((sum, value) => sum + value, 0)).toBeCloseTo(
        metric.reduce((sum, value, j) => sum + value * found.influence[j], 0),
        10,
      );
      // Rows in another order, each twice.
      const again = await influence(await fitted([...X.keys(), ...X.keys()].toReversed()), divergence(name));
      expect(relativeError(again.influence, found.influence)).toBeLessThan(1e-8);
    });

    test("the exact optimum is SciPy's", async () => {
      const own = await fitted();
      for (const [radius, truth] of Object.entries(one.robust)) {
        const found = await divergenceRobustOptimum(own, name, Number(radius));
        expect(found.converged).toBe(true);
        expect(found.residual).toBeLessThan(1e-11);
        expect(relativeError(found.parameters, truth)).toBeLessThan(1e-8);
        expect(found.robustLoss).toBeGreaterThan(found.naturalLoss);
      }
    });

    test("from SciPy's radius on, equal losses are the optimum", async () => {
      const own = await fitted();
      const edge = await equalLossRadius(own, name);
      if (one.equalLossRadius === null) return expect(edge).toBe(Number.POSITIVE_INFINITY);
      expect(relativeError([edge], [one.equalLossRadius])).toBeLessThan(1e-6);
      const beyond = await divergenceRobustOptimum(own, name, edge * 1.001);
      expect([beyond.collapsed, Math.max(...beyond.parameters.map(Math.abs))]).toEqual([true, 0]);
      // Just before, the optimum is close by, and no better than a corner can be.
      const before = await divergenceRobustOptimum(own, name, edge * 0.999);
      expect(before.collapsed).toBe(false);
      expect(Math.max(...before.parameters.map(Math.abs))).toBeLessThan(0.1);
    });
  },
);

test("rows that all have the same loss are a corner: the influence is 0, and so is the move of the optimum", async () => {
  // Mirrored targets: the residuals are ±1.
  const data = matrixDataset(Matrix.fromRows([[1], [1], [-1], [-1]]), [3, 1, -1, -3]);
  const own = await fit(linear({ intercept: false }), data);
  for (const name of BALLS) {
    const found = await influence(own, divergence(name));
    expect([found.penalty, found.oneSided, Math.abs(found.influence[0])]).toEqual([0, true, 0]);
    const optimum = await divergenceRobustOptimum(own, name, 0.1);
    expect(optimum.parameters[0]).toBeCloseTo(own.parameters[0], 6);
  }
});

test("unknown divergences are refused", () => {
  expect(() => divergence("tv" as DivergenceName)).toThrow(/no divergence "tv"; use chi2 or kl/);
});
