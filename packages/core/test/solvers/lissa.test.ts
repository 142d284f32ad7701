import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { choleskySolve } from "../../src/solvers/cholesky.js";
import { lissa } from "../../src/solvers/lissa.js";
import { forecast } from "../../src/solvers/lissa-forecast.js";
import { dampedOperator, type SymmetricOperator } from "../../src/solvers/operator.js";
import { randomStream } from "../../src/stats/random.js";
import { geometric, KnownSystem, naiveResiduals, randomBlock, refusal } from "./systems.js";

const D = 8;
const ROWS = 200;
const DAMPING = 0.1;

/** H = VV'/n + λI of n random rows; a sample draws rows with replacement. */
function rowsOperator(batchRows: number): SymmetricOperator & { h: Matrix } {
  const v = randomBlock(ROWS, D, 1);
  const products = (rows: readonly number[]) => (x: Matrix) => {
    const out = Matrix.zeros(D, x.columns);
    for (const i of rows) {
      for (let k = 0; k < x.columns; k++) {
        let score = 0;
        for (let j = 0; j < D; j++) score += v.row(i)[j] * x.data[j * x.columns + k];
        for (let j = 0; j < D; j++) out.data[j * x.columns + k] += (score * v.row(i)[j]) / rows.length;
      }
    }
    return out;
  };
  const whole = products([...Array(ROWS).keys()]);
  const identity = Matrix.zeros(D, D);
  for (let j = 0; j < D; j++) identity.data[j * (D + 1)] = 1;
  const h = whole(identity);
  for (let j = 0; j < D; j++) h.data[j * (D + 1)] += DAMPING;
  const damped = dampedOperator(
    {
      size: D,
      product: async (x) => whole(x),
      sampledProduct: async (x, batch) => {
        const random = randomStream(5, batch);
        return products(Array.from({ length: batchRows }, () => Math.floor(ROWS * random.uniform())))(x);
      },
    },
    DAMPING,
  );
  return { ...damped, h, matrix: async () => new Matrix(h.data.slice(), D, D) };
}

const right = randomBlock(D, 2, 2);

