/** The logistic certificate's parts against MATH 10b, and bounds that are asked for instead of the best one. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { certifier, fit, influence, logistic, lp, Matrix, matrixDataset } from "../../src/index.js";
import { largestCurvatures, leastCurvature, robustCurvatures } from "../../src/influence/robust-margins.js";
import { robustGradients } from "../../src/robust/robust-gradient.js";
import { Random } from "../models/naive.js";

const double = (min: number, max: number) => fc.double({ min, max, noNaN: true });

test("curvatures of a row move by at most e^{rD} either way, and never exceed ¼", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(double(0, 0.25), double(0, 5), double(0, 1)), { minLength: 1, maxLength: 6 }),
      double(0, 4),
      (rows, r) => {
        const [curvature, reach, w] = [0, 1, 2].map((k) => Float64Array.from(rows, (row) => row[k]));
        const truth = rows.reduce((sum, [c, D, weight]) => sum + weight * Math.min(0.25, c * Math.E ** (r * D)), 0);
        expect(Math.abs(largestCurvatures(curvature, reach, w, r) - truth)).toBeLessThanOrEqual(1e-12 * (1 + truth));
        for (const [c, D] of rows) expect(leastCurvature(c, D, r)).toBeCloseTo(c / Math.E ** (r * D), 12);
      },
    ),
    { numRuns: 200, seed: 4 },
  );
});

test("a score that grows without end adds no curvature where there is none", () => {
  expect(largestCurvatures(Float64Array.of(0, 0.1), Float64Array.of(1e6, 0), Float64Array.of(0.5, 0.5), 1)).toBe(0.05);
});

test("margins are −yf + ρN", () => {
  const found = robustCurvatures(Float64Array.of(1, -1), (row) => [2, 3][row], 0.5);
  [-1.5, 3.5].forEach((margin, i) => {
    expect(found[i]).toBeCloseTo(Math.exp(margin) / (1 + Math.exp(margin)) ** 2, 14);
  });
});

describe.each([
  [1, 0.02],
  [2, 0.015],
  [Number.POSITIVE_INFINITY, 0.01],
])("a bound that is asked for, p = %d, ε = %d", (p, epsilon) => {
  test("holds if given, is given wherever the best one is smaller, and at twice where it is", async () => {
    const random = new Random(21);
    const x = random.rows(80, 3);
    const y = x.map((row) => (row[0] - 0.5 * row[1] + 1.5 * random.normal() > 0 ? 1 : -1));
    const fitted = await fit(logistic(), matrixDataset(Matrix.fromRows(x), y), { l2: 0.02 });
    const attack = await influence(fitted, lp(p));
    const radius = epsilon * attack.scale;
    const theta = fitted.parameters.map((value, j) => value + epsilon * attack.influence[j] + 0.002);
    const [{ gradient }] = await robustGradients(fitted, attack.threat, [{ theta, radius }]);
    function scoreOf(row: number): number {
      return theta[0] + x[row].reduce((sum, value, k) => sum + value * theta[k + 1], 0);
    }
    const certify = certifier(fitted, attack.threat);
    if (!certify) throw new Error("a logistic fit has a certificate");
    const request = { theta, radius, gradient, score: scoreOf };
    const best = (await certify(request))?.bound;
    if (typeof best !== "number") throw new Error("nothing is certified");
    const asked = async (goal: number): Promise<number | null> =>
      (await certify({ ...request, goal: () => goal }))?.bound ?? null;
    for (const share of [0.2, 0.5, 0.8, 0.9, 0.97]) expect(await asked(share * best)).toBe(null);
    // The best bound r is where rκ(r) = ‖g‖: floor and need meet there, and the floor is the lower on one side of it alone.
    for (const [share, sign] of [
      [0.99, -1],
      [1, 0],
      [1.05, 1],
    ]) {
      const proof = (await certify({ ...request, goal: () => share * best }))?.proof;
      const slack = (proof?.floor ?? Number.NaN) - (proof?.need ?? Number.NaN);
      if (sign === 0) expect(Math.abs(slack)).toBeLessThan(5e-4);
      else expect(Math.sign(slack)).toBe(sign);
    }
    let last = best;
    for (let goal = 1.01 * best; goal < 1e3 * best; goal *= 1.1) {
      const bound = await asked(goal);
      if (bound === null) break;
      expect(bound).toBeLessThanOrEqual(goal);
      expect(bound).toBeGreaterThanOrEqual(best * (1 - 1e-3));
      last = goal;
    }
    // Where even the last is too far for the curvature, half of it still serves: its bound is not at the end of what is proven.
    expect(last).toBeGreaterThan(2.2 * best);
    expect(await asked(last)).toBeLessThanOrEqual(0.55 * last);
    expect(await asked(Number.POSITIVE_INFINITY)).toBe(null);
  });
});
