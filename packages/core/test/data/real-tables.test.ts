import { describe, expect, test } from "vitest";
import { applyEncoding } from "../../src/data/apply-encoding.js";
import { fitEncoding } from "../../src/data/encode.js";
import type { EncodedDataset } from "../../src/data/encoded-dataset.js";
import type { EncodeOptions } from "../../src/data/encoding.js";
import { readTable } from "../../src/data/read.js";
import { cpuTime } from "../cpu-time.js";
import { columnOf, expectFailure, hasRealData, plain, real } from "./helpers.js";

async function encoded(path: string, options: EncodeOptions): Promise<EncodedDataset> {
  const table = await readTable(real(path));
  return applyEncoding(table, fitEncoding(table, options), { role: "training" });
}

describe.skipIf(!hasRealData)("real tables", () => {
  test("california_housing: 207 missing cells, counted, dropped or filled in", async () => {
    const path = "california_housing/housing.csv";
    const target = "median_house_value";
    await expectFailure(() => encoded(path, { target }), "input", /missing cells: 207 in "total_bedrooms"/);
    const dropped = await encoded(path, { target, missing: "drop" });
    expect(dropped.rows).toBe(20_640 - 207);
    const filled = await encoded(path, { target, missing: "mean" });
    expect(filled.rows).toBe(20_640);
    expect(filled.features).toHaveLength(12);
    expect(filled.notes.map((note) => note.message).join()).toContain('207 missing cells of column "total_bedrooms"');
  });

  test("wine_quality: semicolons, names with spaces", async () => {
    const data = await encoded("wine_quality/winequality-red.csv", { target: "quality" });
    expect([data.rows, data.features.length, data.features[0]]).toEqual([1599, 11, "fixed acidity"]);
    const both = await readTable(real("wine_quality/winequality-*.csv"));
    expect(both.rows).toBe(1599 + 4898);
  });

  test("diamonds: three categoricals", async () => {
    const data = await encoded("diamonds/diamonds.csv", { target: "price" });
    expect([data.rows, data.features.length]).toEqual([53_940, 6 + 4 + 6 + 7]);
  });

  test("adult: ? for missing, no header, dots behind the test file's labels", async () => {
    const table = await readTable(real("adult/adult-train.csv"));
    const encoding = fitEncoding(table, { target: "column15", missing: "mean" });
    const training = applyEncoding(table, encoding, { role: "training" });
    expect([training.rows, training.labels]).toEqual([32_561, { negative: "<=50K", positive: ">50K" }]);
    const later = applyEncoding(await readTable(real("adult/adult-test.csv")), encoding, { role: "evaluation" });
    expect(later.rows).toBe(16_281);
    expect(later.y.filter((y) => y === 1)).toHaveLength(3846);
    expect(later.notes.map((note) => note.code)).toContain("label-dots");
    const dropping = fitEncoding(table, { target: "#15", missing: "drop" });
    expect(applyEncoding(table, dropping, { role: "training" }).rows).toBe(30_162);
  });

  test("breast_cancer: no header", async () => {
    const data = await encoded("breast_cancer/wdbc.data", { target: "column2", exclude: ["column1"] });
    expect([data.rows, data.features.length, data.labels]).toEqual([569, 30, { negative: "B", positive: "M" }]);
  });

  test("titanic: identifiers left out", async () => {
    const data = await encoded("titanic/train.csv", { target: "Survived", missing: "drop" });
    const left = data.notes.filter((note) => note.code === "identifier-column").flatMap((note) => note.columns);
    expect(left).toEqual(["PassengerId", "Name", "Ticket", "Cabin"]);
    expect(data.rows).toBe(712);
    expect(data.features).toEqual(["Pclass", "Sex=male", "Age", "SibSp", "Parch", "Fare", "Embarked=Q", "Embarked=S"]);
  });

  test("penguins: CSV and Parquet give the same table", async () => {
    const csv = await readTable(real("parquet/penguins.csv"));
    const parquet = await readTable(real("parquet/penguins.parquet"));
    expect(plain(parquet)).toEqual(plain(csv));
    expect(columnOf(csv, "sex")).toMatchObject({ levels: ["FEMALE", "MALE"] });
  });

  test("flights: 231,083 rows of Parquet within seconds", async () => {
    const start = cpuTime();
    const data = await encoded("parquet/flights-200k.parquet", { target: "delay" });
    expect([data.rows, ...data.features]).toEqual([231_083, "distance", "time"]);
    expect(cpuTime() - start).toBeLessThan(5000);
  });
});
