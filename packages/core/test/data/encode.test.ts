import { describe, expect, test } from "vitest";
import { applyEncoding } from "../../src/data/apply-encoding.js";
import { fitEncoding } from "../../src/data/encode.js";
import type { EncodedDataset } from "../../src/data/encoded-dataset.js";
import type { EncodeOptions, Encoding } from "../../src/data/encoding.js";
import { expectFailure, read, rowsOf } from "./helpers.js";

const raw = { standardize: false } as const;

async function encoded(text: string, options: EncodeOptions): Promise<EncodedDataset> {
  const table = await read(text);
  return applyEncoding(table, fitEncoding(table, options), { role: "training" });
}

const codes = (data: EncodedDataset): string[] => data.notes.map((note) => `${note.code} ${note.columns.join(",")}`);

const town = "size,town,garden,price\n50,Rye,true,10\n80,Ash,false,20\n70,Rye,false,15\n60,Elm,true,12\n";

describe("features", () => {
  test("numbers, levels and booleans, in table order", async () => {
    const data = await encoded(town, { target: "price", ...raw });
    expect(data.features).toEqual(["size", "town=Elm", "town=Rye", "garden"]);
    expect(rowsOf(data)).toEqual([
      [50, 0, 1, 1],
      [80, 0, 0, 0],
      [70, 0, 1, 0],
      [60, 1, 0, 1],
    ]);
    expect([...data.y]).toEqual([10, 20, 15, 12]);
    expect([...data.weights]).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect([...data.sourceRows]).toEqual([1, 2, 3, 4]);
    expect(data.featureInfo.map((info) => [info.kind, info.twoValued, info.integerValues, info.level])).toEqual([
      ["numeric", false, 4, null],
      ["indicator", true, 2, "Elm"],
      ["indicator", true, 2, "Rye"],
      ["indicator", true, 2, null],
    ]);
    expect(data.featureInfo[0]).toMatchObject({ minimum: 50, maximum: 80, mean: 0, scale: 1, column: "size" });
  });

  test("without an intercept every level has a feature", async () => {
    const data = await encoded(town, { target: "price", intercept: false, ...raw });
    expect(data.features).toEqual(["size", "town=Ash", "town=Elm", "town=Rye", "garden"]);
  });

  test("any column name and level", async () => {
    const text =
      '"__proto__","a.b","constructor",t\nx,1,true,1\ny,2,false,2\n"say ""hi""",5,true,4\n__proto__,3,true,4\nx,9,false,1\ny,1,true,7\n"say ""hi""",2,true,3\n__proto__,3,false,4\n';
    const data = await encoded(text, { target: "t", ...raw });
    expect(data.features).toEqual(['__proto__=say "hi"', "__proto__=x", "__proto__=y", "a.b", "constructor"]);
    expect(rowsOf(data)[2]).toEqual([1, 0, 0, 5, 1]);
  });

  test("features that would share a name are told apart", async () => {
    const text = "a,a=y,t\nx,1,1\ny,2,2\nx,4,3\ny,3,5\n";
    expect((await encoded(text, { target: "t" })).features).toEqual(["a=y", "a=y (2)"]);
  });

  test("the encoding survives JSON", async () => {
    const table = await read(town);
    const encoding = fitEncoding(table, { target: "price" });
    const again: Encoding = JSON.parse(JSON.stringify(encoding));
    expect(again).toEqual(encoding);
    expect(rowsOf(applyEncoding(table, again, { role: "evaluation" }))).toEqual(
      rowsOf(applyEncoding(table, encoding, { role: "training" })),
    );
  });
});

