import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { attackedScores, metricsOf } from "../../src/influence/metrics.js";
import { LOSSES } from "../../src/models/losses.js";

interface Fixture {
  scores: number[];
  weights: number[];
  labels: number[];
  targets: number[];
  binary: Record<string, number>;
  regression: Record<string, number>;
}

const fixture: Fixture = JSON.parse(readFileSync(new URL("./fixtures/metrics.json", import.meta.url), "utf8"));
const [f, w] = [Float64Array.from(fixture.scores), Float64Array.from(fixture.weights)];

test.each([
  ["logistic", fixture.labels, fixture.binary],
  ["squared", fixture.targets, fixture.regression],
] as const)("metrics of %s predictions are NumPy's", (loss, targets, expected) => {
  const found = metricsOf(LOSSES[loss], Float64Array.from(targets), w, f);
  expect(Object.keys(found)).toEqual(Object.keys(expected));
  for (const [name, value] of Object.entries(expected)) expect(Math.abs(found[name] - value)).toBeLessThan(1e-13);
});

test("robust accuracy is the share of rows whose margin exceeds what the attack can do", () => {
  const y = Float64Array.from(fixture.labels);
  const reach = 0.35;
  const attacked = attackedScores(LOSSES.logistic, y, f, () => reach);
  const robust = y.reduce((sum, label, i) => sum + (label * f[i] > reach ? w[i] : 0), 0);
  expect(metricsOf(LOSSES.logistic, y, w, attacked).accuracy).toBeCloseTo(robust, 14);
});

test("attacked residuals grow by the reach", () => {
  const y = Float64Array.from(fixture.targets);
  const attacked = attackedScores(LOSSES.squared, y, f, (i) => i / 100);
  attacked.forEach((score, i) => expect(Math.abs(score - y[i])).toBeCloseTo(Math.abs(f[i] - y[i]) + i / 100, 13));
});
