/** What is made of bootstrap draws, against the same by hand from draws that are given. */
import { describe, expect, test } from "vitest";
import { fit, influence, linear, lp, Matrix, matrixDataset } from "../../src/index.js";
import type { BootstrapDraws } from "../../src/influence/bootstrap.js";
import { bootstrapSummary } from "../../src/influence/bootstrap-summary.js";
import { sensitivityInterval } from "../../src/influence/sensitivity-interval.js";
import { randomStream } from "../../src/stats/random.js";

/** Draws around Î with the spread asked for, correlated between neighbours. */
async function made(B: number, m: number, spread: number) {
  const random = randomStream(21);
  const x = Matrix.zeros(120, m);
  random.fillNormals(x.data);
  const y = Float64Array.from({ length: 120 }, (_, i) => 2 * x.data[i * m] + random.normal());
  const attack = await influence(await fit(linear({ intercept: false }), matrixDataset(x, y)), lp(2));
  const I = attack.influence;
  const rows = Matrix.zeros(B, m);
  for (let b = 0; b < B; b++) {
    let last = random.normal();
    for (let j = 0; j < m; j++) {
      last = 0.6 * last + 0.8 * random.normal();
      rows.data[b * m + j] = I[j] + spread * (1 + j) * (last + 0.1);
    }
  }
  const draws: BootstrapDraws = {
    parameters: Matrix.zeros(B, m),
    influence: rows,
    scale: new Float64Array(B).fill(1),
    sensitivity: Float64Array.from({ length: B }, () => 0.3 + 0.05 * random.normal()),
    failed: 0,
  };
  return { attack, draws };
}

const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

describe("summary", () => {
  test("covariance, standard errors, and what is made of S_b", async () => {
    const { attack, draws } = await made(101, 3, 0.02);
    const summary = bootstrapSummary(attack, draws, 0.9);
    const columns = [0, 1, 2].map((j) => [...draws.influence.column(j)]);
    columns.forEach((a, j) => {
      columns.forEach((b, k) => {
        const truth = a.reduce((sum, value, i) => sum + (value - mean(a)) * (b[i] - mean(b)), 0) / 100;
        expect(summary.covariance.data[3 * j + k]).toBeCloseTo(truth, 12);
      });
      const se = Math.sqrt(summary.covariance.data[4 * j]);
      expect(summary.standardErrors[j]).toBeCloseTo(se, 12);
      // The 95 % point of a standard normal.
      expect(summary.pointwise.upper[j] - attack.influence[j]).toBeCloseTo(1.6448536 * se, 6);
      expect(attack.influence[j] - summary.pointwise.lower[j]).toBeCloseTo(1.6448536 * se, 6);
    });
    let S = 0;
    for (const { x } of attack.fit.data.blocks()) {
      // Squared loss: ½ Σ w ℓ''(x'I)² = Σ w (x'I)².
      for (let i = 0; i < x.rows; i++) S += x.row(i).reduce((sum, v, j) => sum + v * attack.influence[j], 0) ** 2 / 120;
    }
    expect(summary.debiased).toBeCloseTo(2 * S - mean(draws.sensitivity), 10);
    const centre = mean(draws.sensitivity);
    const variance = draws.sensitivity.reduce((sum, value) => sum + (value - centre) ** 2, 0) / 100;
    expect(summary.sensitivityStandardError).toBeCloseTo(Math.sqrt(variance), 12);
  });

  test("simultaneous bounds hold the asked share of the draws, all coordinates at once, and no more than needed", async () => {
    const { attack, draws } = await made(199, 6, 0.02);
    const { simultaneous, pointwise } = bootstrapSummary(attack, draws, 0.9);
    const centre = Array.from({ length: 6 }, (_, j) => mean(draws.influence.column(j)));
    const held = Array.from({ length: 199 }, (_, b) =>
      centre.every((value, j) => {
        const reach = simultaneous.upper[j] - attack.influence[j];
        return Math.abs(draws.influence.data[6 * b + j] - value) <= reach * (1 + 1e-12);
      }),
    ).filter(Boolean).length;
    // The 180th of 199: 0.9 of 200.
    expect(held).toBe(180);
    expect(simultaneous.upper[0]).toBeGreaterThan(pointwise.upper[0]);
    expect(simultaneous.lower[0] + simultaneous.upper[0]).toBeCloseTo(2 * attack.influence[0], 12);
  });

  test.each([
    ["delta", 0.001],
    ["projection", 1],
  ] as const)("%s: the rule of the sandwich, the covariance allowing for few draws", async (method, spread) => {
    const { attack, draws } = await made(60, 3, spread);
    const summary = bootstrapSummary(attack, draws, 0.95);
    const wide = summary.covariance.data.map((value) => (value * 59) / 55);
    const truth = sensitivityInterval(attack, { ...summary, covariance: new Matrix(wide, 3, 3) }, 0.95);
    expect(summary.sensitivity?.method).toBe(method);
    expect(summary.sensitivity?.lower).toBeCloseTo(truth.lower, 10);
    expect(summary.sensitivity?.upper).toBeCloseTo(truth.upper, 10);
    expect(summary.sensitivity?.waldProbability).toBeCloseTo(truth.waldProbability, 10);
  });

  test("a level that only one more draw could show takes the largest deviation", async () => {
    const { attack, draws } = await made(12, 2, 0.02);
    const { simultaneous, standardErrors } = bootstrapSummary(attack, draws, 0.99);
    const largest = Array.from({ length: 12 }, (_, b) =>
      Math.max(
        ...[0, 1].map((j) => {
          const column = draws.influence.column(j);
          return Math.abs(column[b] - mean(column)) / standardErrors[j];
        }),
      ),
    );
    const t = Math.max(...largest);
    for (const j of [0, 1]) {
      expect(simultaneous.upper[j] - attack.influence[j]).toBeCloseTo(t * standardErrors[j], 12);
      expect(attack.influence[j] - simultaneous.lower[j]).toBeCloseTo(t * standardErrors[j], 12);
    }
  });

  test("an entry that never moves has bounds of no width, and hides no other", async () => {
    const { attack, draws } = await made(40, 2, 0.02);
    for (let b = 0; b < 40; b++) draws.influence.data[2 * b] = 0;
    const { simultaneous, standardErrors } = bootstrapSummary(attack, draws, 0.9);
    expect(standardErrors[0]).toBe(0);
    expect([simultaneous.lower[0], simultaneous.upper[0]]).toEqual([attack.influence[0], attack.influence[0]]);
    const column = draws.influence.column(1);
    const sorted = [...column].map((value) => Math.abs(value - mean(column))).toSorted((a, b) => a - b);
    // The 37th of 40: at least 0.9 of 41.
    expect(simultaneous.upper[1] - attack.influence[1]).toBeCloseTo(sorted[36], 12);
  });

  test("too few draws for an ellipsoid: no interval for S, everything else", async () => {
    const { attack, draws } = await made(11, 6, 0.02);
    const summary = bootstrapSummary(attack, draws, 0.95);
    expect(summary.sensitivity).toBeNull();
    expect(summary.standardErrors.every((se) => se > 0)).toBe(true);
    expect(bootstrapSummary(attack, (await made(12, 6, 0.02)).draws, 0.95).sensitivity).not.toBeNull();
  });

  test("refuses a level that is none", async () => {
    const { attack, draws } = await made(20, 2, 0.1);
    for (const level of [0, 1, 95]) expect(() => bootstrapSummary(attack, draws, level)).toThrow("level of confidence");
  });
});
