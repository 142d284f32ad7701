/** Which small errors still are programs by the types: those that are not would never have been run by anybody. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SmallError } from "./switches.js";

const CORE = "packages/core/";

/** The source with the error in it. */
export function withError(source: string, { start, end, replacement }: SmallError): string {
  const lines = source.split("\n");
  const place = ({ line, column }: SmallError["start"]): number =>
    lines.slice(0, line).reduce((sum, text) => sum + text.length + 1, 0) + column;
  return source.slice(0, place(start)) + replacement + source.slice(place(end));
}

/**
 * The errors that the compiler lets through. Errors in different files are looked at together.
 * @param root of the repository
 * @param sources file to its text
 */
export function compiling(
  root: string,
  sources: ReadonlyMap<string, string>,
  errors: readonly SmallError[],
): Set<SmallError> {
  const folder = mkdtempSync(join(tmpdir(), "aif-mutants-"));
  try {
    cpSync(join(root, CORE, "src"), join(folder, "src"), { recursive: true });
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    cpSync(join(root, CORE, "package.json"), join(folder, "package.json"));
    const settings = {
      extends: join(root, "tsconfig.base.json"),
      compilerOptions: { noEmit: true, incremental: true, tsBuildInfoFile: join(folder, "build"), rootDir: "src" },
      include: ["src"],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
    const put = (file: string, text: string): void => writeFileSync(join(folder, file.slice(CORE.length)), text);
    const wrongFiles = (): Set<string> => {
      const { stdout } = spawnSync(join(root, "node_modules/.bin/tsc"), ["-p", folder, "--pretty", "false"], {
        cwd: folder,
        encoding: "utf8",
      });
      return new Set([...stdout.matchAll(/^(\S+?)\(\d+,\d+\): error/gm)].map(([, file]) => `${CORE}${file}`));
    };
    const wrong = wrongFiles();
    if (wrong.size > 0)
      throw new Error(`The sources as they are do not compile: ${[...wrong].slice(0, 3).join(", ")}.`);
    const good = new Set<SmallError>();
    const check = (group: readonly SmallError[]): void => {
      if (group.length === 0) return;
      for (const error of group) put(error.file, withError(sources.get(error.file) ?? "", error));
      const found = wrongFiles();
      for (const { file } of group) put(file, sources.get(file) ?? "");
      const left = group.filter(({ file }) => !found.has(file));
      // A file without an error of ours that is wrong has its reason in another.
      const foreign = [...found].some((file) => group.every((error) => error.file !== file));
      if (!foreign) for (const error of left) good.add(error);
      else if (group.length > 1) {
        const half = Math.ceil(left.length / 2);
        if (left.length === group.length) [left.slice(0, half), left.slice(half)].forEach(check);
        else check(left);
      }
    };
    rounds(errors).forEach(check);
    return good;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Groups with one error a file at most. */
function rounds(errors: readonly SmallError[]): SmallError[][] {
  const groups: SmallError[][] = [];
  const seen = new Map<string, number>();
  for (const error of errors) {
    const round = seen.get(error.file) ?? 0;
    seen.set(error.file, round + 1);
    (groups[round] ??= []).push(error);
  }
  return groups;
}
