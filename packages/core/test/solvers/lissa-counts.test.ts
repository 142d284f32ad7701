/** LiSSA where samples are known: its recursion, its counts and its errors in closed form. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { extremeEigenvalues } from "../../src/solvers/lanczos.js";
import { lissa } from "../../src/solvers/lissa.js";
import { toldProgress } from "./progress.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const VALUES = [1, 0.5];
const timesValues = (v: Matrix, factor = 1): Matrix =>
  new Matrix(
    v.data.map((entry, at) => factor * VALUES[Math.floor(at / v.columns)] * entry),
    v.rows,
    v.columns,
  );

/** Samples are H times the next of these factors, those of the probes (one column) H itself. */
function sampled(factors: readonly number[] = []) {
  const seen = { whole: 0, probes: [] as number[], batches: [] as number[] };
  const left = [...factors];
  return {
    seen,
    operator: {
      size: 2,
      async product(v: Matrix) {
        seen.whole += v.columns;
        return timesValues(v);
      },
      async sampledProduct(v: Matrix, batch: number) {
        (v.columns === 1 ? seen.probes : seen.batches).push(batch);
        return timesValues(v, v.columns === 1 ? 1 : (left.shift() ?? 1));
      },
    },
  };
}

const right = Matrix.fromRows([
  [1, 4],
  [2, -1],
]);
/** (1 − (1 − a/σ)^N) b/a */
const after = (steps: number, scale: number): number[] =>
  [...right.data].map((b, at) => {
    const a = VALUES[Math.floor(at / 2)];
    return ((1 - (1 - a / scale) ** steps) * b) / a;
  });
const close = (found: ArrayLike<number>, expected: readonly number[], digits = 12): void =>
  expected.forEach((value, at) => expect(found[at]).toBeCloseTo(value, digits));

