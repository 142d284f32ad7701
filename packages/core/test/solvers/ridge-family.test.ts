/** One decomposition for all ridges, by hand. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { RidgeFamily } from "../../src/solvers/ridge-family.js";
import { Random } from "../models/naive.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

// Lower triangles; what stands above is not read.
const lower = (rows: readonly (readonly number[])[]): Matrix =>
  Matrix.fromRows(rows.map((row, i) => row.map((value, j) => (j <= i ? value : Number.NaN))));

describe("the family of G + λP", () => {
  test("with an intercept: the ridge leaves it alone, and what is solved is the system", () => {
    const family = new RidgeFamily(
      lower([
        [2, 0, 0],
        [1, 3, 0],
        [4, 1, 10],
      ]),
      Uint8Array.of(0, 1, 1),
    );
    const hessian = family.hessian(0.5);
    expect([0, 3, 4, 6, 7, 8].map((at) => hessian.data[at])).toEqual([2, 1, 3.5, 4, 1, 10.5]);
    const inverse = family.inverse(0.5);
    expect(inverse).toMatchObject({ method: "eigenvalues", rank: 3 });
    // H(1, 2, −1)'
    const b = Float64Array.of(2 + 2 - 4, 1 + 7 - 1, 4 + 2 - 10.5);
    [1, 2, -1].forEach((value, j) => expect(inverse.solve(b)[j]).toBeCloseTo(value, 13));
    expect(inverse.relativeResidual(inverse.solve(b), b)).toBeLessThan(1e-15);
    expect(inverse.nullResidual(b)).toBe(0);
    // √(b'H⁻¹b) = √(7·2 + 4.5)
    expect(inverse.dualLength(b)).toBeCloseTo(Math.sqrt(18.5), 13);
    expect(inverse.dualLength(new Float64Array(3))).toBe(0);
  });

  test("of one parameter, penalised or the intercept alone", () => {
    const penalised = new RidgeFamily(lower([[4]]), Uint8Array.of(1));
    expect(penalised.inverse(1).solve(Float64Array.of(10))[0]).toBeCloseTo(2, 14);
    expect(penalised.effectiveParameters(1)).toBeCloseTo(0.8, 14);
    const intercept = new RidgeFamily(lower([[4]]), Uint8Array.of(0));
    expect(intercept.inverse(1).solve(Float64Array.of(10))[0]).toBeCloseTo(2.5, 14);
    expect(intercept.effectiveParameters(1)).toBe(1);
    expect(intercept.hessian(1).data[0]).toBe(4);
  });

  test("effective parameters are Σ μ/(μ + λ), those of a ridge of 0 the rank", () => {
    const diagonal = lower([
      [3, 0, 0],
      [0, 1, 0],
      [0, 0, 0],
    ]);
    const family = new RidgeFamily(diagonal, Uint8Array.of(1, 1, 1));
    expect(family.effectiveParameters(1)).toBeCloseTo(3 / 4 + 1 / 2, 14);
    expect(family.effectiveParameters(0)).toBe(2);
    // A negative eigenvalue is rounding, and counts as 0.
    const rounded = lower([
      [3, 0],
      [0, -1e-17],
    ]);
    expect(new RidgeFamily(rounded, Uint8Array.of(1, 1)).effectiveParameters(1)).toBe(0.75);
  });

  test("what is too ill-conditioned for one decomposition has a factorisation of its own", () => {
    const family = new RidgeFamily(
      lower([
        [1e6, 0],
        [0, 0],
      ]),
      Uint8Array.of(1, 1),
    );
    // Condition (10⁶ + λ)/λ: 10⁹ is met at λ = 10⁻³.
    expect(family.inverse(1.1e-3).method).toBe("eigenvalues");
    expect(family.inverse(0.9e-3).method).toBe("cholesky");
    expect(family.inverse(0).method).toBe("pseudo-inverse");
    const negative = new RidgeFamily(
      lower([
        [4, 0],
        [0, -1],
      ]),
      Uint8Array.of(1, 1),
    );
    expect(negative.inverse(3).method).toBe("eigenvalues");
    expect(negative.inverse(3).solve(Float64Array.of(7, 4)).map(Math.round)).toEqual(Float64Array.of(1, 2));
  });

  test("one refinement takes off what the decomposition rounds: what is left is a factorisation's", () => {
    const random = new Random(3);
    const [n, d] = [100, 40];
    const rows = random.rows(n, d).map((row) => row.map((value, j) => (j === 0 ? 1 : value * 10 ** ((-3 * j) / d))));
    const gram = Matrix.zeros(d, d);
    for (let i = 0; i < d; i++)
      for (let j = 0; j <= i; j++) gram.data[i * d + j] = rows.reduce((sum, row) => sum + row[i] * row[j], 0) / n;
    const inverse = new RidgeFamily(
      gram,
      Uint8Array.from({ length: d }, (_, j) => Number(j > 0)),
    ).inverse(1e-6);
    expect(inverse.method).toBe("eigenvalues");
    const b = Float64Array.from(random.normals(d));
    // 1e-11 without it.
    expect(inverse.relativeResidual(inverse.solve(b), b)).toBeLessThan(1e-12);
  });

  test("rows without weight, and a second parameter without a penalty, are refused", async () => {
    const zeros = lower([
      [0, 0],
      [0, 1],
    ]);
    expect(await refusal(() => new RidgeFamily(zeros, Uint8Array.of(0, 1)))).toMatchObject({
      code: "numerical",
      message: expect.stringContaining("no weight"),
    });
    expect(new RidgeFamily(zeros, Uint8Array.of(1, 1)).effectiveParameters(1)).toBe(0.5);
    for (const penalised of [Uint8Array.of(1, 0), Uint8Array.of(0, 0)])
      expect(() => new RidgeFamily(zeros, penalised)).toThrow(/Only the first/);
  });
});
