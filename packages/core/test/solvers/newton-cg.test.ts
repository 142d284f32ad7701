/** Newton's method with truncated conjugate gradients: what it counts and where it ends. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { blockConjugateGradients } from "../../src/solvers/block-cg.js";
import { minimiseNewton } from "../../src/solvers/newton-cg.js";
import type { SymmetricOperator } from "../../src/solvers/operator.js";
import { NO_PRECONDITIONER, type Preconditioner } from "../../src/solvers/preconditioner.js";
import { lengthOf, refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const diagonal = (values: ArrayLike<number>): SymmetricOperator => ({
  size: values.length,
  product: async (v) =>
    new Matrix(
      v.data.map((entry, at) => values[Math.floor(at / v.columns)] * entry),
      v.rows,
      v.columns,
    ),
});
const relativeGradient = ({ gradient }: { gradient: Float64Array }): number => lengthOf(gradient);

/** e^t − 2t */
const exponential = {
  evaluate: async ([t]: Float64Array) => ({ value: Math.exp(t) - 2 * t, gradient: Float64Array.of(Math.exp(t) - 2) }),
  hessian: ([t]: Float64Array) => diagonal([Math.exp(t)]),
};

describe("Newton's method with conjugate gradients", () => {
  test("a parabola takes one step of three products, and none at its minimum", async () => {
    const evaluate = async ([t]: Float64Array) => ({ value: (t - 3) ** 2, gradient: Float64Array.of(2 * (t - 3)) });
    const start = Float64Array.of(10);
    const found = await minimiseNewton(evaluate, start, { relativeGradient, hessian: () => diagonal([2]) });
    expect(found.theta[0]).toBeCloseTo(3, 12);
    // One direction, one for the size of H, one residual.
    expect(found).toMatchObject({ end: "converged", converged: true, iterations: 1, products: 3 });
    expect(found.relativeGradient).toBe(lengthOf(found.gradient));
    expect(start[0]).toBe(10);
    const there = await minimiseNewton(evaluate, Float64Array.of(3), {
      relativeGradient,
      hessian: () => diagonal([2]),
    });
    expect(there).toMatchObject({ end: "converged", iterations: 0, products: 0, relativeGradient: 0, value: 0 });
  });

  test("it ends where the gradient is at the tolerance, and at its limit of steps", async () => {
    const { evaluate, hessian } = exponential;
    const settings = { relativeGradient, hessian };
    const whole = await minimiseNewton(evaluate, Float64Array.of(3), settings);
    expect(whole.theta[0]).toBeCloseTo(Math.LN2, 8);
    expect(whole.relativeGradient).toBeLessThanOrEqual(1e-8);
    const { iterations } = whole;
    for (const maximumIterations of [0, 1, iterations - 1]) {
      const short = await minimiseNewton(evaluate, Float64Array.of(3), { ...settings, maximumIterations });
      expect(short).toMatchObject({ end: "iteration-limit", converged: false, iterations: maximumIterations });
      expect(short.products).toBe(3 * maximumIterations);
    }
    const enough = await minimiseNewton(evaluate, Float64Array.of(3), { ...settings, maximumIterations: iterations });
    expect(enough.end).toBe("converged");
    const first = Math.exp(3) - 2;
    const loose = await minimiseNewton(evaluate, Float64Array.of(3), { ...settings, tolerance: first });
    expect(loose).toMatchObject({ end: "converged", iterations: 0, relativeGradient: first });
  });

  test("systems are solved to the root of the relative gradient, between 1e-4 and 0.1", async () => {
    const d = 300;
    const values = Array.from({ length: d }, (_, i) => 0.5 * (101 - 99 * Math.cos((Math.PI * (i + 0.5)) / d)));
    const evaluate = async (theta: Float64Array) => ({
      value: theta.reduce((sum, t, j) => sum + 0.5 * values[j] * t * t - t, 0),
      gradient: theta.map((t, j) => values[j] * t - 1),
    });
    const ones = new Matrix(new Float64Array(d).fill(1), d, 1);
    for (const [size, tolerance] of [
      [4, 0.1],
      [1e-2, 0.1],
      [1e-4, 1e-2],
      [1e-6, 1e-3],
      [1e-7 ** 2, 1e-4],
    ]) {
      const { products } = await blockConjugateGradients(diagonal(values), ones, { tolerance });
      const found = await minimiseNewton(evaluate, new Float64Array(d), {
        relativeGradient: () => size,
        tolerance: 1e-20,
        maximumIterations: 1,
        hessian: () => diagonal(values),
      });
      expect(found).toMatchObject({ iterations: 1, products });
    }
  });

  test("a preconditioner is made when products have cost more than it, at the θ of that step, and again", async () => {
    const { evaluate, hessian } = exponential;
    const made: number[] = [];
    const thetas: number[] = [];
    const watched = (theta: Float64Array) => {
      thetas.push(theta[0]);
      return hessian(theta);
    };
    const preconditioner = {
      cost: 3,
      at: async (theta: Float64Array): Promise<Preconditioner> => {
        made.push(theta[0]);
        return NO_PRECONDITIONER;
      },
    };
    const found = await minimiseNewton(evaluate, Float64Array.of(6), {
      relativeGradient,
      hessian: watched,
      preconditioner,
    });
    expect(found.end).toBe("converged");
    // Steps take three products: after two of them, 6 > 3.
    expect(made.length).toBeGreaterThan(2);
    expect(made).toEqual(thetas.filter((_, step) => step > 0 && step % 2 === 0));
  });

  test("it uses what was made", async () => {
    const values = [1, 10, 100, 1000];
    const evaluate = async (theta: Float64Array) => ({
      value: theta.reduce((sum, t, j) => sum + 0.5 * values[j] * t * t + 0.25 * t ** 4 - t, 0),
      gradient: theta.map((t, j) => values[j] * t + t ** 3 - 1),
    });
    const exact: Preconditioner = {
      name: "jacobi",
      products: 0,
      apply: (r) =>
        new Matrix(
          r.data.map((value, j) => value / values[j]),
          r.rows,
          1,
        ),
    };
    const run = (preconditioner: { cost: number; at: () => Promise<Preconditioner> } | null) =>
      minimiseNewton(evaluate, new Float64Array(4).fill(3), {
        relativeGradient,
        hessian: (theta) => diagonal(values.map((value, j) => value + 3 * theta[j] ** 2)),
        preconditioner,
      });
    const [plain, helped] = [await run(null), await run({ cost: 0, at: async () => exact })];
    expect(helped.products).toBeLessThan(plain.products);
  });

  test("what cannot fall is stalled; what is not finite or cancelled is refused", async () => {
    const { evaluate, hessian } = exponential;
    const bent = await minimiseNewton(evaluate, Float64Array.of(1), {
      relativeGradient,
      hessian: () => diagonal([-1]),
    });
    expect(bent).toMatchObject({ end: "stalled", converged: false, iterations: 0 });
    const wrong = async (theta: Float64Array) => {
      const { value, gradient } = await evaluate(theta);
      return { value, gradient: gradient.map((g) => -g) };
    };
    expect(await minimiseNewton(wrong, Float64Array.of(1), { relativeGradient, hessian })).toMatchObject({
      end: "stalled",
      iterations: 0,
    });
    const infinite = async () => ({ value: Number.POSITIVE_INFINITY, gradient: Float64Array.of(1) });
    const error = await refusal(minimiseNewton(infinite, Float64Array.of(1), { relativeGradient, hessian }));
    expect(error).toMatchObject({ code: "usage", message: expect.stringContaining("not finite at the start") });
    const { signal } = { signal: AbortSignal.abort() };
    expect(
      (await refusal(minimiseNewton(evaluate, Float64Array.of(1), { relativeGradient, hessian, signal }))).code,
    ).toBe("cancelled");
  });

  test("is cancelled in the midst of a system, and gives no θ that is the caller's own", async () => {
    const d = 40;
    const values = Array.from({ length: d }, (_, j) => 1 + j);
    const controller = new AbortController();
    let products = 0;
    const stopping = (): SymmetricOperator => ({
      size: d,
      product: async (v) => {
        if (++products === 3) controller.abort();
        return diagonal(values).product(v);
      },
    });
    const bowl = async (theta: Float64Array) => ({
      value: theta.reduce((sum, t, j) => sum + 0.5 * values[j] * t * t - t, 0),
      gradient: theta.map((t, j) => values[j] * t - 1),
    });
    const settings = { relativeGradient: () => 1e-7, tolerance: 1e-9, hessian: stopping, signal: controller.signal };
    expect((await refusal(minimiseNewton(bowl, new Float64Array(d), settings))).code).toBe("cancelled");
    expect(products).toBe(3);
    const start = Float64Array.of(Math.LN2);
    const { theta } = await minimiseNewton(exponential.evaluate, start, {
      relativeGradient,
      hessian: exponential.hessian,
    });
    expect(theta).toEqual(start);
    expect(theta).not.toBe(start);
  });
});
