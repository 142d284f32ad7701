/** Products of the softmax curvature with rows in many blocks, against Σ w A_i(b + Bx_i) ⊗ (1, x_i) row by row. */
import { describe, expect, test } from "vitest";
import { Matrix, matrixDataset } from "../../src/index.js";
import { softmaxInTensors, softmaxRegression } from "../../src/models/softmax.js";
import { addCurvedProducts } from "../../src/models/softmax-products.js";
import { SoftmaxRows } from "../../src/models/softmax-rows.js";
import { riskOperator } from "../../src/solvers/risk-operator.js";
import { Random, relativeError } from "./naive.js";

const random = new Random(11);

interface CurvedRows {
  readonly x: Matrix;
  readonly p: Matrix;
  readonly w: Float64Array;
}

const asBlocks = (blocks: readonly CurvedRows[]) =>
  blocks.map(({ x, p, w }) => ({ x: x.data, rows: x.rows, p: p.data, w }));

/** A block of r rows, some without weight, with any probabilities. */
function block(r: number, m: number, K: number): CurvedRows {
  const p = random.rows(r, K).map((row) => {
    const sizes = row.map(Math.exp);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    return sizes.map((size) => size / total);
  });
  const w = Float64Array.from({ length: r }, (_, i) => (i % 5 === 2 ? 0 : random.uniform()));
  return { x: Matrix.fromRows(random.rows(r, m)), p: Matrix.fromRows(p), w };
}

/** One direction after the other, one row after the other. */
function truth(blocks: readonly CurvedRows[], K: number, intercept: boolean, theta: Float64Array): Float64Array {
  const out = new Float64Array(theta.length);
  const first = intercept ? K : 0;
  for (const { x, p, w } of blocks) {
    for (let i = 0; i < x.rows; i++) {
      const at = [...x.row(i)];
      const share = [...p.row(i)];
      const f = share.map((_, c) =>
        at.reduce((sum, value, j) => sum + theta[first + c * at.length + j] * value, intercept ? theta[c] : 0),
      );
      const mean = share.reduce((sum, value, c) => sum + value * f[c], 0);
      share.forEach((value, c) => {
        const q = w[i] * value * (f[c] - mean);
        if (intercept) out[c] += q;
        at.forEach((x_, j) => (out[first + c * at.length + j] += q * x_));
      });
    }
  }
  return out;
}

describe.each([
  // Features, classes, rows of each block: one row, stretches of 99 and 66 rows that are filled, passed by one and cut short.
  { m: 5, K: 2, sizes: [1, 7, 3] },
  { m: 401, K: 3, sizes: [99, 100, 57] },
  { m: 300, K: 50, sizes: [66, 67, 1] },
])("$m features, $K classes, blocks of $sizes rows", ({ m, K, sizes }) => {
  test.each([true, false])("intercepts: %s", (intercept) => {
    const rows = new SoftmaxRows(K, m, intercept);
    const blocks = sizes.map((r) => block(r, m, K));
    for (const k of [1, 2, 3]) {
      const directions = Matrix.fromRows(random.rows(k, rows.count));
      const images = Matrix.fromRows(random.rows(k, rows.count));
      const before = images.data.slice();
      addCurvedProducts(rows, asBlocks(blocks), directions, images);
      const added = images.data.map((value, at) => value - before[at]);
      const found = Array.from({ length: k }, (_, c) => [...truth(blocks, K, intercept, directions.row(c))]).flat();
      expect(relativeError(added, found)).toBeLessThan(1e-12);
    }
  });
});

test("no direction, no product", () => {
  const rows = new SoftmaxRows(3, 4, true);
  addCurvedProducts(rows, asBlocks([block(5, 4, 3)]), Matrix.zeros(0, rows.count), Matrix.zeros(0, rows.count));
});

