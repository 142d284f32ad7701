/** Normal equations, paths of ridges and forward selection on a handful of rows. */
import { beforeAll, describe, expect, test } from "vitest";
import { assignFolds, ensureBlas, linear, Matrix, matrixDataset, ridgePath } from "../../src/index.js";
import { forwardSelection, type SelectionProblem } from "../../src/solvers/forward-selection.js";
import { NormalEquations, solveSystem } from "../../src/solvers/normal-equations.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const close = (found: ArrayLike<number>, expected: readonly number[], digits = 12): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, j) => expect(found[j]).toBeCloseTo(value, digits));
};

describe.each([
  ["squared", 1],
  ["half-squared", 0.5],
] as const)("sums of the folds of a %s loss", (loss, s) => {
  const X = [
    [1, 2],
    [0, 1],
    [3, -1],
    [-2, 0],
  ];
  const y = [1, 2, 3, -1];
  const w = [0.1, 0.2, 0.3, 0.4];
  const fold = [0, 1, 0, 1];
  const data = matrixDataset(Matrix.fromRows(X), y, { weights: w });
  const V = X.map((row) => [1, ...row]);
  const made = (intercept: boolean) =>
    NormalEquations.of(linear({ loss, intercept })(data), data, Uint16Array.from(fold), 2);

  test("the equations of some parameters on all rows, and without a fold", async () => {
    const equations = await made(true);
    for (const without of [null, 0, 1]) {
      const rows = [0, 1, 2, 3].filter((i) => fold[i] !== without);
      const weight = rows.reduce((sum, i) => sum + w[i], 0);
      for (const chosen of [[0, 1, 2], [2], [1, 2]]) {
        const { hessian, right } = equations.system(Int32Array.from(chosen), 0.7, without);
        chosen.forEach((a, i) => {
          chosen.slice(0, i + 1).forEach((b, j) => {
            const gram = rows.reduce((sum, r) => sum + (w[r] / weight) * 2 * s * V[r][a] * V[r][b], 0);
            expect(hessian.data[i * chosen.length + j]).toBeCloseTo(gram + (a === b && a > 0 ? 0.7 : 0), 13);
          });
          expect(right[i]).toBeCloseTo(
            rows.reduce((sum, r) => sum + (w[r] / weight) * 2 * s * V[r][a] * y[r], 0),
            13,
          );
        });
      }
    }
  });

  test("without an intercept every parameter is penalised", async () => {
    const { hessian } = (await made(false)).system(Int32Array.of(0, 1), 0.7, null);
    const gram = (a: number): number => X.reduce((sum, row, i) => sum + 2 * s * w[i] * row[a] ** 2, 0);
    expect(hessian.data[0]).toBeCloseTo(gram(0) + 0.7, 13);
    expect(hessian.data[3]).toBeCloseTo(gram(1) + 0.7, 13);
  });

  test("the loss of a fold at any θ", async () => {
    const theta = [0.5, -1, 2];
    const equations = await made(true);
    for (const k of [0, 1]) {
      const expected = V.reduce((sum, v, i) => {
        const f = v.reduce((score, value, j) => score + value * theta[j], 0);
        return sum + (fold[i] === k ? w[i] * s * (f - y[i]) ** 2 : 0);
      }, 0);
      expect(equations.lossOf(k, Float64Array.from(theta))).toBeCloseTo(expected, 12);
    }
  });

  test("the sums of some parameters at θ", async () => {
    const equations = await made(true);
    const { grams, pulls } = equations.sumsAt(Int32Array.of(0, 2), Float64Array.of(0.5, -1));
    expect([pulls.rows, pulls.columns, grams.length]).toEqual([2, 2, 2]);
    for (const k of [0, 1]) {
      const rows = [0, 1, 2, 3].filter((i) => fold[i] === k);
      [0, 2].forEach((a, i) => {
        const slope = rows.reduce((sum, r) => sum + w[r] * 2 * s * (0.5 - V[r][2] - y[r]) * V[r][a], 0);
        expect(pulls.data[2 * i + k]).toBeCloseTo(slope, 13);
        [0, 2].slice(0, i + 1).forEach((b, j) => {
          const gram = rows.reduce((sum, r) => sum + w[r] * 2 * s * V[r][a] * V[r][b], 0);
          expect(grams[k].data[2 * i + j]).toBeCloseTo(gram, 13);
        });
      });
    }
  });
});

