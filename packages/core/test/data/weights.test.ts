import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyEncoding } from "../../src/data/apply-encoding.js";
import { encode } from "../../src/data/encode-table.js";
import type { EncodedDataset } from "../../src/data/encoded-dataset.js";
import type { EncodeOptions } from "../../src/data/encoding.js";
import type { Table } from "../../src/data/table.js";
import { expectFailure, read, rowsOf } from "./helpers.js";

const encoded = async (text: string, options: EncodeOptions): Promise<EncodedDataset> =>
  encode(await read(text), options);

const total = (values: Iterable<number>): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
};

/** Rows of a weight and a class, with a feature that varies. */
const tableOf = (rows: readonly { w: number; positive: boolean }[]): Table => ({
  source: "made",
  rows: rows.length,
  columns: [
    { kind: "numeric", name: "a", values: Float64Array.from(rows, (_, i) => (i * 7) % 11) },
    { kind: "numeric", name: "w", values: Float64Array.from(rows, ({ w }) => w) },
    {
      kind: "categorical",
      name: "t",
      boolean: true,
      levels: ["false", "true"],
      codes: Int32Array.from(rows, ({ positive }) => (positive ? 1 : 0)),
    },
  ],
});

const anyRows = fc
  .array(fc.record({ w: fc.nat({ max: 5 }), positive: fc.boolean() }), { minLength: 4, maxLength: 40 })
  .map((rows) => [{ w: 1, positive: true }, { w: 3, positive: false }, ...rows]);

describe("the total of the weights", () => {
  test("is that of the used rows, and of a selection", async () => {
    const text = "a,w,t\n1,2.5,1\n2,0,2\n4,9,\n4,3,5\n8,4,7\n";
    const data = await encoded(text, { target: "t", weights: "w", missing: "drop" });
    expect(data.weightTotal).toBe(9.5);
    expect(data.select(Int32Array.of(2, 0)).weightTotal).toBe(6.5);
    expect(data.select(Int32Array.of(2, 0)).select(Int32Array.of(0)).weightTotal).toBe(4);
    const plain = await encoded(text, { target: "t", missing: "drop", exclude: ["w"] });
    expect([plain.weightTotal, plain.select(Int32Array.of(1, 3, 0)).weightTotal]).toEqual([4, 3]);
  });

  test("and the weights give the file's weights back", () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const data = encode(tableOf(rows), { target: "t", weights: "w", classWeight: "balanced" });
        const used = rows.filter(({ w }) => w > 0);
        expect(data.weightTotal).toBe(total(used.map(({ w }) => w)));
        used.forEach(({ w }, i) => expect(data.evaluationWeights[i] * data.weightTotal).toBeCloseTo(w, 12));
      }),
    );
  });
});

describe("frequency weights", () => {
  test("are whole numbers", async () => {
    const options = { target: "t", weights: "w", weightsKind: "frequency" } as const;
    const data = await encoded("a,w,t\n1,2,1\n2,0,2\n4,3,5\n8,4,7\n", options);
    expect([data.weightTotal, data.rows, data.encoding.weightsKind]).toEqual([9, 3, "frequency"]);
    await expectFailure(
      () => encoded("a,w,t\n1,2,1\n2,1.5,2\n4,3,5\n", options),
      "input",
      /weights column "w" is 1\.5 in data row 2, but frequency weights are whole numbers/,
    );
    await expectFailure(() => encoded("a,w,t\n1,2,1\n2,-1,2\n4,3,5\n", options), "input", /"w" is -1 in data row 2/);
    expect((await encoded("a,w,t\n1,2,1\n2,1.5,2\n4,3,5\n", { target: "t", weights: "w" })).weightTotal).toBe(6.5);
  });

  test("are checked in a later file too", async () => {
    const { encoding } = await encoded("a,w,t\n1,2,1\n2,0,2\n4,3,5\n8,4,7\n", {
      target: "t",
      weights: "w",
      weightsKind: "frequency",
    });
    const later = await read("a,w,t\n1,0.5,1\n");
    await expectFailure(
      () => applyEncoding(later, encoding, { role: "evaluation" }),
      "input",
      /"w" is 0\.5 in data row 1/,
    );
  });
});

