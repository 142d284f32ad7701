/** The systems of a kernel regression of two and three rows, by loops. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, kernel, kernelFit, Matrix } from "../../src/index.js";
import { relativeGradient } from "../../src/solvers/kernel-fit.js";
import { kernelSystem, regularSolve } from "../../src/solvers/kernel-system.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const RIDGE = 0.5;
const w = Float64Array.of(0.25, 0.75);
const K = [
  [2, 1],
  [1, 3],
];
const gram = (): Matrix => Matrix.fromRows(K.map((row) => [...row]));
const times = (A: readonly (readonly number[])[], x: readonly number[]): number[] =>
  A.map((row) => row.reduce((sum, value, j) => sum + value * x[j], 0));
const through = (x: readonly number[]): number[] =>
  times(
    K,
    x.map((value, i) => w[i] * value),
  );
/** ½Hx: KWKx + λx, or KWKx + λKx. */
const half = (penalty: "coefficients" | "rkhs", x: readonly number[]): number[] => {
  const image = times(K, x);
  const rest = penalty === "rkhs" ? image : x;
  return through(image).map((value, i) => value + RIDGE * rest[i]);
};
const close = (found: ArrayLike<number>, expected: readonly number[], digits = 12): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, j) => expect(found[j]).toBeCloseTo(value, digits));
};

describe.each(["coefficients", "rkhs"] as const)("with a penalty on %s", (penalty) => {
  const system = () => kernelSystem(gram(), w, { ridge: RIDGE, penalty });

  test("products with ½H", () => {
    close(system().times(Matrix.fromRows([[1], [-2]])).data, half(penalty, [1, -2]));
  });

  test("(½H)⁻¹(KWp + q), of both, of one, and of none", () => {
    const [p, q] = [
      [3, -1],
      [0.5, 2],
    ];
    const column = (x: readonly number[]): Matrix => Matrix.fromRows(x.map((value) => [value]));
    const at = (x: Matrix): number[] => half(penalty, [...x.data]);
    const made = system();
    const wanted = through(p);
    close(at(made.solve(column(p), null)), wanted);
    close(at(made.solve(null, column(q))), q);
    close(
      at(made.solve(column(p), column(q))),
      wanted.map((value, i) => value + q[i]),
    );
    // Once more, by what was factorised before.
    close(at(made.solve(null, column(q))), q);
    const two = made.solve(
      null,
      Matrix.fromRows([
        [0.5, 1],
        [2, 0],
      ]),
    );
    expect([two.rows, two.columns]).toEqual([2, 2]);
    close(half(penalty, [...two.column(1)]), [1, 0]);
    expect([...made.solve(null, null).data]).toEqual([0, 0]);
  });
});

test("(K'WK + λI)⁻¹b of a K that is not symmetric", () => {
  // K'WK for K = [[1, 2], [0, 1]]: [[¼, ½], [½, 1 + ¾]]
  const found = regularSolve(
    Matrix.fromRows([
      [1, 2],
      [0, 1],
    ]),
    w,
    RIDGE,
    Matrix.fromRows([[0.75 - 0.5], [0.5 - 2.25]]),
  );
  close(found.data, [1, -1]);
});

