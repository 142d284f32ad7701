/** What LiSSA's steps can do at best, in closed form for diagonal matrices of few eigenvalues. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { lissa } from "../../src/solvers/lissa.js";
import { forecast } from "../../src/solvers/lissa-forecast.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

function diagonal(values: readonly number[]) {
  const counted = { size: values.length, products: 0, product };
  async function product(v: Matrix): Promise<Matrix> {
    counted.products += v.columns;
    return new Matrix(
      v.data.map((entry, at) => values[Math.floor(at / v.columns)] * entry),
      v.rows,
      v.columns,
    );
  }
  return counted;
}

describe("the forecast for a right-hand side", () => {
  test("of two eigenvalues is the residual itself: Σ ω (1 − θ/σ)^{2N}", async () => {
    const right = Float64Array.of(3, 4);
    const { residual } = await forecast(diagonal([1, 0.25]), right);
    for (const [scale, steps] of [
      [2, 0],
      [2, 1],
      [2, 7],
      [4, 3],
    ]) {
      const expected = Math.sqrt(
        (9 / 25) * (1 - 1 / scale) ** (2 * steps) + (16 / 25) * (1 - 0.25 / scale) ** (2 * steps),
      );
      expect(residual({ scale, steps })).toBeCloseTo(expected, 13);
    }
    expect([...right]).toEqual([3, 4]);
  });

  test("takes a product for each eigenvalue that it sees, and 40 at most", async () => {
    const right = new Float64Array(60).fill(1);
    for (const [values, products] of [
      [right.map((_, j) => (j % 3) + 1), 3],
      [right.map((_, j) => 1 + j), 40],
      [right.map(() => 0), 1],
    ] as const) {
      const operator = diagonal([...values]);
      await forecast(operator, right);
      expect(operator.products).toBe(products);
    }
  });

  test("nothing is left of a right-hand side of zeros, and all of one that H does not see", async () => {
    const nothing = await forecast(diagonal([1, 2]), new Float64Array(2));
    expect(nothing.residual({ scale: 4, steps: 0 })).toBe(0);
    expect(nothing.sufficientDamping({ scale: 4, steps: 1, tolerance: 0 })).toBe(0);
    const flat = await forecast(diagonal([0, 0]), Float64Array.of(1, 2));
    expect(flat.residual({ scale: 4, steps: 100 })).toBeCloseTo(1, 14);
  });

  test("the damping is twice the λ at which half the tolerance is left", async () => {
    // One eigenvalue θ: (1 − (θ + λ)/(σ + 2λ))^N = q^N is half the tolerance at λ = (σ(1 − q) − θ)/(2q − 1).
    for (const [theta, scale, steps, tolerance] of [
      [0, 3, 100, 0.01],
      [0, 3, 1e6, 0.01],
      [0.1, 2, 20, 0.02],
      [0, 5, 12, 1e-3],
    ]) {
      const { sufficientDamping } = await forecast(diagonal([theta]), Float64Array.of(2));
      const q = (tolerance / 2) ** (1 / steps);
      const lambda = (scale * (1 - q) - theta) / (2 * q - 1);
      const found = sufficientDamping({ scale, steps, tolerance });
      expect(found / (2 * lambda)).toBeCloseTo(1, 7);
    }
    const { sufficientDamping, residual } = await forecast(diagonal([1]), Float64Array.of(2));
    // (1 − 1/2)^10 is 9.8e-4, and the margin asks for a tolerance of twice that.
    expect(sufficientDamping({ scale: 2, steps: 10, tolerance: 2 * residual({ scale: 2, steps: 10 }) })).toBe(0);
    expect(sufficientDamping({ scale: 4, steps: 10, tolerance: 1.9 * 0.5 ** 10 })).toBe(Number.POSITIVE_INFINITY);
    expect(sufficientDamping({ scale: 4, steps: 10, tolerance: 2.1 * 0.5 ** 10 })).toBeLessThan(1000);
  });

  test("steps that no damping makes enough are refused without the advice of one", async () => {
    const operator = diagonal([1, 0.01]);
    const sampled = Object.assign(operator, { sampledProduct: (v: Matrix) => operator.product(v) });
    const right = new Matrix(Float64Array.of(1, 1), 2, 1);
    const few = await refusal(lissa(sampled, right, { depth: 5, epochs: 1, tolerance: 1e-3 }));
    expect(few).toMatchObject({
      code: "numerical",
      message: expect.stringContaining("--solver cg, or more steps, or"),
    });
    const many = await refusal(lissa(sampled, right, { depth: 50, epochs: 1, tolerance: 1e-3 }));
    expect(many.message).toMatch(/--damping higher by [\d.]+,/);
  });

  test("is cancelled", async () => {
    const work = { signal: AbortSignal.abort() };
    expect((await refusal(forecast(diagonal([1]), Float64Array.of(1), work))).code).toBe("cancelled");
  });
});