describe("balanced classes", () => {
  test("have the factors of scikit-learn", async () => {
    // compute_class_weight("balanced", classes=[0, 1], y=[1, 1, 1, 1, 0, 0]) is [1.5, 0.75]
    const text = "a,t\n1,1\n2,1\n4,1\n3,1\n6,0\n5,0\n";
    const data = await encoded(text, { target: "t", classWeight: "balanced" });
    expect(data.encoding.classFactors).toEqual([1.5, 0.75]);
    [0.75, 0.75, 0.75, 0.75, 1.5, 1.5].forEach((factor, i) => expect(data.weights[i]).toBeCloseTo(factor / 6, 15));
    expect([...data.evaluationWeights]).toEqual(new Array(6).fill(1 / 6));
    const swapped = await encoded(text, { target: "t", classWeight: "balanced", positive: "0" });
    expect(swapped.encoding.classFactors).toEqual([0.75, 1.5]);
  });

  test("have the factors of scikit-learn for several classes", async () => {
    // compute_class_weight("balanced", classes=["a", "b", "c"], y=list("aaabbc")) is [0.6667, 1, 2]
    const data = await encoded("x,t\n1,a\n2,a\n4,b\n3,c\n6,b\n5,a\n", {
      target: "t",
      task: "multiclass",
      classWeight: "balanced",
    });
    [2 / 3, 1, 2].forEach((factor, k) => expect(data.encoding.classFactors?.[k]).toBeCloseTo(factor, 15));
    [2 / 3, 2 / 3, 1, 2, 1, 2 / 3].forEach((factor, i) => expect(data.weights[i]).toBeCloseTo(factor / 6, 15));
  });

  test("weigh one half each; within a class, weights keep their ratios; features keep their scale", () => {
    fc.assert(
      fc.property(anyRows, (rows) => {
        const table = tableOf(rows);
        const plain = encode(table, { target: "t", weights: "w" });
        const data = encode(table, { target: "t", weights: "w", classWeight: "balanced" });
        expect(total(data.weights)).toBeCloseTo(1, 13);
        expect(total(data.weights.filter((_, i) => data.y[i] > 0))).toBeCloseTo(0.5, 13);
        expect(data.evaluationWeights).toEqual(plain.weights);
        expect(plain.evaluationWeights).toBe(plain.weights);
        expect([rowsOf(data), data.weightTotal]).toEqual([rowsOf(plain), plain.weightTotal]);
        const used = rows.filter(({ w }) => w > 0);
        const all = total(used.map(({ w }) => w));
        used.forEach(({ w, positive }, i) => {
          const ofClass = total(used.filter((row) => row.positive === positive).map((row) => row.w));
          expect(data.weights[i]).toBeCloseTo((w * all) / (2 * ofClass) / all, 13);
        });
      }),
    );
  });

  test("a selection keeps the factors, and both weights sum to 1", () => {
    fc.assert(
      fc.property(anyRows, fc.integer({ min: 1, max: 5 }), (rows, step) => {
        const data = encode(tableOf(rows), { target: "t", weights: "w", classWeight: "balanced" });
        const chosen = Int32Array.from(data.y.keys()).filter((i) => i % step === 0);
        const part = data.select(chosen);
        for (const [mine, theirs] of [
          [part.weights, data.weights],
          [part.evaluationWeights, data.evaluationWeights],
        ]) {
          expect(total(mine)).toBeCloseTo(1, 13);
          chosen.forEach((row, i) => expect(mine[i] / theirs[row]).toBeCloseTo(mine[0] / theirs[chosen[0]], 9));
        }
      }),
    );
  });

  test("count in the fit and not in an evaluation", async () => {
    const text = "a,t\n1,1\n2,1\n4,1\n3,1\n6,0\n5,0\n";
    const data = await encoded(text, { target: "t", classWeight: "balanced" });
    const part = data.select(Int32Array.of(5, 1, 2)); // factors 1.5, 0.75, 0.75
    expect([...part.weights]).toEqual([0.5, 0.25, 0.25]);
    expect([...part.blocks()].map(({ w }) => [...w])).toEqual([[0.5, 0.25, 0.25]]);
    expect(part.evaluationWeights).toEqual(new Float64Array(3).fill(1 / 3));
    expect(part.weightTotal).toBe(3);
    const later = applyEncoding(await read("a,t\n1,1\n2,0\n4,0\n"), data.encoding, { role: "evaluation" });
    expect(later.weights).toEqual(new Float64Array(3).fill(1 / 3));
    expect(later.evaluationWeights).toBe(later.weights);
  });

  test("need classes", async () => {
    const text = "a,t\n1,1\n2,4\n4,2\n3,0\n";
    for (const [task, word] of [
      ["auto", "number"],
      ["count", "count"],
    ] as const) {
      await expectFailure(
        () => encoded(text, { target: "t", task, classWeight: "balanced" }),
        "usage",
        new RegExp(`Balanced class weights need a target of labels, and "t" is a ${word}; `),
      );
    }
  });
});

describe("what missing cells of a later file became", () => {
  const messages = async (training: string, text: string): Promise<string[]> => {
    const { encoding } = await encoded(training, { target: "t", missing: "mean" });
    return applyEncoding(await read(text), encoding, { role: "evaluation" }).notes.map(({ message }) => message);
  };

  test("numbers, text with and without such a level, booleans", async () => {
    const training = "a,b,c,d,t\n1,x,x,true,1\n2,y,,false,2\n6,y,y,true,3\n7,z,x,true,8\n";
    expect(await messages(training, "a,b,c,d,t\n,,,,1\n,,,,2\n1,x,x,true,3\n")).toEqual([
      'data.csv: 2 missing cells of column "a" became the training mean.',
      'data.csv: 2 missing cells of column "b" became the shares of its levels in the training rows.',
      'data.csv: 2 missing cells of column "c" became the level (missing).',
      'data.csv: 2 missing cells of column "d" became the share of true in the training rows.',
    ]);
    // A text column whose cells look like numbers there, or are all missing, is still text.
    expect(await messages("b,t\n1,1\nx,2\n,3\n1,8\n", "b,t\n,1\n1,2\n")).toEqual([
      'data.csv: 1 missing cell of column "b" became the level (missing).',
    ]);
  });
});