describe("columns left out", () => {
  test("constant, duplicate and identifier-like, each with a note", async () => {
    const header = "row,customer_id,name,a,b,one,flag,empty,t";
    const lines = Array.from(
      { length: 40 },
      (_, i) => `${i + 1},${900 - 7 * i},person ${i},${i % 5},${i % 5},7,true,,${i * i}`,
    );
    const data = await encoded([header, ...lines].join("\n"), { target: "t" });
    expect(data.features).toEqual(["a"]);
    expect(codes(data)).toEqual([
      "identifier-column row",
      "identifier-column customer_id",
      "identifier-column name",
      "constant-column one",
      "constant-column flag",
      "constant-column empty",
      "duplicate-column b,a",
    ]);
    const kept = await encoded([header, ...lines].join("\n"), { target: "t", keep: ["row"], exclude: ["a"] });
    expect(kept.features).toEqual(["row", "b"]);
  });

  test("more than 100 levels are an identifier, two never", async () => {
    const many = Array.from({ length: 600 }, (_, i) => `L${i % 101},${i % 7},${i}`);
    expect((await encoded(`a,b,t\n${many.join("\n")}`, { target: "t" })).features).toEqual(["b"]);
    expect((await encoded("a,t\nx,1\ny,2\nx,3\n", { target: "t" })).features).toEqual(["a=y"]);
  });

  test("a column constant in the rows that are left", async () => {
    const data = await encoded("a,b,t\n1,5,1\n1,6,2\n2,,3\n1,8,4\n", { target: "t", missing: "drop" });
    expect(data.features).toEqual(["b"]);
    expect(codes(data)).toEqual(["constant-column a", "rows-dropped b"]);
  });

  test("equal text columns and equal booleans are duplicates; columns of equal statistics are not", async () => {
    const data = await encoded("a,b,c,d,t\nx,x,1,2,1\ny,y,2,1,2\nx,x,1,1,5\ny,y,2,2,6\n", { target: "t" });
    expect(data.features).toEqual(["a=y", "c", "d"]);
  });

  test("nothing left is an error", () =>
    expectFailure(() => encoded("a,t\n1,1\n1,2\n", { target: "t" }), "input", /no usable feature beside target "t"/));
});

describe("target", () => {
  const auto: readonly (readonly [string, string, string, object | null])[] = [
    ["two labels", "no yes no", "binary", { negative: "no", positive: "yes" }],
    ["two labels out of order", "Yes no no", "binary", { negative: "no", positive: "Yes" }],
    ["booleans", "TRUE false TRUE", "binary", { negative: "false", positive: "true" }],
    ["0 and 1", "0 1 1", "binary", { negative: "0", positive: "1" }],
    ["-1 and 1", "-1 1 1", "binary", { negative: "-1", positive: "1" }],
    ["numbers", "1 2 3", "regression", null],
  ];
  test.each(auto)("%s", async (_, values, task, labels) => {
    const text = `a,t\n${values
      .split(" ")
      .map((value, i) => `${i * i},${value}`)
      .join("\n")}\n`;
    const { encoding } = await encoded(text, { target: "t" });
    expect(encoding.target).toEqual({ column: "t", task, labels, classes: null });
  });

  test("y is ±1, and the positive label can be chosen", async () => {
    const text = "a,t\n1,x\n2,y\n4,x\n";
    expect([...(await encoded(text, { target: "t" })).y]).toEqual([-1, 1, -1]);
    expect([...(await encoded(text, { target: "t", positive: " x " })).y]).toEqual([1, -1, 1]);
    expect([...(await encoded("a,t\n1,0\n2,1\n4,1\n", { target: "t", positive: "0.0" })).y]).toEqual([1, -1, -1]);
    await expectFailure(
      () => encoded(text, { target: "t", positive: "z" }),
      "input",
      /--positive "z" is no label.*"x", "y"/,
    );
    await expectFailure(
      () => encoded("a,t\n1,4\n2,5\n4,6\n", { target: "t", positive: "z" }),
      "usage",
      /needs a target of two labels/,
    );
  });

  test("by position", async () => {
    expect((await encoded("t,a\n1,1\n2,2\n3,4\n", { target: "#1" })).encoding.target.column).toBe("t");
    expect((await encoded("t,#1\n1,1\n2,2\n3,4\n", { target: "#1" })).encoding.target.column).toBe("#1");
    await expectFailure(
      () => encoded("t,a\n1,1\n", { target: "#3" }),
      "input",
      /has 2 columns, so there is no target column #3/,
    );
  });

  const faults: readonly (readonly [string, string, EncodeOptions, RegExp])[] = [
    [
      "not there",
      town,
      { target: "prize" },
      /no target column "prize"\. Did you mean "price"\? Its columns: "size", "town"/,
    ],
    [
      "text for regression",
      town,
      { target: "town", task: "regression" },
      /target column "town" holds text \("Rye" in data row 1\), but this model predicts numbers/,
    ],
    ["three labels", town, { target: "town" }, /holds 3 labels \("Ash", "Elm", "Rye"\), but a binary target has two/],
    ["numbers for binary", town, { target: "price", task: "binary" }, /holds 4 values/],
    [
      "measurements for binary",
      `a,t\n${Array.from({ length: 30 }, (_, i) => `${i % 7},${i}.5\n`).join("")}`,
      { target: "t", task: "binary" },
      /holds 30 values .* a model of numbers \(--model linear\)/,
    ],
    ["one value", "a,t\n1,5\n2,5\n", { target: "t" }, /target column "t" is "5" in every row/],
    ["one label", "a,t\n1,x\n2,x\n", { target: "t" }, /is "x" in every row/],
    ["no value", "a,t\n1,\n2,\n", { target: "t", missing: "drop" }, /no row is left/],
    [
      "a negative count",
      "a,t\n1,5\n2,0\n3,-2\n",
      { target: "t", task: "count" },
      /"t" is -2 in data row 3, but counts are not negative/,
    ],
    [
      "excluded column not there",
      town,
      { target: "price", exclude: ["sise"] },
      /column to exclude "sise"\. Did you mean "size"/,
    ],
  ];
  test.each(faults)("%s", (_, text, options, message) => expectFailure(() => encoded(text, options), "input", message));

  test("parts that clash", async () => {
    await expectFailure(
      () => encoded(town, { target: "price", weights: "price" }),
      "usage",
      /both the target and the weights/,
    );
    await expectFailure(
      () => encoded(town, { target: "price", exclude: ["price"] }),
      "usage",
      /both the target and excluded/,
    );
  });
});

