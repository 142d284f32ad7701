import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { buildProgram } from "../../src/program.js";
import { Refusal } from "../../src/refusal.js";
import { root } from "../launch.js";

/** Parsed JSON, looked into freely. */
export type Document = ReturnType<typeof JSON.parse>;

export const houses = join(root, "examples/house-prices.csv");
export const loans = join(root, "examples/credit-default.csv");
export const scratch = mkdtempSync(join(tmpdir(), "aif-recorded-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let files = 0;
/** A name in the scratch folder that no other file has. */
export const fresh = (ending: string): string => join(scratch, `file-${files++}${ending}`);

export const read = (path: string): Document => JSON.parse(readFileSync(path, "utf8"));

/** The first rows of an example, for what takes long on all of them. */
export function few(path: string, rows: number): string {
  const name = fresh(".csv");
  writeFileSync(
    name,
    readFileSync(path, "utf8")
      .split("\n", rows + 1)
      .join("\n"),
  );
  return name;
}

/** Runs a command in this process, and returns the JSON file that it writes with --out, and its path. @throws AifError */
export async function documentOf(...words: string[]): Promise<{ readonly path: string; readonly document: Document }> {
  const path = fresh(".json");
  await buildProgram()
    .parseAsync([...words, "--out", path], { from: "user" })
    .catch((error: unknown) => {
      // A condition that holds is said after the result is written.
      if (!(error instanceof Refusal)) throw error;
    });
  return { path, document: read(path) };
}

/** Without what differs from run to run: seconds. */
export function withoutTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTimes);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !/^(?:timings|seconds|timesPrediction)$/.test(key))
      .map(([key, inner]) => [key, withoutTimes(inner)]),
  );
}
