import { describe, expect, test } from "vitest";
import { AifError, analyze, DEFAULT_SETTINGS, readTable, type StudyResult } from "../../src/index.js";

const bytes = (lines: readonly string[]): Uint8Array => new TextEncoder().encode(`${lines.join("\n")}\n`);

async function study(lines: readonly string[], target: string): Promise<StudyResult> {
  const table = await readTable(bytes(lines), { name: "data.csv" });
  return (await analyze({ table, settings: { ...DEFAULT_SETTINGS, target } })).result;
}

const failure = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(AifError);
  return error instanceof AifError ? error.message : "";
};

/** 60 rows x, z, y. */
const rows = Array.from({ length: 60 }, (_, i) => [
  Math.sin(i) * 3,
  Math.cos(2 * i),
  Math.sin(i) + 0.1 * Math.cos(7 * i),
]);

describe("what is decided about a file is said", () => {
  test("a header that was taken for data", async () => {
    const numbers = rows.map((row) => row.map((value) => value.toFixed(3)).join(","));
    const found = await study(numbers, "column3");
    expect(found.flags.map(({ code }) => code)).toContain("no-header");
    const message = await failure(study(["2019,2020,2021", ...numbers], "2021"));
    expect(message).toContain("--header");
  });

  test("one typo in a numeric column is named with its row", async () => {
    const lines = rows.map(([x, z, y], i) => `${i === 7 ? "12a" : x.toFixed(0)},${z.toFixed(3)},${y.toFixed(3)}`);
    const found = await study(["x,z,y", ...lines], "y");
    const flag = found.flags.find(({ code }) => code === "nearly-numeric-column");
    expect(flag?.level).toBe("warning");
    expect(flag?.message).toContain('"12a" in data row 8');
    expect(flag?.message).toContain("59 of 60");
  });

  test("a numeric target with decimal commas is not a class label", async () => {
    const lines = rows.map(([x, z, y]) => `${x.toFixed(2)};${z.toFixed(3)};${y.toFixed(3).replace(".", ",")}`);
    const message = await failure(study(["x;z;y", ...lines], "y"));
    expect(message).toContain("not numeric");
    expect(message).toContain("decimals with a point");
  });

  test.each([
    ["2024-03-", ""],
    ["3/", "/2024 10:30"],
    ["", ".03.2024"],
  ])("dates written %s…%s are named as such, and not as numbers gone wrong", async (before, after) => {
    const lines = rows.map(([, z, y], i) => `${before}${10 + (i % 9)}${after},${z.toFixed(3)},${y.toFixed(3)}`);
    const found = await study(["when,z,y", ...lines], "y");
    const codes = found.flags.map(({ code }) => code);
    expect(codes).toContain("date-column");
    expect(codes).not.toContain("nearly-numeric-column");
    expect(found.flags.find(({ code }) => code === "date-column")?.message).toContain('"when"');
  });

  test("real text is left in peace", async () => {
    const lines = rows.map(([, z, y], i) => `${["red", "1.2.34", "7up"][i % 3]},${z.toFixed(3)},${y.toFixed(3)}`);
    const found = await study(["x,z,y", ...lines], "y");
    expect(found.flags.map(({ code }) => code)).not.toContain("date-column");
    expect(found.flags.map(({ code }) => code)).not.toContain("nearly-numeric-column");
  });
});

describe("a rare label", () => {
  /** 60 rows, 3 parameters, so many of one label. */
  const flagsOf = async (count: number): Promise<readonly string[]> => {
    const lines = rows.map(([, z, y], i) => `${y.toFixed(3)},${z.toFixed(3)},${i % 4 === 0 && i < 4 * count}`);
    return (await study(["x,z,label", ...lines], "label")).flags.map(({ code, message }) => `${code}: ${message}`);
  };

  test("decides how well parameters are known: below five rows for each it is said", async () => {
    expect(await flagsOf(14)).toContain("few-events: 14 rows of the rarer label for 3 parameters.");
    expect((await flagsOf(15)).join()).not.toContain("few-events");
  });
});
