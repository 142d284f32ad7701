import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aif as run } from "../in-process.js";
import { houses } from "../launch.js";

let folder: string;
let rows: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aif-predict-"));
  rows = join(folder, "rows.csv");
  const [header, ...lines] = readFileSync(houses, "utf8").trimEnd().split(/\r?\n/);
  const target = header.split(",").indexOf("price_thousands");
  const without = [header, ...lines.slice(0, 3)].map((line) => line.split(",").toSpliced(target, 1).join(","));
  writeFileSync(rows, `${without.join("\n")}\n`);
});
afterAll(() => rmSync(folder, { recursive: true }));

const common = ["analyze", houses, "--target", "price_thousands", "--evaluation", "training", "--inference", "none"];

test("predictions as CSV and JSON", async () => {
  const csv = join(folder, "out.csv");
  const made = await run([...common, "--epsilon", "0.01", "--predict", rows, "--predictions", csv]);
  expect([made.code, made.stderr]).toEqual([0, ""]);
  const lines = readFileSync(csv, "utf8").trimEnd().split("\r\n");
  expect(lines[0]).toBe("norm,wasserstein,divergence,epsilon,radius,extrapolated,row,output,now,change,lower,upper");
  expect(lines).toHaveLength(4);
  expect(lines[1]).toMatch(/^2,,,0\.01,[\d.]+,(?:true|false),1,price_thousands,[\d.]+,-?[\d.e-]+,,$/);
  const json = join(folder, "out.json");
  await run([...common, "--epsilon", "0.01", "--predict", rows, "--predictions", json]);
  const { schema, attacks } = JSON.parse(readFileSync(json, "utf8"));
  expect([schema, attacks.length, attacks[0].rows.length]).toEqual(["aif.predictions/1", 1, 3]);
});

test("what cannot be is refused, and nothing is written", async () => {
  const never = join(folder, "never.csv");
  const alone = await run([...common, "--predict", rows]);
  expect([alone.code, alone.stdout]).toEqual([2, ""]);
  expect(alone.stderr).toMatch(/--predict needs --predictions/);
  const own = await run([...common, "--predict", rows, "--predictions", rows]);
  expect(own.stderr).toMatch(/--predictions .* would overwrite a file of this analysis/);
  writeFileSync(join(folder, "narrow.csv"), "rooms\n3\n");
  const narrow = await run([...common, "--predict", join(folder, "narrow.csv"), "--predictions", never]);
  expect(narrow.code).toBe(1);
  expect(narrow.stderr).toMatch(/narrow\.csv has no feature column "living_area_m2"/);
  expect(readdirSync(folder)).not.toContain("never.csv");
});
