/** Rows that are evaluated: the training rows, others, held-out ones, at another radius, under other weights. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  type Dataset,
  ensureBlas,
  type Fit,
  fit,
  type Influence,
  influence,
  lp,
  Matrix,
  matrixDataset,
} from "../../src/index.js";
import { scoreShifts } from "../../src/influence/aif.js";
import { outsideOf, ownFoldRows } from "../../src/influence/cross-fit.js";
import { atFixedRadius, heldOutRows, otherRows, trainingRows } from "../../src/influence/evaluated-rows.js";
import { foldSizes, leaveOutScales } from "../../src/influence/leave-out-influence.js";
import { reweighted } from "../../src/influence/reweighted.js";
import { dot, type Problem, Random, relativeError } from "../models/naive.js";
import { Cut } from "./cut.js";
import { randomCase } from "./problems.js";

beforeAll(() => ensureBlas());

const K = 3;
const foldsOf = (n: number): Uint16Array => Uint16Array.from({ length: n }, (_, i) => (7 * i + (i >> 2)) % K);

/** All entries, row by row. */
function* matrixBlocks(data: Dataset): Generator<Float64Array> {
  const out = new Float64Array(data.rows * data.features.length);
  for (const { x, firstRow } of data.blocks()) out.set(x.data, firstRow * x.columns);
  yield out;
}

describe("rows that are evaluated", () => {
  const setup = async (): Promise<{ attack: Influence; full: Fit; data: Dataset; X: Problem["X"] }> => {
    const made = randomCase("logistic", 8, { n: 18, weighted: true });
    const full = await fit(made.describe, new Cut(made.data, 5), { l2: 0.1 });
    return { attack: await influence(full, lp(2)), full, data: made.data, X: made.problem.X };
  };

  test("training rows, other rows, and the same at a fixed radius", async () => {
    const { attack, full, data, X } = await setup();
    const shifts = await scoreShifts(attack);
    const own = trainingRows(attack, shifts);
    expect(own.fitOf).toBeNull();
    expect(own.rows.scores).toBe(full.scores);
    expect(own.rows.shifts).toBe(shifts);
    X.forEach((x, i) => expect(shifts[i]).toBeCloseTo(dot([1, ...x], attack.influence), 12));
    const others = await otherRows(attack, new Cut(data.select(Int32Array.of(3, 1, 17, 5)), 3));
    [3, 1, 17, 5].forEach((row, i) => {
      expect(others.rows.scores[i]).toBeCloseTo(full.scores[row], 12);
      expect(others.rows.shifts[i]).toBeCloseTo(shifts[row], 12);
    });
    expect(others.fits[0].scale).toBe(attack.scale);
    const fixed = atFixedRadius(own, 2 * attack.scale);
    expect(
      relativeError(
        fixed.rows.shifts,
        shifts.map((value) => 2 * value),
      ),
    ).toBeLessThan(1e-14);
    expect(
      relativeError(
        fixed.fits[0].influence,
        attack.influence.map((value) => 2 * value),
      ),
    ).toBeLessThan(1e-14);
    expect(fixed.fits[0].scale).toBe(2 * attack.scale);
    expect(fixed.fits[0].parameters).toBe(full.parameters);
  });

  test("held-out rows at a fixed radius: each fold by its own c; on rows as they are judged", async () => {
    const { attack, full } = await setup();
    const foldOf = foldsOf(18);
    const { evaluated, singularFolds } = await heldOutRows([attack], foldOf, K);
    expect(singularFolds).toBe(0);
    expect(evaluated[0].fitOf).toBe(foldOf);
    const fixed = atFixedRadius(evaluated[0], 3);
    const outside = outsideOf(foldSizes(new Float64Array(18).fill(1), full.data.weights, foldOf, K));
    const scales = leaveOutScales(attack, { foldOf, outside });
    foldOf.forEach((k, i) => {
      expect(fixed.rows.shifts[i]).toBeCloseTo((evaluated[0].rows.shifts[i] * 3) / scales[k], 12);
      expect(fixed.fits[k].influence[1]).toBeCloseTo((evaluated[0].fits[k].influence[1] * 3) / scales[k], 12);
    });
    // The same rows, each moved by 1: scores move by Σβ_k of the row's own fold.
    const [whole] = [...matrixBlocks(full.data)];
    const moved = new Matrix(
      whole.map((value) => value + 1),
      18,
      3,
    );
    const on = matrixDataset(moved, full.data.y, { weights: full.data.weights });
    const judged = await heldOutRows([attack], foldOf, K, {}, undefined, on);
    expect(judged.evaluated[0].data).toBe(on);
    foldOf.forEach((k, i) => {
      const [, ...beta] = evaluated[0].fits[k].parameters;
      expect(judged.evaluated[0].rows.scores[i]).toBeCloseTo(evaluated[0].rows.scores[i] + dot(beta, [1, 1, 1]), 10);
    });
  });

  test("rows under other weights: so are their blocks and what is chosen of them", () => {
    const random = new Random(1);
    const data = matrixDataset(Matrix.fromRows(random.rows(7, 2)), random.normals(7));
    const weights = Float64Array.of(0.1, 0.2, 0.1, 0.2, 0.1, 0.2, 0.1);
    const other = reweighted(data, weights);
    const blocks = [...other.blocks(3, 2)];
    expect(blocks.map(({ firstRow, w }) => [firstRow, ...w])).toEqual([
      [2, 0.1, 0.2, 0.1],
      [5, 0.2, 0.1],
    ]);
    const chosen = other.select(Int32Array.of(1, 4, 3));
    [0.4, 0.2, 0.4].forEach((value, i) => expect(chosen.weights[i]).toBeCloseTo(value, 14));
    expect([...chosen.y]).toEqual([data.y[1], data.y[4], data.y[3]]);
    expect([other.rows, other.features.length, other.y]).toEqual([7, 2, data.y]);
  });
});

test("rows under their own fold's parameters, for several influences at once", async () => {
  const made = randomCase("half", 2, { n: 10, m: 2 });
  const full = await fit(made.describe, new Cut(made.data, 4));
  const foldOf = foldsOf(10);
  const random = new Random(3);
  const [theta, first, second] = [1, 2, 3].map(() => Matrix.fromRows(random.rows(3, K)));
  const { scores, shifts } = await ownFoldRows(full, foldOf, theta, [first, second], full.data);
  made.problem.X.forEach((x, i) => {
    const along = (matrix: Matrix): number => dot([1, ...x], matrix.column(foldOf[i]));
    expect(scores[i]).toBeCloseTo(along(theta), 12);
    expect(shifts[0][i]).toBeCloseTo(along(first), 12);
    expect(shifts[1][i]).toBeCloseTo(along(second), 12);
  });
});
