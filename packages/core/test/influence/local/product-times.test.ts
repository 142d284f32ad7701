/** Times of products by a clock that counts columns. */
import { afterEach, beforeAll, expect, test, vi } from "vitest";
import { ensureBlas, Matrix, matrixDataset } from "../../../src/index.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { productTimes } from "../../../src/influence/local/product-times.js";
import type { Model } from "../../../src/models/model.js";
import { gaussNewtonPlan } from "../../../src/solvers/gauss-newton.js";
import { modelBlockRows } from "../../../src/solvers/model-risk.js";
import { Random } from "../../models/naive.js";
import { smallNetwork } from "./user-losses.js";

beforeAll(() => ensureBlas());
afterEach(() => vi.restoreAllMocks());

const { model, data, start } = smallNetwork(1, { n: 12, m: 2, width: 2 });
const d = start.length;

/** Products take 4 ms and 2 ms a column; now and then other work on the machine adds to it. */
function clocked(): { model: Model; rows: number[] } {
  let [now, calls] = [1000, 0];
  vi.spyOn(performance, "now").mockImplementation(() => now);
  const rows: number[] = [];
  const { keptHessian: _kept, ...bare } = model;
  const counted: Model = {
    ...bare,
    hessianProduct(theta, block, vectors) {
      rows.push(block.x.rows);
      now += 4 + 2 * vectors.columns + (calls++ % 4 < 2 ? 50 : 0);
      return model.hessianProduct(theta, block, vectors);
    },
  };
  return { model: counted, rows };
}

test("the least of three rounds after a first one; what further columns add; H as so many columns", async () => {
  const { model: counted, rows } = clocked();
  const point = { ...(await pointAt(model, data, start)), model: counted };
  const found = await productTimes(point, "hessian", null, 12 * d * d);
  expect(found.productSeconds).toBeCloseTo(0.006, 12);
  expect(found.furtherSeconds).toBeCloseTo((0.014 - 0.006) / 4, 12);
  expect(found.matrixSeconds).toBeCloseTo(d * 0.002, 12);
  expect(rows).toEqual(new Array(8).fill(12));
  expect(await productTimes(point, "hessian", null, 12 * d * d + 1)).toEqual({});
  expect(await productTimes(point, "hessian", null)).toEqual({});
});

test("a plan forms the Gauss–Newton part where that is faster", async () => {
  const { model: counted } = clocked();
  const point = { ...(await pointAt(model, data, start)), model: counted };
  const plan = gaussNewtonPlan({ ...point, ridge: new Float64Array(d).fill(1) }, 1);
  if (!plan) throw new Error("a network has one");
  const hessian = await productTimes(point, "hessian", { ...plan, matrixSeconds: 1e-9 }, 1);
  expect(hessian.matrixSeconds).toBeCloseTo(d * 0.002, 12);
  vi.restoreAllMocks();
  const real = await pointAt(model, data, start);
  const fast = await productTimes(real, "gauss-newton", { ...plan, matrixSeconds: 1e-12 }, 1);
  expect(fast.matrixSeconds).toBe(1e-12);
  const slow = await productTimes(real, "gauss-newton", { ...plan, matrixSeconds: 1e9 }, 1);
  expect(slow.matrixSeconds).toBe(d * (slow.furtherSeconds ?? 0));
  expect(slow.furtherSeconds).toBeGreaterThanOrEqual(0.1 * (slow.productSeconds ?? 1));
});

test("one block stands for all rows", async () => {
  const n = 2 * modelBlockRows(2);
  const random = new Random(2);
  const many = matrixDataset(
    Matrix.fromRows(random.rows(n, 2)),
    Array.from({ length: n }, (_, i) => (i % 2 ? 1 : -1)),
  );
  const { model: counted, rows } = clocked();
  const point = { ...(await pointAt(model, data, start)), data: many, model: counted };
  const { productSeconds } = await productTimes(point, "hessian", null, 1);
  expect(new Set(rows)).toEqual(new Set([n / 2]));
  expect(productSeconds).toBeCloseTo(0.012, 12);
});

test("rows that pass by are counted, 4nd multiplications at 2·10⁹ a second", async () => {
  const { rows } = clocked();
  const point = await pointAt(model, data, start);
  const passing = Object.assign(Object.create(data) as typeof data, { pass: () => Promise.resolve() });
  const found = await productTimes({ ...point, data: passing }, "hessian", null, 1);
  expect(found).toEqual({ productSeconds: (4 * 12 * d) / 2e9, matrixSeconds: (d * 4 * 12 * d) / 2e9 });
  expect(rows).toEqual([]);
});
