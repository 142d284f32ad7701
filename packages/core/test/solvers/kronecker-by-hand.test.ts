/** A preconditioner from shared inputs, on a model of two scores whose curvature is given. */
import { beforeAll, describe, expect, test } from "vitest";
import { type Block, ensureBlas, Matrix, matrixDataset } from "../../src/index.js";
import {
  kroneckerCost,
  kroneckerNumbers,
  kroneckerPreconditioner,
  sharedShape,
} from "../../src/solvers/kronecker-preconditioner.js";
import { lines } from "./lines.js";
import { passing, twice } from "./processes.js";
import { toldProgress } from "./progress.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const data = matrixDataset(Matrix.fromRows([[1], [3]]), [0, 0]);
const zeros = new Float64Array(4);

/** Every row adds `outer` to C and `inner` to tr(C)·G, by its weight; the parts are (θ_0, θ_2) and (θ_1, θ_3). */
const modelOf = (outer: readonly (readonly number[])[], inner: readonly (readonly number[])[]) => ({
  ...lines(3),
  sharedCurvature(_theta: Float64Array, { w }: Block) {
    const weight = w.reduce((a, b) => a + b, 0);
    const scaled = (rows: readonly (readonly number[])[]): Matrix =>
      Matrix.fromRows(rows.map((row) => row.map((value) => weight * value)));
    return { outer: scaled(outer), inner: scaled(inner), parameters: [Int32Array.of(0, 2), Int32Array.of(1, 3)] };
  },
});
const problemOf = (outer: readonly (readonly number[])[], inner: readonly (readonly number[])[], ridge = zeros) => ({
  model: modelOf(outer, inner),
  data,
  ridge,
});
const close = (found: ArrayLike<number>, expected: readonly number[], digits = 12): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, at) => expect(found[at]).toBeCloseTo(value, digits));
};

// C = [[3, 1], [1, 3]] has 2 along (1, −1) and 4 along (1, 1); G = diag(6, 12)/6.
const OUTER = [
  [3, 1],
  [1, 3],
];
const INNER = [
  [6, 0],
  [0, 12],
];

describe("the preconditioner", () => {
  test.each([0, 0.5])("inverts c_kG + P + λ in the eigenvectors of C, λ = %d", async (damping) => {
    const problem = problemOf(OUTER, INNER, Float64Array.of(1, 3, 5, 7));
    const made = await kroneckerPreconditioner(problem, zeros, damping);
    expect(made).toMatchObject({ name: "kronecker", products: 0 });
    // Ridges of the parts' first and second parameters: means 2 and 6.
    const along = (c: number, q: number): number => 1 / (c * (q === 0 ? 1 : 2) + (q === 0 ? 2 : 6) + damping);
    const right = Matrix.fromRows([
      [1, 0],
      [2, 1],
      [3, 0],
      [4, -1],
    ]);
    const expected = [0, 1].flatMap((q) =>
      [0, 1].map((part) =>
        [0, 1].map((column) => {
          const [a, b] = [right.data[4 * q + column], right.data[4 * q + 2 + column]];
          const [sum, difference] = [0.5 * (a + b) * along(4, q), 0.5 * (a - b) * along(2, q)];
          return part === 0 ? sum + difference : sum - difference;
        }),
      ),
    );
    close(made.apply(right).data, expected.flat());
    close(made.withDamping(damping).apply(right).data, expected.flat());
  });

  test("adds up over blocks and processes; their number changes no G, and C by as much", async () => {
    // C doubles, G stays: 2C and λ are what stands beside it.
    const once = await kroneckerPreconditioner(problemOf(OUTER, INNER), zeros, 1);
    const both = await kroneckerPreconditioner({ ...problemOf(OUTER, INNER), data: passing(data, twice) }, zeros, 2);
    const right = Matrix.fromRows([[1], [2], [3], [4]]);
    close(
      both.apply(right).data,
      [...once.apply(right).data].map((value) => value / 2),
    );
    const told = await toldProgress((work) => kroneckerPreconditioner(problemOf(OUTER, INNER), zeros, 1, work));
    expect(told).toEqual([["preconditioner", 2, 2]]);
  });

  test("the same change of all parts without curvature is divided by its own ridge and λ, or left", async () => {
    // C = [[1, −1], [−1, 1]]: 0 along (1, 1), 2 along (1, −1).
    const outer = [
      [1, -1],
      [-1, 1],
    ];
    const inner = [
      [2, 0],
      [0, 2],
    ];
    const right = Matrix.fromRows([
      [1, 2],
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    const free = await kroneckerPreconditioner(problemOf(outer, inner), zeros, 0);
    close(free.apply(right).data, [0, 0, 0, 0, 0, 0, 0, 0]);
    const ridged = await kroneckerPreconditioner(problemOf(outer, inner, Float64Array.of(0, 0, 4, 4)), zeros, 0);
    close(ridged.apply(right).data, [0, 0, 0, 0, 0.25, 0.5, 0.25, 0.5]);
    close(free.withDamping(0.5).apply(right).data, [2, 4, 2, 4, 2, 4, 2, 4]);
    // What is 0 but for rounding, at any size.
    for (const size of [1e-6, 1, 1e6]) {
      const rounded = outer.map((row, i) => row.map((value, j) => size * (value + (i === j ? 1e-16 : 0))));
      const made = await kroneckerPreconditioner(
        problemOf(
          rounded,
          inner.map((row) => row.map((value) => size * value)),
        ),
        zeros,
        0,
      );
      close(made.apply(right).data, [0, 0, 0, 0, 0, 0, 0, 0]);
    }
  });

  test("of rows without curvature is the ridge's", async () => {
    const nothing = [
      [0, 0],
      [0, 0],
    ];
    const made = await kroneckerPreconditioner(problemOf(nothing, nothing, Float64Array.of(1, 1, 2, 2)), zeros, 1);
    close(made.apply(Matrix.fromRows([[2], [4], [3], [6]])).data, [1, 2, 1, 2]);
  });

  test("a model without it is refused, and its shape is none", async () => {
    const problem = { model: lines(3), data, ridge: zeros };
    expect(sharedShape(problem, zeros)).toBeNull();
    expect(await refusal(kroneckerPreconditioner(problem, zeros))).toMatchObject({
      code: "usage",
      message: expect.stringContaining("use no preconditioner"),
    });
    const shape = sharedShape(problemOf(OUTER, INNER), zeros);
    expect([...(shape?.outer.data ?? [])]).toEqual([0, 0, 0, 0]);
  });
});

test("what it costs and holds: q/(4K) products, (K + 2)q² numbers", () => {
  expect([kroneckerCost(3, 60), kroneckerNumbers(3, 60)]).toEqual([5, 5 * 3600]);
});
