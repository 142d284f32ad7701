import { describe, expect, it } from "vitest";
import { type ElementFunction, FUNCTIONS, powerFunction } from "../../src/autodiff/functions.js";
import {
  constant,
  crossEntropy,
  exp,
  full,
  gradient,
  log,
  logSoftmax,
  logSumExp,
  map,
  matmul,
  relu,
  scope,
  softmax,
  sum,
  tanh,
  zeros,
} from "../../src/autodiff/index.js";
import { slopeAtZero } from "./differences.js";

const POINTS = [0.7, 0.9, 1.7, 3.1];
const ANYWHERE = [-3.3, -1.2, -0.35, ...POINTS];
const POSITIVE_ONLY = new Set(["log", "log1p", "sqrt", "power -1.5"]);

const all: readonly ElementFunction[] = [...Object.values(FUNCTIONS), ...[-1.5, 1, 2, 3, 4].map(powerFunction)];

describe.each(all)("$name", (f) => {
  const points = POSITIVE_ONLY.has(f.name) ? POINTS : ANYWHERE;
  const value = (x: number): number => f.value(x);
  const orders = f.derivatives.map((derivative) => (x: number) => derivative?.(x, f.value(x)) ?? 0);

  it.each(orders.map((_, k) => k + 1))(
    "has the derivative of order %d that differences of the one below have",
    (order) => {
      const below = order === 1 ? value : orders[order - 2];
      for (const x of points) {
        const numeric = slopeAtZero((h) => [below(x + h)])[0];
        const scale = Math.max(1, Math.abs(numeric));
        expect(Math.abs(orders[order - 1](x) - numeric)).toBeLessThan(1e-8 * scale);
      }
    },
  );
});

describe("values that a careless formula loses", () => {
  const at = (f: ElementFunction, x: number): number => map(f, constant(Float64Array.of(x), 1, 1)).item();
  const derivative = (f: ElementFunction, x: number, order: number): number => {
    let [point, y] = [constant(Float64Array.of(x), 1, 1), null as ReturnType<typeof sum> | null];
    y = map(f, point);
    for (let k = 0; k < order; k++) [y] = gradient(y, [point]);
    return y.item();
  };

  it("softplus and sigmoid far from 0", () => {
    expect(at(FUNCTIONS.softplus, 1000)).toBe(1000);
    expect(at(FUNCTIONS.softplus, -700)).toBeCloseTo(Math.exp(-700), 310);
    expect(at(FUNCTIONS.softplus, -40) / Math.exp(-40)).toBeCloseTo(1, 14);
    expect(at(FUNCTIONS.sigmoid, -1000)).toBe(0);
    expect(at(FUNCTIONS.sigmoid, 1000)).toBe(1);
    expect(derivative(FUNCTIONS.sigmoid, 40, 1) / Math.exp(-40)).toBeCloseTo(1, 14);
    expect(derivative(FUNCTIONS.softplus, 40, 2) / Math.exp(-40)).toBeCloseTo(1, 14);
    expect(derivative(FUNCTIONS.softplus, 1000, 3)).toBeCloseTo(0, 300);
  });

  it("gelu in its tails and at 0", () => {
    // Φ(−10) = 7.619853024160526e-24, from tables.
    expect(at(FUNCTIONS.gelu, -10) / -7.619853024160526e-23).toBeCloseTo(1, 12);
    expect(at(FUNCTIONS.gelu, 30)).toBe(30);
    expect(at(FUNCTIONS.gelu, -60)).toBeCloseTo(0, 300);
    expect(derivative(FUNCTIONS.gelu, 0, 1)).toBe(0.5);
    expect(derivative(FUNCTIONS.gelu, -60, 1)).toBeCloseTo(0, 300);
  });

  it("whole powers at 0, where a zero factor meets an infinite power", () => {
    expect(derivative(powerFunction(1), 0, 1)).toBe(1);
    expect(derivative(powerFunction(2), 0, 2)).toBe(2);
    expect(derivative(powerFunction(2), 0, 3)).toBe(0);
    expect(derivative(powerFunction(0), 0, 1)).toBe(0);
  });

  it("kinks: the derivatives that the documents state", () => {
    expect(derivative(FUNCTIONS.relu, 0, 1)).toBe(0);
    expect(derivative(FUNCTIONS.relu, 0, 2)).toBe(0);
    expect(derivative(FUNCTIONS.abs, 0, 1)).toBe(0);
    expect(derivative(FUNCTIONS.abs, -2, 1)).toBe(-1);
    expect(derivative(FUNCTIONS.abs, -2, 2)).toBe(0);
  });

  it("a derivative beyond those provided is refused by name", () => {
    expect(() => derivative(FUNCTIONS.tanh, 0.5, 4)).toThrow(/tanh: derivatives are provided up to order 3/);
    expect(derivative(FUNCTIONS.relu, 0.5, 4)).toBe(0);
  });

  it("softmax and its logarithms of scores far apart", () => {
    const z = constant(Float64Array.of(2000, 0, -2000, 1e5, 1e5, 1e5), 2, 3);
    expect([...softmax(z).values]).toEqual([1, 0, 0, 1 / 3, 1 / 3, 1 / 3]);
    expect([...logSoftmax(z).values].slice(0, 3)).toEqual([0, -2000, -4000]);
    expect([...logSumExp(z).values]).toEqual([2000, 1e5 + Math.log(3)]);
    const losses = crossEntropy(z, constant(Float64Array.of(2, 0), 2, 1));
    expect([...losses.values]).toEqual([4000, expect.closeTo(Math.log(3), 10)]);
    expect([...gradient(sum(losses), [z])[0].values].slice(0, 3)).toEqual([1, 0, -1]);
  });

  it("products over nothing are zeros, in used memory too", () => {
    const [a, b] = [zeros(3, 0), zeros(0, 2)];
    scope(() => void exp(zeros(3, 2)).values);
    expect(scope(() => [...matmul(a, b).values])).toEqual([0, 0, 0, 0, 0, 0]);
    scope(() => void exp(zeros(3, 1)).values);
    expect(scope(() => [...matmul(a, zeros(0, 1)).values])).toEqual([0, 0, 0]);
    expect([...matmul(a, b, { plus: full(2, 1, 1) }).values]).toEqual([2, 2, 2, 2, 2, 2]);
  });

  it("ordinary values", () => {
    const x = constant(Float64Array.of(0.5, -2), 1, 2);
    expect(tanh(x).values[0]).toBeCloseTo(Math.tanh(0.5), 15);
    expect(tanh(x).values[1]).toBeCloseTo(Math.tanh(-2), 15);
    expect([...relu(x).values]).toEqual([0.5, 0]);
    expect(log(constant(Float64Array.of(0), 1, 1)).item()).toBe(-Infinity);
  });
});
