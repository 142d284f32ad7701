import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { attackedScores, type Metrics, metricRows, metricsOf } from "../../src/influence/metrics.js";
import { LOSSES, type LossName } from "../../src/models/losses.js";

/** One case of fixtures/make-metrics.py. */
interface Case {
  name: string;
  loss: LossName;
  scores: number[];
  targets: number[];
  weights: number[] | null;
  reach: number[];
  natural: Record<string, number>;
  attacked: Record<string, number>;
}

const { library, cases }: { library: string; cases: Case[] } = JSON.parse(
  readFileSync(new URL("./fixtures/metrics.json", import.meta.url), "utf8"),
);

function expectEqual(found: Metrics, expected: Record<string, number>): void {
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) {
    expect(Math.abs(found[name] - value), name).toBeLessThan(1e-12 * Math.max(1, Math.abs(value)));
  }
}

/** Weights that sum to 1, as a data set has them. */
function normalized({ weights, scores }: Case): Float64Array {
  const raw = Float64Array.from(weights ?? scores.map(() => 1));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  return raw.map((weight) => weight / total);
}

describe(`metrics are those of ${library}`, () => {
  test.each(cases.map((item) => [item.name, item] as const))("%s", (_name, item) => {
    const [y, f, w] = [Float64Array.from(item.targets), Float64Array.from(item.scores), normalized(item)];
    const loss = LOSSES[item.loss];
    expectEqual(metricsOf(loss, y, w, f), item.natural);
    const attacked = attackedScores(loss, y, f, (row) => item.reach[row]);
    expectEqual(metricsOf(loss, y, w, attacked), item.attacked);
  });

  test("the cases have what is hard: ties, weights, rare classes, attacks that matter", () => {
    const classes = cases.filter(({ loss }) => loss === "logistic");
    expect(classes.some(({ scores }) => new Set(scores).size < scores.length / 2)).toBe(true);
    expect(cases.some(({ weights }) => weights?.includes(0))).toBe(true);
    expect(classes.some(({ targets }) => targets.filter((y) => y > 0).length < targets.length / 10)).toBe(true);
    for (const { natural, attacked, name } of classes) expect(attacked.auc, name).toBeLessThan(natural.auc);
  });
});

test("a score of exactly 0 predicts neither class and counts as wrong", () => {
  const half = Float64Array.of(0.5, 0.5);
  expect(metricsOf(LOSSES.logistic, Float64Array.of(1, -1), half, Float64Array.of(0, 0)).accuracy).toBe(0);
});

test.each([60, 5000])(
  "of %d rows with ties and weights of 0: the AUC and each row's placement by counting pairs",
  (n) => {
    const y = Float64Array.from({ length: n }, (_, i) => ((i * 7) % 5 < 2 ? 1 : -1));
    const f = Float64Array.from({ length: n }, (_, i) => Math.round(40 * Math.sin(1.3 * i)) / 8 + 0.1 * y[i]);
    f.set([0, -0, 0, -0]);
    const raw = Float64Array.from({ length: n }, (_, i) => i % 4);
    const w = raw.map((weight) => weight / raw.reduce((sum, other) => sum + other, 0));
    const { values, rows } = metricRows(LOSSES.logistic, y, w, f);
    const total = (sign: number): number => w.reduce((sum, weight, i) => sum + (y[i] === sign ? weight : 0), 0);
    const placed = f.map((score, i) => {
      let beaten = 0;
      for (let k = 0; k < n; k++) {
        if (y[k] === y[i]) continue;
        const above = y[i] > 0 ? score - f[k] : f[k] - score;
        beaten += w[k] * (above > 0 ? 1 : above === 0 ? 0.5 : 0);
      }
      return beaten / total(-y[i]);
    });
    const area = w.reduce((sum, weight, i) => sum + (y[i] > 0 ? weight * placed[i] : 0), 0) / total(1);
    expect(values.auc).toBeCloseTo(area, 12);
    rows.auc.forEach((value, i) => expect(value).toBeCloseTo((placed[i] - area) / total(y[i]), 10));
  },
);
