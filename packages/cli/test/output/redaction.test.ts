import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { redacted } from "@aif/core";
import { afterAll, describe, expect, test } from "vitest";
import { aif } from "../in-process.js";
import { houses } from "../launch.js";

const scratch = mkdtempSync(join(tmpdir(), "aif-redact-"));
const file = (name: string): string => join(scratch, name);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Numbers of single rows, at any depth. */
function rowsIn(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, part]) => (key === "row" && part !== null ? [part] : rowsIn(part)));
}

describe("--redact", () => {
  test.each([
    ["analyze", ["--inference", "none"]],
    ["verify", []],
    ["path", ["--norm", "inf"]],
  ] as const)("%s says nothing of single rows, in JSON, text and report", async (command, more) => {
    const words = [command, houses, "--target", "price_thousands", "--quiet", ...more];
    if (command === "analyze") {
      const open = JSON.parse((await aif([...words, "--format", "json"])).stdout) as object;
      expect(rowsIn(open).length).toBeGreaterThan(5);
    }
    const [json, page] = [file(`${command}.json`), file(`${command}.html`)];
    const closed = await aif([...words, "--redact", "--out", json, "--report", page]);
    expect([closed.code, closed.stderr]).toEqual([0, ""]);
    const result = JSON.parse(readFileSync(json, "utf8")) as { redacted: boolean };
    expect([rowsIn(result), result.redacted]).toEqual([[], true]);
    const html = readFileSync(page, "utf8");
    expect(html).toContain("the numbers of its rows and what is said of single rows are not in it");
    // The text of the terminal stands in the page too.
    expect(html).toMatch(/Numbers of rows and what is said of single\s+rows were left out/);
    expect(html).not.toMatch(/\brow \d|Rows that pull hardest/);
  });

  test("what lists rows is refused beside it", async () => {
    const words = ["analyze", houses, "--target", "price_thousands", "--redact"];
    for (const more of [
      ["--worst-case", file("w.csv")],
      ["--predict", houses, "--predictions", file("p.csv")],
      ["--model", "kernel:rbf"],
    ]) {
      const { code, stderr } = await aif([...words, ...more]);
      expect([code, stderr]).toEqual([2, expect.stringMatching(/--redact/)]);
    }
  });

  test("without it a report says that numbers of rows are in it", async () => {
    const page = file("open.html");
    await aif(["analyze", houses, "--target", "price_thousands", "--inference", "none", "--quiet", "--report", page]);
    expect(readFileSync(page, "utf8")).toContain(
      'the numbers of rows with what is said of them (<span class="whole">--redact</span> leaves',
    );
  });
});

test("only what is about rows goes", () => {
  const result = {
    rows: 3,
    groups: { rows: [1, 2] },
    list: { rows: [{ row: 5, value: 1 }], residuals: [{ row: 2, value: 0 }], parameters: [{ name: "a", value: 1 }] },
    events: [{ row: 7, epsilon: 1 }],
    threat: { budgets: { row: 2, rows: 3 }, bounds: { row: [0, 1] } },
    __proto__: null,
  };
  expect(redacted(result)).toEqual({
    rows: 3,
    groups: { rows: [1, 2] },
    list: { rows: [], residuals: [], parameters: [{ name: "a", value: 1 }] },
    events: [{ row: null, epsilon: 1 }],
    threat: { budgets: { row: 2, rows: 3 }, bounds: { row: [0, 1] } },
    redacted: true,
  });
});
