/** Slopes of monomials, and passes that form V once a block, against plain loops. */
import { describe, expect, test } from "vitest";
import { type Dataset, Matrix, matrixDataset } from "../../src/index.js";
import { MonomialMap } from "../../src/models/monomial-map.js";
import { derivativeOf } from "../../src/models/monomials.js";
import { asColumn, type SweepSums, sweep } from "../../src/models/sweep.js";
import { parseMonomials } from "../../src/models/terms.js";
import { dot, features, jacobian, Random, relativeError, type Term } from "./naive.js";

describe("a monomial", () => {
  test("derivatives: 3x²y by x is 6xy, by y 3x², by z nothing", () => {
    const monomial = {
      coefficient: 3,
      factors: [
        { input: 0, power: 2 },
        { input: 1, power: 1 },
      ],
    };
    const byX = {
      coefficient: 6,
      factors: [
        { input: 0, power: 1 },
        { input: 1, power: 1 },
      ],
    };
    expect(derivativeOf(monomial, 0)).toEqual(byX);
    expect(derivativeOf(monomial, 1)).toEqual({ coefficient: 3, factors: [{ input: 0, power: 2 }] });
    expect(derivativeOf(monomial, 2)).toBeNull();
  });
});

test.each([1, 1201])("slopes of more rows than are taken at a time, %d directions", (count) => {
  const [n, m] = [1201, 3];
  const random = new Random(5);
  const X = random.rows(n, m);
  const map = new MonomialMap(m, true, parseMonomials("a, b^2/4, -3*a*c^2, b^5", ["a", "b", "c"]));
  const terms: readonly Term[] = [
    { coefficient: 1, powers: [0, 0, 0] },
    { coefficient: 1, powers: [1, 0, 0] },
    { coefficient: 0.25, powers: [0, 2, 0] },
    { coefficient: -3, powers: [1, 0, 2] },
    { coefficient: 1, powers: [0, 5, 0] },
  ];
  const [theta, omega] = [Float64Array.from(random.normals(5)), Float64Array.from(random.normals(n))];
  const phi = random.rows(count, m);
  const J = X.map((row) => jacobian(terms, row));
  const gamma = J.flatMap((rows) => X[0].map((_, k) => rows.reduce((sum, row, a) => sum + theta[a] * row[k], 0)));
  expect(relativeError(map.inputGradients(theta, Matrix.fromRows(X)).data, gamma)).toBeLessThan(1e-13);
  const out = new Float64Array(5).fill(1);
  map.addJacobianPullback(Matrix.fromRows(X), Matrix.fromRows(phi), omega, out);
  const pulled = terms.map((_, a) =>
    J.reduce((sum, rows, i) => sum + omega[i] * dot(rows[a], phi[count === 1 ? 0 : i]), 1),
  );
  expect(relativeError(out, pulled)).toBeLessThan(1e-12);
});

describe("a pass that forms V once a block", () => {
  // More rows than are formed at a time, and than a block of wide rows has.
  const [n, m] = [5201, 3];
  const random = new Random(4);
  const X = random.rows(n, m);
  const y = Float64Array.from(random.normals(n));
  const weights = Float64Array.from(X, () => random.uniform());
  const text = ["a", "b^2/4", "-3*a*c^2", "c^3", "a*b*c/2"];
  const terms: readonly Term[] = [
    { coefficient: 1, powers: [0, 0, 0] },
    { coefficient: 1, powers: [1, 0, 0] },
    { coefficient: 0.25, powers: [0, 2, 0] },
    { coefficient: -3, powers: [1, 0, 2] },
    { coefficient: 1, powers: [0, 0, 3] },
    { coefficient: 0.5, powers: [1, 1, 1] },
  ];

  test.each([0, 20])("scores, pullback and Gram matrix, with %d terms more", async (more) => {
    const [written, used] = [[...text], [...terms]];
    for (let k = 0; k < more; k++) {
      const powers = [1 + (k % 3), 2 + Math.floor(k / 3), 0];
      written.push(`a^${powers[0]}*b^${powers[1]}`);
      used.push({ coefficient: 1, powers });
    }
    const map = new MonomialMap(m, true, parseMonomials(written.join(", "), ["a", "b", "c"]));
    const d = map.count;
    const theta = Float64Array.from(random.normals(d));
    const scores = new Float64Array(n);
    const other = Matrix.fromRows(random.rows(40, m));
    const pass = (of: Dataset, grams: number): Promise<SweepSums> =>
      sweep(
        map,
        of,
        { theta: asColumn(theta), pull: 1, grams, phase: "test" },
        ({ block, scores: f, pull: omega, grams: [gram] }) => {
          scores.set(f.data, block.firstRow);
          omega.data.set(block.y);
          gram?.set(block.w);
          map.scores(asColumn(theta), other); // what else the map is asked meanwhile takes nothing from the block
        },
      );
    const data = matrixDataset(Matrix.fromRows(X), y, { weights });
    const V = X.map((row) => features(used, row));
    const truth = V.map((v) => dot(v, theta));
    const expectSums = ({ pull }: SweepSums): void => {
      expect(relativeError(scores, truth)).toBeLessThan(1e-13);
      const pulled = Array.from({ length: d }, (_, a) => V.reduce((sum, v, i) => sum + y[i] * v[a], 0));
      expect(relativeError(pull.data, pulled)).toBeLessThan(1e-12);
    };
    // Rows between which the features of others, as many, have been formed by the same map.
    expectSums(await pass(data, 0));
    expectSums(await pass(data, 0));
    await pass(matrixDataset(Matrix.fromRows(random.rows(n, m)), y, { weights }), 0);
    const sums = await pass(data, 1);
    expectSums(sums);
    const { grams } = sums;
    for (let a = 0; a < d; a++) {
      for (let b = 0; b <= a; b++) {
        const [sum, size] = V.reduce(
          ([total, most], v, i) => {
            const part = data.weights[i] * v[a] * v[b];
            return [total + part, most + Math.abs(part)];
          },
          [0, 0],
        );
        expect(Math.abs(grams[0].data[a * d + b] - sum)).toBeLessThan(1e-13 * size);
      }
    }
  });
});
