import { existsSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { privateFolder } from "../../src/server/private-folder.js";

let parent = "";
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "aif-folders-"));
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

/** The number of no process. */
const NOBODY = 2 ** 22 + 1;

function folder(name: string, owner: number | null): string {
  const path = join(parent, `aif-serve-${name}`);
  mkdirSync(join(path, "tables"), { recursive: true });
  if (owner !== null) writeFileSync(join(path, "owner"), String(owner));
  return path;
}

test("nobody else can read it", async () => {
  expect(lstatSync(await privateFolder(parent)).mode & 0o777).toBe(0o700);
});

test("folders of runs that are gone are removed at the start, and no others", async () => {
  const old = folder("old", null);
  utimesSync(old, new Date(0), new Date(0));
  const [gone, running, fresh] = [folder("gone", NOBODY), folder("running", process.pid), folder("fresh", null)];
  const elsewhere = join(parent, "mine");
  mkdirSync(elsewhere);
  writeFileSync(join(elsewhere, "owner"), String(NOBODY));
  const link = join(parent, "aif-serve-link");
  symlinkSync(elsewhere, link);
  await privateFolder(parent);
  expect([old, gone].map((path) => existsSync(path))).toEqual([false, false]);
  expect([running, fresh, elsewhere, link].map((path) => existsSync(path))).toEqual([true, true, true, true]);
});
