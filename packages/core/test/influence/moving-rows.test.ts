/** Losses of rows that move, by the definition. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, LOSSES } from "../../src/index.js";
import {
  changeStandardError,
  freeRadius,
  localSensitivity,
  lossChanges,
  naturalLoss,
  predictedChange,
} from "../../src/influence/moving-rows.js";
import { dot, lossOf, relativeError } from "../models/naive.js";

beforeAll(() => ensureBlas());

describe("rows that move", () => {
  const rows = {
    loss: LOSSES.logistic,
    y: Float64Array.of(1, -1, 1, -1),
    w: Float64Array.of(0.1, 0.4, 0.3, 0.2),
    scores: Float64Array.of(0.5, 1, -2, -0.3),
    shifts: Float64Array.of(1, -0.4, 2, 0.7),
  };
  const lossAt = (epsilon: number, i: number): number =>
    lossOf("logistic", rows.scores[i] + epsilon * rows.shifts[i], rows.y[i])[0];

  test("losses, changes and their spread, by the definition", () => {
    const epsilon = 0.3;
    const changes = [0, 1, 2, 3].map((i) => lossAt(epsilon, i) - lossAt(0, i));
    expect(relativeError(lossChanges(rows, epsilon), changes)).toBeLessThan(1e-12);
    const mean = dot(changes, rows.w);
    expect(predictedChange(rows, epsilon)).toBeCloseTo(mean, 14);
    expect(naturalLoss(rows, epsilon)).toBeCloseTo(
      [0, 1, 2, 3].reduce((sum, i) => sum + rows.w[i] * lossAt(epsilon, i), 0),
      14,
    );
    const sampling = { weightsKind: "sampling", totalWeight: 4 } as const;
    const variance = changes.reduce((sum, value, i) => sum + (rows.w[i] * (value - mean)) ** 2, 0);
    expect(changeStandardError(rows, epsilon, sampling)).toBeCloseTo(Math.sqrt(variance), 13);
    const slopes = [0, 1, 2, 3].map((i) => lossOf("logistic", rows.scores[i], rows.y[i])[1] * rows.shifts[i]);
    const slope = dot(slopes, rows.w);
    const found = localSensitivity(rows);
    expect(found.slope).toBeCloseTo(slope, 14);
    expect(found.curvature).toBeCloseTo(
      [0, 1, 2, 3].reduce(
        (sum, i) => sum + 0.5 * rows.w[i] * lossOf("logistic", rows.scores[i], 1)[2] * rows.shifts[i] ** 2,
        0,
      ),
      14,
    );
    const spread = slopes.reduce((sum, value, i) => sum + (rows.w[i] * (value - slope)) ** 2, 0);
    expect(found.slopeStandardError).toBeCloseTo(Math.sqrt(spread), 13);
  });

  test("the loss falls up to −slope/curvature, if it falls at all", () => {
    const of = (slope: number, curvature: number) => freeRadius({ slope, curvature, slopeStandardError: 1 });
    expect(of(-3, 6)).toBe(0.5);
    expect([of(0, 6), of(3, 6), of(-3, 0), of(-3, -1)]).toEqual([null, null, null, null]);
  });
});
