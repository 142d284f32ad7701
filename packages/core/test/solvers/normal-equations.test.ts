/** Subset fits from one set of sums against full refits on the rows themselves. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  basis,
  ensureBlas,
  fit,
  linear,
  Matrix,
  type ModelDescription,
  matrixDataset,
  quadratic,
} from "../../src/index.js";
import { NormalEquations, solveSystem } from "../../src/solvers/normal-equations.js";
import { Random } from "../models/naive.js";

beforeAll(() => ensureBlas());

const random = new Random(5);
const n = 180;
const m = 5;
const rows = Array.from({ length: n }, () => Array.from({ length: m }, () => random.normal()));
for (const row of rows) row[2] = 0.9 * row[1] + 0.3 * row[2];
const y = rows.map((x) => 3 + x[0] - 0.5 * x[1] * x[1] + x[3] + random.normal());
const weights = rows.map(() => 0.2 + random.uniform());
const foldOf = Uint16Array.from(rows, (_, i) => (i * 7) % 4);

const dataOf = (columns: readonly number[], kept: (i: number) => boolean = () => true) => {
  const chosen = [...rows.keys()].filter(kept);
  return matrixDataset(
    Matrix.fromRows(chosen.map((i) => columns.map((k) => rows[i][k]))),
    Float64Array.from(chosen, (i) => y[i]),
    { weights: Float64Array.from(chosen, (i) => weights[i]), features: columns.map((k) => `x${k}`) },
  );
};

const terms = "x0,x1,x1^2/4,x0*x3,x2,x4^3";

const cases: readonly (readonly [string, ModelDescription])[] = [
  ["linear", linear()],
  ["linear without intercept", linear({ intercept: false })],
  ["half-squared quadratic", quadratic({ loss: "half-squared" })],
  ["basis", basis(terms, { among: ["x0", "x1", "x2", "x3", "x4"] })],
];

describe.each(cases)("%s", (_, description) => {
  test.each([0, 0.3])("every subset, whole and without a fold, with λ = %d", async (l2) => {
    const all = dataOf([0, 1, 2, 3, 4]);
    const model = description(all);
    const equations = await NormalEquations.of(model, all, foldOf, 4);
    for (const columns of [[0], [1, 4], [0, 1, 3], [0, 1, 2, 3, 4]]) {
      const inputs = new Set(columns);
      const chosen = Int32Array.from(
        [...Array(model.map.count).keys()].filter((a) => (model.map.inputsOf?.(a) ?? []).every((k) => inputs.has(k))),
      );
      for (const without of [null, 2]) {
        const refit = await fit(
          description,
          dataOf(columns, (i) => foldOf[i] !== without),
          { l2 },
        );
        const theta = solveSystem(equations.system(chosen, l2, without));
        expect(theta).toHaveLength(refit.parameters.length);
        theta.forEach((value, j) => expect(Math.abs(value - refit.parameters[j])).toBeLessThan(1e-10));
        // The fit that begins at their solution with their Hessian ends at the same place.
        const begun = await fit(
          description,
          dataOf(columns, (i) => foldOf[i] !== without),
          { l2, start: theta, hessian: equations.system(chosen, l2, without).hessian },
        );
        begun.parameters.forEach((value, j) => expect(Math.abs(value - refit.parameters[j])).toBeLessThan(1e-10));
      }
    }
  });
});
