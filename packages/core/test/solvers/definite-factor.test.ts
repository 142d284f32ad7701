import { beforeAll, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { definiteFactor } from "../../src/solvers/definite-factor.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

test("a singular matrix is solved within its range", () => {
  const factor = definiteFactor(
    Matrix.fromRows([
      [4, 0, 0],
      [2, 1, 0],
      [0, 0, 0],
    ]),
  );
  const [a, b] = factor.solve(Matrix.fromRows([[8], [4], [0]])).data;
  expect(4 * a + 2 * b).toBeCloseTo(8, 6);
  expect(2 * a + b).toBeCloseTo(4, 6);
});

test.each([
  [
    "not a number",
    [
      [1, 0],
      [Number.NaN, 1],
    ],
  ],
  [
    "infinite",
    [
      [Infinity, 0],
      [0, 1],
    ],
  ],
  [
    "far from semidefinite",
    [
      [1, 0],
      [-1e6, 1],
    ],
  ],
])("a matrix that is %s is refused", async (_, rows) => {
  expect(await refusal(() => definiteFactor(Matrix.fromRows(rows)))).toMatchObject({ code: "numerical" });
});
