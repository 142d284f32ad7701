import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { applyEncoding } from "../../src/data/apply-encoding.js";
import { fitEncoding } from "../../src/data/encode.js";
import { encode } from "../../src/data/encode-table.js";
import type { EncodedDataset } from "../../src/data/encoded-dataset.js";
import type { EncodeOptions, Encoding } from "../../src/data/encoding.js";
import { readTable } from "../../src/data/read.js";
import type { Table } from "../../src/data/table.js";
import { expectFailure, hasRealData, read, real } from "./helpers.js";

const encoded = async (text: string, options: EncodeOptions): Promise<EncodedDataset> =>
  encode(await read(text), options);

/** The name of each row's group. */
const namesOf = ({ by }: EncodedDataset): (string | undefined)[] => Array.from(by?.of ?? [], (k) => by?.names[k]);

const list = (codes: Int32Array | undefined): number[] => [...(codes ?? [])];

/** A table with a numeric column a, weights w and a target t that varies. */
const tableOf = (a: readonly number[], w: readonly number[]): Table => ({
  source: "made",
  rows: a.length,
  columns: [
    { kind: "numeric", name: "a", values: Float64Array.from(a) },
    { kind: "numeric", name: "w", values: Float64Array.from(w) },
    { kind: "numeric", name: "x", values: Float64Array.from(a, (_, i) => (i * 7) % 11) },
    { kind: "numeric", name: "t", values: Float64Array.from(a, (_, i) => i) },
  ],
});