describe("LiSSA", () => {
  test("errors lie within 4 standard errors, and those are about as large as the errors", async () => {
    const operator = rowsOperator(10);
    const { solution: exact } = await choleskySolve(operator, right);
    for (const epochs of [1, 3]) {
      const found = await lissa(operator, right, { depth: 250, epochs, repeats: 40, tolerance: 0, seed: 3 });
      const scores = found.solution.data.map((value, at) => (value - exact.data[at]) / found.standardErrors.data[at]);
      for (const score of scores) expect(Math.abs(score)).toBeLessThan(4);
      const meanSquare = scores.reduce((sum, score) => sum + score * score, 0) / scores.length;
      expect(meanSquare).toBeGreaterThan(0.2);
      expect(meanSquare).toBeLessThan(4);
      const residuals = naiveResiduals(operator.h, found.solution, right);
      residuals.forEach((residual, k) => {
        expect(found.residuals[k]).toBeCloseTo(residual, 12);
      });
    }
  });

  test("anchors at full products reduce the variance, epoch by epoch", async () => {
    const errors = async (epochs: number): Promise<number> => {
      const found = await lissa(rowsOperator(10), right, { depth: 100, epochs, repeats: 8, tolerance: 0 });
      return Math.max(...found.standardErrors.data);
    };
    const [plain, three, six] = [await errors(1), await errors(3), await errors(6)];
    expect(three).toBeLessThan(0.25 * plain);
    expect(six).toBeLessThan(0.25 * three);
  });

  test("the mean of short runs is (I − (I − H/σ)^T) H⁻¹b: no bias but the known one", async () => {
    const operator = rowsOperator(5);
    const depth = 6;
    const found = await lissa(operator, right, { depth, epochs: 1, repeats: 400, tolerance: 0, scale: 8 });
    // Naive recursion with the whole H.
    let expected = Matrix.zeros(D, 2);
    for (let step = 0; step < depth; step++) {
      const image = await operator.product(expected);
      expected = new Matrix(
        expected.data.map((value, at) => value + (right.data[at] - image.data[at]) / 8),
        D,
        2,
      );
    }
    found.solution.data.forEach((value, at) => {
      expect(Math.abs(value - expected.data[at])).toBeLessThan(4 * found.standardErrors.data[at]);
    });
    const { solution: exact } = await choleskySolve(operator, right);
    expect(Math.abs(expected.data[0] - exact.data[0])).toBeGreaterThan(5 * found.standardErrors.data[0]);
  });

  test("it stops at the tolerance, with its count of products", async () => {
    const found = await lissa(rowsOperator(40), right, { tolerance: 1e-5, depth: 100 });
    expect(found).toMatchObject({ end: "converged", converged: true });
    expect(found.relativeResidual).toBeLessThanOrEqual(1e-5);
    expect(found.iterations).toBeLessThan(50 * 100);
    // 8 runs of 2 columns an epoch, and the residual of the mean.
    expect(found.products).toBe((found.iterations / 100) * 16 + 2);
    const short = await lissa(rowsOperator(10), right, { tolerance: 0, depth: 20, epochs: 2 });
    expect(short).toMatchObject({ end: "iteration-limit", converged: false, iterations: 40 });
  });

  test("the bound on samples is above the largest eigenvalue of H; half of it is refused, with what to do", async () => {
    const operator = rowsOperator(10);
    const { eigenvalueBound, scale } = await lissa(operator, right, { depth: 1, epochs: 1, tolerance: 0 });
    expect(scale).toBe(2 * eigenvalueBound);
    const trace = operator.h.data.reduce((sum, value, at) => sum + (at % (D + 1) === 0 ? value : 0), 0);
    expect(eigenvalueBound).toBeGreaterThan(trace / D);
    const error = await refusal(lissa(operator, right, { scale: 0.49 * eigenvalueBound }));
    expect(error.code).toBe("usage");
    expect(error.message).toContain(`at least ${(2 * eigenvalueBound).toPrecision(3)}`);
    const finite = await lissa(operator, right, { scale: 0.6 * eigenvalueBound, depth: 50, epochs: 3, tolerance: 0 });
    expect(finite.relativeResidual).toBeLessThan(1);
  });

  test("rows that the bound did not meet make the residual grow, which is an error and not a number", async () => {
    let calls = 0;
    const surprising: SymmetricOperator = {
      size: 2,
      product: async (x) => x,
      // The probes see 1; what comes later is 20 times as large.
      sampledProduct: async (x) => {
        const factor = calls++ < 8 ? 1 : 20;
        return new Matrix(
          x.data.map((value) => factor * value),
          2,
          x.columns,
        );
      },
    };
    const error = await refusal(lissa(surprising, randomBlock(2, 1, 1), { depth: 50 }));
    expect(error).toMatchObject({ code: "numerical", message: expect.stringContaining("larger scale") });
  });

  test("steps that cannot be enough are refused before they are taken, with a damping for which they are", async () => {
    const system = new KnownSystem(
      Array.from({ length: 30 }, (_, j) => 10 ** (-j / 4)),
      4,
    );
    let sampled = 0;
    const exact: SymmetricOperator = {
      size: 30,
      product: (x) => system.product(x),
      sampledProduct: (x) => {
        sampled++;
        return system.product(x);
      },
    };
    const b = randomBlock(30, 2, 7);
    const settings = { depth: 50, epochs: 20, repeats: 2 };
    const { message } = await refusal(lissa(exact, b, settings));
    expect(message).toMatch(
      /^LiSSA cannot reach a relative residual of 0.001 here: its 1000 steps leave at least 0\.\d+/,
    );
    expect(message).toMatch(/--solver cg, or a --damping higher by \d/);
    // The bound on the samples alone was looked for.
    expect(sampled).toBeLessThan(200);
    const damping = Number(/higher by ([\d.e-]+),/.exec(message)?.[1]);
    const found = await lissa(dampedOperator(exact, damping), b, settings);
    expect([found.end, found.relativeResidual <= 1e-3]).toEqual(["converged", true]);
    await expect(lissa(dampedOperator(exact, damping / 30), b, settings)).rejects.toThrow(/cannot reach/);
  });

  test("the forecast is below the residual of the steps themselves, and close to it", async () => {
    for (const seed of [1, 2, 3]) {
      const values = Array.from({ length: 60 }, (_, j) => 10 ** (-j / 12));
      const system = new KnownSystem(values, seed);
      const b = randomBlock(60, 1, seed).data;
      const { residual } = await forecast({ size: 60, product: (x) => system.product(x) }, b);
      const size = Math.sqrt(b.reduce((sum, value) => sum + value * value, 0));
      let r = new Matrix(b.slice(), 60, 1);
      for (let steps = 0; steps <= 300; steps++) {
        const left = Math.sqrt(r.data.reduce((sum, value) => sum + value * value, 0)) / size;
        const foretold = residual({ scale: 2, steps });
        expect(foretold).toBeLessThan(left * (1 + 1e-9));
        expect(foretold).toBeGreaterThan(0.9 * left);
        const image = await system.product(r);
        r = new Matrix(
          r.data.map((value, j) => value - image.data[j] / 2),
          60,
          1,
        );
      }
    }
  });

  test("same seed, same digits; cancelled; refused", async () => {
    const operator = rowsOperator(10);
    const settings = { depth: 20, epochs: 2, tolerance: 0 };
    const first = await lissa(operator, right, { ...settings, seed: 1 });
    expect(await lissa(operator, right, { ...settings, seed: 1 })).toEqual(first);
    expect((await lissa(operator, right, { ...settings, seed: 2 })).solution).not.toEqual(first.solution);
    expect((await refusal(lissa(operator, right, { signal: AbortSignal.abort() }))).code).toBe("cancelled");
    const withoutSamples = new KnownSystem(geometric(8, 10), 1);
    expect((await refusal(lissa(withoutSamples, right))).message).toContain("use --solver cg");
    for (const wrong of [{ repeats: 1 }, { depth: 0 }, { epochs: 1.5 }, { scale: Number.NaN }]) {
      expect((await refusal(lissa(operator, right, wrong))).code).toBe("usage");
    }
  });
});
