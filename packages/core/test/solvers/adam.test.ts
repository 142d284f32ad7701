import { describe, expect, test } from "vitest";
import { type AdamOptions, minimiseAdam } from "../../src/solvers/adam.js";
import { randomStream } from "../../src/stats/random.js";
import { refusal } from "./systems.js";

const TARGET = [3, -2, 0.5];
const CURVATURES = [1, 10, 0.1];
const start = new Float64Array(3);

/** ∇ of ½Σ c_j (θ_j − t_j)² with noise that is the batch's own. */
const quadratic: Pick<AdamOptions<number>, "batches" | "gradient"> = {
  batches: (epoch) => Array.from({ length: 10 }, (_, b) => 10 * epoch + b),
  gradient: async (theta, batch) => {
    const random = randomStream(1, batch);
    return theta.map((value, j) => CURVATURES[j] * (value - TARGET[j]) + 0.1 * random.normal());
  },
};

const value = (theta: Float64Array): number =>
  0.5 * theta.reduce((sum, t, j) => sum + CURVATURES[j] * (t - TARGET[j]) ** 2, 0);

describe("Adam", () => {
  test("follows the published recursion", async () => {
    const gradients = [
      [1, -2],
      [0.5, 3],
      [-4, 1e-3],
    ];
    const found = await minimiseAdam(Float64Array.of(1, 2), {
      epochs: 1,
      batches: () => gradients,
      gradient: async (_, batch) => Float64Array.from(batch),
      learningRate: 0.1,
      firstDecay: 0.8,
      secondDecay: 0.95,
      stability: 1e-3,
    });
    const expected = [1, 2].map((theta, j) => {
      let [m, v] = [0, 0];
      gradients.forEach((gradient, t) => {
        m = 0.8 * m + 0.2 * gradient[j];
        v = 0.95 * v + 0.05 * gradient[j] ** 2;
        const [corrected, size] = [m / (1 - 0.8 ** (t + 1)), v / (1 - 0.95 ** (t + 1))];
        theta -= (0.1 * corrected) / (Math.sqrt(size) + 1e-3);
      });
      return theta;
    });
    found.theta.forEach((entry, j) => {
      expect(entry).toBeCloseTo(expected[j], 14);
    });
    expect(found).toMatchObject({ end: "epochs-done", epochs: 1, steps: 3, bestEpoch: 0, validations: [] });
  });

  test("reaches the minimum of a noisy quadratic with a rate that falls, the same for the same batches", async () => {
    const options = { ...quadratic, epochs: 200, learningRate: (step: number) => 0.1 / (1 + step / 100) };
    const found = await minimiseAdam(start, options);
    found.theta.forEach((entry, j) => {
      expect(Math.abs(entry - TARGET[j])).toBeLessThan(0.1);
    });
    expect(await minimiseAdam(start, options)).toEqual(found);
    expect(start).toEqual(new Float64Array(3));
  });

  test("stops early and returns the best θ that was validated", async () => {
    // What is validated has its minimum on the way, at θ_0 = 1.
    const validate = async (theta: Float64Array): Promise<number> => (theta[0] - 1) ** 2;
    const found = await minimiseAdam(start, { ...quadratic, epochs: 500, learningRate: 0.02, validate, patience: 4 });
    expect(found.end).toBe("stopped");
    expect(found.epochs).toBe(found.bestEpoch + 5);
    expect(found.validations).toHaveLength(found.epochs);
    expect(await validate(found.theta)).toBe(Math.min(...found.validations));
    expect(found.validations[found.bestEpoch]).toBe(Math.min(...found.validations));
    const whole = await minimiseAdam(start, { ...quadratic, epochs: 40, learningRate: 0.02, validate });
    expect(whole).toMatchObject({ end: "epochs-done", epochs: 40, bestEpoch: found.bestEpoch });
    expect(value(found.theta)).toBeLessThan(value(start));
  });

  test("what is not finite, cancelled or nonsense", async () => {
    const broken = { ...quadratic, epochs: 1, gradient: async () => Float64Array.of(1, Number.NaN, 0) };
    expect((await refusal(minimiseAdam(start, broken))).code).toBe("numerical");
    const unbounded = { ...quadratic, epochs: 1, validate: async () => Number.NaN };
    expect((await refusal(minimiseAdam(start, unbounded))).code).toBe("numerical");
    const { signal } = { signal: AbortSignal.abort() };
    expect((await refusal(minimiseAdam(start, { ...quadratic, epochs: 1, signal }))).code).toBe("cancelled");
    for (const wrong of [{ epochs: 0 }, { epochs: 1, firstDecay: 1 }, { epochs: 1, learningRate: 0 }]) {
      expect((await refusal(minimiseAdam(start, { ...quadratic, ...wrong }))).code).toBe("usage");
    }
  });
});

test("limits that make sense: decays of 0, any rate that is finite, one epoch", async () => {
  // Without memory a step is η·sgn g.
  const settings = { batches: () => [0], epochs: 1, firstDecay: 0, secondDecay: 0, stability: 0 };
  const gradient = async () => Float64Array.of(5, -0.1);
  const { theta } = await minimiseAdam(new Float64Array(2), { ...settings, gradient, learningRate: 0.25 });
  expect([...theta]).toEqual([-0.25, 0.25]);
  for (const learningRate of [Number.POSITIVE_INFINITY, -1, Number.NaN, () => 0]) {
    const { code, message } = await refusal(minimiseAdam(start, { ...settings, gradient, learningRate }));
    expect([code, /learning rate must be a number above 0, got/.test(message)]).toEqual(["usage", true]);
  }
  for (const epochs of [0, 1.5, Number.NaN]) {
    const { message } = await refusal(minimiseAdam(start, { ...settings, gradient, epochs }));
    expect(message).toBe(`The number of epochs must be a whole number of at least 1, got ${epochs}.`);
  }
  const broken = { ...settings, gradient: async () => Float64Array.of(Number.NaN, 0, 0) };
  expect((await refusal(minimiseAdam(start, broken))).message).toContain("The gradient is not finite after 1 steps");
});

test("the first of equal validations is kept, and patience counts the epochs after it", async () => {
  const losses = [3, 2, 2, 2, 1, 5, 6, 7, 8];
  const options = {
    batches: () => [0, 1],
    gradient: async () => Float64Array.of(1),
    epochs: losses.length,
    validate: async (_: Float64Array, epoch: number) => losses[epoch],
    learningRate: 1,
    firstDecay: 0,
    secondDecay: 0,
    stability: 0,
  };
  const found = await minimiseAdam(Float64Array.of(0), { ...options, patience: 2 });
  expect(found).toEqual({
    theta: Float64Array.of(-4),
    end: "stopped",
    epochs: 4,
    steps: 8,
    bestEpoch: 1,
    validations: [3, 2, 2, 2],
  });
  const patient = await minimiseAdam(Float64Array.of(0), { ...options, patience: 3 });
  expect(patient).toMatchObject({ theta: Float64Array.of(-10), bestEpoch: 4, epochs: 8, steps: 16 });
  const first = await minimiseAdam(Float64Array.of(0), { ...options, epochs: 2, patience: 1, validate: async () => 1 });
  expect(first).toMatchObject({ end: "stopped", epochs: 2, bestEpoch: 0 });
});
