import { describe, expect, it } from "vitest";
import { classMetricRows } from "../../src/influence/class-metrics.js";
import { metricChanges } from "../../src/influence/metric-changes.js";
import { metricRows } from "../../src/influence/metrics.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { LOSSES } from "../../src/models/losses.js";
import { relativeError } from "../golden.js";
import { Random } from "../models/naive.js";

const random = new Random(5);
const n = 60;
const normalised = (raw: Float64Array): Float64Array => {
  const total = raw.reduce((sum, value) => sum + value, 0);
  return raw.map((value) => value / total);
};
const raw = Float64Array.from({ length: n }, (_, i) => (i % 9 === 0 ? 0 : random.uniform()));
const w = normalised(raw);
const y = Float64Array.from({ length: n }, (_, i) => (i < 5 ? 3 : random.below(3)));
const scores = new Matrix(
  Float64Array.from({ length: 4 * n }, (_, at) => random.normal() + (at % 4 === y[Math.floor(at / 4)] ? 1 : 0)),
  n,
  4,
);
const sampling = { weightsKind: "sampling", totalWeight: 1 } as const;

describe("metrics of several classes", () => {
  const { values, rows, right } = classMetricRows(y, w, scores);

  it("are what their definitions say", () => {
    const hit = Array.from({ length: n }, (_, i) => {
      const f = [...scores.row(i)];
      return f.indexOf(Math.max(...f)) === y[i];
    });
    expect([...(right ?? [])].map(Boolean)).toEqual(hit);
    const share = (keep: (i: number) => boolean): number => w.reduce((sum, v, i) => sum + (keep(i) ? v : 0), 0);
    expect(values["accuracy"]).toBeCloseTo(
      share((i) => hit[i]),
      13,
    );
    const recalls = [0, 1, 2, 3].map((k) => share((i) => hit[i] && y[i] === k) / share((i) => y[i] === k));
    expect(values["balancedAccuracy"]).toBeCloseTo((recalls[0] + recalls[1] + recalls[2] + recalls[3]) / 4, 13);
    const losses = Array.from({ length: n }, (_, i) => {
      const e = [...scores.row(i)].map(Math.exp);
      return -Math.log(e[y[i]] / e.reduce((a, b) => a + b, 0));
    });
    expect(values["logLoss"]).toBeCloseTo(
      losses.reduce((sum, loss, i) => sum + w[i] * loss, 0),
      13,
    );
  });

  it("have rows that are the derivatives in the rows' weights", () => {
    const h = 1e-5;
    for (const name of Object.keys(values)) {
      let total = 0;
      for (const i of [0, 1, 7, 20, 36, 59]) {
        const at = (step: number): number => {
          const moved = w.slice();
          moved[i] += step;
          return classMetricRows(y, normalised(moved), scores).values[name];
        };
        // A row without weight cannot lose any.
        const slope = w[i] > h ? (at(h) - at(-h)) / (2 * h) : (-3 * at(0) + 4 * at(h) - at(2 * h)) / (2 * h);
        expect(Math.abs(slope - rows[name][i]), name).toBeLessThan(1e-6 * Math.max(1, Math.abs(slope)));
      }
      rows[name].forEach((value, i) => (total += w[i] * value));
      expect(Math.abs(total)).toBeLessThan(1e-13);
    }
  });

  it("of two classes are those of a logistic model", () => {
    const f = Float64Array.from({ length: n }, (_, i) => (i % 7 === 0 ? 0 : random.normal()));
    const signs = y.map((label) => (label > 0 ? 1 : -1));
    const two = new Matrix(
      Float64Array.from({ length: 2 * n }, (_, at) => (at % 2) * f[Math.floor(at / 2)]),
      n,
      2,
    );
    const labels = signs.map((sign) => (sign > 0 ? 1 : 0));
    const ours = classMetricRows(labels, w, two);
    const binary = metricRows(LOSSES.logistic, signs, w, f);
    expect(ours.right).toEqual(binary.right);
    for (const name of Object.keys(ours.values)) {
      expect(ours.values[name]).toBeCloseTo(binary.values[name], 13);
      expect(relativeError(ours.rows[name], binary.rows[name])).toBeLessThan(1e-12);
    }
  });

  it("are refused with scores and classes that do not fit", () => {
    expect(() => classMetricRows(y, w, new Matrix(new Float64Array(n), n, 1))).toThrow(/at least two scores/);
    expect(() => classMetricRows(y.subarray(1), w, scores)).toThrow(/60 rows of scores, but 59 classes/);
    expect(() => classMetricRows(y.fill(4, 3, 4).slice(), w, scores)).toThrow(/Class 4 has no score/);
    expect(() => classMetricRows(y.fill(-1, 3, 4).slice(), w, scores)).toThrow(/Class -1 has no score/);
    expect(() => classMetricRows(y.fill(0.5, 3, 4).slice(), w, scores)).toThrow(/Class 0.5 has no score/);
    y[3] = 3;
  });
});

describe("changes of metrics of several classes", () => {
  it("have intervals of which 95 % hold the change that many rows would show", () => {
    // Rows are drawn from a table of 40 kinds of rows, whose own change is the truth.
    const kinds = 40;
    const kind = (i: number) => ({
      y: i % 3,
      before: i % 5 === 0 ? (i + 1) % 3 : i % 3,
      after: i % 4 === 0 ? (i + 2) % 3 : i % 3,
    });
    const classes = [0, 1, 2];
    const scoresOf = (label: number): number[] => classes.map((k) => (k === label ? 1 : 0));
    const pairOf = (drawn: number[]) => {
      const rows = drawn.map(kind);
      const labels = Float64Array.from(rows, (row) => row.y);
      const weights = new Float64Array(rows.length).fill(1 / rows.length);
      const of = (key: "before" | "after") =>
        classMetricRows(labels, weights, Matrix.fromRows(rows.map((row) => scoresOf(row[key]))));
      return { labels, weights, pair: { before: of("before"), after: of("after") } };
    };
    const { pair: truth } = pairOf(Array.from({ length: kinds }, (_, i) => i));
    const draws = 150;
    const covered = { accuracy: 0, balancedAccuracy: 0 };
    const widths = { accuracy: 0, balancedAccuracy: 0 };
    for (let b = 0; b < draws; b++) {
      const { labels, weights, pair } = pairOf(Array.from({ length: 200 }, () => random.below(kinds)));
      const [changes] = metricChanges([pair], { y: labels, w: weights, sampling, level: 0.95, seed: b });
      for (const name of ["accuracy", "balancedAccuracy"] as const) {
        const { interval, change, method } = changes[name];
        expect(method).toBe("bootstrap");
        expect(interval[0]).toBeLessThanOrEqual(change);
        expect(interval[1]).toBeGreaterThanOrEqual(change);
        const moves = pair.after.rows[name].map((value, i) => weights[i] * (value - pair.before.rows[name][i]));
        const deviation = Math.sqrt(moves.reduce((sum, value) => sum + value * value, 0));
        widths[name] += (interval[1] - interval[0]) / (2 * 1.96 * deviation) / draws;
        const goal = truth.after.values[name] - truth.before.values[name];
        if (interval[0] <= goal && goal <= interval[1]) covered[name]++;
      }
    }
    // As wide as the normal interval from the rows' influence, on average.
    for (const width of Object.values(widths)) expect(Math.abs(width - 1)).toBeLessThan(0.1);
    for (const count of Object.values(covered)) {
      expect(count / draws).toBeGreaterThan(0.89);
      expect(count / draws).toBeLessThan(1);
    }
  });
});
