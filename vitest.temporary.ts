/** The temporary files of a run lie in a folder of their own, and none of this project's may be left there when the tests have ended. */
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const NAME = "aif-run-";

export default function setup(): (() => void) | undefined {
  // Vitest asks once for the run and once for each of its projects.
  if (basename(tmpdir()).startsWith(NAME)) return undefined;
  const folder = mkdtempSync(join(tmpdir(), NAME));
  process.env["TMPDIR"] = folder;
  return () => {
    const left = readdirSync(folder).filter((name) => name.startsWith("aif-"));
    rmSync(folder, { recursive: true, force: true });
    if (left.length === 0) return;
    console.error(`The tests, or what they test, left temporary files: ${left.join(", ")}.`);
    process.exitCode = 1;
  };
}
