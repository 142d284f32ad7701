/** Metrics and their changes on a few rows, by the definition. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, independentRows, LOSSES, Matrix, meanStandardError } from "../../src/index.js";
import { ClassSums, classMetricRows } from "../../src/influence/class-metrics.js";
import { changesBetween, countedChanges, isCounted, metricChanges } from "../../src/influence/metric-changes.js";
import { attackedScores, HIGHER_IS_BETTER, metricRows, metricsOf } from "../../src/influence/metrics.js";
import { varianceAbout } from "../../src/influence/sampling.js";
import { normalQuantile } from "../../src/stats/distributions.js";
import { poissonCount, unitPoissonCount } from "../../src/stats/poisson-count.js";
import { randomStream } from "../../src/stats/random.js";
import { dot } from "../models/naive.js";

beforeAll(() => ensureBlas());

describe("metrics of numbers and of two classes", () => {
  test("by hand, with a rank metric that counts ties half", () => {
    const y = Float64Array.of(1, 2, 4);
    const w = Float64Array.of(0.5, 0.25, 0.25);
    const { values, right } = metricRows(LOSSES["half-squared"], y, w, Float64Array.of(2, 2, 3));
    expect(values["rmse"]).toBeCloseTo(Math.sqrt(0.75), 14);
    expect(values["mae"]).toBeCloseTo(0.75, 14);
    // ȳ = 2, Σw(y − ȳ)² = 1.5
    expect(values["r2"]).toBeCloseTo(1 - 0.75 / 1.5, 14);
    expect(right).toBeNull();
    const counts = metricsOf(LOSSES.poisson, y, w, Float64Array.of(Math.log(2), Math.log(2), Math.log(3)));
    expect(counts["mae"]).toBeCloseTo(0.75, 14);
    const exact = metricRows(LOSSES.squared, y, w, y);
    expect([...exact.rows["rmse"]]).toEqual([0, 0, 0]);
    const labels = Float64Array.of(1, 1, -1, -1);
    const weights = Float64Array.of(0.1, 0.3, 0.2, 0.4);
    const scores = Float64Array.of(2, 0, 0, -1);
    const two = metricRows(LOSSES.logistic, labels, weights, scores);
    expect([...(two.right ?? [])]).toEqual([1, 0, 0, 1]);
    expect(two.values["accuracy"]).toBeCloseTo(0.5, 14);
    expect(two.values["balancedAccuracy"]).toBeCloseTo(0.5 * (0.1 / 0.4 + 0.4 / 0.6), 14);
    // Pairs (positive, negative): all right but the tie of rows 1 and 2.
    expect(two.values["auc"]).toBeCloseTo((0.1 * 0.6 + 0.3 * 0.4 + 0.5 * 0.3 * 0.2) / (0.4 * 0.6), 14);
    const p = (f: number): number => 1 / (1 + Math.exp(-f));
    const own = [p(2), p(0), 1 - p(0), 1 - p(-1)];
    expect(two.values["logLoss"]).toBeCloseTo(-dot(weights, own.map(Math.log)), 14);
    expect(two.values["brier"]).toBeCloseTo(
      dot(
        weights,
        own.map((q) => (1 - q) ** 2),
      ),
      14,
    );
    expect(Object.keys(two.values)).toEqual(["accuracy", "balancedAccuracy", "auc", "logLoss", "brier"]);
    for (const list of Object.values(two.rows)) expect(dot(list, weights)).toBeCloseTo(0, 13);
    const names = ["rmse", "mae", "r2", "accuracy", "balancedAccuracy", "auc", "logLoss", "brier"];
    expect(Object.keys(HIGHER_IS_BETTER)).toEqual(names);
    for (const name of names)
      expect(HIGHER_IS_BETTER[name]).toBe(["r2", "accuracy", "balancedAccuracy", "auc"].includes(name));
    const attacked = attackedScores(LOSSES.logistic, labels, scores, (row) => row + 1);
    expect([...attacked]).toEqual([1, -2, 3, 3]);
  });
});

test.each(["squared", "half-squared", "poisson", "logistic"] as const)(
  "%s: what a row adds is how each metric moves with its weight",
  (name) => {
    const loss = LOSSES[name];
    const twoClasses = name === "logistic";
    const y = twoClasses ? Float64Array.of(1, 1, -1, -1, 1, -1) : Float64Array.of(1, 0, 3, 2, 5, 1);
    const w = Float64Array.of(0.1, 0.2, 0.15, 0.25, 0.2, 0.1);
    // A tie between the classes, and rows on either side of right.
    const scores = Float64Array.of(0.5, -0.2, 0.5, -1, 1.2, 0.1);
    const { values, rows } = metricRows(loss, y, w, scores);
    for (let i = 0; i < 6; i++) {
      const at = (t: number) =>
        metricsOf(
          loss,
          y,
          w.map((weight, k) => (1 - t) * weight + (k === i ? t : 0)),
          scores,
        );
      const h = 1e-5;
      const [up, down] = [at(h), at(-h)];
      for (const metric of Object.keys(values))
        expect((up[metric] - down[metric]) / (2 * h)).toBeCloseTo(rows[metric][i], 7);
    }
  },
);

describe("metrics of several classes", () => {
  test("classes without weight are none, whether rows have them or not; ties are wrong", () => {
    const y = Float64Array.of(0, 1, 2, 1);
    const w = Float64Array.of(0.5, 0.25, 0, 0.25);
    const scores = Matrix.fromRows([
      [2, 1, 0, 0],
      [0, 3, 1, 0],
      [0, 0, 5, 0],
      [1, 1, 0, 0],
    ]);
    const { values, rows, right } = classMetricRows(y, w, scores);
    expect([...(right ?? [])]).toEqual([1, 1, 1, 0]);
    expect(values["accuracy"]).toBe(0.75);
    expect(values["balancedAccuracy"]).toBe((1 + 0.5) / 2);
    expect(rows["balancedAccuracy"][2]).toBe(0);
    expect(Number.isFinite(values["logLoss"])).toBe(true);
    for (const list of Object.values(rows)) expect(dot(list, w)).toBeCloseTo(0, 14);
    const losses = [0, 1, 2, 3].map((i) => {
      const e = [...scores.row(i)].map(Math.exp);
      return -Math.log(e[y[i]] / e.reduce((a, b) => a + b, 0));
    });
    expect(values["logLoss"]).toBeCloseTo(dot(w, losses), 14);
    // Weights that sum to 2 count relative to that.
    const sums = new ClassSums(4);
    sums.add(
      y,
      w.map((value) => 2 * value),
      scores,
    );
    const doubled = sums.values(2);
    expect(doubled.accuracy).toBe(0.75);
    expect(doubled.balancedAccuracy).toBe(0.75);
    expect(doubled.logLoss).toBeCloseTo(dot(w, losses), 14);
    // A large score does not overflow.
    const far = classMetricRows(Float64Array.of(1), Float64Array.of(1), Matrix.fromRows([[1000, 0]]));
    expect(far.values["logLoss"]).toBe(1000);
  });

  test("what does not fit is refused", () => {
    const w = Float64Array.of(0.5, 0.5);
    const scores = Matrix.fromRows([
      [1, 0],
      [0, 1],
    ]);
    expect(classMetricRows(Float64Array.of(0, 1), w, scores).values["accuracy"]).toBe(1);
    for (const bad of [-1, 2, 0.5, Number.NaN])
      expect(() => classMetricRows(Float64Array.of(0, bad), w, scores)).toThrow(
        `Class ${bad} has no score: classes are 0 to 1.`,
      );
    expect(() => classMetricRows(Float64Array.of(0), w, scores)).toThrow(
      "There are 2 rows of scores, but 1 classes and 2 weights.",
    );
    expect(() => classMetricRows(Float64Array.of(0, 1), w.subarray(1), scores)).toThrow("but 2 classes and 1 weights");
    expect(() => classMetricRows(w, w, Matrix.fromRows([[1], [2]]))).toThrow(
      "Metrics of classes need at least two scores a row, got 1.",
    );
  });
});

describe("changes of metrics", () => {
  const y = Float64Array.of(1, 1, 1, -1, -1, -1, 1, -1, 1, -1);
  const raw = [1, 2, 1, 1, 3, 1, 1, 1, 2, 1];
  const w = Float64Array.from(raw, (value) => value / 14);
  const before = Float64Array.of(1, -1, 2, -1, -2, 1, 1, 1, -1, -1);
  const after = Float64Array.of(-1, 1, 2, 1, -2, -1, -1, 1, 1, -1);
  const pair = { before: metricRows(LOSSES.logistic, y, w, before), after: metricRows(LOSSES.logistic, y, w, after) };

  /** Percentiles of 400 redrawn changes, by the definition. */
  function drawn(
    level: number,
    seed: number,
    factorsOf: (random: ReturnType<typeof randomStream>, out: Float64Array) => void,
  ) {
    const accuracy: number[] = [];
    const balanced: number[] = [];
    for (let b = 0; b < 400; b++) {
      const factors = new Float64Array(10);
      factorsOf(randomStream(seed, 1000 + b), factors);
      const share = (label: number | null) => {
        let [gain, whole] = [0, 0];
        for (let i = 0; i < 10; i++) {
          if (label !== null && y[i] !== label) continue;
          const turn = Number(y[i] * after[i] > 0) - Number(y[i] * before[i] > 0);
          gain += w[i] * factors[i] * turn;
          whole += w[i] * factors[i];
        }
        return whole > 0 ? gain / whole : 0;
      };
      accuracy.push(share(null));
      balanced.push(0.5 * (share(1) + share(-1)));
    }
    const ends = (values: number[]): [number, number] => {
      const sorted = values.toSorted((a, b) => a - b);
      return [sorted[Math.round((0.5 - level / 2) * 399)], sorted[Math.round((0.5 + level / 2) * 399)]];
    };
    return { accuracy: ends(accuracy), balancedAccuracy: ends(balanced) };
  }

  test.each([
    [
      "rows",
      { weightsKind: "sampling", totalWeight: 10 },
      (random: ReturnType<typeof randomStream>, out: Float64Array) => {
        for (let i = 0; i < 10; i++) out[i] = unitPoissonCount(random);
      },
    ],
    [
      "units",
      { weightsKind: "frequency", totalWeight: 14 },
      (random: ReturnType<typeof randomStream>, out: Float64Array) => {
        for (let i = 0; i < 10; i++) out[i] = poissonCount(random, raw[i]) / raw[i];
      },
    ],
    [
      "clusters",
      { weightsKind: "sampling", totalWeight: 10, clusters: Int32Array.of(4, 4, 2, 2, 2, 9, 9, 9, 1, 1) },
      (random: ReturnType<typeof randomStream>, out: Float64Array) => {
        const groups = [
          [0, 1],
          [2, 3, 4],
          [5, 6, 7],
          [8, 9],
        ];
        for (const rows of groups) {
          const count = unitPoissonCount(random);
          for (const i of rows) out[i] = count;
        }
      },
    ],
  ] as const)("counted out by redrawing %s", (_, sampling, factorsOf) => {
    for (const [level, seed] of [
      [0.9, 3],
      [0.5, 4],
    ] as const) {
      const [changes] = metricChanges([pair], { y, w, sampling, level, seed });
      const wanted = drawn(level, seed, factorsOf);
      for (const name of ["accuracy", "balancedAccuracy"] as const) {
        const change = pair.after.values[name] - pair.before.values[name];
        expect(changes[name].method).toBe("bootstrap");
        expect(changes[name].change).toBeCloseTo(change, 13);
        expect(changes[name].interval[0]).toBeCloseTo(Math.min(wanted[name][0], change), 12);
        expect(changes[name].interval[1]).toBeCloseTo(Math.max(wanted[name][1], change), 12);
      }
      const z = normalQuantile(0.5 + level / 2);
      for (const name of ["auc", "logLoss", "brier"]) {
        const moves = pair.after.rows[name].map((value, i) => value - pair.before.rows[name][i]);
        const reach = z * meanStandardError(moves, w, sampling);
        expect(changes[name].method).toBe("paired");
        expect(changes[name].interval[0]).toBeCloseTo(changes[name].change - reach, 12);
        expect(changes[name].interval[1]).toBeCloseTo(changes[name].change + reach, 12);
      }
    }
  });

  test("where fewer than five rows change sides the rule of three keeps intervals open", () => {
    const still = { before: pair.before, after: pair.before };
    for (const [sampling, largest] of [
      [{ weightsKind: "sampling", totalWeight: 10 }, 3 / 14],
      [{ weightsKind: "frequency", totalWeight: 14 }, 1 / 14],
    ] as const) {
      const [found] = countedChanges([still], { y, w, sampling, level: 0.95, seed: 1 });
      expect(found?.["accuracy"][1]).toBeCloseTo(3 * largest, 13);
      expect(found?.["accuracy"][0]).toBeCloseTo(-3 * largest, 13);
      // Classes of weight 7/14 each.
      expect(found?.["balancedAccuracy"][1]).toBeCloseTo((3 * largest) / 2 / 0.5, 12);
    }
  });

  test("a class without weight is none", () => {
    const one = { values: { accuracy: 1, balancedAccuracy: 1 }, right: Uint8Array.of(1, 1, 1) };
    const [found] = countedChanges([{ before: one, after: one }], {
      y: Float64Array.of(0, 1, 2),
      w: Float64Array.of(0.75, 0.25, 0),
      sampling: independentRows(3),
      level: 0.9,
      seed: 1,
    });
    // 3·0.75 of one of two classes, the smaller of which weighs a quarter.
    expect(found?.["balancedAccuracy"]).toEqual([-4.5, 4.5]);
    expect(found?.["accuracy"]).toEqual([-2.25, 2.25]);
  });

  test("numbers are not counted; nor are more than 100,000 rows", () => {
    const numbers = metricRows(LOSSES.squared, y, w, before);
    const sampling = independentRows(10);
    expect(countedChanges([{ before: numbers, after: numbers }], { y, w, sampling, level: 0.9, seed: 1 })).toEqual([
      null,
    ]);
    expect([isCounted(100_000), isCounted(100_001)]).toEqual([true, false]);
    const between = changesBetween({ a: 1, b: 2 }, { a: 4, b: 1 }, { a: [0, 9] }, () => 0.5);
    expect(between).toEqual({
      a: { change: 3, interval: [0, 9], method: "bootstrap" },
      b: { change: -1, interval: [-1.5, -0.5], method: "paired" },
    });
    expect(changesBetween({ a: 1 }, { a: 4 }, null, () => 1)).toEqual({
      a: { change: 3, interval: [2, 4], method: "paired" },
    });
  });
});

describe("standard errors", () => {
  test("without weight there is none; one cluster has no spread; rows without weight form no cluster", () => {
    const z = Float64Array.of(1, 2, 3);
    expect(meanStandardError(z, new Float64Array(3), independentRows(3))).toBeNaN();
    const w = Float64Array.of(0.25, 0.25, 0.5);
    const one = { ...independentRows(3), clusters: Int32Array.of(7, 7, 7) };
    expect(meanStandardError(z, w, one)).toBeCloseTo(0, 14);
    const two = { ...independentRows(3), clusters: Int32Array.of(7, 8, 9) };
    const without = Float64Array.of(0.5, 0.5, 0);
    // z̄ = 1.5: sums ∓0.25, times 2/1.
    expect(meanStandardError(z, without, two)).toBeCloseTo(Math.sqrt(2 * 2 * 0.0625), 14);
    expect(varianceAbout(2, z, w, independentRows(3))).toBeCloseTo(0.0625 + 0.25, 14);
    expect(varianceAbout(2, z, w, { weightsKind: "frequency", totalWeight: 4 })).toBeCloseTo((0.25 + 0.5) / 4, 14);
  });
});
