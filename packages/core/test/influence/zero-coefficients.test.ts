/** Attacked coefficients that are 0 and come out as rounding: |β| has its corner there, and the sign of rounding says nothing. */
import { expect, test } from "vitest";
import {
  basis,
  crossFit,
  fit,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  poisson,
  quadratic,
} from "../../src/index.js";
import { Random, relativeError } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const MODELS = { linear, logistic, poisson };

/** A design in which every z meets every x with the same target: x has no effect at all, z has. */
function balanced(model: keyof typeof MODELS) {
  const random = new Random(5);
  const z = random.normals(30);
  const targets = z.map((value) =>
    model === "linear"
      ? 3 * value + random.normal()
      : model === "logistic"
        ? Math.sign(value + random.normal())
        : random.below(Math.ceil(Math.exp(value)) + 1),
  );
  const X = [-1, 0, 1].flatMap((x) => [...z].map((value) => [x, value]));
  return matrixDataset(
    Matrix.fromRows(X),
    X.map((_, i) => targets[i % 30]),
  );
}

test.each((["linear", "logistic", "poisson"] as const).flatMap((model) => [1, 2, 3, INF].map((p) => ({ model, p }))))(
  "a design without an effect, $model, p = $p",
  async ({ model, p }) => {
    const fitted = await fit(MODELS[model](), balanced(model));
    expect(Math.abs(fitted.parameters[1])).toBeLessThan(1e-14);
    const attack = await influence(fitted, lp(p, { budgets: [1, 0] }));
    // An attack can only make x matter more: β = 0 stays the optimum at every size.
    expect(attack.influence.every((value) => value === 0)).toBe(true);
    expect(attack.oneSided).toBe(true);
  },
);

test.each([1, 2, INF])("gradients of rows whose attacked coefficients are all 0, p = %s", async (p) => {
  const data = balanced("linear");
  for (const description of [basis("x1, x2, x1*x2"), quadratic()]) {
    const fitted = await fit(description, data);
    const names = fitted.model.parameterNames;
    // Of what x has a part in, nothing is left; z keeps its effect.
    expect(names.filter((_, j) => fitted.parameters[j] === 0)).toEqual(names.filter((name) => name.includes("x1")));
    const attack = await influence(fitted, lp(p, { budgets: [1, 0] }));
    expect(attack.influence.every((value) => value === 0)).toBe(true);
    expect(attack.coupledKinks).toBe(data.rows);
  }
});

test.each((["linear", "logistic", "poisson"] as const).flatMap((model) => [1, 2, 3].map((seed) => ({ model, seed }))))(
  "a column that is constant but in one fold, with a ridge, $model, seed $seed",
  async ({ model, seed }) => {
    const random = new Random(20 + seed);
    const [n, folds, constant] = [60, 3, -0.3 * seed];
    const foldOf = Uint16Array.from({ length: n }, (_, i) => i % folds);
    const X = Array.from({ length: n }, (_, i) => [
      random.normal(),
      i % folds === 1 && i < 12 ? 2 + random.uniform() : constant,
    ]);
    const y = X.map(([x]) =>
      model === "linear"
        ? x + random.normal()
        : model === "logistic"
          ? Math.sign(x + 2 * random.normal())
          : random.below(Math.ceil(2 * Math.exp(x / 2)) + 1),
    );
    const [description, l2] = [MODELS[model](), 0.05];
    const full = await fit(description, matrixDataset(Matrix.fromRows(X), y), { l2 });
    const attack = await influence(full, lp(INF));
    expect(attack.oneSided).toBe(false);
    const [crossed] = await crossFit(full, [attack], foldOf, folds);
    // Without fold 1 the intercept does for the column, which keeps its coefficient 0; the other column is attacked as if alone.
    const outside = [...X.keys()].filter((i) => foldOf[i] !== 1);
    const alone = await fit(
      description,
      matrixDataset(
        Matrix.fromRows(outside.map((i) => [X[i][0]])),
        outside.map((i) => y[i]),
      ),
      { l2 },
    );
    const truth = await influence(alone, lp(INF));
    const c = outside.reduce((sum, i) => sum + Math.max(Math.abs(X[i][0]), Math.abs(constant)), 0) / outside.length;
    const [b, x] = truth.influence.map((value) => (c / truth.scale) * value);
    expect(relativeError(crossed.folds[1].influence, [b, x, 0])).toBeLessThan(1e-7);
  },
);
