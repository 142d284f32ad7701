import { execFile } from "node:child_process";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { launcher } from "./launch.js";
import { scratchFolders } from "./scratch.js";

const scratch = scratchFolders();

/** Runs Node itself, for what happens before the program starts. */
const node = (...words: string[]): Promise<{ code: unknown; stderr: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, words, (error, _stdout, stderr) => resolve({ code: error?.code ?? 0, stderr }));
  });

describe("the launcher", () => {
  it("says which Node it needs", async () => {
    for (const version of ["18.20.1", "20.18.3"]) {
      const old = `Object.defineProperty(process, "versions", { value: { node: "${version}" } })`;
      expect(await node("--import", `data:text/javascript,${encodeURIComponent(old)}`, launcher, "--version")).toEqual({
        code: 1,
        stderr: `aif: Node 20.19 or newer is needed, and this is ${version}.\n`,
      });
    }
  });

  it("says how to build a program that is not there", async () => {
    const folder = scratch();
    await mkdir(join(folder, "bin"));
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    await cp(launcher, join(folder, "bin", "aif.js"));
    expect(await node(join(folder, "bin", "aif.js"))).toEqual({
      code: 1,
      stderr: "aif: The program has not been built yet; run npm run build in its folder.\n",
    });
  });
});
