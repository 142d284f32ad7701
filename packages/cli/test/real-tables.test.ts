import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { StudyResult } from "@aif/core";
import { describe, expect, test } from "vitest";

const run = promisify(execFile);
const data = fileURLToPath(new URL("../../../../shared/data", import.meta.url));
const launcher = fileURLToPath(new URL("../bin/aif.js", import.meta.url));
const present = existsSync(data);

async function analyze(file: string, ...options: string[]): Promise<StudyResult> {
  const { stdout } = await run(
    process.execPath,
    [launcher, "analyze", `${data}/${file}`, ...options, "--format", "json"],
    { maxBuffer: 2 ** 28 },
  );
  return JSON.parse(stdout);
}

const failure = async (...words: string[]): Promise<{ code: number; stderr: string }> => {
  try {
    await run(process.execPath, [launcher, ...words]);
  } catch (error) {
    if (error !== null && typeof error === "object" && "code" in error && "stderr" in error)
      return { code: Number(error.code), stderr: String(error.stderr) };
  }
  throw new Error("the command did not fail");
};

/** What holds for every analysis that came out well. */
function expectSound(result: StudyResult): void {
  expect(result.fit.gradientNorm).toBeLessThan(1e-10);
  for (const { solver, curve, threat, scale, sensitivity } of result.threats) {
    expect(solver.relativeResidual).toBeLessThan(1e-9);
    expect(scale).toBeGreaterThan(0);
    expect(threat.attacked.length + threat.frozen.length).toBe(result.data.features.length);
    expect(sensitivity.training.curvature).toBeGreaterThan(0);
    for (const point of curve) {
      expect(point.radius).toBeCloseTo(point.epsilon * scale, 10);
      expect(point.robustLossNatural).toBeGreaterThan(result.fit.heldOutLoss ?? Number.POSITIVE_INFINITY);
      expect(Number.isFinite(point.heldOut?.predicted)).toBe(true);
    }
  }
}

describe.skipIf(!present)(`real tables${present ? "" : " (skipped: no ../shared/data beside the checkout)"}`, () => {
  test("california_housing: missing cells are counted, then filled or dropped", async () => {
    const { code, stderr } = await failure(
      "analyze",
      `${data}/california_housing/housing.csv`,
      "--target",
      "median_house_value",
    );
    expect(code).toBe(1);
    expect(stderr).toContain('207 in "total_bedrooms"');
    const filled = await analyze(
      "california_housing/housing.csv",
      "--target",
      "median_house_value",
      "--missing",
      "mean",
    );
    expect(filled.data.rows).toBe(20_640);
    expectSound(filled);
    const dropped = await analyze(
      "california_housing/housing.csv",
      "--target",
      "median_house_value",
      "--missing",
      "drop",
    );
    expect(dropped.data.rows).toBe(20_433);
  });

  test("wine_quality: semicolons", async () => {
    const result = await analyze("wine_quality/winequality-red.csv", "--target", "quality", "--norm", "1,2,inf");
    expect([result.data.rows, result.data.features.length]).toEqual([1599, 11]);
    expect(result.threats.map(({ threat }) => threat.norm)).toEqual(["1", "2", "inf"]);
    expectSound(result);
  });

  test("diamonds: categoricals", async () => {
    const result = await analyze("diamonds/diamonds.csv", "--target", "price");
    expect(result.data.rows).toBe(53_940);
    expect(result.threats[0].threat.frozen).toContain("cut=Good");
    expectSound(result);
  });

  test("adult: question marks, labels that end in a dot in the test file", async () => {
    const options = ["--target", "column15", "--missing", "drop", "--l2", "0.001"];
    const result = await analyze("adult/adult-train.csv", ...options, "--evaluation", `${data}/adult/adult-test.csv`);
    expect([result.data.rows, result.data.evaluationRows]).toEqual([30_162, 15_060]);
    expect(result.data.labels).toEqual({ negative: "<=50K", positive: ">50K" });
    expect(result.flags.map(({ code }) => code)).toContain("label-dots");
    expectSound(result);
  });

  test("breast_cancer: no header; separable without a ridge", async () => {
    const options = ["--target", "column2", "--exclude", "column1"];
    const { code, stderr } = await failure("analyze", `${data}/breast_cancer/wdbc.data`, ...options);
    expect([code, stderr.split("\n").length]).toEqual([1, 2]);
    expect(stderr).toContain("a ridge such as --l2 ");
    const result = await analyze("breast_cancer/wdbc.data", ...options, "--C", "1");
    expect(result.settings.l2).toBeCloseTo(1 / 569, 12);
    expect(result.data.labels).toEqual({ negative: "B", positive: "M" });
    expectSound(result);
  });

  test("titanic: names and tickets are left out", async () => {
    const result = await analyze("titanic/train.csv", "--target", "Survived", "--missing", "mean", "--l2", "0.01");
    const notes = result.flags.filter(({ code }) => code === "identifier-column").map(({ message }) => message);
    expect(notes.join()).toContain("Name");
    expect(result.data.features.some((name) => name.startsWith("Name"))).toBe(false);
    expectSound(result);
  });

  test("penguins: CSV and Parquet give the same result", async () => {
    const options = ["--target", "body_mass", "--missing", "drop"];
    const [csv, parquet] = await Promise.all(
      ["parquet/penguins.csv", "parquet/penguins.parquet"].map((file) => analyze(file, ...options)),
    );
    expectSound(csv);
    expect(parquet.data.features).toEqual(csv.data.features);
    expect(parquet.fit).toEqual(csv.fit);
    expect(parquet.threats).toEqual(csv.threats);
  });
});
