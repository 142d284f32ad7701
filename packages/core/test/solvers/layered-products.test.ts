/** Products with F, F' and FF' against F written out from its definition. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import type { LayeredRows } from "../../src/models/layered-rows.js";
import {
  addGaussNewton,
  addTransposed,
  rowGram,
  stackedRows,
  timesVector,
  usedOutputs,
} from "../../src/solvers/layered-products.js";
import { Random } from "../models/naive.js";

beforeAll(() => ensureBlas());

const D = 15;

/** Two layers, the second without biases, in parameters of which the fourth belongs to none; one output may be idle. */
function drawn(rows: number, seed: number, idle: number | null = null): LayeredRows {
  const random = new Random(seed);
  const outputs = 3;
  const layer = (weight: number, bias: number | null, i: number, o: number) => {
    const slopes = random.rows(rows * outputs, o);
    slopes.forEach((row, at) => {
      if (at % outputs === idle) row.fill(0);
    });
    return { weight, bias, inputs: Matrix.fromRows(random.rows(rows, i)), slopes: Matrix.fromRows(slopes) };
  };
  return { rows, outputs, layers: [layer(4, 1, 3, 2), layer(10, null, 2, 2)] };
}

/** Row (i, k) holds s_a h_b at weight (a, b) and s_a at bias a. */
function writtenOut({ rows, outputs, layers }: LayeredRows): number[][] {
  return Array.from({ length: rows * outputs }, (_, at) => {
    const row = new Array<number>(D).fill(0);
    for (const { weight, bias, inputs, slopes } of layers) {
      slopes.row(at).forEach((s, a) => {
        inputs.row(Math.floor(at / outputs)).forEach((h, b) => {
          row[weight + a * inputs.columns + b] = s * h;
        });
        if (bias !== null) row[bias + a] = s;
      });
    }
    return row;
  });
}

const close = (found: ArrayLike<number>, expected: readonly number[], digits = 11): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, at) => expect(found[at]).toBeCloseTo(value, digits));
};

const inner = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, j) => sum + value * b[j], 0);

describe.each([1, 5, 70])("%d rows", (n) => {
  const layered = drawn(n, 4);
  const F = writtenOut(layered);

  test("Fv, and F'u added to what is there", () => {
    const v = new Random(2).normals(D);
    close(
      timesVector(layered, Float64Array.from(v)),
      F.map((row) => inner(row, v)),
    );
    const u = new Random(3).normals(F.length);
    const out = new Float64Array(D).fill(2);
    addTransposed(layered, Float64Array.from(u), out);
    close(
      out,
      v.map((_, j) => 2 + F.reduce((sum, row, at) => sum + row[j] * u[at], 0)),
    );
  });

  test.each([undefined, 1, 4 * D, 4 * D + 1])(
    "F'F added to what is there, lower triangle, %s numbers of F at once",
    (numbers) => {
      const out = Matrix.zeros(D, D);
      out.data.fill(0.5);
      addGaussNewton(layered, out, numbers);
      for (let i = 0; i < D; i++)
        for (let j = 0; j <= i; j++)
          expect(out.data[i * D + j]).toBeCloseTo(0.5 + F.reduce((sum, row) => sum + row[i] * row[j], 0), 10);
    },
  );

  test("FD⁻¹F' for a D of one number a layer and one on its biases", () => {
    const inverse = new Float64Array(D).fill(7);
    inverse.fill(0.25, 1, 3); // biases of the first layer
    inverse.fill(3, 4, 10); // its weights
    inverse.fill(0.5, 10, 14); // the second layer's
    const gram = rowGram(layered, inverse);
    expect([gram.rows, gram.columns]).toEqual([F.length, F.length]);
    for (let a = 0; a < F.length; a++)
      for (let b = 0; b <= a; b++) {
        const expected = F[a].reduce((sum, value, j) => sum + value * inverse[j] * F[b][j], 0);
        expect(gram.data[a * F.length + b]).toBeCloseTo(expected, 11);
      }
  });
});

describe("blocks one below the other", () => {
  test("are F of all rows, without outputs that have no slopes anywhere", () => {
    const [first, second] = [drawn(2, 5, 1), drawn(3, 6, 1)];
    expect([usedOutputs(first), usedOutputs(drawn(2, 5)), usedOutputs(drawn(2, 5, 0))]).toEqual([2, 3, 2]);
    const both = stackedRows([first, second]);
    expect(both).toMatchObject({ rows: 5, outputs: 2 });
    expect(both.layers.map(({ weight, bias }) => [weight, bias])).toEqual([
      [4, 1],
      [10, null],
    ]);
    const expected = [...writtenOut(first), ...writtenOut(second)].filter((_, at) => at % 3 !== 1);
    expect(writtenOut(both)).toEqual(expected);
  });

  test("keep an output that one of them uses, in one layer alone", () => {
    const [idle, busy] = [drawn(2, 5, 2), drawn(1, 6)];
    const both = stackedRows([idle, busy]);
    expect(both.outputs).toBe(3);
    expect(writtenOut(both)).toEqual([...writtenOut(idle), ...writtenOut(busy)]);
    const late = drawn(2, 5, 2);
    late.layers[1].slopes.row(5)[1] = 0.25;
    expect(usedOutputs(late)).toBe(3);
  });
});
