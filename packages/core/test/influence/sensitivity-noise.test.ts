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
