/** Kernels on numbers against plain formulas, for more numbers than are taken at a time and for odd counts. */
import { describe, expect, it, test } from "vitest";
import * as elements from "../../src/linalg/elements.js";
import { RandomNumbers } from "./reference.js";

const sigma = (x: number): number => 1 / (1 + Math.exp(-x));
const slope = (x: number): number => sigma(x) * sigma(-x);

const COUNTS = [0, 1, 2, 3, 2047, 2048, 2049, 5000];
const ULP = 2 ** -52;

const tanh = (...x: number[]): number[] => {
  const out = new Float64Array(x.length);
  elements.tanhOf(Float64Array.from(x), out);
  return [...out];
};

/** Made with mpmath. */
const TANH = [
  [2.2250738585072014e-308, 2.2250738585072014e-308],
  [1e-9, 1e-9],
  [0.1, 0.09966799462495582],
  [0.17328679513998632, 0.1715728752538099],
  [0.3465735902799726, 0.33333333333333326],
  [0.3465735902799727, 0.33333333333333337],
  [0.75, 0.6351489523872873],
  [1, 0.7615941559557649],
  [2.5, 0.9866142981514303],
  [7, 0.9999983369439447],
  [18.9, 0.9999999999999999],
] as const;

describe("tanh", () => {
  it.each(TANH)("of %d is %d", (x, y) => {
    const [above, below] = tanh(x, -x);
    expect(Math.abs(above - y)).toBeLessThanOrEqual(4 * ULP * y);
    expect(below).toBe(-above);
  });

  it("is that of the engine everywhere", () => {
    const random = new RandomNumbers(3);
    for (const scale of [1e-12, 0.1, 0.5, 1, 3, 25]) {
      const x = random.vector(3000).map((u) => scale * u);
      const truth = [...x].map(Math.tanh);
      const worst = tanh(...x).reduce((most, y, i) => Math.max(most, Math.abs(y / truth[i] - 1)), 0);
      expect(worst).toBeLessThan(6 * ULP); // the engine's has an error of its own
    }
  });

  it("keeps the sign of 0, its limits and what is not a number", () => {
    expect(tanh(0, -0, 1e308, -1e308, Infinity, -Infinity)).toEqual([0, -0, 1, -1, 1, -1]);
    expect(tanh(1, Number.NaN, 5)[1]).toBeNaN();
    expect(tanh(5e-324)[0]).toBe(5e-324);
  });
});

describe.each(COUNTS)("%d numbers", (count) => {
  const random = new RandomNumbers(count);
  const [a, b] = [random.vector(count), random.vector(count)];
  const plain = (f: (a: number, b: number) => number): number[] => [...a].map((value, i) => f(value, b[i]));

  test.each([
    ["a + b", elements.sumOf, (p: number, q: number) => p + q],
    ["a − b", elements.differenceOf, (p: number, q: number) => p - q],
    ["a·b", elements.productOf, (p: number, q: number) => p * q],
    ["a / b", elements.quotientOf, (p: number, q: number) => p / q],
    ["relu's slope", elements.reluSlope, (g: number, x: number) => (x > 0 ? g : 0)],
    ["tanh's slope", elements.tanhSlope, (g: number, y: number) => g * (1 - y * y)],
    ["tanh's second derivative", elements.tanhBend, (g: number, y: number) => -2 * g * y * (1 - y * y)],
    ["σ times", elements.sigmoidTimes, (g: number, x: number) => g * sigma(x)],
    ["σ's slope", elements.sigmoidSlope, (g: number, x: number) => g * slope(x)],
    ["σ's second derivative", elements.sigmoidBend, (g: number, x: number) => g * slope(x) * (sigma(-x) - sigma(x))],
    ["σ's third derivative", elements.sigmoidTurn, (g: number, x: number) => g * slope(x) * (1 - 6 * slope(x))],
    ["tanh's third derivative", elements.tanhTurn, (g: number, y: number) => g * ((6 * y * y - 2) * (1 - y * y))],
  ])("%s", (_, kernel, f) => {
    const out = new Float64Array(count);
    kernel(a, b, out);
    const truth = plain(f);
    const worst = truth.reduce((most, value, i) => Math.max(most, Math.abs(out[i] - value)), 0);
    expect(worst).toBeLessThan(1e-15 * Math.max(1, ...truth.map(Math.abs)));
    const inPlace = a.slice();
    kernel(inPlace, b, inPlace);
    expect([...inPlace]).toEqual([...out]);
  });

  it("relu, in place", () => {
    const x = a.slice();
    elements.reluOf(x, x);
    expect([...x]).toEqual([...a].map((value) => Math.max(0, value)));
  });

  it("finds one that is not finite wherever it is", () => {
    expect(elements.allFinite(a)).toBe(true);
    for (const at of new Set([0, count >> 1, count - 1])) {
      if (at < 0 || at >= count) continue;
      for (const value of [Number.NaN, Infinity, -Infinity]) {
        const x = a.slice();
        x[at] = value;
        expect(elements.allFinite(x)).toBe(false);
      }
    }
    expect(elements.allFinite(a)).toBe(true);
  });
});

describe("σ and log(1 + e^x)", () => {
  const of = (kernel: typeof elements.sigmoidOf, x: readonly number[]): number[] => {
    const out = Float64Array.from(x);
    kernel(out, out);
    return [...out];
  };
  const points = [-700, -37, -3.5, -1, -0.3, -1e-9, 0, 1e-9, 0.3, 0.9, 1, 3.5, 37, 700];

  // σ(x) = e^x / (1 + e^x) loses nothing below 0, nor does log1p of e^x.
  it("are accurate in both tails", () => {
    const below = (x: number): number => Math.exp(Math.min(x, 0)) / (1 + Math.exp(-Math.abs(x)));
    of(elements.sigmoidOf, points).forEach((y, i) => expect(Math.abs(y / below(points[i]) - 1)).toBeLessThan(4 * ULP));
    const plus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
    of(elements.softplusOf, points).forEach((y, i) => expect(Math.abs(y / plus(points[i]) - 1)).toBeLessThan(4 * ULP));
  });

  it("have their limits, and are not numbers where x is not", () => {
    expect(of(elements.sigmoidOf, [-Infinity, -1000, 1000, Infinity])).toEqual([0, 0, 1, 1]);
    expect(of(elements.softplusOf, [-Infinity, -1000, 1000, Infinity])).toEqual([0, 0, 1000, Infinity]);
    expect([...of(elements.sigmoidOf, [Number.NaN]), ...of(elements.softplusOf, [Number.NaN])]).toEqual([
      Number.NaN,
      Number.NaN,
    ]);
  });
});

test("what follows the last number plays no part", () => {
  expect(elements.allFinite(Float64Array.of(1, 2, 3, Number.NaN))).toBe(false);
  expect(elements.allFinite(Float64Array.of(1, 2, 3))).toBe(true);
});

test("relu of what is not a number is 0, and 0 has no sign", () => {
  const out = new Float64Array(3);
  elements.reluOf(Float64Array.of(Number.NaN, -0, -Infinity), out);
  expect([...out]).toEqual([0, 0, 0]);
});