describe("LiSSA", () => {
  test("with samples that are H takes depth × epochs plain steps, and counts what it multiplies", async () => {
    const { seen, operator } = sampled();
    const found = await lissa(operator, right, { depth: 4, epochs: 3, repeats: 2, tolerance: 0 });
    // The largest eigenvalue is 1, with a margin of a tenth; the step is half of its inverse.
    expect(found.eigenvalueBound).toBeCloseTo(1.1, 13);
    expect(found.scale).toBe(2 * found.eigenvalueBound);
    close(found.solution.data, after(12, 2.2));
    for (const error of found.standardErrors.data) expect(Math.abs(error)).toBeLessThan(1e-15);
    const left = [0, 1].map((k) => {
      const rest = [0, 1].map((i) => right.data[2 * i + k] - VALUES[i] * after(12, 2.2)[2 * i + k]);
      return Math.hypot(...rest) / Math.hypot(right.data[k], right.data[2 + k]);
    });
    close(found.residuals, left);
    expect(found.relativeResidual).toBe(Math.max(...found.residuals));
    expect(found).toMatchObject({
      solver: "lissa",
      end: "iteration-limit",
      converged: false,
      iterations: 12,
      // Two runs of two columns after each of three epochs, and the mean of two.
      products: 14,
      sketchProducts: 0,
      curvature: null,
      // Eight probes of two steps, and three steps with a sample in each of 3 epochs of 2 runs, of 2 columns.
      sampledProducts: 16 + 3 * 3 * 2 * 2,
    });
    expect([seen.whole, seen.probes.length, seen.batches.length]).toEqual([14, 16, 18]);
  });

  test("one step a run is b/σ, which needs no sample", async () => {
    const { seen, operator } = sampled();
    const found = await lissa(operator, right, { depth: 1, epochs: 1, repeats: 2, tolerance: 0, scale: 4 });
    close(
      found.solution.data,
      [...right.data].map((b) => b / 4),
      15,
    );
    expect([found.iterations, seen.batches.length]).toEqual([1, 0]);
  });

  test("runs that differ: their mean, and sd/√R", async () => {
    // After two steps a run with samples cH is at 2b/σ − cab/σ².
    const { operator } = sampled([0.4, 1.6, 0.7]);
    const scale = 3;
    const found = await lissa(operator, right, { depth: 2, epochs: 1, repeats: 3, tolerance: 0, scale });
    const mean = 2.7 / 3;
    const sd = Math.sqrt(((0.4 - mean) ** 2 + (1.6 - mean) ** 2 + (0.7 - mean) ** 2) / 2);
    right.data.forEach((b, at) => {
      const a = VALUES[Math.floor(at / 2)];
      expect(found.solution.data[at]).toBeCloseTo((2 * b) / scale - (mean * a * b) / scale ** 2, 13);
      expect(found.standardErrors.data[at]).toBeCloseTo((Math.abs(a * b) * sd) / Math.sqrt(3) / scale ** 2, 13);
    });
    expect([found.standardErrors.rows, found.standardErrors.columns]).toEqual([2, 2]);
  });

  test("no epoch begins below the tolerance, and none is left out above it", async () => {
    // An epoch of 2 steps leaves (1 − a/2.2)² of the residual: at most 0.5971.
    const run = async (tolerance: number) => {
      const { operator } = sampled();
      return lissa(operator, right, { depth: 2, epochs: 20, repeats: 2, tolerance });
    };
    const slowest = (1 - 0.5 / 2.2) ** 2;
    for (const tolerance of [0.3, 0.05, 1e-3]) {
      const found = await run(tolerance);
      expect(found).toMatchObject({ end: "converged", converged: true });
      expect(found.relativeResidual).toBeLessThanOrEqual(tolerance);
      expect(found.relativeResidual).toBeGreaterThan(slowest * tolerance * 0.9);
    }
    // The default is 1e-3.
    const { operator } = sampled();
    const standard = await lissa(operator, right, { depth: 2, epochs: 20, repeats: 2 });
    expect(standard.iterations).toBe((await run(1e-3)).iterations);
  });

  test("nothing is to be done for zeros", async () => {
    const { seen, operator } = sampled();
    const found = await lissa(operator, Matrix.zeros(2, 2), { depth: 2, epochs: 2, repeats: 2 });
    expect(found).toMatchObject({ end: "converged", iterations: 0, relativeResidual: 0, products: 2 });
    expect(seen.batches).toEqual([]);
  });

  test("samples are numbered by whole numbers below 2³¹, of their own for each run and seed", async () => {
    const numbers = async (seed: number) => {
      const { seen, operator } = sampled();
      await lissa(operator, right, { depth: 5, epochs: 1, repeats: 3, tolerance: 0, seed });
      return [...new Set(seen.probes), ...seen.batches];
    };
    const [first, again, other] = [await numbers(1), await numbers(1), await numbers(2)];
    expect(first).toHaveLength(8 + 4 * 3);
    expect(new Set([...first, ...other]).size).toBe(40);
    expect(again).toEqual(first);
    for (const batch of first) {
      expect(Number.isInteger(batch) && batch >= 0 && batch < 2 ** 31).toBe(true);
    }
    expect(Math.max(...first)).toBeGreaterThan(2 ** 27);
  });

  test("the default is 8 runs of up to 50 epochs of 200 steps", async () => {
    const { seen, operator } = sampled();
    const found = await lissa(operator, right, { tolerance: 1e-9, allowUnconverged: true });
    expect(found.iterations % 200).toBe(0);
    expect(seen.batches).toHaveLength((found.iterations / 200) * 199 * 8);
  });

  test("what makes no sense is refused by name, and the least that does is not", async () => {
    const { operator } = sampled();
    for (const [option, name, least] of [
      ["depth", "depth", 1],
      ["epochs", "number of epochs", 1],
      ["repeats", "number of repeats", 2],
    ] as const) {
      for (const value of [least - 1, least + 0.5, Number.NaN]) {
        const { message } = await refusal(lissa(operator, right, { [option]: value }));
        expect(message).toBe(`The ${name} of LiSSA must be a whole number of at least ${least}, got ${value}.`);
      }
    }
    const { sampledProduct: _, ...whole } = operator;
    const none = await refusal(lissa(whole, right));
    expect(none).toMatchObject({ code: "usage", message: expect.stringContaining("products with samples") });
  });

  test("the scale must be above half the bound on samples", async () => {
    const settings = { depth: 1, epochs: 1, repeats: 2, tolerance: 0 };
    const { operator } = sampled();
    const { eigenvalueBound: bound } = await lissa(operator, right, settings);
    for (const scale of [0.5 * bound, 0.1, -1, Number.POSITIVE_INFINITY, Number.NaN]) {
      const { message } = await refusal(lissa(operator, right, { ...settings, scale }));
      expect(message).toBe(
        `LiSSA diverges with scale ${scale}: samples of the Hessian have eigenvalues up to 1.10, so use a scale of at least 2.20, or leave it out.`,
      );
    }
    expect((await lissa(operator, right, { ...settings, scale: 0.5001 * bound })).scale).toBe(0.5001 * bound);
  });

  test("the bound on samples is Lanczos's after 20 steps or to a hundredth, and a tenth more; the damping that is advised serves all", async () => {
    const values = Array.from({ length: 60 }, (_, j) => 2 + 2 * Math.cos((Math.PI * j) / 59));
    const product = async (v: Matrix): Promise<Matrix> =>
      new Matrix(
        v.data.map((entry, at) => values[Math.floor(at / v.columns)] * entry),
        v.rows,
        v.columns,
      );
    const operator = { size: 60, product, sampledProduct: product };
    const ones = new Matrix(
      Float64Array.from({ length: 120 }, (_, at) => (at % 2 === 0 ? 1 : at === 1 ? 1 : 0.2)),
      60,
      2,
    );
    const settings = { depth: 1, epochs: 1, repeats: 2, seed: 3 };
    const found = await lissa(operator, ones, { ...settings, tolerance: 0 });
    const { largest, products } = await extremeEigenvalues(
      { size: 60, product },
      { maximumSteps: 20, tolerance: 1e-2, seed: 3 },
    );
    expect(products).toBeLessThanOrEqual(20);
    expect(largest.residual).toBeGreaterThan(1e-4);
    expect(found.eigenvalueBound).toBeCloseTo(1.1 * (largest.value + largest.residual), 12);
    expect(found.sampledProducts).toBe(8 * products);
    const steps = { depth: 50, epochs: 2, tolerance: 0.02 };
    const advised = async (b: Matrix): Promise<number> => {
      const { message } = await refusal(lissa(operator, b, { ...settings, ...steps }));
      return Number(/higher by ([\d.e-]+),/.exec(message)?.[1]);
    };
    const each = [0, 1].map((k) => new Matrix(ones.column(k), 60, 1));
    const [first, second] = [await advised(each[0]), await advised(each[1])];
    expect(first).not.toBe(second);
    expect(await advised(ones)).toBe(Math.max(first, second));
  });

  test("steps that are too few are refused unless they are wanted all the same", async () => {
    const settings = { depth: 2, epochs: 1, repeats: 2, tolerance: 0.01 };
    const { seen, operator } = sampled();
    const error = await refusal(lissa(operator, right, settings));
    // The second column is the slower but for its first entry: √(Σ b²(1 − a/σ)⁴)/‖b‖ at most.
    const least = Math.max(
      ...[0, 1].map((k) => {
        const parts = [0, 1].map((i) => right.data[2 * i + k] * (1 - VALUES[i] / 2.2) ** 2);
        return Math.hypot(...parts) / Math.hypot(right.data[k], right.data[2 + k]);
      }),
    );
    expect(error.message).toContain(`of 0.01 here: its 2 steps leave at least ${least.toPrecision(2)}, since`);
    expect(seen.batches).toEqual([]);
    const found = await lissa(operator, right, { ...settings, allowUnconverged: true });
    expect(found).toMatchObject({ end: "iteration-limit", iterations: 2 });
  });

  test("residuals a hundred times the right-hand side will not come back", async () => {
    // A step with samples cH takes y to 2b/σ − cab/σ²: with c = −1000 the residual is far above.
    const { operator } = sampled([-1000, -1000]);
    const error = await refusal(lissa(operator, right, { depth: 2, epochs: 2, repeats: 2, tolerance: 0 }));
    expect(error).toMatchObject({
      code: "numerical",
      message:
        "LiSSA diverges: after 1 epochs the residual is above 100 times the right-hand side. Use a larger scale than 2.20, larger samples, or conjugate gradients.",
    });
    const mild = sampled([-100, -100]).operator;
    expect((await lissa(mild, right, { depth: 2, epochs: 2, repeats: 2, tolerance: 0 })).iterations).toBe(4);
  });

  test("progress: steps of all runs and epochs", async () => {
    const { operator } = sampled();
    const told = await toldProgress((work) =>
      lissa(operator, right, { ...work, depth: 3, epochs: 2, repeats: 2, tolerance: 0 }),
    );
    expect(told.map(([phase]) => phase)).toEqual(new Array(8).fill("LiSSA"));
    expect(told.map(([, done, total]) => [done, total])).toEqual([1, 2, 4, 5, 7, 8, 10, 11].map((done) => [done, 12]));
  });
});