test("H by an operator that keeps many blocks, some of them joined", async () => {
  const [n, m, K] = [17_500, 2, 3];
  const x = Matrix.fromRows(random.rows(n, m));
  const y = Float64Array.from({ length: n }, (_, i) => i % K);
  const weights = Float64Array.from(y, () => random.uniform());
  const model = softmaxRegression({ features: ["a", "b"], classes: ["k", "l", "m"] });
  const data = matrixDataset(x, y, { weights });
  const d = model.parameterNames.length;
  const parameters = Float64Array.from(random.normals(d));
  const operator = riskOperator(
    { model, data, ridge: new Float64Array(d), parameters },
    { curvature: "hessian", withRidge: false },
  );
  const scores = Array.from({ length: n }, (_, i) =>
    Array.from({ length: K }, (__, c) =>
      Math.exp(parameters[c] + x.row(i).reduce((sum, value, j) => sum + parameters[K + c * m + j] * value, 0)),
    ),
  );
  const p = Matrix.fromRows(
    scores.map((row) => {
      const total = row.reduce((sum, value) => sum + value, 0);
      return row.map((value) => value / total);
    }),
  );
  // At first nothing is kept, then all blocks are, then they are joined already.
  for (let product = 0; product < 3; product++) {
    const u = Float64Array.from(random.normals(d));
    const found = await operator.product(new Matrix(u, d, 1));
    expect(relativeError(found.data, truth([{ x, p, w: data.weights }], K, true, u))).toBeLessThan(1e-12);
  }
});

test("pulls of adversaries stretch by stretch of a block are those of the whole", () => {
  const [n, m] = [19, 4000];
  const names = { features: Array.from({ length: m }, (_, j) => `x${j}`), classes: ["a", "b"] };
  const theta = Float64Array.from(random.normals(2 + 2 * m), (value) => value / 60);
  const x = Matrix.fromRows(random.rows(n, m));
  const y = Float64Array.from({ length: n }, (_, i) => i % 2);
  const omega = Float64Array.from(y, () => random.uniform());
  const starts: number[] = [];
  const [found, whole] = [softmaxRegression(names), softmaxInTensors(names)].map(
    (model) =>
      model.mixedProducts?.(theta, { x, y, w: omega, firstRow: 5 }, (gradients, from) => {
        starts.push(from);
        const weights = omega.subarray(from, from + gradients.rows);
        const signs = new Matrix(gradients.data.map(Math.sign), gradients.rows, m);
        return [
          { directions: signs, weights },
          { directions: x.rowRange(from, from + gradients.rows), weights },
        ];
      }) ?? [],
  );
  expect(starts).toEqual([0, 8, 16, 0]);
  expect(found.length).toBe(2);
  found.forEach((sum, t) => expect(relativeError(sum, whole[t])).toBeLessThan(1e-12));
});

describe("blocks kept as one", () => {
  const [n, m, K] = [70, 6, 4];
  const names = (kind: string, count: number): string[] => Array.from({ length: count }, (_, j) => `${kind}${j}`);
  const model = softmaxRegression({ features: names("x", m), classes: names("c", K) });
  const d = model.parameterNames.length;
  const theta = Float64Array.from(random.normals(d));
  const part = (from: number, to: number) => ({
    x: x.rowRange(from, to),
    y: y.subarray(from, to),
    w: w.subarray(from, to),
    firstRow: from,
  });
  const x = Matrix.fromRows(random.rows(n, m));
  const y = Float64Array.from({ length: n }, (_, i) => i % K);
  const w = Float64Array.from({ length: n }, () => random.uniform());

  test("have the product of all rows, by differences of the gradient", () => {
    const [one, ...others] = [part(0, 13), part(13, 14), part(14, n)].map((rows) => model.keptHessian?.(theta, rows));
    const all = one?.joined?.(others.flatMap((other) => (other ? [other] : [])));
    expect(all?.bytes).toBe(8 * n * (K + 1));
    const u = Float64Array.from(random.normals(d));
    const at = (step: number): Float64Array =>
      model.gradient(
        theta.map((value, j) => value + step * u[j]),
        part(0, n),
      );
    const h = 1e-4;
    const [up, down] = [at(h), at(-h)];
    const slope = up.map((value, j) => (value - down[j]) / (2 * h));
    expect(relativeError(all?.product(new Matrix(u, d, 1)).data ?? [], slope)).toBeLessThan(1e-7);
  });

  test("are not joined with what another model keeps", () => {
    const other = softmaxRegression({ features: names("x", m), classes: names("c", K) });
    const foreign = other.keptHessian?.(theta, part(0, 13));
    expect(foreign && model.keptHessian?.(theta, part(13, n))?.joined?.([foreign])).toBeNull();
  });
});
