import { readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { widthOf } from "../../src/render/layout.js";
import { aif } from "../in-process.js";
import { houses, aif as launched } from "../launch.js";
import { scratchFolders } from "../scratch.js";

const scratch = scratchFolders();
const analyze = (...words: string[]): string[] => ["analyze", houses, "--target", "price_thousands", ...words];

describe("what goes wrong is one sentence on stderr, and an exit code", () => {
  it.each<[string, string[], number, RegExp]>([
    ["unknown command", ["anlyze", houses], 2, /Unknown command 'anlyze'; did you mean analyze\?/],
    ["no data", ["analyze"], 2, /Missing required argument 'data'/],
    ["no target", ["analyze", houses], 2, /Say which column to predict: --target <column>/],
    ["unknown option", analyze("--epslon", "1"), 2, /Unknown option '--epslon'; did you mean --epsilon\?/],
    ["a size of path", ["path", houses, "--epsilon", "0.1"], 2, /give the last one with --epsilon-max\./],
    ["bounds of path", ["path", houses, "--bounds", "a=0:1"], 2, /no exact robust path: .* use aif verify\./],
    ["coefficients of verify", ["verify", houses, "--coefficients", "c.csv"], 2, /analyze --coefficients does/],
    ["an argument too many", analyze("other.csv"), 2, /Too many arguments for 'analyze'.* one pattern in quotes/],
    [
      "arguments where there are none",
      ["doctor", "a", "b"],
      2,
      /Too many arguments for 'doctor'[^:]*; --help says how/,
    ],
    ["an option without its value", analyze("--l2"), 2, /Option '--l2 <λ>' argument missing/],
    ["missing file", ["analyze", "no-such.csv", "--target", "y"], 1, /There is no file no-such\.csv/],
    ["directory", ["analyze", "examples", "--target", "y"], 1, /examples is a folder/],
    ["unknown target", ["analyze", houses, "--target", "price"], 1, /has no target column "price"/],
    ["misspelt target", ["analyze", houses, "--target", "price_thousand"], 1, /Did you mean "price_thousands"\?/],
    ["p below 1", analyze("--norm", "0.5"), 2, /--norm 0\.5 is not a norm/],
    ["negative ε", analyze("--epsilon", "-0.1"), 2, /--epsilon -0\.1 makes no sense/],
    ["unknown model", analyze("--model", "liner"), 2, /Unknown --model "liner": use linear,/],
    ["unknown loss", analyze("--loss", "hinge"), 2, /--loss takes squared, .* not "hinge"/],
    ["no such evaluation", analyze("--evaluation", "cv10"), 2, /--evaluation cv10 is neither cv:10, .* no such file/],
    ["no thread", analyze("--threads", "0"), 2, /--threads takes a whole number of at least 1/],
    ["too many threads", analyze("--threads", "10000"), 2, /--threads takes at most 9999, got 10000/],
    ["no folder for --out", analyze("--out", "/no/such/folder/x"), 1, /x cannot be written: its folder does not exist/],
    ["--out is a folder", analyze("--out", tmpdir()), 1, /cannot be written: it is a folder/],
    ["--out over the data", analyze("--out", houses), 2, /would overwrite a file of this analysis/],
    ["--coefficients in no known form", analyze("--coefficients", "c.txt"), 2, /ends in \.csv or \.json/],
    ["a library that is none", analyze(), 2, /BLAS.*\/no\/such\/library\.so/],
  ])("%s", async (what, words, code, sentence) => {
    const run =
      what === "a library that is none" ? await launched(words, { AIF_BLAS: "/no/such/library.so" }) : await aif(words);
    expect(run.stderr).toMatch(sentence);
    expect(run.stderr).toMatch(/^aif: .+[.?]\n$/);
    expect(run.stdout).toBe("");
    expect(run.code).toBe(code);
  });

  it("an unwritable file is found out before the data are looked at", async () => {
    const { stderr } = await aif(["analyze", "no-such.csv", "--target", "y", "--out", "/no/such/folder/x"]);
    expect(stderr).toContain("/no/such/folder/x cannot be written");
  });

  it("nothing is written by an analysis that fails", async () => {
    const folder = scratch();
    const outputs = ["--out", join(folder, "out.json"), "--coefficients", join(folder, "c.csv")];
    const { code } = await aif(["analyze", houses, "--target", "nothing", ...outputs]);
    expect(code).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("AIF_DEBUG=1 shows where", async () => {
    const { stderr } = await launched(["analyze", "no-such.csv", "--target", "y"], { AIF_DEBUG: "1" });
    expect(stderr).toMatch(/^aif: There is no file/);
    expect(stderr).toMatch(/\n +at /);
  });
});

describe("help", () => {
  it.each(["--help", "analyze --help", "doctor --help", "help analyze"])("aif %s", async (words) => {
    const { code, stdout, stderr } = await aif(words.split(" "));
    expect(stdout).toMatch(/^Usage: aif/);
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
    expect([code, stderr]).toEqual([0, ""]);
  });

  it("gives the examples that it says work", async () => {
    const { stdout } = await aif(["analyze", "--help"]);
    const commands = stdout.split("Examples:\n")[1].replaceAll("\\\n", " ").trim().split("\n");
    expect(commands).toHaveLength(2);
    const folder = scratch();
    for (const command of commands) {
      const words = command.trim().split(/\s+/).slice(1);
      const run = await aif(words.map((word) => (word === "coefficients.csv" ? join(folder, word) : word)));
      expect([run.code, run.stderr]).toEqual([0, ""]);
      expect(run.stdout).toContain("Cost of robustness (model sensitivity S)");
    }
    expect(readdirSync(folder)).toEqual(["coefficients.csv"]);
  });

  it("is what a missing command gets, on stderr", async () => {
    const { code, stdout, stderr } = await aif([]);
    expect(stderr).toMatch(/^Usage: aif/);
    expect([code, stdout]).toEqual([2, ""]);
  });

  it("prints the version", async () => {
    const { code, stdout } = await aif(["--version"]);
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(code).toBe(0);
  });
});
