/** Products with many rows, which are dealt out, against sums number by number. */
import { beforeAll, expect, test } from "vitest";
import { ensureBlas, Matrix } from "../../src/index.js";
import { SoftmaxRows } from "../../src/models/softmax-rows.js";
import { isTall } from "../../src/models/tall-products.js";
import { Random } from "./naive.js";

beforeAll(() => ensureBlas());

test("scores and pullbacks of many rows", () => {
  const [r, m, K] = [9001, 280, 20];
  const random = new Random(4);
  const vector = (count: number): Float64Array => Float64Array.from({ length: count }, () => random.uniform() - 0.5);
  const [x, q] = [new Matrix(vector(r * m), r, m), new Matrix(vector(r * K), r, K)];
  const theta = vector(K + K * m);
  const rows = new SoftmaxRows(K, m, true);
  expect(isTall(x, K)).toBe(true);
  expect(isTall(x.rowRange(0, 100), K)).toBe(false);
  const scores = rows.scores(theta, x);
  const pulled = vector(theta.length);
  const truth = pulled.slice();
  let worst = 0;
  for (let i = 0; i < r; i++) {
    const [at, own] = [x.row(i), q.row(i)];
    for (let k = 0; k < K; k++) {
      let score = theta[k];
      truth[k] += own[k];
      for (let j = 0, from = K + k * m; j < m; j++) {
        score += theta[from + j] * at[j];
        truth[from + j] += own[k] * at[j];
      }
      worst = Math.max(worst, Math.abs(score - scores.data[i * K + k]));
    }
  }
  expect(worst).toBeLessThan(1e-12);
  rows.addPullback(x, q, pulled);
  pulled.forEach((value, j) => {
    if (!(Math.abs(value - truth[j]) < 1e-10)) throw new Error(`number ${j}: ${value}, not ${truth[j]}`);
  });
});