describe("missing cells", () => {
  const text = "a,b,c,t\n1,x,5,1\n,y,6,2\n3,,7,3\n5,y,8,\n6,x,9,7\n7,y,4,9\n";

  test("are counted by column", () =>
    expectFailure(
      () => encoded(text, { target: "t" }),
      "input",
      /missing cells: 1 in "t", 1 in "a", 1 in "b" \(the first in data row 2\); .*--missing drop.*--missing mean/,
    ));

  test("drop leaves their rows out", async () => {
    const data = await encoded(text, { target: "t", missing: "drop", ...raw });
    expect([...data.sourceRows]).toEqual([1, 5, 6]);
    expect(codes(data)).toEqual(["rows-dropped t,a,b"]);
  });

  test("a column that is left out drops no rows", async () => {
    const data = await encoded("a,b,t\n1,x,1\n2,y,2\n,x,3\n3,x,7\n", { target: "t", missing: "drop", ...raw });
    expect(data.features).toEqual(["a", "b=y"]);
    const settled = await encoded("a,b,t\n1,x,1\n2,,2\n4,,3\n3,x,7\n,y,8\n", { target: "t", missing: "drop", ...raw });
    expect([settled.features, [...settled.sourceRows]]).toEqual([["a"], [1, 2, 3, 4]]);
  });

  test("mean fills numbers, makes a level of missing text, and drops rows without a target", async () => {
    const data = await encoded(text, { target: "t", missing: "mean", ...raw });
    expect(data.features).toEqual(["a", "b=y", "b=(missing)", "c"]);
    expect(rowsOf(data)).toEqual([
      [1, 0, 0, 5],
      [4.25, 1, 0, 6],
      [3, 0, 1, 7],
      [6, 0, 0, 9],
      [7, 1, 0, 4],
    ]);
    expect(codes(data)).toEqual(["rows-dropped t", "imputed-column a", "imputed-column b"]);
  });

  test("a missing boolean is a level too", async () => {
    const data = await encoded("a,t\ntrue,1\nfalse,2\n,3\n", { target: "t", missing: "mean", ...raw });
    expect(data.features).toEqual(["a=true", "a=(missing)"]);
  });

  test("in a later file the training mean is used, also for text", async () => {
    const table = await read("a,b,t\n1,x,1\n2,y,2\n6,y,3\n7,y,8\n");
    const encoding = fitEncoding(table, { target: "t", missing: "mean", ...raw });
    const later = applyEncoding(await read("t,b,a\n1,,\n2,x,5\n3,y,5\n"), encoding, { role: "evaluation" });
    expect(rowsOf(later)).toEqual([
      [4, 0.75],
      [5, 0],
      [5, 1],
    ]);
  });
});

