import { afterAll, describe, expect, it } from "vitest";
import { matrixDataset } from "../../src/data/matrix-dataset.js";
import { blas, useBlas } from "../../src/linalg/backend.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { LinearMap } from "../../src/models/linear-map.js";
import { asColumn, sweep } from "../../src/models/sweep.js";
import { VectorLanes } from "../../src/models/vector-lanes.js";
import { backends, required } from "../linalg/backends.js";

const before = blas();
afterAll(() => useBlas(before));

/** Numbers that repeat nowhere soon, of mixed signs. */
const numbers = (count: number): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => Math.sin(1.7 * i + 0.3));

const [n, m] = [20_001, 70];
const x = new Matrix(numbers(n * m), n, m);
const y = numbers(n);

interface Asked {
  readonly scores: boolean;
  readonly standardize: boolean;
  readonly intercept: boolean;
}

/** Vθ and V'ω by a pass, ω_i = f_i y_i or y_i. */
async function products({ scores, standardize, intercept }: Asked): Promise<Float64Array> {
  const map = new LinearMap(m, intercept);
  const theta = scores ? asColumn(numbers(map.count)) : null;
  const found = new Float64Array(n + map.count);
  const { pull } = await sweep(
    map,
    matrixDataset(x, y, { standardize }),
    { theta, pull: 1, reads: true, phase: "test" },
    ({ block, scores: f, pull: omega }) => {
      found.set(f.data, block.firstRow);
      block.y.forEach((target, i) => {
        omega.data[i] = (scores ? f.data[i] : 1) * target;
      });
    },
  );
  found.set(pull.data, n);
  return found;
}

/** The same entry by entry. */
function byHand({ scores, standardize, intercept }: Asked): Float64Array {
  const column = (j: number): Float64Array => Float64Array.from({ length: n }, (_, i) => x.data[i * m + j]);
  const standardized = (values: Float64Array): Float64Array => {
    const mean = values.reduce((sum, value) => sum + value, 0) / n;
    const scale = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / n);
    return values.map((value) => (value - mean) / scale);
  };
  const columns = Array.from({ length: m }, (_, j) => (standardize ? standardized(column(j)) : column(j)));
  const features = intercept ? [new Float64Array(n).fill(1), ...columns] : columns;
  const theta = numbers(features.length);
  const f = new Float64Array(n);
  if (scores) features.forEach((values, j) => values.forEach((value, i) => void (f[i] += theta[j] * value)));
  const omega = y.map((target, i) => (scores ? f[i] : 1) * target);
  return Float64Array.of(...f, ...features.map((values) => values.reduce((sum, v, i) => sum + v * omega[i], 0)));
}

const native = backends[1];

describe.skipIf(native.blas === undefined)("products with a vector on a thread beside this one", () => {
  for (const scores of [true, false])
    for (const standardize of [true, false])
      for (const intercept of [true, false]) {
        const asked = { scores, standardize, intercept };
        it(`are those of the rows: ${JSON.stringify(asked)}`, async () => {
          useBlas(required(native));
          expect(VectorLanes.for(new LinearMap(m, intercept), n, { pull: 1 })).not.toBeNull();
          const found = await products(asked);
          expect(await products(asked)).toEqual(found); // to the last digit, whoever was faster
          const truth = byHand(asked);
          const size = truth.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          found.forEach((value, at) => {
            if (!(Math.abs(value - truth[at]) <= 1e-12 * size)) throw new Error(`number ${at}: ${value}, ${truth[at]}`);
          });
        });
      }

  it("begin where rows are worth it, with one vector at a time", () => {
    useBlas(required(native));
    const map = new LinearMap(m, true);
    const two = Matrix.zeros(m + 1, 2);
    expect(VectorLanes.for(map, 10_000, { pull: 1 })).toBeNull();
    expect(VectorLanes.for(map, n, { pull: 2 })).toBeNull();
    expect(VectorLanes.for(map, n, { theta: two, pull: 1 })).toBeNull();
    expect(VectorLanes.for(map, n, {})).toBeNull();
    useBlas(required(backends[0]));
    expect(VectorLanes.for(map, n, { pull: 1 })).toBeNull();
  });

  it("refuse what the product itself refuses, and do what is no product", async () => {
    const { gemvBeside } = required(native);
    const [a, v] = [Float64Array.of(1, 2, 3, 4, 5, 6), Float64Array.of(10, 20, 30)];
    await expect(gemvBeside?.(false, 2, 3, 1, a.subarray(1), 3, v, 0, v)).rejects.toThrow(/A needs 6 numbers/);
    await gemvBeside?.(false, 2, 0, 1, a, 3, a, 2, v);
    expect([...v]).toEqual([20, 40, 30]);
    await gemvBeside?.(true, 2, 3, 1, a, 3, Float64Array.of(1, 2), 1, v);
    expect([...v]).toEqual([29, 52, 45]);
    await gemvBeside?.(false, 2, 3, 1, a, 3, Float64Array.of(1, 0, 1), 0, v);
    expect([...v]).toEqual([4, 10, 45]);
  });
});
