/** What rounding allows of a fit: where no more is left of the gradient it is a minimum, and where more is it is none. */
import { expect, test } from "vitest";
import { fit, linear, Matrix, matrixDataset, quadratic } from "../../src/index.js";
import { Random, relativeError } from "../models/naive.js";

/** f = 1 + z − z²/3 of one column that is centre + z, and noise. */
function aboutCentre(centre: number, noise: number, seed: number) {
  const random = new Random(seed);
  const z = [...random.normals(120)];
  const y = z.map((value) => 1 + value - (value * value) / 3 + noise * random.normal());
  return { z, data: matrixDataset(Matrix.fromRows(z.map((value) => [centre + value])), y) };
}

test.each([0, 1e-6, 1])(
  "a column far from 0 beside its spread, whose square is no column of its own, noise %d",
  async (noise) => {
    const { data, z } = aboutCentre(2000, noise, 2);
    const error: unknown = await fit(quadratic(), data).catch((cause: unknown) => cause);
    expect(error).toMatchObject({
      code: "numerical",
      message: expect.stringMatching(/singular \(rank 2 of 3 parameters\).*without --no-standardize/),
    });
    const [, found, asked] = /relative gradient (\S+) where (\S+) is asked/.exec((error as Error).message) ?? [];
    expect(Number(found)).toBeGreaterThan(Number(asked));
    // About its centre it is fitted.
    const about = await fit(quadratic(), matrixDataset(Matrix.fromRows(z.map((value) => [value])), data.y));
    expect(about.inverse.method).toBe("cholesky");
  },
);

test.each([0, 1e-9, 1e-3, 1])("nearer to 0 it is fitted as about its centre, noise %d", async (noise) => {
  for (const seed of [1, 2, 3, 4]) {
    const { data, z } = aboutCentre(100, noise, seed);
    const found = await fit(quadratic(), data);
    const about = await fit(quadratic(), matrixDataset(Matrix.fromRows(z.map((value) => [value])), data.y));
    expect(relativeError(found.scores, about.scores)).toBeLessThan(1e-9);
  }
});

test("columns that are the same have a least-norm minimum", async () => {
  const random = new Random(5);
  const x = [...random.normals(50)];
  const y = x.map((value) => 1e4 + 3 * value + 1e-5 * random.normal());
  const once = await fit(linear(), matrixDataset(Matrix.fromRows(x.map((value) => [value])), y));
  const twice = await fit(linear(), matrixDataset(Matrix.fromRows(x.map((value) => [value, value])), y));
  expect(twice.inverse.method).toBe("pseudo-inverse");
  const [intercept, slope] = once.parameters;
  expect(relativeError(twice.parameters, [intercept, slope / 2, slope / 2])).toBeLessThan(1e-12);
});
