/** H of a risk by its products, on a model whose Hessian is Σ w vv' of v = (x, 1). */
import { beforeAll, describe, expect, test } from "vitest";
import { type Block, ensureBlas, Matrix, matrixDataset } from "../../src/index.js";
import { symmetricEigen } from "../../src/linalg/symmetric.js";
import type { KeptCurvature } from "../../src/models/model.js";
import { perceptron } from "../../src/models/perceptron.js";
import { ridgeOf } from "../../src/solvers/model-risk.js";
import { riskOperator, unitVectors } from "../../src/solvers/risk-operator.js";
import { drawRows } from "../../src/stats/draw-rows.js";
import { lines } from "./lines.js";
import { passing, twice } from "./processes.js";
import { toldProgress } from "./progress.js";
import { refusal } from "./systems.js";

beforeAll(() => ensureBlas());

const HESSIAN = { curvature: "hessian", withRidge: true } as const;
const model = lines(1);
const data = matrixDataset(Matrix.fromRows([[1], [2], [-1]]), [3, 0, 1], { weights: [1, 1, 2] });
const point = { model, data, ridge: Float64Array.of(0.5, 0.25), parameters: Float64Array.of(2, 1) };
// Weights ¼, ¼, ½.
const H = [
  [0.25 + 1 + 0.5, 0.25 + 0.5 - 0.5],
  [0.25 + 0.5 - 0.5, 1],
];
const V = Matrix.fromRows([
  [1, 2, 0],
  [-3, 1, 5],
]);
const times = (ridge: readonly number[], share = 1): number[] =>
  H.flatMap((row, i) =>
    [0, 1, 2].map((k) => share * (row[0] * V.data[k] + row[1] * V.data[3 + k]) + ridge[i] * V.data[3 * i + k]),
  );

const close = (found: ArrayLike<number> | undefined, expected: readonly number[]): void => {
  expect(found).toHaveLength(expected.length);
  expected.forEach((value, at) => expect(found?.[at]).toBeCloseTo(value, 12));
};

