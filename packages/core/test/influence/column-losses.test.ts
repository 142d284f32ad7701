import { describe, expect, test } from "vitest";
import { eachColumnLoss } from "../../src/influence/column-losses.js";
import { JET_ROWS, LOSSES } from "../../src/models/losses.js";

describe.each(Object.values(LOSSES).map((loss) => [loss.name, loss] as const))("%s", (name, loss) => {
  test.each([
    [3, 1],
    [500, 7],
    [2, JET_ROWS],
    [3, JET_ROWS + 5],
  ])("%d rows, %d scores each: every number once, with its row's target", (rows, K) => {
    const y = Float64Array.from({ length: rows }, (_, i) => (name === "logistic" ? (i % 3 === 0 ? 1 : -1) : i % 4));
    const scores = Float64Array.from({ length: rows * K }, (_, at) => 2 * Math.sin(at));
    const [slopes, curvatures] = [0, 1].map(() => new Float64Array(rows * K).fill(Number.NaN));
    eachColumnLoss(loss, scores, y, K, (from, count, first, second) => {
      expect(from % K).toBe(0);
      expect(count % K).toBe(0);
      slopes.set(first.subarray(0, count), from);
      curvatures.set(second.subarray(0, count), from);
    });
    scores.forEach((f, at) => {
      const target = y[Math.floor(at / K)];
      expect(slopes[at]).toBeCloseTo(loss.first(f, target), 13);
      expect(curvatures[at]).toBeCloseTo(loss.second(f, target), 13);
    });
  });
});
