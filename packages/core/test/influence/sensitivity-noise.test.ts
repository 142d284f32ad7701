/** The interval for S where one direction of I is beyond doubt and noise along another may make up all of Ŝ. */
import { expect, test } from "vitest";
import { Matrix } from "../../src/index.js";
import { curvatureInterval } from "../../src/influence/sensitivity-interval.js";
import { Random } from "../models/naive.js";

test("S = 5 lies within, though a Wald test has no doubt that I is not 0: 600 draws of Î ~ N(I, V)", () => {
  const [H, I, V] = [
    [1, 100],
    [3, 0.1],
    [0.01, 0.16],
  ];
  const half = (u: ArrayLike<number>): number => 0.5 * (H[0] * u[0] ** 2 + H[1] * u[1] ** 2);
  const truth = half(I);
  expect(truth).toBeCloseTo(5, 12);
  const noise = 0.5 * (H[0] * V[0] + H[1] * V[1]);
  const random = new Random(41);
  let held = 0;
  let given = 0;
  for (let draw = 0; draw < 600; draw++) {
    const found = Float64Array.from(I, (value, j) => value + Math.sqrt(V[j]) * random.normal());
    const interval = curvatureInterval(
      found,
      (u) => Float64Array.of(H[0] * u[0], H[1] * u[1]),
      {
        covariance: Matrix.fromRows([
          [V[0], 0],
          [0, V[1]],
        ]),
        standardErrors: Float64Array.from(V, Math.sqrt),
        debiased: half(found) - noise,
        sensitivityStandardError: Math.hypot(...V.map((v, j) => Math.sqrt(v) * H[j] * found[j])),
      },
      0.95,
    );
    expect(interval.waldProbability).toBeLessThan(1e-6);
    // Wholly below 0: a study gives no interval then.
    if (interval.upper < 0) continue;
    given++;
    if (interval.method === "delta") expect(half(found)).toBeGreaterThan(noise);
    if (interval.lower <= truth && truth <= interval.upper) held++;
  }
  // By the delta method alone it is 87 %.
  expect(held / given).toBeGreaterThan(0.9);
});

test.each([
  ["below 0 and above it", [-9e-13, 4e-13]],
  ["above it", [0, 4e-13]],
])("directions of V that rounding alone leaves %s count for nothing", (_, rounding) => {
  // Columns of a reflection, so that V has these eigenvalues in directions that are none of the coordinates.
  const v = [0.1, 0.7, -0.5, 0.5];
  const reflected = v.map((a, i) => v.map((b, j) => (i === j ? 1 : 0) - 2 * a * b));
  const intervalOf = (thin: readonly number[]) => {
    const lengths = [...thin, 1, 4];
    const covariance = Matrix.fromRows(
      reflected.map((row) => reflected.map((other) => row.reduce((sum, r, k) => sum + r * lengths[k] * other[k], 0))),
    );
    // Î has no part along the thin ones.
    const found = Float64Array.from(reflected, (row) => 0.3 * row[2] - 0.2 * row[3]);
    const debiased = 0.5 * (0.3 ** 2 + 0.2 ** 2 - 5);
    return curvatureInterval(
      found,
      (u) => u.slice(),
      { covariance, standardErrors: Float64Array.of(1, 1, 1, 1), debiased, sensitivityStandardError: 1 },
      0.95,
    );
  };
  const exact = intervalOf([0, 0]);
  const rounded = intervalOf(rounding);
  expect(exact.method).toBe("projection");
  expect(rounded.upper).toBeCloseTo(exact.upper, 9);
  // ‖z‖² ≤ χ²(2) = −2 log 0.05, most of it along the longer one.
  const reach = Math.sqrt(-2 * Math.log(0.05));
  expect(rounded.upper).toBeGreaterThan(0.5 * (2 * reach - 0.2) ** 2);
  expect(rounded.upper).toBeLessThan(0.5 * (2 * reach + 0.5) ** 2);
});
