/** Orthonormal bases and the algebra of column blocks, by hand. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { orthonormalRows, projectOut } from "../../src/linalg/orthonormal-rows.js";
import { addProduct, columnNorms, crossProducts, takeColumns } from "../../src/solvers/columns.js";
import { Random } from "../models/naive.js";

beforeAll(() => ensureBlas());

const inner = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, j) => sum + value * b[j], 0);

/** The largest entry of QQ' − I. */
function farFromOrthonormal(basis: Matrix): number {
  let worst = 0;
  for (let i = 0; i < basis.rows; i++)
    for (let k = 0; k <= i; k++)
      worst = Math.max(worst, Math.abs(inner(basis.row(i), basis.row(k)) - (i === k ? 1 : 0)));
  return worst;
}

const unit = (d: number, ...entries: readonly (readonly [number, number])[]): number[] => {
  const row = new Array<number>(d).fill(0);
  for (const [j, value] of entries) row[j] = value;
  return row;
};

test("norms, columns and products of column blocks", () => {
  const a = Matrix.fromRows([
    [3, 1, 0],
    [4, -1, 0],
  ]);
  expect([...columnNorms(a)]).toEqual([5, Math.SQRT2, 0]);
  const chosen = takeColumns(a, [2, 0, 0]);
  expect([chosen.rows, chosen.columns]).toEqual([2, 3]);
  expect([...chosen.data]).toEqual([0, 3, 3, 0, 4, 4]);
  const b = Matrix.fromRows([
    [1, 2],
    [0, 5],
  ]);
  expect([...crossProducts(a, b).data]).toEqual([3, 26, 1, -3, 0, 0]);
  const c = Matrix.fromRows([[10], [20]]);
  addProduct(c, -2, b, Matrix.fromRows([[1], [3]]));
  expect([...c.data]).toEqual([10 - 14, 20 - 30]);
  expect(crossProducts(Matrix.zeros(2, 0), b).data).toHaveLength(0);
});

test("a vector less its part along the first rows of a basis", () => {
  const basis = Float64Array.of(1, 0, 0, 0, 1, 0);
  const vector = Float64Array.of(3, 4, 5);
  projectOut(basis, 0, vector);
  expect([...vector]).toEqual([3, 4, 5]);
  projectOut(basis, 1, vector);
  expect([...vector]).toEqual([0, 4, 5]);
  projectOut(basis, 2, vector);
  expect([...vector]).toEqual([0, 0, 5]);
});

describe("an orthonormal basis of rows", () => {
  test("spans what they span and leaves out what depends on rows before", () => {
    const rows = Matrix.fromRows([
      [2, 0, 0],
      [0, 0, 0],
      [-7, 0, 0],
      [1, 3, 0],
      [5, 9, 0],
    ]);
    const basis = orthonormalRows(rows);
    expect([basis.rows, basis.columns]).toEqual([2, 3]);
    expect([...basis.data]).toEqual([1, 0, 0, 0, 1, 0]);
    expect(orthonormalRows(Matrix.zeros(0, 3)).rows).toBe(0);
    expect(orthonormalRows(Matrix.zeros(4, 3)).rows).toBe(0);
  });

  test("of more rows than a panel holds, with a basis that it continues", () => {
    const random = new Random(3);
    const d = 90;
    const given = orthonormalRows(Matrix.fromRows(random.rows(7, d)));
    const fresh = random.rows(70, d);
    // Copies and combinations across panels: 5 of the 70 are none of their own.
    fresh[3] = fresh[1].map((value, j) => 2 * value - given.row(0)[j]);
    fresh[40] = fresh[2].map((value) => -value);
    fresh[50] = fresh[0].map((value, j) => value + fresh[45][j]);
    fresh[69] = [...given.row(4)];
    fresh[60] = new Array<number>(d).fill(0);
    const basis = orthonormalRows(Matrix.fromRows(fresh), given);
    expect(basis.rows).toBe(7 + 65);
    expect([...basis.data.subarray(0, 7 * d)]).toEqual([...given.data]);
    expect(farFromOrthonormal(basis)).toBeLessThan(1e-14);
    for (const row of fresh) {
      const rest = Float64Array.from(row);
      projectOut(basis.data, basis.rows, rest);
      expect(Math.sqrt(inner(rest, rest))).toBeLessThan(1e-12);
    }
  });

  // A share of 1e-13 of a row's length is where it counts as a combination.
  test.each(["in one panel", "beside a given basis"])("what is left of a row decides, %s", (where) => {
    for (const [share, kept] of [
      [1e-11, true],
      [1e-12, true],
      [1e-14, false],
      [0, false],
    ] as const) {
      const [first, second] = [unit(4, [0, 5]), unit(4, [0, 300], [2, 300 * share])];
      const basis =
        where === "in one panel"
          ? orthonormalRows(Matrix.fromRows([first, second]))
          : orthonormalRows(Matrix.fromRows([second]), Matrix.fromRows([unit(4, [0, 1])]));
      expect(basis.rows).toBe(kept ? 2 : 1);
      if (!kept) continue;
      expect(Math.abs(basis.row(1)[2])).toBeCloseTo(1, 14);
      expect(farFromOrthonormal(basis)).toBeLessThan(1e-15);
    }
  });

  test("shares multiply: what is little beside the basis and beside the panel is a combination", () => {
    const given = Matrix.fromRows([unit(4, [0, 1])]);
    const rows = (second: number): Matrix =>
      Matrix.fromRows([unit(4, [0, 1], [1, 1]), unit(4, [0, 1], [1, 1e-6], [2, second])]);
    expect(orthonormalRows(rows(1e-10), given).rows).toBe(3);
    expect(orthonormalRows(rows(1e-14), given).rows).toBe(2);
  });

  test("rows that are nearly alike stay orthogonal to the basis that they continue", () => {
    const random = new Random(5);
    const d = 40;
    const given = orthonormalRows(Matrix.fromRows(random.rows(10, d)));
    const [a, b] = random.rows(2, d);
    const basis = orthonormalRows(Matrix.fromRows([a, a.map((value, j) => value + 1e-9 * b[j])]), given);
    expect(basis.rows).toBe(12);
    expect(farFromOrthonormal(basis)).toBeLessThan(1e-14);
  });
});
