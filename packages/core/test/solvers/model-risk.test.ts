/** Sums of a model over rows, by hand. */

import { describe, expect, test } from "vitest";
import { shorter } from "../../src/data/block-stretches.js";
import { type Block, Matrix, matrixDataset } from "../../src/index.js";
import { eachBlock, meanLoss, modelBlockRows, ridgeOf, riskAt, withPenalty } from "../../src/solvers/model-risk.js";
import { lines } from "./lines.js";
import { passing, twice } from "./processes.js";
import { toldProgress } from "./progress.js";
import { refusal } from "./systems.js";

const data = matrixDataset(Matrix.fromRows([[1], [2], [-1]]), [3, 0, 1], { weights: [1, 1, 2] });
const model = lines(1);
const theta = Float64Array.of(2, 1);
// Scores 3, 5, −1: losses 4.5 − 9, 12.5, 0.5 + 1; slopes 0, 5, −2; weights ¼, ¼, ½.
const RISK = 0.25 * -4.5 + 0.25 * 12.5 + 0.5 * 1.5;
const SLOPES = [0.25 * 5 * 2 + 0.5 * -2 * -1, 0.25 * 5 + 0.5 * -2];

test("the ridge lies where the model is penalised", async () => {
  expect([...ridgeOf(model, 3)]).toEqual([3, 0]);
  expect([...ridgeOf(model, 0)]).toEqual([0, 0]);
  for (const l2 of [-1e-9, Number.NaN, Number.POSITIVE_INFINITY])
    expect((await refusal(() => ridgeOf(model, l2))).message).toBe(`The l2 penalty must be a number ≥ 0, got ${l2}.`);
});

test("rows at a time: 4 MB of them, 64 at least and 1024 at most", () => {
  expect([0, 1, 512, 513, 1000, 8192, 9000, 1e6].map(modelBlockRows)).toEqual([
    1024, 1024, 1024, 1022, 524, 64, 64, 64,
  ]);
});

describe("risk and gradient", () => {
  const ridge = Float64Array.of(0.5, 0);

  test.each([
    ["in two passes", model],
    [
      "in one",
      {
        ...model,
        riskAndGradient: (at: Float64Array, block: Block) => ({ risk: 7, gradient: model.gradient(at, block) }),
      },
    ],
  ])("of the rows with their weights, and the ridge: %s", async (how, given) => {
    const found = await riskAt({ model: given, data, ridge }, theta);
    const risk = how === "in one" ? 7 : RISK;
    expect(found.risk).toBeCloseTo(risk, 14);
    // ½·½·4
    expect(found.value).toBeCloseTo(risk + 1, 14);
    expect(found.gradient[0]).toBeCloseTo(SLOPES[0] + 1, 14);
    expect(found.gradient[1]).toBeCloseTo(SLOPES[1], 14);
  });

  test("of all processes: the ridge counts once", async () => {
    const shared = passing(data, twice);
    const found = await riskAt({ model, data: shared, ridge }, theta);
    expect(found.risk).toBeCloseTo(2 * RISK, 14);
    expect(found.value).toBeCloseTo(2 * RISK + 1, 14);
    expect(found.gradient[0]).toBeCloseTo(2 * SLOPES[0] + 1, 14);
    expect(await meanLoss(model, shared, theta)).toBeCloseTo(2 * RISK, 14);
    expect(await meanLoss(model, data, theta)).toBeCloseTo(RISK, 14);
  });

  test("a penalty on sums that are there", () => {
    const sums = Float64Array.of(10, 20);
    const found = withPenalty(Float64Array.of(2, 3), Float64Array.of(-1, 2), 5, sums);
    expect(found).toMatchObject({ value: 5 + 1 + 6, risk: 5 });
    expect([...found.gradient]).toEqual([8, 26]);
    expect([...sums]).toEqual([10, 20]);
  });
});

describe("blocks", () => {
  const many = matrixDataset(
    new Matrix(
      Float64Array.from({ length: 2500 }, (_, i) => i),
      2500,
      1,
    ),
    new Float64Array(2500),
  );

  test("come in order, from the first that has not been seen, and say how far they are", async () => {
    const seen: number[][] = [];
    const visit = (block: Block): void => void seen.push([block.firstRow, block.x.rows]);
    const told = await toldProgress((work) => eachBlock(many, "looking", work, visit));
    expect(seen).toEqual([
      [0, 1024],
      [1024, 1024],
      [2048, 452],
    ]);
    expect(told).toEqual([
      ["looking", 1024, 2500],
      ["looking", 2048, 2500],
      ["looking", 2500, 2500],
    ]);
    seen.length = 0;
    await eachBlock(many, "looking", {}, visit, [], 2048);
    expect(seen).toEqual([[2048, 452]]);
  });

  test("of rows that pass by are asked for with the sums and what was seen", async () => {
    const asked: unknown[] = [];
    const rows = Object.assign(Object.create(many), { pass: async (question: unknown) => void asked.push(question) });
    const sums = [new Float64Array(1)];
    const visit = (): void => undefined;
    await eachBlock(rows, "looking", {}, visit, sums, 3);
    await eachBlock(rows, "looking", {}, visit);
    expect(asked).toEqual([
      { sums, seen: 3, visit },
      { sums: [], seen: 0, visit },
    ]);
  });

  test("are cut into shorter ones with all that they carry", () => {
    const [block] = many.blocks(5);
    const measured = new Matrix(Float64Array.of(10, 11, 12, 13, 14), 5, 1);
    const cut = [...shorter({ ...block, firstRow: 100, measured }, 2)];
    expect(
      cut.map(({ x, y, w, firstRow, measured: own }) => [
        firstRow,
        [...x.data],
        y.length,
        w.length,
        [...(own?.data ?? [])],
      ]),
    ).toEqual([
      [100, [0, 1], 2, 2, [10, 11]],
      [102, [2, 3], 2, 2, [12, 13]],
      [104, [4], 1, 1, [14]],
    ]);
    expect([...shorter(block, 5)]).toHaveLength(1);
    expect([...shorter(block, 9)].map(({ measured: own }) => own)).toEqual([undefined]);
  });
});
