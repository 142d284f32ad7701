/** One eigen-decomposition for all ridges against a fit of its own for each. */
import { beforeAll, describe, expect, test } from "vitest";
import {
  assignFolds,
  ensureBlas,
  fit,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
  quadratic,
  ridgePath,
} from "../../src/index.js";
import { RidgeFamily } from "../../src/solvers/ridge-family.js";
import { Random, relativeError } from "../models/naive.js";

beforeAll(() => ensureBlas());

const random = new Random(12);
const ridges = [1e-6, 1e-3, 0.1, 1, 30];

function drawn(n: number, m: number) {
  const x = Matrix.zeros(n, m);
  for (let at = 0; at < x.data.length; at++) x.data[at] = random.normal() + (at % m === 1 ? 4 : 0);
  const y = Float64Array.from({ length: n }, (_, i) => 2 + x.data[i * m] - 0.4 * x.data[i * m + 1] + random.normal());
  const weights = Float64Array.from(y, () => 0.2 + random.uniform());
  return matrixDataset(x, y, { weights });
}

const cases: readonly [string, ModelDescription, ReturnType<typeof drawn>][] = [
  ["linear", linear(), drawn(90, 6)],
  ["linear without an intercept", linear({ intercept: false }), drawn(90, 6)],
  ["linear with more parameters than rows", linear(), drawn(25, 40)],
  ["quadratic", quadratic(), drawn(120, 4)],
];

describe("a path of ridges", () => {
  for (const [name, description, data] of cases) {
    test(`${name}: parameters, held-out loss and influence of separate fits`, async () => {
      const folds = 5;
      const path = await ridgePath(description, data, ridges, { folds, seed: 3 });
      const foldOf = assignFolds(data.rows, folds, 3);
      for (const point of path) {
        const { l2 } = point;
        const own = await fit(description, data, { l2 });
        // Rounding of the sums grows with the condition number, at worst a hundred times 1/λ where there are fewer rows than parameters.
        const rounding = Math.max(1e-10, 1e-13 / l2);
        expect(relativeError(point.parameters, own.parameters)).toBeLessThan(rounding);
        const read = await point.fit();
        expect(relativeError(read.parameters, own.parameters)).toBeLessThan(1e-10);
        expect(Math.abs(read.trainingLoss - own.trainingLoss)).toBeLessThan(1e-10 * (1 + own.trainingLoss));
        expect(
          relativeError((await influence(read, lp(2))).influence, (await influence(own, lp(2))).influence),
        ).toBeLessThan(rounding);
        let heldOut = 0;
        for (let k = 0; k < folds; k++) {
          const inside = Int32Array.from([...foldOf.keys()].filter((i) => foldOf[i] === k));
          const rest = data.select(Int32Array.from([...foldOf.keys()].filter((i) => foldOf[i] !== k)));
          const { parameters, model } = await fit(description, rest, { l2 });
          for (const i of inside) {
            const score = model.map.scores(new Matrix(parameters, parameters.length, 1), data.x.rowRange(i, i + 1));
            heldOut += data.weights[i] * model.loss.value(score.data[0], data.y[i]);
          }
        }
        expect(Math.abs(point.heldOutLoss - heldOut)).toBeLessThan(10 * rounding * (1 + heldOut));
      }
    });
  }

  test("effective parameters are the trace of what the data decide", () => {
    const d = 5;
    const a = Matrix.zeros(8, d);
    for (let at = 0; at < a.data.length; at++) a.data[at] = at % d === 0 ? 1 : random.normal();
    const gram = Matrix.zeros(d, d);
    for (let i = 0; i < d; i++) {
      for (let j = 0; j <= i; j++)
        for (let r = 0; r < 8; r++) gram.data[i * d + j] += a.data[r * d + i] * a.data[r * d + j];
    }
    const family = new RidgeFamily(gram, Uint8Array.of(0, 1, 1, 1, 1));
    const inverse = family.inverse(0.7);
    let trace = d;
    for (let j = 1; j < d; j++) {
      const unit = new Float64Array(d);
      unit[j] = 1;
      trace -= 0.7 * inverse.solve(unit)[j];
    }
    expect(family.effectiveParameters(0.7)).toBeCloseTo(trace, 10);
    expect(family.effectiveParameters(0)).toBe(d);
    const b = Float64Array.of(1, -2, 3, 0.5, 1);
    expect(inverse.relativeResidual(inverse.solve(b), b)).toBeLessThan(1e-14);
    expect(inverse.dualLength(b) ** 2).toBeCloseTo(
      b.reduce((sum, value, j) => sum + value * inverse.solve(b)[j], 0),
      10,
    );
  });

  test("refuses what is no path", async () => {
    const data = drawn(30, 2);
    await expect(ridgePath(linear(), data, [])).rejects.toThrow(/numbers above 0/);
    await expect(ridgePath(linear(), data, [1, 0])).rejects.toThrow(/got 0/);
    const classes = matrixDataset(
      data.x,
      data.y.map((value) => (value > 1 ? 1 : -1)),
    );
    await expect(ridgePath(logistic(), classes, [1])).rejects.toThrow(/squared loss/);
    await expect(ridgePath(linear(), data, [1], { folds: 1 })).rejects.toThrow(/fold/);
  });
});
