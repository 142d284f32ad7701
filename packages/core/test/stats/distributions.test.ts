import { expect, test } from "vitest";
import { chiSquareQuantile, chiSquareTail, normalQuantile } from "../../src/stats/distributions.js";

// Values of R 4.3 (qnorm, qchisq), 15 digits.
test.each([
  [0.975, 1.95996398454005],
  [1e-10, -6.36134090240406],
  [0.3, -0.524400512708041],
  [0.5, 0],
])("normal quantile of %f", (p, z) => {
  expect(Math.abs(normalQuantile(p) - z)).toBeLessThan(1e-13 * (1 + Math.abs(z)));
});

test.each([
  [0.95, 1, 3.84145882069412],
  [0.95, 10, 18.3070380532751],
  [0.999, 4, 18.4668269529032],
])("χ² quantile of %f on %i", (p, k, x) => {
  expect(Math.abs(chiSquareQuantile(p, k) / x - 1)).toBeLessThan(1e-12);
  expect(Math.abs(chiSquareTail(x, k) / (1 - p) - 1)).toBeLessThan(1e-11);
});
