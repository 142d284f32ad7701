import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { type LbfgsOptions, minimiseLbfgs } from "../../src/solvers/lbfgs.js";
import { type Evaluate, wolfeSearch } from "../../src/solvers/wolfe-search.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";
import { geometric, KnownSystem, lengthOf, naiveProduct, randomBlock, refusal } from "./systems.js";

const gradientLength: LbfgsOptions = { relativeGradient: ({ gradient }) => lengthOf(gradient) };

/** Σ 100(x_{i+1} − x_i²)² + (1 − x_i)² */
const rosenbrock: Evaluate = async (x) => {
  const gradient = new Float64Array(x.length);
  let value = 0;
  for (let i = 0; i + 1 < x.length; i++) {
    const [a, b] = [x[i + 1] - x[i] ** 2, 1 - x[i]];
    value += 100 * a * a + b * b;
    gradient[i] += -400 * a * x[i] - 2 * b;
    gradient[i + 1] += 200 * a;
  }
  return { value, gradient };
};

describe("L-BFGS", () => {
  test.each([2, 10, 100])("Rosenbrock's valley in %i dimensions", async (d) => {
    const start = Float64Array.from({ length: d }, (_, i) => (i % 2 === 0 ? -1.2 : 1));
    const found = await minimiseLbfgs(rosenbrock, start, { ...gradientLength, tolerance: 1e-9 });
    expect(found).toMatchObject({ end: "converged", converged: true });
    // In many dimensions there is a second minimum near (−1, 1, …), which this start does not lead to.
    for (const value of found.theta) expect(value).toBeCloseTo(1, 8);
    expect(found.iterations).toBeLessThan(d === 2 ? 50 : 800);
    expect(found.evaluations).toBeLessThan(2 * found.iterations + 10);
    expect(start[0]).toBe(-1.2);
  });

  test("logistic regression: the minimum that Newton's method finds", async () => {
    const [n, d, l2] = [200, 5, 0.01];
    const random = randomStream(4);
    const x = Array.from({ length: n }, () => Array.from({ length: d }, () => random.normal()));
    const y = x.map((row) => (row[0] - 0.5 * row[1] + random.normal() > 0 ? 1 : -1));
    const at = (theta: ArrayLike<number>) => {
      const gradient = Float64Array.from({ length: d }, (_, j) => l2 * theta[j]);
      const hessian = Matrix.zeros(d, d);
      for (let j = 0; j < d; j++) hessian.data[j * (d + 1)] = l2;
      let value = 0.5 * l2 * Array.from(theta).reduce((sum, t) => sum + t * t, 0);
      x.forEach((row, i) => {
        const margin = y[i] * row.reduce((sum, entry, j) => sum + entry * theta[j], 0);
        const p = 1 / (1 + Math.exp(margin));
        value += Math.log1p(Math.exp(-margin)) / n;
        for (let j = 0; j < d; j++) {
          gradient[j] -= (y[i] * p * row[j]) / n;
          for (let k = 0; k < d; k++) hessian.data[j * d + k] += (p * (1 - p) * row[j] * row[k]) / n;
        }
      });
      return { value, gradient, hessian };
    };
    const found = await minimiseLbfgs(async (theta) => at(theta), new Float64Array(d), {
      ...gradientLength,
      tolerance: 1e-10,
    });
    expect(found.converged).toBe(true);
    // Newton's method by Gauss-Jordan elimination.
    let theta = new Float64Array(d);
    for (let iteration = 0; iteration < 20; iteration++) {
      const { gradient, hessian } = at(theta);
      const rows = Array.from({ length: d }, (_, j) => [...hessian.row(j), gradient[j]]);
      for (let j = 0; j < d; j++) {
        const pivot = rows[j][j];
        for (let k = 0; k <= d; k++) rows[j][k] /= pivot;
        for (let i = 0; i < d; i++) {
          const factor = rows[i][j];
          if (i !== j) for (let k = 0; k <= d; k++) rows[i][k] -= factor * rows[j][k];
        }
      }
      theta = theta.map((value, j) => value - rows[j][d]);
    }
    found.theta.forEach((value, j) => {
      expect(value).toBeCloseTo(theta[j], 8);
    });
  });

  test("quadratics of any condition and size, to a gradient relative to its terms", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 15 }),
        fc.integer({ min: 0, max: 4 }),
        fc.constantFrom(1e-5, 1, 1e6),
        fc.integer({ min: 0, max: 1e5 }),
        async (d, power, size, seed) => {
          const system = new KnownSystem(
            geometric(d, 10 ** power).map((value) => size * value),
            seed,
          );
          const right = randomBlock(d, 1, seed);
          const evaluate: Evaluate = async (theta) => {
            const image = naiveProduct(system.h, new Matrix(theta, d, 1)).data;
            return {
              value: theta.reduce((sum, t, j) => sum + t * (0.5 * image[j] - right.data[j]), 0),
              gradient: image.map((entry, j) => entry - right.data[j]),
            };
          };
          const relativeGradient = ({ gradient }: { gradient: Float64Array }) =>
            lengthOf(gradient) / lengthOf(right.data);
          const found = await minimiseLbfgs(evaluate, new Float64Array(d), { relativeGradient, tolerance: 1e-6 });
          expect(found.converged).toBe(true);
          const exact = system.exact(right).data;
          const error = lengthOf(found.theta.map((value, j) => value - exact[j]));
          expect(error).toBeLessThanOrEqual((1.1e-6 * lengthOf(right.data)) / (size * 10 ** -power));
        },
      ),
      { numRuns: drawsOf(60, 1000) },
    );
  });

  test("the search meets both strong Wolfe conditions", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 1e6 }), fc.constantFrom(1e-3, 1, 50), async (seed, first) => {
        const random = randomStream(seed);
        const theta = Float64Array.from({ length: 4 }, () => 2 * random.normal());
        const from = { theta, ...(await rosenbrock(theta)) };
        const direction = from.gradient.map((g) => -g / lengthOf(from.gradient));
        const slope = -lengthOf(from.gradient);
        const found = await wolfeSearch(from, direction, first, rosenbrock);
        if (found === null) throw new Error("nothing lower was found");
        const factor = lengthOf(found.theta.map((value, j) => value - theta[j]));
        expect(found.value).toBeLessThanOrEqual(from.value + 1e-4 * factor * slope + 1e-9 * from.value);
        const there = found.gradient.reduce((sum, g, j) => sum + g * direction[j], 0);
        expect(Math.abs(there)).toBeLessThanOrEqual(-0.9 * slope);
      }),
      { numRuns: drawsOf(100, 2000) },
    );
  });

  test("other ends: the limit, a gradient that is wrong, overflow on the way, cancelled, no start", async () => {
    const start = Float64Array.of(-1.2, 1);
    const limited = await minimiseLbfgs(rosenbrock, start, { ...gradientLength, maximumIterations: 3 });
    expect(limited).toMatchObject({ end: "iteration-limit", converged: false, iterations: 3 });
    const wrong: Evaluate = async (x) => {
      const { value, gradient } = await rosenbrock(x);
      return { value, gradient: gradient.map((g) => -g) };
    };
    expect(await minimiseLbfgs(wrong, start, gradientLength)).toMatchObject({ end: "stalled", iterations: 0 });
    // −log(1 − x²) − x: not finite beyond 1, minimum where x² + 2x = 1.
    const barrier: Evaluate = async ([x]) => ({
      value: -Math.log(1 - x * x) - x,
      gradient: Float64Array.of((2 * x) / (1 - x * x) - 1),
    });
    const inside = await minimiseLbfgs(barrier, Float64Array.of(-0.999), gradientLength);
    expect(inside.theta[0]).toBeCloseTo(Math.SQRT2 - 1, 7);
    const { signal } = { signal: AbortSignal.abort() };
    expect((await refusal(minimiseLbfgs(rosenbrock, start, { ...gradientLength, signal }))).code).toBe("cancelled");
    expect((await refusal(minimiseLbfgs(barrier, Float64Array.of(2), gradientLength))).code).toBe("usage");
  });
});

test("a step that is too long is followed by the lowest point of the cubic", async () => {
  const trials: number[] = [];
  const cubic: Evaluate = async ([t]) => {
    trials.push(t);
    return { value: t ** 3 - 3 * t, gradient: Float64Array.of(3 * t * t - 3) };
  };
  const start = { theta: Float64Array.of(0), value: 0, gradient: Float64Array.of(-3) };
  const found = await wolfeSearch(start, Float64Array.of(1), 3, cubic);
  expect(trials).toHaveLength(2);
  expect(found?.theta[0]).toBeCloseTo(1, 12);
});