describe("products, the matrix and samples", () => {
  test("with and without the ridge", async () => {
    const [whole, bare] = [riskOperator(point, HESSIAN), riskOperator(point, { ...HESSIAN, withRidge: false })];
    expect(whole.size).toBe(2);
    close((await whole.product(V)).data, times([0.5, 0.25]));
    close((await bare.product(V)).data, times([0, 0]));
    close((await whole.matrix?.())?.data, [H[0][0] + 0.5, H[0][1], H[1][0], H[1][1] + 0.25]);
    close((await bare.matrix?.())?.data, H.flat());
    expect([typeof whole.gaussNewton, typeof bare.gaussNewton]).toEqual(["function", "undefined"]);
    // Layers are not known of this model.
    expect(await whole.gaussNewton?.(1)).toBeNull();
  });

  test("over all processes, of which the ridge is no sum; samples of rows that pass by are none", async () => {
    const shared = riskOperator({ ...point, data: passing(data, twice) }, HESSIAN);
    close((await shared.product(V)).data, times([0.5, 0.25], 2));
    close((await shared.matrix?.())?.data, [2 * H[0][0] + 0.5, 2 * H[0][1], 2 * H[1][0], 2 * H[1][1] + 0.25]);
    expect(shared.sampledProduct).toBeUndefined();
    const here = riskOperator(point, HESSIAN);
    close((await here.on(passing(data, twice)).product(V)).data, times([0.5, 0.25], 2));
    close((await here.on(passing(data, twice)).matrix?.())?.data, [
      2 * H[0][0] + 0.5,
      2 * H[0][1],
      2 * H[1][0],
      2 * H[1][1] + 0.25,
    ]);
  });

  test("a sample of as many rows as there are is all of them", async () => {
    close((await riskOperator(point, HESSIAN).sampledProduct?.(V, 5))?.data, times([0.5, 0.25]));
  });

  test("a sample of more rows: 256 of them, scaled by their share of the weight; its seed and number choose them", async () => {
    const n = 700;
    const weights = Array.from({ length: n }, (_, i) => (i % 7 === 0 ? 0 : 1 + (i % 3)));
    const alike = matrixDataset(new Matrix(new Float64Array(n).fill(2), n, 1), new Float64Array(n), { weights });
    const at = { ...point, data: alike };
    for (const [seed, batch] of [
      [undefined, 3],
      [9, 3],
      [9, 4],
    ] as const) {
      const operator = riskOperator(at, { ...HESSIAN, ...(seed !== undefined && { seed }) });
      const share = drawRows(n, 256, seed ?? 0, batch).reduce((sum, row) => sum + alike.weights[row], 0);
      const factor = (share * n) / 256;
      // vv' = [[4, 2], [2, 1]]
      close((await operator.sampledProduct?.(Matrix.fromRows([[1], [1]]), batch))?.data, [
        factor * 6 + 0.5,
        factor * 3 + 0.25,
      ]);
    }
  });

  test("a sample without weight leaves the ridge alone", async () => {
    const n = 600;
    const chosen = new Set(drawRows(n, 256, 0, 1));
    const weights = Array.from({ length: n }, (_, i) => (chosen.has(i) ? 0 : 1));
    const at = {
      ...point,
      data: matrixDataset(new Matrix(new Float64Array(n).fill(2), n, 1), new Float64Array(n), { weights }),
    };
    expect([
      ...((await riskOperator(at, HESSIAN).sampledProduct?.(Matrix.fromRows([[1], [1]]), 1))?.data ?? []),
    ]).toEqual([0.5, 0.25]);
  });

  test("columns of a wide matrix are formed 128 at a time", async () => {
    const m = 129;
    const row = Array.from({ length: m }, (_, j) => 1 + (j % 4));
    const asked: number[] = [];
    const wide = lines(m);
    const counting = {
      ...wide,
      hessianProduct: (...[theta, block, vectors]: Parameters<typeof wide.hessianProduct>) => {
        asked.push(vectors.columns);
        return wide.hessianProduct(theta, block, vectors);
      },
    };
    const at = {
      model: counting,
      data: matrixDataset(Matrix.fromRows([row, row]), [0, 0]),
      ridge: new Float64Array(m + 1).fill(0.5),
      parameters: new Float64Array(m + 1),
    };
    const v = [...row, 1];
    const told = await toldProgress(async (work) => {
      const found = await riskOperator(at, HESSIAN, work).matrix?.();
      expect([...(found?.data ?? [])]).toEqual(v.flatMap((a, i) => v.map((b, j) => a * b + (i === j ? 0.5 : 0))));
    });
    expect(asked).toEqual([128, 2]);
    // 2 rows, of which 128 of 130 columns are done, and then all; the pass itself tells once more.
    expect(told.slice(0, 2)).toEqual([
      ["Hessian", 1, 2],
      ["Hessian", 2, 2],
    ]);
  });

  test("Gauss–Newton products of a model without them are refused, and taken where there are", async () => {
    const settings = { curvature: "gauss-newton", withRidge: true } as const;
    const error = await refusal(() => riskOperator(point, settings));
    expect(error).toMatchObject({ code: "usage", message: expect.stringContaining("take --curvature hessian") });
    const doubled: typeof model.hessianProduct = (theta, block, v) => {
      const once = model.hessianProduct(theta, block, v);
      return new Matrix(
        once.data.map((value) => 2 * value),
        once.rows,
        once.columns,
      );
    };
    const both = { ...point, model: { ...model, gaussNewtonProduct: doubled } };
    close((await riskOperator(both, HESSIAN).product(V)).data, times([0.5, 0.25]));
    const operator = riskOperator(both, settings);
    close((await operator.product(V)).data, times([0.5, 0.25], 2));
    close((await operator.matrix?.())?.data, [2 * H[0][0] + 0.5, 2 * H[0][1], 2 * H[1][0], 2 * H[1][1] + 0.25]);
  });

  test("the Hessian of a network is none of its Gauss–Newton part", async () => {
    const network = perceptron({ inputs: 1, hidden: [2], activation: "tanh", loss: "squared" });
    const parameters = Float64Array.from(network.parameterNames, (_, j) => 0.3 * (j + 1));
    const at = { model: network, data, ridge: ridgeOf(network, 0.1), parameters };
    const d = parameters.length;
    for (const curvature of ["hessian", "gauss-newton"] as const) {
      const operator = riskOperator(at, { curvature, withRidge: true });
      const whole = (await operator.matrix?.())?.data ?? [];
      close(whole, [...(await operator.product(unitVectors(d, 0, d))).data]);
      expect(symmetricEigen(new Matrix(Float64Array.from(whole), d, d)).values[0] < 0).toBe(curvature === "hessian");
    }
  });

  test("the Gauss–Newton part of a network is offered with its ridge", async () => {
    const network = perceptron({ inputs: 1, hidden: [2], activation: "tanh", loss: "squared" });
    const parameters = Float64Array.from(network.parameterNames, (_, j) => 0.1 * (j + 1));
    const at = { model: network, data, ridge: ridgeOf(network, 0.1), parameters };
    const operator = riskOperator(at, HESSIAN);
    expect(await operator.gaussNewton?.(0)).toBeNull();
    expect(await operator.gaussNewton?.(0.1)).toMatchObject({ name: "gauss-newton" });
    expect(
      (await refusal(operator.gaussNewton?.(0.1, { signal: AbortSignal.abort() }) ?? Promise.resolve())).code,
    ).toBe("cancelled");
  });
});

