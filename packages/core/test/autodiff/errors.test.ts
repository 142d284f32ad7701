import { expect, it } from "vitest";
import {
  add,
  broadcastTo,
  columns,
  concatColumns,
  constant,
  crossEntropy,
  dense,
  gradient,
  matmul,
  pick,
  pullback,
  pushforward,
  reduceTo,
  reshape,
  slice,
  zeros,
} from "../../src/autodiff/index.js";
import { AifError } from "../../src/errors.js";

const labels = (...values: number[]) => constant(Float64Array.from(values), values.length, 1);

const refused: [string, () => unknown, RegExp, AifError["code"]][] = [
  ["constant", () => constant(new Float64Array(5), 2, 3), /2×3 tensor needs 6 numbers, got 5/, "usage"],
  ["add", () => add(zeros(2, 3), zeros(3, 2)), /add: .* found 2×3 and 3×2/, "usage"],
  ["add rows", () => add(zeros(2, 1), zeros(3, 4)), /add: .* found 2×1 and 3×4/, "usage"],
  ["matmul", () => matmul(zeros(2, 3), zeros(2, 3)), /matmul: .* found 3 and 2 \(2×3 times 2×3\)/, "usage"],
  [
    "matmul'",
    () => matmul(zeros(2, 3), zeros(2, 4), { transposeB: true }),
    /found 3 and 4 \(2×3 times 2×4'\)/,
    "usage",
  ],
  ["matmul plus", () => matmul(zeros(2, 3), zeros(3, 4), { plus: zeros(1, 3) }), /2×4.* found 1×3/, "usage"],
  ["dense", () => dense(zeros(2, 3), zeros(4, 2)), /matmul: expected inner sides/, "usage"],
  ["broadcastTo", () => broadcastTo(zeros(2, 3), 4, 3), /broadcastTo: expected 4×3 .* found 2×3/, "usage"],
  ["reduceTo", () => reduceTo(zeros(2, 3), 2, 2), /reduceTo: a 2×3 tensor cannot be summed to 2×2/, "usage"],
  ["reshape", () => reshape(zeros(2, 3), 4, 2), /reshape: expected 8 numbers for 4×2, found 2×3/, "usage"],
  ["columns", () => columns(zeros(2, 3), 1, 4), /columns within 0 to 3 of a 2×3 tensor, found 1 to 4/, "usage"],
  ["slice", () => slice(zeros(2, 3), [1, 0], [0, 1]), /rows within 0 to 2 .* found 1 to 0/, "usage"],
  ["concatColumns", () => concatColumns([zeros(2, 1), zeros(3, 1)]), /expected 2 rows each, found 3×1/, "usage"],
  ["concatColumns of none", () => concatColumns([]), /at least one tensor/, "usage"],
  ["gradient", () => gradient(zeros(2, 1), []), /gradient: expected a 1×1 tensor, found 2×1/, "usage"],
  [
    "pullback",
    () => pullback(zeros(2, 1), zeros(1, 2), []),
    /pullback: expected a seed of shape 2×1, found 1×2/,
    "usage",
  ],
  ["pushforward", () => pushforward([], [zeros(2, 1)], [zeros(1, 2)]), /tangent of shape 2×1, found 1×2/, "usage"],
  ["item", () => zeros(2, 1).item(), /item: a 2×1 tensor is not one number/, "usage"],
  ["labels' shape", () => pick(zeros(2, 3), labels(0)), /pick: expected 2×1 labels .* found 1×1/, "usage"],
  ["a label too large", () => crossEntropy(zeros(2, 3), labels(0, 3)), /Label 3 in row 2: .* classes 0 to 2/, "input"],
  ["a broken label", () => pick(zeros(2, 3), labels(0.5, 1)), /Label 0.5 in row 1/, "input"],
];

it.each(refused)("%s names what it expected and what it found", (_, act, message, code) => {
  let error: unknown;
  try {
    act();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(AifError);
  expect((error as AifError).code).toBe(code);
  expect((error as AifError).message).toMatch(message);
});