test("a singular system is solved by its shortest solution", () => {
  close(
    solveSystem({
      hessian: Matrix.fromRows([
        [1, 0],
        [1, 1],
      ]),
      right: Float64Array.of(2, 2),
    }),
    [1, 1],
  );
});

describe("a path of ridges of one feature", () => {
  const x = [1, 2, -1, 0.5];
  const y = [2, 3, -2, 1];
  const data = matrixDataset(Matrix.fromRows(x.map((value) => [value])), y);
  const description = linear({ intercept: false, loss: "half-squared" });
  const slope = (rows: readonly number[], l2: number): number =>
    rows.reduce((sum, i) => sum + (x[i] * y[i]) / rows.length, 0) /
    (rows.reduce((sum, i) => sum + x[i] ** 2 / rows.length, 0) + l2);
  const all = [0, 1, 2, 3];

  test("is Σxy/(Σx² + λ), whole and without each fold", async () => {
    const path = await ridgePath(description, data, [2, 0.25], { folds: 2, seed: 5 });
    const foldOf = assignFolds(4, 2, 5);
    const curvature = all.reduce((sum, i) => sum + x[i] ** 2 / 4, 0);
    for (const [k, l2] of [2, 0.25].entries()) {
      const point = path[k];
      expect(point.l2).toBe(l2);
      close(point.parameters, [slope(all, l2)]);
      expect(point.degreesOfFreedom).toBeCloseTo(curvature / (curvature + l2), 12);
      const heldOut = all.reduce((sum, i) => {
        const theta = slope(
          all.filter((r) => foldOf[r] !== foldOf[i]),
          l2,
        );
        return sum + (0.25 * (theta * x[i] - y[i]) ** 2) / 2;
      }, 0);
      expect(point.heldOutLoss).toBeCloseTo(heldOut, 12);
      const fitted = await point.fit();
      close(fitted.parameters, [slope(all, l2)]);
      expect([fitted.l2, fitted.hessian.data[0]]).toEqual([l2, expect.closeTo(curvature + l2, 12)]);
      expect(fitted.inverse.method).toBe("eigenvalues");
    }
  });

  test("has ten folds unless told otherwise, and an intercept that no ridge holds", async () => {
    const rows = Array.from({ length: 20 }, (_, i) => [i % 5]);
    const many = matrixDataset(
      Matrix.fromRows(rows),
      rows.map(([value], i) => 3 + value + (i % 3)),
    );
    const [standard] = await ridgePath(linear(), many, [1]);
    const [ten] = await ridgePath(linear(), many, [1], { folds: 10, seed: 0 });
    expect(standard.heldOutLoss).toBe(ten.heldOutLoss);
    // As λ grows the mean is left.
    const [flat] = await ridgePath(linear(), many, [1e12]);
    close(flat.parameters, [many.y.reduce((a, b) => a + b, 0) / 20, 0], 9);
    expect(flat.degreesOfFreedom).toBeCloseTo(1, 9);
  });

  test("is refused without ridges, or with one that is none", async () => {
    for (const [ridges, named] of [
      [[], "none"],
      [[1, 0], "0"],
      [[-1], "-1"],
      [[Number.POSITIVE_INFINITY], "Infinity"],
      [[Number.NaN], "NaN"],
    ] as const)
      expect((await refusal(ridgePath(description, data, ridges))).message).toBe(
        `A path of ridges needs numbers above 0, got ${named}.`,
      );
  });
});

