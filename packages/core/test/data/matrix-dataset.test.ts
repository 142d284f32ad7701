import { describe, expect, test } from "vitest";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { toOriginalUnits } from "../../src/data/scaler.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { linear } from "../../src/models/score-model.js";
import { fit } from "../../src/solvers/fit.js";
import { expectFailure } from "./helpers.js";

const x = Matrix.fromRows([
  [1, 10],
  [2, 30],
  [6, 20],
]);

describe("matrixDataset", () => {
  test("hands out views", () => {
    const data = matrixDataset(x, [1, 2, 3]);
    for (const block of data.blocks(2)) expect(block.x.data.buffer).toBe(x.data.buffer);
    for (const block of data.select(Int32Array.of(1, 2)).blocks()) expect(block.x.data.buffer).toBe(x.data.buffer);
    expect(data.features).toEqual(["x1", "x2"]);
    expect(data.scaler).toBeNull();
    const [block] = data.select(Int32Array.of(2, 0)).blocks();
    expect([...block.x.data]).toEqual([6, 20, 1, 10]);
  });

  test("standardises by weight, and remembers the way back", () => {
    const data = matrixDataset(x, [1, 2, 3], { weights: [1, 1, 2], standardize: true });
    const rows: number[][] = [];
    for (const block of data.blocks(1)) rows.push([...block.x.data]);
    for (const j of [0, 1]) {
      expect(rows.reduce((sum, row, i) => sum + data.weights[i] * row[j], 0)).toBeCloseTo(0, 14);
      expect(rows.reduce((sum, row, i) => sum + data.weights[i] * row[j] ** 2, 0)).toBeCloseTo(1, 14);
    }
    if (data.scaler === null) throw new Error("no scaler");
    const { intercept, coefficients } = toOriginalUnits([0.5, 2, -1], data.scaler, true);
    rows.forEach((row, i) =>
      expect(intercept + coefficients[0] * x.row(i)[0] + coefficients[1] * x.row(i)[1]).toBeCloseTo(
        0.5 + 2 * row[0] - row[1],
        12,
      ),
    );
  });

  test("a column without spread keeps scale 1; huge values keep finite scales", () => {
    const flat = matrixDataset(
      Matrix.fromRows([
        [7, 1e200],
        [7, -1e200],
      ]),
      [1, 2],
      { standardize: true },
    );
    expect(flat.scaler && Array.from(flat.scaler.scale)).toEqual([1, 1e200]);
  });

  test("refuses what does not fit", async () => {
    await expectFailure(() => matrixDataset(x, [1, 2]), "usage", /3 rows, but there are 2 targets/);
    await expectFailure(
      () => matrixDataset(x, [1, 2, 3], { features: ["a"] }),
      "usage",
      /2 columns, but there are 1 names/,
    );
    await expectFailure(
      () => matrixDataset(x, [1, 2, 3], { weights: [1] }),
      "usage",
      /3 rows, but there are 1 weights/,
    );
    await expectFailure(() => matrixDataset(x, [1, 2, 3], { weights: [1, -1, 1] }), "input", /weight of row 1 is -1/);
    await expectFailure(() => matrixDataset(x, [1, 2, 3], { weights: [0, 0, 0] }), "input", /Every weight is 0/);
    await expectFailure(() => matrixDataset(x, [1, Number.NaN, 3]), "input", /target of row 1 is NaN/);
    for (const entry of [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]) {
      const bad = Matrix.fromRows([
        [1, 2],
        [3, entry],
        [5, 7],
        [6, 5],
      ]);
      const message = new RegExp(`Row 1 of the matrix holds ${entry} in column "b"`);
      const options = { features: ["a", "b"] };
      await expectFailure(() => fit(linear(), matrixDataset(bad, [1, 2, 4, 3], options)), "input", message);
      await expectFailure(() => matrixDataset(bad, [1, 2, 4, 3], options).check(), "input", message);
      await expectFailure(() => matrixDataset(bad, [1, 2, 4, 3], { ...options, standardize: true }), "input", message);
    }
    await expectFailure(() => matrixDataset(Matrix.zeros(0, 2), []), "usage", /0×2/);
    const data = matrixDataset(x, [1, 2, 3]);
    await expectFailure(() => data.select(Int32Array.of(1, 1)), "usage", /Row 1 is selected twice/);
    await expectFailure(() => data.select(Int32Array.of(3)), "usage", /Row 3 is not one of the 3 rows/);
    await expectFailure(() => data.select(new Int32Array(0)), "usage", /at least one row/);
    await expectFailure(() => [...data.blocks(0)], "usage", /at least one row, got 0/);
  });
});
