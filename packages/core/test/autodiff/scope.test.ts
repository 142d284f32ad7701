import { afterEach, describe, expect, it } from "vitest";
import {
  constant,
  crossEntropy,
  dense,
  emptyPool,
  exp,
  gradient,
  hessianProducts,
  mul,
  pooledBytes,
  scope,
  square,
  sum,
  type Tensor,
  tanh,
} from "../../src/autodiff/index.js";
import { AifError } from "../../src/errors.js";
import { drawn, numbers } from "./differences.js";

afterEach(emptyPool);

describe("the memory of a scope", () => {
  const [x, w1, b1, w2, b2] = [
    drawn([40, 12], 1),
    drawn([8, 12], 2),
    drawn([1, 8], 3),
    drawn([3, 8], 4),
    drawn([1, 3], 5),
  ];
  const labels = constant(
    Float64Array.from({ length: 40 }, (_, i) => i % 3),
    40,
    1,
  );
  const theta = [w1, b1, w2, b2];
  const directions = [theta.map((t, k) => drawn([t.rows, t.columns], 20 + k))];

  const evaluate = (): number =>
    scope(() => {
      const losses = crossEntropy(dense(dense(x, w1, b1, "tanh"), w2, b2), labels);
      const [product] = hessianProducts(sum(losses), theta, directions);
      return product.reduce((total, part) => total + sum(mul(part, part)).item(), losses.values[0]);
    });

  it("is the same after 10,000 evaluations as after one, and so is the result", () => {
    const first = evaluate();
    const bytes = pooledBytes();
    const before = process.memoryUsage().arrayBuffers;
    for (let k = 0; k < 10_000; k++) if (evaluate() !== first) throw new Error(`Evaluation ${k} differs.`);
    expect(pooledBytes()).toBe(bytes);
    expect(bytes).toBeGreaterThan(40 * 8 * 8);
    // Each evaluation uses `bytes`; a leak of all of them would be 10,000 times that.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(500 * bytes);
  });

  it("is shared by blocks of different lengths", () => {
    const block = (rows: number): void => scope(() => void tanh(exp(drawn([rows, 10], rows))).values);
    for (let rows = 90; rows <= 96; rows++) block(rows);
    const bytes = pooledBytes();
    for (let k = 0; k < 100; k++) block(90 + (k % 7));
    expect(pooledBytes()).toBe(bytes);
    expect(bytes).toBeLessThanOrEqual(2 * 1024 * 8);
  });

  it("comes back when the work throws", () => {
    expect(() =>
      scope(() => {
        void exp(x).values;
        throw new Error("stop");
      }),
    ).toThrow("stop");
    expect(pooledBytes()).toBeGreaterThan(0);
  });

  it("goes when the pool is emptied", () => {
    evaluate();
    emptyPool();
    expect(pooledBytes()).toBe(0);
  });
});

describe("tensors and scopes", () => {
  const x = constant(numbers(6, 1), 2, 3);

  it("a result read after its scope is refused, whether it was read inside or not", () => {
    let [read, unread]: [Tensor | null, Tensor | null] = [null, null];
    scope(() => {
      [read, unread] = [exp(x), tanh(x)];
      expect(read.values[0]).toBe(Math.exp(x.values[0]));
    });
    for (const tensor of [read, unread]) {
      expect(() => (tensor as Tensor | null)?.values).toThrow(AifError);
      expect(() => (tensor as Tensor | null)?.values).toThrow(/after its scope had ended/);
    }
  });

  it("an outer scope's tensor first read in an inner one lasts as long as the outer", () => {
    scope(() => {
      const y = exp(x);
      scope(() => void y.values);
      const before = [...y.values];
      scope(() => void tanh(x).values);
      expect([...y.values]).toEqual(before);
      expect(before[0]).toBe(Math.exp(x.values[0]));
    });
  });

  it("without a scope, tensors last", () => {
    const y = exp(x);
    scope(() => void tanh(x).values);
    expect(y.values[1]).toBe(Math.exp(x.values[1]));
  });

  it("copyTo gives the values, known or not", () => {
    scope(() => {
      const [out, again] = [new Float64Array(6), new Float64Array(6)];
      const y = exp(square(x));
      y.copyTo(out);
      expect([...out]).toEqual([...x.values].map((v) => Math.exp(v * v)));
      expect([...y.values]).toEqual([...out]);
      y.copyTo(again);
      x.copyTo(out);
      expect([...again]).toEqual([...y.values]);
      expect([...out]).toEqual([...x.values]);
    });
  });

  it("what no one reads is not computed", () => {
    const parts = gradient(sum(exp(x)), [x]);
    expect(parts[0].known).toBe(false);
  });

  it("asynchronous work is refused", () => {
    expect(() => scope(async () => 1)).toThrow(/may not be asynchronous/);
  });
});
