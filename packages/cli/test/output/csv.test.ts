import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Papa from "papaparse";
import { afterAll, expect, test } from "vitest";
import { csvText } from "../../src/output/csv.js";
import { aif } from "../in-process.js";

const scratch = mkdtempSync(join(tmpdir(), "aif-csv-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const formulas = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "'=1"];

test("a text that a spreadsheet would run has an apostrophe before it; numbers and other texts have none", () => {
  const cells = (raw: boolean): string[] => Papa.parse<string[]>(csvText([formulas], raw)).data[0];
  expect(cells(false)).toEqual(formulas.map((text) => `'${text}`));
  expect(cells(true)).toEqual(formulas);
  expect(csvText([["a", "1-1", -1.5, null, Number.NaN, "a;=b", 'q"']], false)).toBe('a,1-1,-1.5,,,"a;=b","q"""\r\n');
});

test("every table that is written keeps to it, and --raw-csv turns it off", async () => {
  const table = join(scratch, "t.csv");
  const names = ["=cmd|' /C calc'!A1", "@plain", "y"];
  const rows = Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(1.7 * i), Math.sin(0.3 * i + 1)]);
  writeFileSync(table, csvText([names, ...rows], true));
  const file = (name: string): string => join(scratch, name);
  const written = ["c.csv", "w.csv", "p.csv", "path.csv"];
  const run = async (...more: string[]): Promise<string> => {
    const words = [table, "--target", "y", "--quiet", ...more];
    const files = ["--coefficients", file("c.csv"), "--worst-case", file("w.csv"), "--predict", table];
    const ends = [
      await aif(["analyze", ...words, "--inference", "none", ...files, "--predictions", file("p.csv")]),
      await aif(["path", ...words, "--out", file("path.csv")]),
    ];
    expect(ends.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ""],
      [0, ""],
    ]);
    return written.map((name) => readFileSync(file(name), "utf8")).join("");
  };
  // What was written is read back under its own names, either way.
  const readBack = async (): Promise<void> => {
    const words = ["analyze", table, "--target", "y", "--import", file("c.csv"), "--evaluation", "training"];
    expect((await aif([...words, "--inference", "none", "--quiet"])).code).toBe(0);
  };
  const safe = Papa.parse<string[]>(await run()).data.flat();
  expect(safe.filter((cell) => /^[=@]/.test(cell))).toEqual([]);
  expect(safe).toContain(`'${names[0]}`);
  await readBack();
  const raw = Papa.parse<string[]>(await run("--raw-csv")).data.flat();
  expect(raw).toContain(names[0]);
  await readBack();
});

test("on stdout names are clean, as everything that is printed; files and --raw-csv keep them", async () => {
  const table = join(scratch, "hostile.csv");
  const name = "\u001b[31mred\u202e";
  const rows = Array.from({ length: 40 }, (_, i) => [Math.sin(i), Math.cos(1.7 * i), Math.sin(0.3 * i + 1)]);
  writeFileSync(table, csvText([[name, "b", "y"], ...rows], true));
  const words = ["path", table, "--target", "y", "--quiet"];
  expect((await aif([...words, "--format", "csv"])).stdout).toContain(",theta(red),");
  expect((await aif([...words, "--format", "csv", "--raw-csv"])).stdout).toContain(`,theta(${name}),`);
  await aif([...words, "--out", join(scratch, "hostile-path.csv")]);
  expect(readFileSync(join(scratch, "hostile-path.csv"), "utf8")).toContain(`,theta(${name}),`);
});
