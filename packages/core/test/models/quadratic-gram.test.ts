import { afterAll, describe, expect, it } from "vitest";
import { blas, useBlas } from "../../src/linalg/backend.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { QuadraticMap } from "../../src/models/quadratic-map.js";
import { backends, required } from "../linalg/backends.js";
import { quadraticTerms, Random } from "./naive.js";

const before = blas();
afterAll(() => useBlas(before));

const m = 25;
const rows = 140;
const random = new Random(8);
const x = new Matrix(Float64Array.from(random.normals(rows * m)), rows, m);
const omega = Float64Array.from({ length: rows }, () => random.uniform());
const some = (j: number, k: number): boolean => (j === k && j % 3 === 0) || (j === 2 && k === 20);

/** Σ ω v_a v_b from the features' definition, and the largest of all. */
function truth(intercept: boolean, omitted: (j: number, k: number) => boolean): Float64Array {
  const v = Array.from({ length: rows }, (_, i) =>
    quadraticTerms(m, intercept, omitted).map(({ coefficient, powers }) =>
      powers.reduce((value, power, k) => (power === 0 ? value : value * x.data[i * m + k] ** power), coefficient),
    ),
  );
  const d = v[0].length;
  const out = new Float64Array(d * d);
  v.forEach((row, i) => {
    for (let a = 0; a < d; a++) for (let b = 0; b <= a; b++) out[a * d + b] += omega[i] * row[a] * row[b];
  });
  return out;
}

for (const backend of backends) {
  describe.skipIf(backend.blas === undefined)(`the Gram matrix of many quadratic features, ${backend.name}`, () => {
    for (const [intercept, name, omitted] of [
      [true, "all products", () => false],
      [false, "some left out", some],
    ] as const) {
      it(`is summed from distinct moments: intercept ${intercept}, ${name}`, () => {
        useBlas(required(backend));
        const map = new QuadraticMap(m, intercept, omitted);
        const d = map.count;
        const out = Matrix.zeros(d, d);
        out.data.fill(3);
        map.addGram(x, omega, out);
        map.addGram(x, omega, out); // what the first call left behind does not count
        const expected = truth(intercept, omitted);
        for (let a = 0; a < d; a++) {
          for (let b = 0; b < d; b++) {
            const wanted = b <= a ? 3 + 2 * expected[a * d + b] : 3;
            if (!(Math.abs(out.data[a * d + b] - wanted) <= 1e-10)) throw new Error(`entry (${a}, ${b})`);
          }
        }
        expect(map.gramRows).toBeGreaterThan(1000);
      });
    }
  });
}
