/** Sums of squared derivatives of the quadratic features along shared directions, against the features' definition. */
import { expect, test } from "vitest";
import { Matrix } from "../../src/linalg/matrix.js";
import { QuadraticDirections } from "../../src/models/quadratic-directions.js";
import { QuadraticMap } from "../../src/models/quadratic-map.js";
import { quadraticTerms, Random } from "./naive.js";

test.each([
  [true, () => false],
  [false, (j: number, k: number) => j === k || (j === 0 && k === 2)],
])("the sum over directions and rows of ω (Vφ)(Vφ)', intercept %s", (intercept, omitted) => {
  const [m, n, count] = [4, 9, 3];
  const random = new Random(5);
  const map = new QuadraticMap(m, intercept, omitted);
  const blocks = [random.rows(n, m), random.rows(2, m)];
  const phi = random.rows(count, m);
  phi[1][2] = 0;
  const weights = blocks.map((rows) => phi.map(() => rows.map(() => random.uniform())));
  const terms = quadraticTerms(m, intercept, omitted);
  const slope = (powers: readonly number[], row: readonly number[], direction: readonly number[]): number =>
    powers.reduce(
      (sum, power, k) =>
        power === 0
          ? sum
          : sum + direction[k] * power * powers.reduce((all, p, l) => all * row[l] ** (l === k ? p - 1 : p), 1),
      0,
    );
  const d = terms.length;
  const expected = new Float64Array(d * d);
  blocks.forEach((rows, block) => {
    rows.forEach((row, i) => {
      phi.forEach((direction, k) => {
        const v = terms.map(({ powers }) => slope(powers, row, direction));
        for (let a = 0; a < d; a++)
          for (let b = 0; b <= a; b++) expected[a * d + b] += weights[block][k][i] * v[a] * v[b];
      });
    });
  });
  const sums = new QuadraticDirections(map, count);
  blocks.forEach((rows, block) => {
    const x = new Matrix(Float64Array.from(rows.flat()), rows.length, m);
    sums.add(x, (k) => Float64Array.from(weights[block][k]));
  });
  const out = Matrix.zeros(d, d);
  out.data.fill(1);
  sums.addTo(new Matrix(Float64Array.from(phi.flat()), count, m), out);
  out.data.forEach((value, at) => {
    const lower = at % d <= Math.floor(at / d);
    expect(value).toBeCloseTo(lower ? 1 + expected[at] : 1, 11);
  });
});
