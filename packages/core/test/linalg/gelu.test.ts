/** xΦ(x) and its derivatives against mpmath and against the formulas in plain JavaScript. */
import { describe, expect, it, test } from "vitest";
import { FUNCTIONS } from "../../src/autodiff/functions.js";
import { geluBend, geluOf, geluSlope, geluTurn } from "../../src/linalg/elements.js";
import { RandomNumbers } from "./reference.js";

const ULP = 2 ** -52;

/** x; xΦ(x), Φ(x) + xφ(x), (2 − x²)φ(x), (x² − 4)xφ(x), made with mpmath. */
const TRUTH = [
  [-37.0, -2.1184613523340935e-298, -7.838298669418516e-297, -2.898048955934136e-295, -1.070709308847502e-293],
  [-20.0, -5.507248237212468e-88, -1.1014360483133464e-86, -2.1973374481395856e-85, -4.372591102830533e-84],
  [-10.0, -7.619853024160526e-23, -7.618400096464814e-22, -7.540706654172292e-21, -7.386814681638163e-20],
  [-6.1, -3.235088190398793e-9, -1.9708751559343654e-8, -1.1682270421530047e-7, -6.721403079420557e-7],
  [-3.3, -0.0015952996698664658, -0.00520105335649337, -0.015313637868187223, -0.03916604996726354],
  [-2.0, -0.04550026389635842, -0.0852318010781969, -0.1079819330263761, 0.0],
  [-1.0, -0.15865525393145705, -0.0833154705876863, 0.24197072451914334, 0.7259121735574301],
  [-0.75, -0.16997051428265114, 0.0007742782607648957, 0.43288505872253136, 0.776369942274105],
  [-0.03125, -0.015235471330175715, 0.4750742221932489, 0.7971056619452966, 0.04983127268053844],
  [-1e-9, -4.999999996010577e-10, 0.49999999920211546, 0.7978845608028654, 1.5957691216057308e-9],
  [1e-9, 5.000000003989423e-10, 0.5000000007978845, 0.7978845608028654, -1.5957691216057308e-9],
  [0.4, 0.2621686966441297, 0.8027297977316535, 0.6776170581581149, -0.5656629355059046],
  [1.0, 0.8413447460685429, 1.0833154705876864, 0.24197072451914334, -0.7259121735574301],
  [2.0, 1.9544997361036416, 1.085231801078197, -0.1079819330263761, 0.0],
  [2.5, 2.4844758366855597, 1.037611085908145, -0.07449527709766629, 0.09859669027632302],
  [6.5, 6.49999999973896, 1.0000000016950519, -1.0744965374420479e-8, 6.63718513345414e-8],
  [37.0, 37.0, 1.0, -2.898048955934136e-295, 1.070709308847502e-293],
] as const;

const value = (x: readonly number[]): number[] => {
  const out = new Float64Array(x.length);
  geluOf(Float64Array.from(x), out);
  return [...out];
};
const slope = (kernel: typeof geluSlope, g: readonly number[], x: readonly number[]): number[] => {
  const out = new Float64Array(x.length);
  kernel(Float64Array.from(g), Float64Array.from(x), out);
  return [...out];
};
const density = (x: number): number => Math.exp(-0.5 * x * x) / Math.sqrt(2 * Math.PI);

describe("xΦ(x)", () => {
  it.each(TRUTH)("at %d has the digits of mpmath, in the far tails too", (x, y, first, second, third) => {
    expect(Math.abs(value([x])[0] - y)).toBeLessThanOrEqual(6 * ULP * Math.abs(y));
    // Where the terms of a derivative cancel, it is as accurate as they are.
    const p = density(x);
    const [a, b, c] = [geluSlope, geluBend, geluTurn].map((kernel) => slope(kernel, [3], [x])[0] / 3);
    expect(Math.abs(a - first)).toBeLessThanOrEqual(4 * ULP * (Math.abs(y / x) + Math.abs(x * p)));
    expect(Math.abs(b - second)).toBeLessThanOrEqual(4 * ULP * (2 + x * x) * p);
    expect(Math.abs(c - third)).toBeLessThanOrEqual(4 * ULP * (x * x + 4) * Math.abs(x) * p);
  });

  it("has its limits, and is not a number where x is not", () => {
    expect(value([0, -0, Infinity, -Infinity, -1e9, 1e9])).toEqual([0, -0, Infinity, -0, -0, 1e9]);
    const ends = [-Infinity, -50, 0, 50, Infinity];
    const ones = ends.map(() => 1);
    expect(slope(geluSlope, ones, ends)).toEqual([0, 0, 0.5, 1, 1]);
    for (const kernel of [geluBend, geluTurn]) {
      expect(slope(kernel, ones, ends).map(Math.abs)).toEqual([
        0,
        0,
        kernel === geluBend ? expect.closeTo(2 * density(0), 15) : 0,
        0,
        0,
      ]);
      expect(slope(kernel, [1], [Number.NaN])[0]).toBeNaN();
    }
    expect([value([Number.NaN])[0], slope(geluSlope, [1], [Number.NaN])[0]]).toEqual([Number.NaN, Number.NaN]);
  });

  // The tables of series in plain JavaScript, another way to Φ.
  test.each([1, 2047, 2049, 5000])("is that of plain JavaScript for %d numbers, in place too", (count) => {
    const random = new RandomNumbers(count);
    const [g, x] = [random.vector(count), random.vector(count).map((u) => 3 * u)];
    const out = x.slice();
    geluOf(out, out);
    out.forEach((y, i) => expect(Math.abs(y - FUNCTIONS.gelu.value(x[i]))).toBeLessThan(8 * ULP * Math.abs(y)));
    [geluSlope, geluBend, geluTurn].forEach((kernel, k) => {
      const found = g.slice();
      kernel(found, x, found);
      const derivative = FUNCTIONS.gelu.derivatives[k];
      found.forEach((h, i) => {
        const wanted = g[i] * derivative(x[i], FUNCTIONS.gelu.value(x[i]));
        expect(Math.abs(h - wanted)).toBeLessThan(1e-15 * 8 * Math.abs(g[i]));
      });
    });
  });
});