describe("what is kept from the second product on", () => {
  const n = 2500; // blocks of 1024, 1024 and 452 rows
  const rows = matrixDataset(
    new Matrix(
      Float64Array.from({ length: n }, (_, i) => (i % 5) - 2),
      n,
      1,
    ),
    new Float64Array(n),
  );

  /** Counts what is computed anew and what is kept; kept products are told apart by a factor. */
  function counted(bytes: number) {
    const seen = { fresh: [] as number[], kept: [] as number[] };
    const counting = {
      ...model,
      hessianProduct: (...[theta, block, v]: Parameters<typeof model.hessianProduct>) => {
        seen.fresh.push(block.firstRow);
        return model.hessianProduct(theta, block, v);
      },
      keptHessian: (theta: Float64Array, block: Block) => {
        seen.kept.push(block.firstRow);
        return { bytes, product: (v: Matrix) => model.hessianProduct(theta, block, v) };
      },
    };
    return { seen, model: counting };
  }

  test.each([
    [0, [], []],
    [1, [], [0]],
    [100, [0], [0]],
    [199, [0], [0, 1024]],
    [200, [0, 1024], [0, 1024]],
    [299, [0, 1024], [0, 1024, 2048]],
    [300, [0, 1024, 2048], [0, 1024, 2048]],
  ])("as many blocks of 100 bytes as go into %d bytes, each tried once", async (keptBytes, expected, tried) => {
    const { seen, model: counting } = counted(100);
    const operator = riskOperator({ ...point, data: rows, model: counting }, { ...HESSIAN, keptBytes });
    const first = await operator.product(V);
    expect(seen).toEqual({ fresh: [0, 1024, 2048], kept: [] });
    for (let call = 0; call < 3; call++) expect((await operator.product(V)).data).toEqual(first.data);
    const fresh = [0, 1024, 2048].filter((at) => !expected.includes(at));
    expect(seen.fresh).toEqual([0, 1024, 2048, ...fresh, ...fresh, ...fresh]);
    expect(seen.kept).toEqual(tried);
  });

  test("by products side by side each block once", async () => {
    const { seen, model: counting } = counted(100);
    const operator = riskOperator({ ...point, data: rows, model: counting }, HESSIAN);
    const first = await operator.product(V);
    for (const found of await Promise.all([1, 2, 3].map(() => operator.product(V)))) close(found.data, [...first.data]);
    expect(seen.kept).toEqual([0, 1024, 2048]);
  });

  test("of rows that pass by, which come again although they were kept", async () => {
    for (const firstRow of [0, 5000]) {
      const later = Object.assign(Object.create(rows), {
        firstRow,
        *blocks(size?: number) {
          for (const block of rows.blocks(size ?? 1024)) yield { ...block, firstRow: block.firstRow + firstRow };
        },
      });
      const { seen, model: counting } = counted(100);
      const at = { ...point, data: passing(later, () => undefined), model: counting };
      const operator = riskOperator(at, { ...HESSIAN, keptBytes: 200 });
      const first = await operator.product(V);
      const rest = seen.fresh.length - 2;
      for (let call = 0; call < 2; call++) close((await operator.product(V)).data, [...first.data]);
      expect(seen.fresh).toHaveLength(2 + 3 * rest);
    }
  });

  test("from the first product on where many are to come", async () => {
    for (const [many, fresh] of [
      [true, []],
      [false, [0, 1024, 2048]],
    ] as const) {
      const { seen, model: counting } = counted(100);
      const operator = riskOperator({ ...point, data: rows, model: counting }, { ...HESSIAN, many });
      const first = await operator.product(V);
      close((await operator.product(V)).data, [...first.data]);
      expect(seen).toEqual({ fresh, kept: [0, 1024, 2048] });
    }
  });

  test("no more than the rows allow, and none where the model keeps nothing", async () => {
    const few = Object.assign(Object.create(rows), { keptBytes: 150 });
    const { seen, model: counting } = counted(100);
    const operator = riskOperator({ ...point, data: few, model: counting }, HESSIAN);
    for (let call = 0; call < 2; call++) await operator.product(V);
    expect(seen.fresh).toEqual([0, 1024, 2048, 1024, 2048]);
    const { seen: other, model: keeping } = counted(100);
    const { keptHessian: _, ...forgetful } = keeping;
    const bare = riskOperator({ ...point, data: rows, model: forgetful }, HESSIAN);
    for (let call = 0; call < 2; call++) await bare.product(V);
    expect(other.fresh).toEqual([0, 1024, 2048, 0, 1024, 2048]);
  });

  test("of a process whose rows do not begin the data", async () => {
    const later = Object.assign(Object.create(rows), {
      firstRow: 5000,
      *blocks(size: number, from = 0) {
        for (const block of rows.blocks(size, from)) yield { ...block, firstRow: block.firstRow + 5000 };
      },
    });
    const { seen, model: counting } = counted(100);
    const operator = riskOperator({ ...point, data: later, model: counting }, { ...HESSIAN, keptBytes: 200 });
    const first = await operator.product(V);
    for (let call = 0; call < 2; call++) expect((await operator.product(V)).data).toEqual(first.data);
    expect(seen.fresh).toEqual([5000, 6024, 7048, 7048, 7048]);
  });

  test("copies of rows in a buffer that blocks share count, and are read after the buffer has changed", async () => {
    const buffer = Matrix.zeros(1024, 1);
    const sharing = Object.assign(Object.create(rows), {
      *blocks(size: number, from = 0) {
        for (const block of rows.blocks(size, from)) {
          const x = buffer.rowRange(0, block.x.rows);
          x.data.set(block.x.data);
          yield { ...block, x, lasting: false };
        }
      },
    });
    // A copy of 1024 rows of 8 bytes, and 100 bytes.
    for (const [keptBytes, fresh] of [
      [8291, [0, 1024, 2048]],
      [8292, [1024, 2048]],
      [2 * 8292, [2048]],
    ] as const) {
      const { seen, model: counting } = counted(100);
      const operator = riskOperator({ ...point, data: sharing, model: counting }, { ...HESSIAN, keptBytes });
      const first = await operator.product(V);
      for (let call = 0; call < 2; call++) {
        buffer.data.fill(77);
        expect((await operator.product(V)).data).toEqual(first.data);
      }
      expect(seen.fresh).toEqual([0, 1024, 2048, ...fresh, ...fresh]);
    }
  });

  test("is used by its own ways of adding, where it has them", async () => {
    const added: string[] = [];
    const keptHessian = (theta: Float64Array, block: Block) => ({
      bytes: 1,
      product: (v: Matrix) => model.hessianProduct(theta, block, v),
      addProducts(directions: Matrix, images: Matrix) {
        added.push(`${directions.rows}×${directions.columns}`);
        const once = model.hessianProduct(theta, block, directions.transposed()).transposed();
        for (let at = 0; at < images.data.length; at++) images.data[at] += once.data[at];
      },
      addMatrix(out: Matrix) {
        added.push("matrix");
        const once = model.hessianProduct(
          theta,
          block,
          Matrix.fromRows([
            [1, 0],
            [0, 1],
          ]),
        );
        for (let at = 0; at < out.data.length; at++) out.data[at] += once.data[at];
      },
    });
    const operator = riskOperator({ ...point, model: { ...model, keptHessian } }, HESSIAN);
    for (let call = 0; call < 3; call++) close((await operator.product(V)).data, times([0.5, 0.25]));
    expect(added).toEqual(["3×2", "3×2"]);
    close((await operator.matrix?.())?.data, [H[0][0] + 0.5, H[0][1], H[1][0], H[1][1] + 0.25]);
    expect(added.at(-1)).toBe("matrix");
  });

  test("is joined where it can be, some blocks at a time, and made anew when there is more of it", async () => {
    const many = matrixDataset(
      new Matrix(
        Float64Array.from({ length: 64 * 100 }, (_, i) => (i % 5) - 2),
        64 * 100,
        1,
      ),
      new Float64Array(64 * 100),
    );
    const short = Object.assign(Object.create(many), { blocks: (_: number, from = 0) => many.blocks(64, from) });
    for (const [joins, count] of [
      [true, 69],
      [true, 96],
      [false, 69],
    ] as const) {
      const groups: number[] = [];
      let used: number[] = [];
      const keptHessian = (theta: Float64Array, block: Block): KeptCurvature => {
        const of = (blocks: readonly Block[]): KeptCurvature & { readonly blocks: readonly Block[] } => ({
          bytes: 1,
          blocks,
          product(v) {
            used.push(blocks.length);
            const out = Matrix.zeros(2, v.columns);
            for (const each of blocks)
              model.hessianProduct(theta, each, v).data.forEach((value, at) => (out.data[at] += value));
            return out;
          },
          joined(others) {
            groups.push(1 + others.length);
            return joins
              ? of([...blocks, ...others.flatMap((other) => (other as unknown as { blocks: Block[] }).blocks)])
              : null;
          },
        });
        return of([
          { ...block, x: new Matrix(block.x.data.slice(), block.x.rows, 1), y: block.y.slice(), w: block.w.slice() },
        ]);
      };
      const operator = riskOperator(
        { ...point, data: short, model: { ...model, keptHessian } },
        { ...HESSIAN, keptBytes: count },
      );
      const first = await operator.product(V);
      expect(used).toEqual([]);
      const sum = (values: readonly number[]): number => values.reduce((x, y) => x + y, 0);
      // In the pass that keeps them, in the next, which knows them all, and then no more.
      for (const joinings of [1, 2, 2]) {
        used = [];
        close((await operator.product(V)).data, [...first.data]);
        expect(sum(used)).toBe(count);
        expect(sum(groups)).toBe(joinings * count);
        if (joins) expect(used).toEqual(groups.slice(0, groups.length / joinings));
        else expect(used).toHaveLength(count);
      }
      // All of the same length but the last.
      const [length] = groups;
      expect(length).toBeGreaterThan(1);
      expect(length).toBeLessThan(count);
      const each = Math.ceil(count / length);
      expect(groups.slice(0, each - 1)).toEqual(new Array(each - 1).fill(length));
    }
  });

  test("Gauss–Newton products are kept by their own", async () => {
    const kept: string[] = [];
    const both = {
      ...model,
      gaussNewtonProduct: model.hessianProduct,
      keptGaussNewton: (theta: Float64Array, block: Block) => {
        kept.push("Gauss–Newton");
        return { bytes: 1, product: (v: Matrix) => model.hessianProduct(theta, block, v) };
      },
      keptHessian: () => {
        kept.push("Hessian");
        return { bytes: 1, product: (v: Matrix) => v };
      },
    };
    const operator = riskOperator({ ...point, model: both }, { curvature: "gauss-newton", withRidge: true });
    for (let call = 0; call < 3; call++) close((await operator.product(V)).data, times([0.5, 0.25]));
    expect(kept).toEqual(["Gauss–Newton"]);
  });

  test("products tell how many rows they have passed, those of kept blocks too", async () => {
    const { model: counting } = counted(100);
    const told = await toldProgress(async (work) => {
      const operator = riskOperator({ ...point, data: rows, model: counting }, { ...HESSIAN, keptBytes: 200 }, work);
      for (let call = 0; call < 3; call++) await operator.product(V);
    });
    const pass = [1024, 2048, 2500].map((done) => ["Hessian products", done, n]);
    expect(told).toEqual([...pass, ...pass, ...pass]);
  });
});
