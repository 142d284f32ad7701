import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { aif as run } from "../in-process.js";
import { houses as data } from "../launch.js";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aif-worst-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

const common = [data, "--target", "price_thousands", "--evaluation", "training", "--inference", "none"];

test("the moves of every row as CSV, the new weights as JSON", async () => {
  const csv = join(folder, "moves.csv");
  const moved = await run(["analyze", ...common, "--wasserstein", "2", "--epsilon", "0.01", "--worst-case", csv]);
  expect(moved.code).toBe(0);
  const [header, first, ...rest] = readFileSync(csv, "utf8").trimEnd().split("\r\n");
  expect(header).toBe(
    "norm,wasserstein,divergence,epsilon,radius,row,loss,attackedLoss,gain,delta(living_area_m2),delta(rooms),delta(age_years),delta(distance_to_centre_km),delta(plot_m2),delta(energy_kwh_per_m2)",
  );
  expect(first).toMatch(/^2,2,,0\.01,[\d.]+,1,/);
  expect(rest.length).toBe(799);
  const json = join(folder, "weights.json");
  await run(["verify", ...common, "--divergence", "chi2", "--radius", "0.05", "--worst-case", json]);
  const { schema, attacks } = JSON.parse(readFileSync(json, "utf8"));
  expect([schema, attacks.length, attacks[0].rows.length]).toEqual(["aif.worst-cases/1", 1, 800]);
  expect(attacks[0].rows[0].perturbation).toBeNull();
  expect(attacks[0].rows[0].weight.before).toBeCloseTo(1, 12);
});

test("files that cannot be are refused before anything is done", async () => {
  const wrong = await run(["analyze", ...common, "--worst-case", join(folder, "x.txt")]);
  expect([wrong.code, wrong.stdout]).toEqual([2, ""]);
  expect(wrong.stderr).toMatch(/--worst-case takes a file whose name ends in \.csv or \.json/);
  const own = await run(["analyze", ...common, "--worst-case", data]);
  expect(own.stderr).toMatch(/--worst-case .* would overwrite a file of this analysis/);
  const failing = await run(["analyze", ...common, "--divergence", "tv", "--worst-case", join(folder, "never.csv")]);
  expect(failing.stderr).toMatch(/^aif: --divergence: there is no divergence "tv"; use chi2 or kl\.\n$/);
  const twice = await run(["analyze", ...common, "--divergence", "kl", "--epsilon", "0.1"]);
  expect(twice.stderr).toMatch(/--divergence does not go with --epsilon/);
  const order = await run(["analyze", ...common, "--wasserstein", "0.5"]);
  expect(order.stderr).toMatch(/--wasserstein 0\.5 is no order/);
  expect(readdirSync(folder).filter((name) => name.startsWith("never"))).toEqual([]);
});

test.each(["path", "adversarial-train"])("aif %s says that it attacks every row by itself", async (command) => {
  for (const option of [
    ["--wasserstein", "2"],
    ["--divergence", "kl"],
  ]) {
    const refused = await run([command, data, "--target", "price_thousands", ...option]);
    expect([refused.code, refused.stdout]).toEqual([2, ""]);
    expect(refused.stderr).toContain(`attacks every row by itself: leave out ${option[0]}, or use`);
  }
});
