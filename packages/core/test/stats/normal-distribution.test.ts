import * as fc from "fast-check";
import { expect, it } from "vitest";
import { chiSquareTail } from "../../src/stats/distributions.js";
import { normalDensity, normalDistribution } from "../../src/stats/normal-distribution.js";
import { drawsOf } from "../long.js";

const TABLE = [
  [-10, 7.61985302416053e-24],
  [-6, 9.86587645037698e-10],
  [-3, 0.0013498980316300946],
  [-1, 0.15865525393145705],
  [0, 0.5],
  [0.5, 0.6914624612740131],
  [2, 0.9772498680518208],
] as const;

it.each(TABLE)("Φ(%d) as tables have it", (x, value) => {
  expect(Math.abs(normalDistribution(x) / value - 1)).toBeLessThan(2e-14);
});

it("agrees with the incomplete gamma function, relative to the smaller tail", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 9, noNaN: true }), (far) => {
      const tail = 0.5 * chiSquareTail(far * far, 1);
      expect(Math.abs(normalDistribution(-far) / tail - 1)).toBeLessThan(3e-14);
      expect(normalDistribution(far)).toBeCloseTo(1 - tail, 15);
    }),
    { numRuns: drawsOf(2000, 100_000) },
  );
});

it("at the ends of the line", () => {
  expect([-Infinity, -50, 50, Infinity].map(normalDistribution)).toEqual([0, expect.closeTo(0, 300), 1, 1]);
  expect(normalDistribution(Number.NaN)).toBeNaN();
  expect(normalDensity(0)).toBeCloseTo(0.3989422804014327, 15);
});
