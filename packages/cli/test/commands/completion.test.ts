/** `aif completion`: scripts that the shells themselves take, and that know the commands as they are. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildProgram } from "../../src/program.js";
import { aif, root } from "../launch.js";

const folder = mkdtempSync(join(tmpdir(), "aif-completion-"));
const script = (shell: string): string => join(folder, `aif.${shell}`);
const has = (shell: string): boolean => spawnSync(shell, ["--version"]).status === 0;

beforeAll(async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { code, stdout } = await aif(["completion", shell]);
    expect(code).toBe(0);
    writeFileSync(script(shell), stdout);
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** How each shell is started without what its user has set up. */
const BARE: Readonly<Record<string, readonly string[]>> = {
  bash: ["--noprofile", "--norc"],
  zsh: ["-f"],
  fish: ["--no-config"],
};

/** What a shell offers at the end of each line. */
function offers(shell: string, lines: readonly string[]): string[][] {
  const asking = fileURLToPath(new URL(`../fixtures/offers.${shell}`, import.meta.url));
  const said = execFileSync(shell, [...(BARE[shell] ?? []), asking, script(shell), ...lines], {
    cwd: root,
    encoding: "utf8",
    timeout: 60_000,
  });
  return said
    .replaceAll("\r", "")
    .split("line:\n")
    .slice(1)
    .map((part) => [...part.matchAll(/offered:(.+)/g)].map(([, word]) => word).toSorted());
}

const { commands } = buildProgram();
const names = [...new Set([...commands.map((command) => command.name()), "help"])];
const described = commands.filter((command) => command.name() !== "help");

describe.each(Object.keys(BARE))("completion in %s (skipped where it is missing)", (shell) => {
  test.skipIf(!has(shell))("knows every command, and every option that --help shows", () => {
    const [first, ...rest] = offers(shell, ["aif ", ...described.map((command) => `aif ${command.name()} -`)]);
    expect(first).toEqual(names.toSorted());
    for (const [index, command] of described.entries()) {
      const shown = command.options.filter(({ hidden }) => !hidden).map(({ long }) => long);
      expect(rest[index]).toEqual([...shown.map(String), "--help"].toSorted());
    }
  });

  test.skipIf(!has(shell))("knows words, and where files stand", () => {
    const expected: Readonly<Record<string, readonly string[]>> = {
      "aif an": ["analyze"],
      "aif --": ["--help", "--version"],
      "aif help anal": ["analyze"],
      "aif analyze x.csv --norm ": ["1", "2", "inf"],
      "aif analyze x.csv --format j": ["json"],
      "aif analyze x.csv --model kernel:r": ["kernel:rbf"],
      "aif verify examples/house": ["examples/house-prices.csv"],
      "aif analyze x.csv --target ": [],
      "aif analyze x.csv --norm=i": ["--norm=inf"],
      "aif analyze x.csv --model=kernel:r": ["--model=kernel:rbf"],
      "aif analyze x.csv --scaler=examples/credit-network-s": ["--scaler=examples/credit-network-scaler.json"],
      "aif schema st": ["study"],
      "aif reproduce theorem6": ["theorem6.1"],
      "aif completion ": ["bash", "fish", "zsh"],
      "aif analyze --target compare --see": ["--seed"],
    };
    const found = offers(shell, Object.keys(expected));
    expect(Object.fromEntries(Object.keys(expected).map((line, index) => [line, found[index]]))).toEqual(expected);
  });
});

test.skipIf(!has("bash"))("a file whose name holds a colon is completed behind it", () => {
  const file = join(folder, "12:30.csv");
  writeFileSync(file, "");
  expect(offers("bash", [`aif analyze ${folder}/12`, `aif analyze ${folder}/12:`])).toEqual([[file], [file]]);
});

test("another shell gets one sentence", async () => {
  const { code, stderr } = await aif(["completion", "tcsh"]);
  expect([code, stderr]).toEqual([2, 'aif: aif completion takes bash, zsh or fish, not "tcsh".\n']);
});