describe("results by group", () => {
  const town = "size,town,garden,price\n50,Rye,true,10\n80,Ash,false,20\n70,Rye,false,15\n60,Elm,true,12\n";

  test("text and booleans by level, and the column stays a feature", async () => {
    const data = await encoded(town, { target: "price", by: "town" });
    expect(data.features).toEqual(["size", "town=Elm", "town=Rye", "garden"]);
    expect(data.by?.column).toBe("town");
    expect(data.by?.names).toEqual(["Ash", "Elm", "Rye"]);
    expect(list(data.by?.of)).toEqual([2, 0, 2, 1]);
    expect(data.groups).toBeUndefined();
    const part = data.select(Int32Array.of(3, 0));
    expect(namesOf(part)).toEqual(["Elm", "Rye"]);
    expect(namesOf(await encoded(town, { target: "price", by: "garden" }))).toEqual(["true", "false", "false", "true"]);
  });

  test("a column left out groups rows all the same, and then drops none", async () => {
    const text = "a,b,t\n1,x,1\n2,,2\n4,y,3\n3,x,7\n";
    for (const missing of ["error", "drop", "mean"] as const) {
      const data = await encoded(text, { target: "t", by: "b", exclude: ["b"], missing });
      expect(data.features).toEqual(["a"]);
      expect(namesOf(data)).toEqual(["x", "(missing)", "y", "x"]);
      expect(data.by?.names).toEqual(["x", "y", "(missing)"]);
    }
    expect(namesOf(await encoded(text, { target: "t", by: "b", missing: "drop" }))).toEqual(["x", "y", "x"]);
    await expectFailure(() => encoded(text, { target: "t", by: "b" }), "input", /missing cells: 1 in "b"/);
    expect(namesOf(await encoded(text, { target: "t", by: "b", splitBy: "b" }))).toHaveLength(4);
    const literal = await encoded(text.replace("x,7", "(missing),7"), {
      target: "t",
      by: "b",
      exclude: ["b"],
    });
    expect(literal.by?.names).toEqual(["(missing)", "x", "y"]);
    expect(namesOf(literal)).toEqual(["x", "(missing)", "y", "(missing)"]);
  });

  test("numbers of few values by value, in ascending order", async () => {
    const data = await encoded("a,k,t\n1,10,1\n2,9,2\n4,-0.5,3\n3,10,7\n5,,6\n", {
      target: "t",
      by: "k",
      exclude: ["k"],
    });
    expect(data.by?.names).toEqual(["-0.5", "9", "10", "(missing)"]);
    expect(list(data.by?.of)).toEqual([2, 1, 0, 2, 3]);
  });

  test("20 values are few, 21 are cut at their quartiles", async () => {
    const lines = (n: number): string => Array.from({ length: n }, (_, i) => `${n - i},${i * i}`).join("\n");
    expect((await encoded(`age,t\n${lines(20)}\n`, { target: "t", by: "age" })).by?.names).toHaveLength(20);
    const data = await encoded(`age,t\n${lines(21)}\n`, { target: "t", by: "age" });
    // 1 … 21: F(6) = 6/21 is the first at or above 1/4, F(11) above 1/2, F(16) above 3/4
    expect(data.by?.names).toEqual(["age ≤ 6", "6 < age ≤ 11", "11 < age ≤ 16", "age > 16"]);
    expect(namesOf(data).slice(4, 6)).toEqual(["age > 16", "11 < age ≤ 16"]); // 17 and 16
    expect(data.encoding.by).toEqual({ kind: "intervals", column: "age", cuts: [6, 11, 16], names: data.by?.names });
  });

  test("quartiles that coincide are one cut, and every interval has rows", () => {
    const zeros = [...Array.from({ length: 70 }, () => 0), ...Array.from({ length: 30 }, (_, i) => i + 1)];
    expect(encode(tableOf(zeros, zeros), { target: "t", by: "a" }).by?.names).toEqual(["a ≤ 0", "0 < a ≤ 5", "a > 5"]);
    const most = zeros.map((value) => (value === 0 ? 99 : value)); // F(25) = 1/4, and 99 is the largest value
    expect(encode(tableOf(most, most), { target: "t", by: "a" }).by?.names).toEqual(["a ≤ 25", "a > 25"]);
    const nearlyAll = [...Array.from({ length: 900 }, () => 99), ...Array.from({ length: 30 }, (_, i) => i + 1)];
    expect(encode(tableOf(nearlyAll, nearlyAll), { target: "t", by: "a" }).by?.names).toEqual(["a ≤ 30", "a > 30"]);
  });

  test("cuts are the quartiles of the rows repeated as their weights say, and each row lies in its interval", () => {
    const rows = fc.array(fc.tuple(fc.integer({ min: -40, max: 40 }), fc.nat({ max: 4 })), {
      minLength: 40,
      maxLength: 120,
    });
    fc.assert(
      fc.property(rows, fc.constantFrom(1, 0.1, 1 / 3, 1e-300, 1e300), (pairs, unit) => {
        const repeated = pairs.flatMap(([a, w]) => Array.from({ length: w }, () => a)).toSorted((a, b) => a - b);
        const distinct = [...new Set(repeated)];
        fc.pre(distinct.length > 20);
        const n = repeated.length;
        const quartiles = [0.25, 0.5, 0.75].map((share) => repeated[Math.ceil(share * n) - 1]);
        const largest = repeated[n - 1];
        const wanted = [...new Set(quartiles)].filter((value) => value < largest);
        const table = tableOf(
          pairs.map(([a]) => a),
          pairs.map(([, w]) => w * unit),
        );
        const { by, encoding, sourceRows } = encode(table, { target: "t", weights: "w", by: "a" });
        expect(encoding.by).toMatchObject({ kind: "intervals", cuts: wanted });
        const edges = [Number.NEGATIVE_INFINITY, ...wanted, Number.POSITIVE_INFINITY];
        const values = Array.from(sourceRows, (row) => pairs[row - 1][0]);
        list(by?.of).forEach((k, i) => expect(edges[k] < values[i] && values[i] <= edges[k + 1]).toBe(true));
        expect(new Set(by?.of).size).toBe(by?.names.length);
      }),
    );
  });

  test("at most 50 groups", async () => {
    const lines = Array.from(
      { length: 150 },
      (_, i) => `${i % 7},L${i % 51},${i % 3 === 0 ? "" : `M${i % 50}`},${i * i}`,
    );
    const text = `a,b,c,t\n${lines.join("\n")}\n`;
    await expectFailure(
      () => encoded(text, { target: "t", by: "b", missing: "mean" }),
      "usage",
      /column "b" makes 51 groups, and at most 50 can be compared; choose/,
    );
    await expectFailure(() => encoded(text, { target: "t", by: "c", exclude: ["c"] }), "usage", /"c" makes 51 groups/);
    const fifty = await encoded(text.replaceAll("L50", "L49"), { target: "t", by: "b", exclude: ["c"] });
    expect(fifty.by?.names).toHaveLength(50);
  });
});

