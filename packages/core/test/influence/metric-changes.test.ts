import { describe, expect, test } from "vitest";
import { metricChanges } from "../../src/influence/metric-changes.js";
import { metricRows } from "../../src/influence/metrics.js";
import { independentRows } from "../../src/influence/sampling.js";
import { LOSSES } from "../../src/models/losses.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";

const random = randomStream(11);
const normals = (n: number): Float64Array => Float64Array.from({ length: n }, () => random.normal());
const uniform = (n: number): Float64Array => new Float64Array(n).fill(1 / n);

/** ψ by a finite difference: how a metric moves when row i gets a little more weight, the weights summing to 1. */
function influenceOf(name: "logistic" | "squared", y: Float64Array, w: Float64Array, f: Float64Array, metric: string) {
  const at = (i: number, h: number): number => {
    const moved = w.map((weight, k) => (1 - h) * weight + (k === i ? h : 0));
    return metricRows(LOSSES[name], y, moved, f).values[metric];
  };
  return y.map((_, i) => (at(i, 1e-6) - at(i, -1e-6)) / 2e-6);
}

describe("what each row adds to a metric", () => {
  const y = normals(40);
  const labels = y.map((value) => (value > 0.3 ? 1 : -1));
  const f = y.map((value) => Math.round(4 * (value + random.normal())) / 4);
  const w = y.map(() => 0.2 + random.uniform());
  const total = w.reduce((a, b) => a + b, 0);
  const weights = w.map((weight) => weight / total);

  test.each(["rmse", "mae", "r2"])("%s: the derivative in the row's weight", (metric) => {
    const { rows } = metricRows(LOSSES.squared, y, weights, f);
    influenceOf("squared", y, weights, f, metric).forEach((value, i) => expect(rows[metric][i]).toBeCloseTo(value, 6));
  });

  test.each(["accuracy", "balancedAccuracy", "auc", "logLoss", "brier"])("%s: the same", (metric) => {
    const { rows } = metricRows(LOSSES.logistic, labels, weights, f);
    influenceOf("logistic", labels, weights, f, metric).forEach((value, i) =>
      expect(rows[metric][i]).toBeCloseTo(value, 5),
    );
  });
});

describe("intervals of changes", () => {
  const draw = (n: number) => {
    const signal = normals(n);
    const y = Float64Array.from(signal, (x) => (random.uniform() < 1 / (1 + Math.exp(-2 * x)) ? 1 : -1));
    return { y, now: signal, later: signal.map((x) => 0.7 * x + 0.35 * random.normal() - 0.1) };
  };

  test("hold the population's change as often as they say", () => {
    const truth = draw(400_000);
    const metrics = (f: Float64Array) => metricRows(LOSSES.logistic, truth.y, uniform(truth.y.length), f).values;
    const [before, after] = [metrics(truth.now), metrics(truth.later)];
    const repetitions = drawsOf(150, 1500);
    const held: Record<string, number> = {};
    for (let seed = 0; seed < repetitions; seed++) {
      const { y, now, later } = draw(400);
      const w = uniform(400);
      const pair = { before: metricRows(LOSSES.logistic, y, w, now), after: metricRows(LOSSES.logistic, y, w, later) };
      const [changes] = metricChanges([pair], { y, w, sampling: independentRows(400), level: 0.95, seed });
      for (const [name, { interval, method }] of Object.entries(changes)) {
        const change = after[name] - before[name];
        held[name] = (held[name] ?? 0) + (interval[0] <= change && change <= interval[1] ? 1 : 0);
        expect(method).toBe(name === "accuracy" || name === "balancedAccuracy" ? "bootstrap" : "paired");
      }
    }
    const slack = 4 * Math.sqrt((0.05 * 0.95) / repetitions);
    for (const [name, count] of Object.entries(held)) {
      expect(count / repetitions, name).toBeGreaterThan(0.95 - slack - 0.01);
      expect(count / repetitions, name).toBeLessThanOrEqual(Math.min(1, 0.95 + slack + 0.01));
    }
    expect(Object.keys(held)).toHaveLength(5);
  });

  test("stay open where hardly a row changes sides, and shut where inputs do not change at all but for that", () => {
    const { y, now } = draw(300);
    const w = uniform(300);
    const rows = metricRows(LOSSES.logistic, y, w, now);
    const [changes] = metricChanges([{ before: rows, after: rows }], {
      y,
      w,
      sampling: independentRows(300),
      level: 0.95,
      seed: 1,
    });
    expect(changes["accuracy"]).toEqual({ change: 0, interval: [-3 / 300, 3 / 300], method: "bootstrap" });
    expect(changes["logLoss"]).toEqual({ change: 0, interval: [0, 0], method: "paired" });
  });

  test("are wider where rows come in equal clusters", () => {
    const { y, now, later } = draw(200);
    const five = (list: Float64Array): Float64Array =>
      Float64Array.from({ length: 1000 }, (_, i) => list[Math.floor(i / 5)]);
    const w = uniform(1000);
    const pair = {
      before: metricRows(LOSSES.logistic, five(y), w, five(now)),
      after: metricRows(LOSSES.logistic, five(y), w, five(later)),
    };
    const width = (clusters?: Int32Array) => {
      const sampling = { ...independentRows(1000), clusters };
      const [{ accuracy, brier }] = metricChanges([pair], { y: five(y), w, sampling, level: 0.95, seed: 2 });
      return [accuracy, brier].map(({ interval }) => interval[1] - interval[0]);
    };
    const [alone, together] = [width(), width(Int32Array.from({ length: 1000 }, (_, i) => Math.floor(i / 5)))];
    expect(together[0] / alone[0]).toBeGreaterThan(1.8);
    expect(together[0] / alone[0]).toBeLessThan(2.7);
    expect(together[1] / alone[1]).toBeCloseTo(Math.sqrt(5 * (200 / 199)), 6);
  });
});
