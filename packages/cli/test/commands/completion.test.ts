/** `aif completion`: scripts that the shells themselves take, and that know the commands as they are. */
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
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

/** What bash offers at the end of a line. */
const inBash = (line: string): string[] =>
  execFileSync(
    "bash",
    [
      "--noprofile",
      "--norc",
      "-c",
      `source "$1"; COMP_LINE="$2"; COMP_POINT=\${#COMP_LINE}; COMP_WORDS=($COMP_LINE); [[ $COMP_LINE == *" " ]] && COMP_WORDS+=("")
       COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _aif; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      script("bash"),
      line,
    ],
    { cwd: root, encoding: "utf8" },
  )
    .trim()
    .split("\n")
    .filter((word) => word !== "");

describe.skipIf(!has("bash"))(`bash${has("bash") ? "" : " (skipped: not on this machine)"}`, () => {
  it("knows every command, and every option that --help shows", () => {
    const { commands } = buildProgram();
    const names = commands.map((command) => command.name());
    expect(inBash("aif ").toSorted()).toEqual([...new Set([...names, "help"])].toSorted());
    for (const command of commands.filter((one) => one.name() !== "help")) {
      const shown = command.options.filter(({ hidden }) => !hidden).map(({ long }) => long);
      expect(inBash(`aif ${command.name()} -`).toSorted()).toEqual([...shown.map(String), "--help"].toSorted());
    }
  });

  it.each<[string, readonly string[]]>([
    ["aif an", ["analyze"]],
    ["aif analyze x.csv --norm ", ["1", "2", "inf"]],
    ["aif analyze x.csv --format j", ["json"]],
    ["aif analyze x.csv --model kernel:r", ["rbf"]],
    ["aif verify examples/house", ["examples/house-prices.csv"]],
    ["aif analyze x.csv --target ", []],
    ["aif analyze x.csv --norm=i", ["inf"]],
    ["aif analyze x.csv --model=kernel:r", ["rbf"]],
    ["aif analyze x.csv --scaler=examples/credit-network-s", ["examples/credit-network-scaler.json"]],
    ["aif schema st", ["study"]],
    ["aif reproduce theorem6", ["theorem6.1"]],
    ["aif completion ", ["bash", "zsh", "fish"]],
  ])("%s", (line, offered) => expect(inBash(line)).toEqual(offered));
});

test.skipIf(!has("zsh"))(`zsh takes it${has("zsh") ? "" : " (skipped: not on this machine)"}`, () => {
  const asked = `autoload -U compinit; compinit -u -D; source ${script("zsh")}; print $_comps[aif]`;
  expect(execFileSync("zsh", ["-f", "-c", asked], { encoding: "utf8" })).toBe("_aif\n");
});

test.skipIf(!has("fish"))(`fish completes${has("fish") ? "" : " (skipped: not on this machine)"}`, () => {
  const asked = `source ${script("fish")}; complete -C 'aif analyze x.csv --norm '; complete -C 'aif co'`;
  const offered = execFileSync("fish", ["--no-config", "-c", asked], { encoding: "utf8" });
  expect(offered.split("\n").map((line) => line.split("\t")[0])).toEqual([
    "1",
    "2",
    "inf",
    "compare",
    "completion",
    "",
  ]);
});

test("another shell gets one sentence", async () => {
  const { code, stderr } = await aif(["completion", "tcsh"]);
  expect([code, stderr]).toEqual([2, 'aif: aif completion takes bash, zsh or fish, not "tcsh".\n']);
});