describe("groups in a later file", () => {
  const later = async (training: string, text: string, options: EncodeOptions): Promise<EncodedDataset> => {
    const encoding: Encoding = JSON.parse(JSON.stringify(fitEncoding(await read(training), options)));
    return applyEncoding(await read(text), encoding, { role: "evaluation" });
  };

  test("are the same, new levels behind them", async () => {
    const training = "a,b,t\n1,x,1\n2,,2\n4,y,3\n3,x,7\n";
    const options = { target: "t", by: "b", exclude: ["b"] };
    const data = await later(training, "b,a,t\nzz,1,1\ny,1,2\n,2,3\na,2,3\n", options);
    expect(data.by?.names).toEqual(["x", "y", "(missing)", "a", "zz"]);
    expect(list(data.by?.of)).toEqual([4, 1, 2, 3]);
    const whole = training.replace("2,,2", "2,x,2");
    const missing = await later(whole, "b,a,t\n,1,1\ny,1,2\n9,1,2\n", options);
    expect(missing.by?.names).toEqual(["x", "y", "9", "(missing)"]);
    expect(list(missing.by?.of)).toEqual([3, 1, 2]);
  });

  test("new numbers come in ascending order", async () => {
    const data = await later("a,k,t\n1,5,1\n2,9,2\n4,5,3\n", "a,k,t\n1,10,1\n2,7,2\n3,9,0\n", {
      target: "t",
      by: "k",
      exclude: ["k"],
    });
    expect(data.by?.names).toEqual(["5", "9", "7", "10"]);
    expect(list(data.by?.of)).toEqual([3, 2, 1]);
  });

  test("intervals are those of the training rows", async () => {
    const training = `age,x,t\n${Array.from({ length: 40 }, (_, i) => `${i + 1},${i % 3},${i * i}`).join("\n")}\n`;
    const text = "age,x,t\n-5,1,1\n10,1,1\n10.5,1,1\n999,1,1\n,1,1\n";
    const options = { target: "t", by: "age", exclude: ["age"] };
    const data = await later(training, text, options);
    expect(data.by?.names).toEqual(["age ≤ 10", "10 < age ≤ 20", "20 < age ≤ 30", "age > 30", "(missing)"]);
    expect(list(data.by?.of)).toEqual([0, 0, 1, 3, 4]);
    await expectFailure(
      () => later(training, "age,x,t\nold,1,1\n", options),
      "input",
      /column "age" holds text \("old" in data row 1\) but held numbers/,
    );
  });

  test("need their column, and stay at most 50", async () => {
    const training = "a,b,t\n1,x,1\n2,y,2\n4,y,3\n";
    const options = { target: "t", by: "b", exclude: ["b"] };
    await expectFailure(
      () => later(training, "a,bb,t\n1,x,1\n", options),
      "input",
      /has no column to group by "b"\. Its columns: "a", "bb", "t"/,
    );
    const many = Array.from({ length: 49 }, (_, i) => `1,L${i},1`).join("\n");
    await expectFailure(() => later(training, `a,b,t\n${many}\n`, options), "usage", /makes 51 groups/);
  });
});

test.skipIf(!hasRealData)("adult by age, and by a column that is mostly 0", async () => {
  const names =
    "age,workclass,fnlwgt,education,education_num,marital_status,occupation,relationship,race,sex,capital_gain,capital_loss,hours,country,income";
  const table = await readTable(real("adult/adult-train.csv"));
  const columns = table.columns.map((column, k) => ({ ...column, name: names.split(",")[k] }));
  const options = { target: "income", missing: "mean", exclude: ["fnlwgt"] } as const;
  const data = encode({ ...table, columns }, { ...options, by: "age" });
  expect(data.by?.names).toEqual(["age ≤ 28", "28 < age ≤ 37", "37 < age ≤ 48", "age > 48"]); // as pandas' describe has them
  expect(encode({ ...table, columns }, { ...options, by: "capital_gain" }).by?.names).toEqual([
    "capital_gain ≤ 0",
    "capital_gain > 0",
  ]);
});
