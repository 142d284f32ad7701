import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { widthOf } from "../../src/render/layout.js";
import { forbiddenInText, hostileNames } from "../fixtures/hostile.js";
import { aif } from "../in-process.js";
import { houses, aif as launched, start } from "../launch.js";
import { scratchFolders } from "../scratch.js";

const scratch = scratchFolders();
const analyze = (...words: string[]): string[] => ["analyze", houses, "--target", "price_thousands", ...words];
/** A name in quotes, for CSV files and for options. */
const cell = (name: string): string => `"${name.replaceAll('"', '""')}"`;

describe("aif analyze", () => {
  it("prints a report without colour where stdout is no terminal", async () => {
    const { code, stdout, stderr } = await launched(analyze(), { FORCE_COLOR: "1", CI: "1" });
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).not.toMatch(forbiddenInText);
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
    for (const part of ["held-out", "may touch", "frozen", "robust loss", "trusted", "move most", "pull hardest"]) {
      expect(stdout).toContain(part);
    }
  });

  it("compares several l1 penalties and says which features are left", async () => {
    const { code, stdout, stderr } = await aif(analyze("--l1", "100,20", "--l1", "5", "--norm", "2,inf"));
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).not.toMatch(forbiddenInText);
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
    for (const part of ["The path of the l1 penalty", "→", "Selected by the l1 penalty: 8 of 11", "l1-chosen"])
      expect(stdout).toContain(part);
    const refused = await aif(analyze("--l1", "1e5"));
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toContain("leaves no feature in the model");
  });

  it("prints the same JSON as it writes, apart from timings", async () => {
    const folder = scratch();
    const out = join(folder, "result.json");
    const [printed, written] = await Promise.all([aif(analyze("--format", "json")), aif(analyze("--out", out))]);
    const { timings, ...result } = JSON.parse(printed.stdout);
    const { timings: others, ...same } = JSON.parse(readFileSync(out, "utf8"));
    expect(result).toEqual(same);
    expect(Object.keys(timings)).toEqual(Object.keys(others));
    expect(result.schema).toBe("aif.study/1");
    expect(written).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(readdirSync(folder)).toEqual(["result.json"]);
  });

  it("fails with 3 where a condition holds, after the result", async () => {
    const condition = "rmseRise>0@0.05";
    const failed = await aif(analyze("--format", "json", "--fail-if", condition));
    expect(failed.code).toBe(3);
    const { conditions, threats } = JSON.parse(failed.stdout);
    const value: number = conditions[0].value;
    expect(value).toBeGreaterThan(0);
    const { metrics } = threats[0].curve.find(({ epsilon }: { epsilon: number }) => epsilon === 0.05);
    expect(value).toBeCloseTo(metrics.natural.rmse - metrics.naturalNow.rmse, 12);
    expect(failed.stderr).toMatch(/^aif: --fail-if rmseRise>0@0\.05: it is [\d.]+ \(p = 2, ε = 0\.05\)\.\n$/);
    const passed = await aif(analyze("--fail-if", `rmseRise>${2 * value}@0.05`));
    expect([passed.code, passed.stderr]).toEqual([0, ""]);
    const unknown = await aif(analyze("--fail-if", "accuracyDrop>0"));
    expect(unknown.code).toBe(3);
    expect(unknown.stderr).toContain("cannot be judged");
  });

  it("fails with 3 after warnings under --strict, and refuses conditions that it cannot read", async () => {
    const warned = await aif(analyze("--evaluation", "training", "--strict"));
    expect(warned.code).toBe(3);
    expect(warned.stdout).toContain("Is it worth it");
    expect(warned.stderr).toContain("--strict: there are warnings (in-sample");
    expect((await aif(analyze("--evaluation", "training"))).code).toBe(0);
    const unread = await aif(analyze("--fail-if", "accuracy > much"));
    expect(unread.code).toBe(2);
  });

  it("bootstraps, repeats by group and asks for an attack rate", async () => {
    const words = ["--inference", "bootstrap", "--draws", "60", "--by", "has_garden", "--attack-rate", "20%"];
    const { code, stdout } = await aif(analyze("--epsilon", "0.01", "--format", "json", ...words));
    expect(code).toBe(0);
    const { threats, data, settings } = JSON.parse(stdout);
    expect(settings).toMatchObject({ inference: "bootstrap", draws: 60, attackRate: 0.2, by: "has_garden" });
    expect(data.groups.column).toBe("has_garden");
    expect(threats[0].curve[0].groups).toHaveLength(data.groups.names.length);
    const plain = JSON.parse((await aif(analyze("--epsilon", "0.01", "--format", "json"))).stdout).threats[0];
    threats[0].standardErrors.forEach((se: number, j: number) => {
      expect(se / plain.standardErrors[j]).toBeGreaterThan(0.6);
      expect(se / plain.standardErrors[j]).toBeLessThan(1.7);
    });
  });

  it("takes options to the analysis", async () => {
    const { stdout } = await aif(
      analyze(
        "--format",
        "json",
        "--norm",
        "1,inf",
        "--radius",
        "0.1",
        "--budget",
        "plot_m2=50,rooms=1",
        "--l2",
        "0.1",
      ),
    );
    const { settings, threats, model } = JSON.parse(stdout);
    expect(settings.norms).toEqual(["1", "inf"]);
    expect(model.l2).toBe(0.1);
    expect(threats.map((threat: { threat: unknown }) => threat.threat)).toEqual([
      expect.objectContaining({ norm: "1", attacked: ["rooms", "plot_m2"] }),
      expect.objectContaining({ norm: "inf", attacked: ["rooms", "plot_m2"] }),
    ]);
    expect(threats[0].curve).toHaveLength(1);
    expect(threats[0].curve[0].radius).toBeCloseTo(0.1, 12);
  });

  it("reads stdin, and other rows to evaluate on", async () => {
    const child = start(["analyze", "-", "--target", "price_thousands", "--evaluation", houses, "--format", "json"]);
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stdin.end(readFileSync(houses));
    const code = await new Promise((resolve) => {
      child.on("close", resolve);
    });
    expect(code).toBe(0);
    const { data, fit } = JSON.parse(stdout);
    expect(data.source).toBe("stdin");
    expect(fit.heldOutLoss).toBeCloseTo(fit.trainingLoss, 6);
  });

  it("takes hostile column names through every output unharmed", async () => {
    const folder = scratch();
    const data = join(folder, "hostile.csv");
    const rows = Array.from({ length: 200 }, (_, i) =>
      [...hostileNames, "y"].map((_name, j) => Math.sin(1 + i * (j + 1.7) + j * j).toFixed(6)).join(","),
    );
    await writeFile(data, [[...hostileNames, "y"].map(cell).join(","), ...rows, ""].join("\n"));
    const csv = join(folder, "c.csv");
    const words = ["analyze", data, "--target", "y", "--l2", "0.1", "--header"];
    const frozen = ["--freeze", hostileNames.slice(5, 7).map(cell).join(",")];
    const [text, json] = await Promise.all([
      aif([...words, ...frozen, "--coefficients", csv]),
      aif([...words, ...frozen, "--format", "json"]),
    ]);
    expect([text.code, text.stderr]).toEqual([0, ""]);
    expect(text.stdout).not.toMatch(forbiddenInText);
    expect(Math.max(...text.stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
    const result = JSON.parse(json.stdout);
    expect(result.data.features).toEqual(hostileNames);
    expect(result.threats[0].threat.frozen).toEqual(hostileNames.slice(5, 7));
    const table = readFileSync(csv, "utf8");
    for (const name of hostileNames.filter((plain) => !plain.startsWith("="))) {
      expect(table).toContain(name.replaceAll('"', '""'));
    }
    expect(table).toContain("\r\n'=HYPERLINK(1),");
  });
});

describe("a program among others", () => {
  it("ends quietly when nobody reads its output", async () => {
    const child = start(analyze("--format", "json"));
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.stdout.destroy();
    const code = await new Promise((resolve) => {
      child.on("exit", resolve);
    });
    expect([code, stderr]).toEqual([0, ""]);
  });

  it.skipIf(process.platform === "win32")("stops on Ctrl-C without leaving a file", async () => {
    const folder = scratch();
    const child = start(["analyze", "-", "--target", "y", "--out", join(folder, "out.json")]);
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    // More than pipes hold: once it is gone, the program is at work on it. The input never ends.
    child.stdin.on("error", () => {});
    child.stdin.write(`x,y\n${"1.5,2.5\n".repeat(500_000)}`, () => child.kill("SIGINT"));
    const code = await new Promise((resolve) => {
      child.on("close", resolve);
    });
    expect([code, stderr]).toEqual([130, "aif: Interrupted; nothing was written.\n"]);
    expect(readdirSync(folder)).toEqual([]);
  });
});
