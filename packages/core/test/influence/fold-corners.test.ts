/** Rows that a fit without a fold meets exactly though the fit on all rows meets none: the last row of a level whose other row is in the fold. */
import { expect, test } from "vitest";
import { crossFit, fit, influence, linear, lp, Matrix, matrixDataset, poisson } from "../../src/index.js";
import { Random, relativeError } from "../models/naive.js";

const FOLDS = 4;
/** The rows of the rare level, in folds 1 and 2. */
const RARE = [9, 14];
const BOX = { lower: [-100, -1], upper: [100, 2] };

function rareLevel(model: "linear" | "poisson", seed: number) {
  const random = new Random(seed);
  const X = Array.from({ length: 40 }, (_, i) => [random.normal(), RARE.includes(i) ? 1 : 0]);
  const y = X.map(([x, rare]) =>
    model === "linear" ? 1 + x + 3 * rare + random.normal() : 1 + Math.floor(4 * random.uniform() * Math.exp(0.3 * x)),
  );
  return { X, y, foldOf: Uint16Array.from(X, (_, i) => i % FOLDS) };
}

test.each(
  [3, 4, 5, 6].flatMap((seed) =>
    (["linear", "poisson"] as const).flatMap((model) => [
      { model, seed, p: 2, boxed: false },
      { model, seed, p: Number.POSITIVE_INFINITY, boxed: true },
    ]),
  ),
)("$model, p = $p, boxed: $boxed, seed $seed", async ({ model, seed, p, boxed }) => {
  const { X, y, foldOf } = rareLevel(model, seed);
  const description = model === "linear" ? linear() : poisson();
  const full = await fit(description, matrixDataset(Matrix.fromRows(X), y));
  const attack = await influence(full, lp(p, { budgets: [1, 0], ...(boxed ? { bounds: BOX } : {}) }));
  expect(attack.oneSided).toBe(false);
  const [{ folds }] = await crossFit(full, [attack], foldOf, FOLDS);
  for (const [k, last] of [
    [1, RARE[1]],
    [2, RARE[0]],
  ]) {
    // The row has the level's parameter for itself: it stays where it is met whatever becomes of the others, which alone decide.
    const others = [...X.keys()].filter((i) => foldOf[i] !== k && i !== last);
    const rows = Matrix.fromRows(others.map((i) => [X[i][0]]));
    const without = await fit(
      description,
      matrixDataset(
        rows,
        others.map((i) => y[i]),
      ),
    );
    const alone = await influence(without, lp(p));
    const share = others.length / (others.length + 1);
    const c = share * alone.scale + (1 - share) * Math.abs(X[last][0]);
    const [b, x] = alone.influence.map((value) => (c / alone.scale) * value);
    const expected = [b, x, -b - x * X[last][0]];
    expect(relativeError(folds[k].influence, expected)).toBeLessThan(1e-8);
    expect(relativeError([folds[k].scale], [c])).toBeLessThan(1e-12);
  }
});
