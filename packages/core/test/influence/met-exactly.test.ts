import { beforeAll, expect, test } from "vitest";
import {
  basis,
  ensureBlas,
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
import { randomStream } from "../../src/stats/random.js";

beforeAll(() => ensureBlas());

/** y = 3 + 2a + b without noise; of every tenth row the terms cancel to a thousandth of their size, and leave the same rounding. */
function noiseless() {
  const random = randomStream(4);
  const x = Matrix.zeros(300, 2);
  const y = new Float64Array(300);
  for (let i = 0; i < 300; i++) {
    const a = random.normal();
    const b = i % 10 === 0 ? -3 - 2 * a + 1e-3 * random.normal() : random.normal();
    x.row(i).set([a, b]);
    y[i] = 3 + 2 * a + b;
  }
  return matrixDataset(x, y);
}

// Where all residuals are 0, the robust risk is Σ w (|v'(θ − θ̂)| + ρ‖β‖)², whose minimum leaves θ̂ at a rate below ρ.
test.each(
  [linear(), quadratic(), basis("x1, x2, x1^2")].flatMap((model) => [1, 2, Infinity].map((p) => [model, p] as const)),
)("rows that are met exactly are not told from rounding: no influence (%#)", async (model, p) => {
  const attack = await influence(await fit(model, noiseless()), lp(p));
  expect(attack.influence.every((value) => value === 0)).toBe(true);
  expect(attack.oneSided).toBe(true);
  expect(attack.multipliers).toBeNull();
});

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  "as many rows as parameters, in units far apart (seed %d)",
  async (seed) => {
    const random = randomStream(40 + seed);
    const units = [1, 1e8, 1, 1e-5, 1, 1];
    const x = Matrix.zeros(7, 6);
    for (let i = 0; i < 7; i++) x.row(i).set(units.map((unit) => unit * random.normal()));
    const data = matrixDataset(
      x,
      Array.from({ length: 7 }, () => random.normal()),
    );
    const attack = await influence(await fit(linear(), data), lp(Infinity));
    expect(attack.influence.every((value) => value === 0)).toBe(true);
  },
);

test.each(Array.from({ length: 20 }, (_, seed) => seed))(
  "as many counts as parameters, some of them 1 (seed %d)",
  async (seed) => {
    const random = randomStream(90 + seed);
    const d = 1 + (seed % 5);
    const X = Array.from({ length: d + 1 }, () => Array.from({ length: d }, () => random.normal()));
    const y = X.map((_, i) => 1 + Math.floor(i === 0 ? 0 : 9 * random.uniform()));
    const fitted = await fit(poisson(), matrixDataset(Matrix.fromRows(X), y));
    expect(fitted.scores.every((f, i) => Math.abs(f - Math.log(y[i])) < 1e-12)).toBe(true);
    const attack = await influence(fitted, lp(2));
    expect(attack.influence.every((value) => value === 0)).toBe(true);
  },
);

test("rows without weight have no say in whether a fit exists", async () => {
  const x = Matrix.fromRows([[1], [2], [3], [4], [2]]);
  const weights = Float64Array.of(1, 1, 1, 1, 0);
  // The last row alone keeps the classes from being apart.
  await expect(fit(logistic(), matrixDataset(x, [-1, -1, 1, 1, 1], { weights }))).rejects.toThrow(
    /separate the targets/,
  );
});
