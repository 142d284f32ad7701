/** A process that ends while threads start or take parts: koffi would end it with a stack trace and a code of its own. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { backends } from "./backends.js";

const native = backends[1];
/** As it is built: threads read no TypeScript. */
const built = new URL("../../dist/linalg/parts/part-helpers.node.js", import.meta.url);
const library = /\(([^\s()]+)[^()]*\)$/.exec(native.blas?.description ?? "")?.[1] ?? "";

/** Starts two threads and ends at once in the given way, and prints which of them are busy when all else has been told of the end. */
const program = (end: string): string => `
  import koffi from "koffi";
  const { PartHelpers } = await import(${JSON.stringify(built.href)});
  const helpers = new PartHelpers(2, ${JSON.stringify(library)}, koffi, undefined, 0);
  helpers.share({ kind: "sizes", parts: 0, work: 1, x: new Float64Array(9) }, () => {}).end();
  const busy = () => console.log(JSON.stringify([...helpers.busy]));
  process.once("exit", busy);
  ${end}
`;

describe.skipIf(native.blas === undefined || !existsSync(built))("a process that ends while threads start", () => {
  test.each([
    ["process.exit(7)", 7],
    ["", 0],
    ["busy(); await helpers.close(); process.exit(3)", 3],
  ])("%s: waits for them", (end, code) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program(end)], {
      cwd: new URL(".", import.meta.url),
      encoding: "utf8",
    });
    expect(stderr).toBe("");
    expect(status).toBe(code);
    const seen = stdout.trim().split("\n");
    expect(seen.at(-1)).toBe("[0,0,1]");
    if (seen.length > 1) expect(seen[0]).toBe("[1,1,0]");
  });
});