describe("what it refuses", () => {
  test("rows without weight, where the penalty is of functions", async () => {
    for (const weight of [0, -1, Number.NaN]) {
      const error = await refusal(() =>
        kernelSystem(gram(), Float64Array.of(1, weight), { ridge: 1, penalty: "rkhs" }),
      );
      expect(error).toMatchObject({ code: "numerical", message: expect.stringContaining("Row 1 has weight 0") });
    }
    expect(() => kernelSystem(gram(), Float64Array.of(1, 0), { ridge: 1, penalty: "coefficients" })).not.toThrow();
  });

  test("a system that is not positive definite, with what helps", async () => {
    const settings = { ridge: 1, penalty: "coefficients" } as const;
    const broken = Matrix.fromRows([
      [1, 0],
      [0, Number.NaN],
    ]);
    const advice = / is not positive definite in floating point\. Give a larger --ridge, or rescale the columns\.$/;
    expect((await refusal(() => kernelSystem(broken, w, settings))).message).toMatch(advice);
    const negative = Matrix.fromRows([
      [1, 3],
      [3, 1],
    ]);
    expect((await refusal(() => kernelSystem(negative, w, { ridge: 1e-3, penalty: "rkhs" }))).message).toMatch(advice);
    const small = Matrix.fromRows([
      [1, 1],
      [1, 1],
    ]);
    expect((await refusal(() => kernelSystem(small, w, { ridge: 0, penalty: "coefficients" }))).message).toMatch(
      advice,
    );
  });

  test("coefficients that a singular K does not determine, where they are asked for", async () => {
    const copies = kernelSystem(
      Matrix.fromRows([
        [0, 0],
        [0, 1],
      ]),
      w,
      { ridge: 1, penalty: "rkhs" },
    );
    close(copies.solve(Matrix.fromRows([[1], [2]]), null).data, [1 / 4, 2 / (1 + 1 / 0.75)]);
    const { message } = await refusal(() => copies.solve(null, Matrix.fromRows([[1], [1]])));
    expect(message).toMatch(
      /not positive definite in floating point\. The kernel matrix is singular .* let the centres move\.$/,
    );
  });
});

describe("a fit", () => {
  const rbf = kernel("rbf", { gamma: 0.5 });
  const settings = { kernel: rbf, ridge: 0.1, centres: "fixed", penalty: "coefficients" } as const;
  const rows = {
    x: Matrix.fromRows([[0], [1], [3]]),
    y: Matrix.fromRows([[1], [-1], [2]]),
    weights: Float64Array.of(0.5, 0.25, 0.25),
  };

  test("tells its three steps, takes a K that is known, and says what repeats", async () => {
    const told: unknown[] = [];
    const own = await kernelFit(rows, settings, { onProgress: (progress) => told.push(progress) });
    expect(told).toEqual([0, 1, 2].map((done) => ({ phase: "fitting", done, total: 3 })));
    expect(own.repeated).toBeNull();
    const known = await kernelFit(rows, settings, { gram: own.gram });
    expect(known.gram).toBe(own.gram);
    expect(known.repeated).toBeNull();
    expect([...known.theta.data]).toEqual([...own.theta.data]);
    const loss = own.residuals.data.reduce((sum, r, i) => sum + rows.weights[i] * r * r, 0);
    expect(own.naturalLoss).toBeCloseTo(loss, 14);
    const broken = { ...rows, x: Matrix.fromRows([[0], [Number.NaN], [3]]) };
    expect((await refusal(kernelFit(broken, settings))).message).toContain("Row 1");
    expect((await refusal(kernelFit(broken, settings, { nameOf: (i) => `line ${i + 2}` }))).message).toContain(
      "Line 3",
    );
    expect((await refusal(kernelFit(rows, settings, { signal: AbortSignal.abort() }))).code).toBe("cancelled");
  });

  test("its gradient beside the most that its terms could add up to", () => {
    const at = {
      gram: gram(),
      weights: w,
      theta: Matrix.fromRows([[1], [-4]]),
      residuals: Matrix.fromRows([[4], [-2]]),
    };
    // Wr = (1, −1.5), K Wr = (0.5, −3.5), λθ = (½, −2)
    expect(relativeGradient(at, { kernel: rbf, centres: "move", ridge: RIDGE, penalty: "rkhs" })).toBeCloseTo(
      3.5 / (2 + 2.5),
      14,
    );
    expect(relativeGradient(at, { kernel: rbf, centres: "move", ridge: RIDGE, penalty: "coefficients" })).toBeCloseTo(
      5.5 / (2 + 3 * 2.5),
      14,
    );
    const nothing = { ...at, theta: Matrix.zeros(2, 1), residuals: Matrix.zeros(2, 1) };
    expect(relativeGradient(nothing, { kernel: rbf, centres: "move", ridge: RIDGE, penalty: "rkhs" })).toBe(0);
  });
});