describe("forward selection", () => {
  /** H and g of all parameters, none in use before those of the chosen groups. */
  const problemOf = (
    groups: readonly (readonly number[])[],
    hessian: readonly (readonly number[])[],
    gradient: readonly number[],
  ): SelectionProblem & { readonly asked: number[][] } => {
    const asked: number[][] = [];
    return {
      groups: groups.length,
      asked,
      parameters: (chosen) => Int32Array.from([...chosen].flatMap((k) => groups[k])).toSorted(),
      async at(inUse) {
        asked.push([...inUse]);
        const known = new Set(inUse);
        return {
          hessian: Matrix.fromRows(hessian.map((row, i) => row.map((value, j) => (j <= i ? value : Number.NaN)))),
          gradient: Float64Array.from(gradient, (value, j) => (known.has(j) ? 0 : value)),
        };
      },
    };
  };

  test("takes the largest ½g²/H first", async () => {
    // Gains ½·9/9, ½·4/1, ½·16/16.
    const problem = problemOf(
      [[0], [1], [2]],
      [
        [9, 0, 0],
        [0, 1, 0],
        [0, 0, 16],
      ],
      [3, 2, 4],
    );
    expect(await forwardSelection(problem, 1)).toEqual([1]);
    expect(problem.asked).toEqual([[]]);
    // Of equal gains the earlier.
    expect(await forwardSelection(problem, 3)).toEqual([1, 0, 2]);
    expect(await forwardSelection(problem, 9)).toEqual([1, 0, 2]);
    expect(await forwardSelection(problem, 0)).toEqual([]);
  });

  test("given what is in use: by what H has left of a parameter, whatever its place", async () => {
    // Beside parameter 1 parameter 0 has curvature 4 − 9/3 = 1, and parameter 2 its own 2.
    const hessian = [
      [4, 3, 0],
      [3, 3, 0],
      [0, 0, 2],
    ];
    const problem = problemOf([[0], [1], [2]], hessian, [1.5, 5, 2]);
    // ½·25/3 first; then ½·2.25/1 against ½·4/2.
    expect(await forwardSelection(problem, 3)).toEqual([1, 0, 2]);
    expect(problem.asked).toEqual([[], [1], [0, 1]]);
    // Of less gradient the other.
    expect(await forwardSelection(problemOf([[0], [1], [2]], hessian, [1.3, 5, 2]), 3)).toEqual([1, 2, 0]);
  });

  test("a group of two gains by both together, and one without parameters gains nothing", async () => {
    // ½ g'H⁻¹g of H = [[2, 1], [1, 2]], g = (1, −1): ½·2 = 1 against ½·1.9²/2 = 0.9025 and against ½·2.1²/2 = 1.1025.
    const hessian = [
      [2, 1, 0],
      [1, 2, 0],
      [0, 0, 2],
    ];
    expect(await forwardSelection(problemOf([[0, 1], [2], []], hessian, [1, -1, 1.9]), 3)).toEqual([0, 1, 2]);
    expect(await forwardSelection(problemOf([[], [0, 1], [2]], hessian, [1, -1, 2.1]), 3)).toEqual([2, 1, 0]);
  });

  test("gains that differ by rounding alone are equal", async () => {
    const gains = (share: number): SelectionProblem =>
      problemOf(
        [[0], [1]],
        [
          [1, 0],
          [0, 1],
        ],
        [1, 1 + share],
      );
    expect(await forwardSelection(gains(1e-12), 1)).toEqual([0]);
    expect(await forwardSelection(gains(1e-9), 1)).toEqual([1]);
    const large = (share: number): SelectionProblem =>
      problemOf(
        [[0], [1]],
        [
          [1, 0],
          [0, 1],
        ],
        [1e6, 1e6 * (1 + share)],
      );
    expect(await forwardSelection(large(1e-12), 1)).toEqual([0]);
    expect(await forwardSelection(large(1e-9), 1)).toEqual([1]);
  });
});
