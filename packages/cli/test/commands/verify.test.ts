import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { widthOf } from "../../src/render/layout.js";
import { forbiddenInText } from "../fixtures/hostile.js";
import { aif } from "../in-process.js";
import { houses, aif as launched } from "../launch.js";
import { scratchFolders } from "../scratch.js";

const scratch = scratchFolders();
const verify = (...words: string[]): string[] => ["verify", houses, "--target", "price_thousands", ...words];

describe("aif verify", () => {
  it("prints prediction and exact optimum side by side, within 80 columns", async () => {
    const words = ["--norm", "1,2,inf", "--epsilon", "0.0001234,0.01,0.1,3", "--freeze", "none"];
    const { code, stdout, stderr } = await launched(verify(...words), { FORCE_COLOR: "1", CI: "1" });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).not.toMatch(forbiddenInText);
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
    for (const norm of ["1", "2", "inf"]) expect(stdout).toContain(`Predicted against exact, p = ${norm}`);
    for (const source of ["fit", "damping", "linear solver", "linearisation", "sampling"]) {
      expect(stdout.match(new RegExp(`^  ${source} `, "gm"))).toHaveLength(3);
    }
    expect(stdout.match(/^! +3 /gm)).toHaveLength(3);
    expect(stdout).toContain("! collapsed: the optimum is the best model without the attacked features");
    expect(stdout).toMatch(/The AIF predicts the cost on the training\s+rows\s+within\s+5 %\s+up\s+to\s+ε = /);
    expect(stdout).toMatch(/the 4 exact\s+optima/);
  });

  it("prints the same JSON as it writes, apart from timings", async () => {
    const out = join(scratch(), "result.json");
    const words = verify("--epsilon", "0.01", "--norm", "2,inf");
    const [printed, written] = await Promise.all([aif([...words, "--format", "json"]), aif([...words, "--out", out])]);
    expect(written).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(readdirSync(join(out, ".."))).toEqual(["result.json"]);
    const timeless = (text: string) =>
      JSON.parse(text, (key: string, value: unknown) => (["timings", "seconds"].includes(key) ? null : value));
    const result = timeless(printed.stdout);
    expect(result).toEqual(timeless(readFileSync(out, "utf8")));
    expect(result.schema).toBe("aif.verification/1");
    expect(result.settings).toMatchObject({ norms: ["2", "inf"], epsilons: [0.01], target: "price_thousands" });
    for (const { curve } of result.threats) {
      const [{ robustParameters, robustNaturalLoss, thisData, lossError }] = curve;
      expect(robustParameters).toHaveLength(result.model.parameters.length);
      expect(robustNaturalLoss - result.fit.trainingLoss).toBeCloseTo(thisData.exact, 9);
      expect(lossError).toBe(thisData.predicted - thisData.exact);
    }
  });

  it("says where the time went, and mentions no command that is not there", async () => {
    const { stdout } = await aif(verify("--epsilon", "0.01,0.3"));
    const help = (await aif(["--help"])).stdout;
    const named = [...stdout.matchAll(/\baif\s+([a-z-]+)/g)].map(([, name]) => name);
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect(help).toMatch(new RegExp(`^  ${name} `, "m"));
    expect(stdout).toMatch(/^Done in .*exact\s+optima /ms);
    expect((await aif(["verify", "--help"])).stdout).toContain("aif.verification/1");
  });

  it.each<[string, string[], number, RegExp]>([
    ["no target", ["verify", houses], 2, /Say which column to predict: --target <column>/],
    ["no data", ["verify"], 2, /Missing required argument 'data'/],
    ["missing file", ["verify", "no-such.csv", "--target", "y"], 1, /There is no file no-such\.csv/],
    [
      "quadratic under p = inf",
      verify("--model", "quadratic", "--norm", "inf"),
      2,
      /nothing to verify against: train it with aif adversarial-train/,
    ],
    ["an option of analyze", verify("--fail-if", "rmseRise>0"), 2, /Unknown option '--fail-if'/],
    ["--out over the data", verify("--out", houses), 2, /would overwrite a file of this analysis/],
    ["negative ε", verify("--epsilon", "-1"), 2, /--epsilon -1 makes no sense/],
  ])("refuses %s in one sentence", async (_, words, code, sentence) => {
    const run = await aif(words);
    expect(run.stderr).toMatch(sentence);
    expect(run.stderr).toMatch(/^aif: .+[.?]\n$/);
    expect([run.code, run.stdout]).toEqual([code, ""]);
  });

  it("keeps names from the table harmless", async () => {
    const file = join(scratch(), "t.csv");
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${Math.sin(i)},${Math.cos(3 * i)},${Math.sin(i) + 0.1 * (i % 7)}`,
    );
    await writeFile(file, `"a\u001b[31m","${"b".repeat(90)}","y\u202e"\n${rows.join("\n")}\n`);
    const { code, stdout, stderr } = await aif(["verify", file, "--target", "#3", "--epsilon", "0.01"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).not.toMatch(forbiddenInText);
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
  });
});
