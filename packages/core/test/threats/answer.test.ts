/** The answer of an adversary to whole input gradients, from what it says of slopes and directions. */
import { expect, test } from "vitest";
import { lp, Matrix } from "../../src/index.js";
import { answerTo } from "../../src/threats/answer.js";
import { divergence } from "../../src/threats/divergence.js";
import type { Response, Threat } from "../../src/threats/threat.js";

const gradients = Matrix.fromRows([
  [3, -4],
  [0, 0],
  [-1, 0],
]);
const block = { x: Matrix.zeros(3, 2), y: new Float64Array(3), w: new Float64Array(3).fill(1 / 3), firstRow: 0 };
const threat = lp(2)(2);
/** The same adversary, but for what it says of these gradients. */
const saying = (respond: (own: Response) => Response): Threat => ({
  settings: threat.settings,
  rowScales: (rows) => threat.rowScales(rows),
  respond: (asked, rows) => respond(threat.respond(asked, rows)),
});

test("of an l_p adversary: φ_p of every row, and nothing is copied", () => {
  let base: Matrix | null = null;
  const { directions, gain } = answerTo(
    gradients,
    saying((own) => {
      base = own.base;
      return own;
    }),
    block,
  );
  expect([...directions.data].map((value) => value + 0)).toEqual([0.6, -0.8, 0, 0, -1, 0]);
  expect([...gain]).toEqual([5, 0, 1]);
  expect(directions).toBe(base);
});

test("signs turn rows, and one row stands for all", () => {
  const sign = Float64Array.of(-1, 1, 1);
  const turned = answerTo(
    gradients,
    saying((own) => ({ ...own, sign })),
    block,
  );
  expect([...turned.directions.data].map((value) => value + 0)).toEqual([-0.6, 0.8, 0, 0, -1, 0]);
  for (const signs of [
    [1, 1, 1],
    [1, 0, -1],
  ]) {
    const shared = answerTo(
      gradients,
      saying((own) => ({ ...own, sign: Float64Array.from(signs), base: Matrix.fromRows([[2, 3]]) })),
      block,
    );
    expect([...shared.directions.data].map((value) => value + 0)).toEqual(signs.flatMap((s) => [2 * s + 0, 3 * s + 0]));
  }
});

test("an adversary that moves no row has no direction for any", () => {
  const { directions, gain } = answerTo(gradients, divergence("chi2")(2), block);
  expect([directions.rows, directions.columns]).toEqual([3, 2]);
  expect([...directions.data, ...gain].every((value) => value === 0)).toBe(true);
});