describe("weights and groups", () => {
  const text = "a,w,g,t\n1,1,p,1\n2,0,q,2\n4,3,p,5\n8,4,r,7\n";

  test("weights sum to 1, and rows of weight 0 are left out", async () => {
    const data = await encoded(text, { target: "t", weights: "w", splitBy: "g", ...raw });
    expect(data.features).toEqual(["a"]);
    expect([...data.weights]).toEqual([1 / 8, 3 / 8, 4 / 8]);
    expect([...data.sourceRows]).toEqual([1, 3, 4]);
    expect([...(data.groups ?? [])]).toEqual([0, 0, 2]);
    expect(codes(data)).toEqual(["zero-weights w"]);
  });

  const faults: readonly (readonly [string, string, RegExp])[] = [
    ["negative", "a,w,t\n1,1,1\n2,-1,2\n", /weights column "w" is -1 in data row 2/],
    ["missing", "a,w,t\n1,1,1\n2,,2\n", /weights column "w" is missing in data row 2/],
    ["all 0", "a,w,t\n1,0,1\n2,0,2\n", /weights column "w" is 0 in every row/],
    ["text", "a,w,t\n1,x,1\n2,y,2\n", /weights column "w" holds text \("x" in data row 1\)/],
    ["text in one row", "a,w,t\n1,2,1\n2,,2\n2,n/k,2\n", /weights column "w" holds text \("n\/k" in data row 3\)/],
  ];
  test.each(faults)("%s", (_, input, message) =>
    expectFailure(() => encoded(input, { target: "t", weights: "w" }), "input", message),
  );

  test("a weight of 2 standardises like a repeated row", async () => {
    const weighted = await encoded("a,b,w,t\n1,x,2,1\n2,y,1,2\n4,x,1,5\n", { target: "t", weights: "w" });
    const repeated = await encoded("a,b,t\n1,x,1\n1,x,1\n2,y,2\n4,x,5\n", { target: "t" });
    weighted.featureInfo.forEach((info, j) => {
      expect(info.mean).toBeCloseTo(repeated.featureInfo[j].mean, 14);
      expect(info.scale).toBeCloseTo(repeated.featureInfo[j].scale, 14);
    });
  });
});

describe("a later file", () => {
  const training = "a,b,t\n1,x,no\n2,y,yes\n4,x,no\n";
  const fitted = async (): Promise<Encoding> => fitEncoding(await read(training), { target: "t" });
  const later = async (text: string): Promise<EncodedDataset> =>
    applyEncoding(await read(text), await fitted(), { role: "evaluation" });

  test("columns are found by name, others ignored, label dots forgiven with a note", async () => {
    const data = await later("extra,t,b,a\n9,yes.,x,1\n9,no.,y,2\n");
    expect([...data.y]).toEqual([1, -1]);
    expect(codes(data)).toEqual(["label-dots t"]);
  });

  test("one label only is fine", async () => {
    expect([...(await later("a,b,t\n1,x,no\n")).y]).toEqual([-1]);
  });

  test("text levels that look like numbers there", async () => {
    const table = await read("a,t\n1,1\nx,2\n2,3\n1,4\nx,2\n2,3\n");
    const data = applyEncoding(await read("a,t\n1,1\n2,2\n"), fitEncoding(table, { target: "t", ...raw }), {
      role: "evaluation",
    });
    expect(rowsOf(data)).toEqual([
      [0, 0],
      [1, 0],
    ]);
  });

  const faults: readonly (readonly [string, string, RegExp])[] = [
    [
      "an unknown level",
      "a,b,t\n1,x,no\n2,zz,no\n",
      /column "b" is "zz" in data row 2, a level that the training data do not have/,
    ],
    [
      "an unknown label",
      "a,b,t\n1,x,no\n2,x,perhaps\n",
      /"t" is "perhaps" in data row 2, but the training labels are "no" and "yes"/,
    ],
    ["an absent column", "aa,b,t\n1,x,no\n", /no feature column "a"\. Its columns: "aa"/],
    [
      "text instead of numbers",
      "a,b,t\n1,x,no\nhm,x,no\n",
      /column "a" holds text \("hm" in data row 2\) but held numbers/,
    ],
    ["missing cells", "a,b,t\n1,x,no\n,x,no\n", /missing cells: 1 in "a"/],
  ];
  test.each(faults)("%s", (_, text, message) => expectFailure(() => later(text), "input", message));
});
