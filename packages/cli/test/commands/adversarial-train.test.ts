import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TrainingResult, TrainingState } from "@aif/core";
import { describe, expect, it } from "vitest";
import { widthOf } from "../../src/render/layout.js";
import { forbiddenInText } from "../fixtures/hostile.js";
import { aif } from "../in-process.js";
import { houses, aif as launched, type Run, root, start } from "../launch.js";
import { scratchFolders } from "../scratch.js";

const scratch = scratchFolders();
const train = (...words: string[]): string[] => [
  "adversarial-train",
  houses,
  "--target",
  "price_thousands",
  "--epsilon",
  "0.05",
  ...words,
];
const loans = join(root, "examples/credit-default.csv");
const parsed = ({ stdout }: Run): TrainingResult => JSON.parse(stdout);
const flat = (text: string): string => text.replace(/\s+/g, " ");

describe("aif adversarial-train", () => {
  it.each(["1", "2", "inf"])(
    "prints models, the end of the training and its time within 80 columns: p = %s",
    async (norm) => {
      const words = train("--norm", norm, "--outer-steps", "8");
      const [{ code, stdout, stderr }, json] = await Promise.all([
        launched(words, { FORCE_COLOR: "1", CI: "1" }),
        aif([...words, "--format", "json"]),
      ]);
      expect([code, stderr]).toEqual([0, ""]);
      expect(stdout).not.toMatch(forbiddenInText);
      expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
      const { training, natural, predicted, trained, comparison, schema } = parsed(json);
      expect(schema).toBe("aif.training-result/1");
      const losses = [...stdout.matchAll(/^ {2}(natural fit|predicted|trained) +(\d\S*) +(?:[+-]\S+ +)?(\d\S*)/gm)];
      expect(losses.map(([, name]) => name)).toEqual(["natural fit", "predicted", "trained"]);
      [natural, predicted, trained].forEach((model, k) => {
        expect(Number(losses[k][2]) / (model?.naturalLoss ?? 0)).toBeCloseTo(1, 3);
        expect(Number(losses[k][3]) / (model?.robustLoss ?? 0)).toBeCloseTo(1, 3);
      });
      expect(flat(stdout)).toContain(`${training.iterations} iterations of L-BFGS`);
      expect(flat(stdout)).toMatch(/is proven to be within \S+ of its minimum/);
      expect(flat(stdout)).toMatch(
        /The influence took \S+ s and serves every size; the training took \S+ s, \S+ times as long/,
      );
      expect(comparison?.change).toBeCloseTo(trained.naturalLoss - natural.naturalLoss, 9);
    },
  );

  it("trains a quadratic model against p = inf within bounds, and says what is not known", async () => {
    const bounds = ["--bounds", "living_area_m2=10:1000", "--model", "quadratic", "--norm", "inf", "--l2", "0.1"];
    const { code, stdout, stderr } = await aif(train(...bounds, "--outer-steps", "4"));
    expect([code, stderr]).toEqual([0, ""]);
    expect(flat(stdout)).toContain("No duality gap is known");
    expect(flat(stdout)).toContain("a lower bound");
    expect(flat(stdout)).toContain("living_area_m2 within bounds");
    expect(stdout).toContain("[searched-worst-case]");
  });

  it("keeps the last whole state on Ctrl-C, and goes on from it to the same digits", async () => {
    const folder = scratch();
    const file = join(folder, "state.json");
    // Steepest descent on a smooth risk, for which there are far more steps than time: only the signal ends it.
    const line =
      "adversarial-train -- --target defaulted --epsilon 0.05 --outer gradient --tolerance 0 --gap-tolerance 0 --gap-every 1000";
    const words = (...more: string[]): string[] => [
      ...line.split(" ").map((word) => (word === "--" ? loans : word)),
      ...more,
    ];
    const kept = ["--checkpoint", file, "--checkpoint-every", "1"];
    const child = start(words(...kept, "--outer-steps", "100000"));
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const ended = new Promise<number | null>((resolve) => {
      child.on("close", resolve);
    });
    while (!readdirSync(folder).includes("state.json")) await new Promise((resolve) => setTimeout(resolve, 10));
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    const state: TrainingState = JSON.parse(readFileSync(file, "utf8"));
    expect(stderr).toBe(
      `aif: Interrupted; ${file} holds iteration ${state.iteration}: the same command with --resume goes on from there.\n`,
    );
    expect(readdirSync(folder)).toEqual(["state.json"]);
    expect(state.iteration).toBeGreaterThanOrEqual(1);
    expect(state.history).toHaveLength(state.iteration + 1);
    const steps = ["--outer-steps", String(state.iteration + 3), "--format", "json"];
    const [resumed, whole] = (await Promise.all([aif(words(...kept, ...steps, "--resume")), aif(words(...steps))])).map(
      parsed,
    );
    expect(resumed.training.resumedAt).toBe(state.iteration);
    expect(resumed.trained).toEqual(whole.trained);
    expect(resumed.training.history).toEqual(whole.training.history);
    expect(JSON.parse(readFileSync(file, "utf8")).iteration).toBe(state.iteration + 3);
  });

  it("says how to go on where its iterations did not suffice", async () => {
    const file = join(scratch(), "state.json");
    const { stdout } = await aif(train("--checkpoint", file, "--outer-steps", "2"));
    expect(flat(stdout)).toMatch(/ran out of its 2 iterations .* go on with --resume and more --outer-steps/);
    const more = await aif(train("--checkpoint", file, "--outer-steps", "5", "--resume"));
    expect(flat(more.stdout)).toContain("5 iterations of L-BFGS, 2 of them before the checkpoint");
  });

  it("refuses checkpoints of other data and settings by name, and overwrites none", async () => {
    const folder = scratch();
    const file = join(folder, "state.json");
    await aif(train("--checkpoint", file, "--outer-steps", "1"));
    const before = readFileSync(file, "utf8");
    await writeFile(join(folder, "text.json"), "no JSON");
    const rows = readFileSync(houses, "utf8").trimEnd().split("\n");
    await writeFile(join(folder, "fewer.csv"), rows.slice(0, -1).join("\n"));
    const refusals: [string[], number, RegExp][] = [
      [train("--checkpoint", file), 2, /state\.json exists already: go on from it with --resume/],
      [
        train("--checkpoint", file, "--resume", "--inner-steps", "3"),
        2,
        /state\.json was made with other settings \(innerSteps: 10, now 3\)/,
      ],
      [train("--checkpoint", file, "--resume", "--exclude", "rooms"), 1, /state\.json is of other data/],
      [
        ["adversarial-train", join(folder, "fewer.csv"), ...train("--checkpoint", file, "--resume").slice(2)],
        1,
        /state\.json is of other data/,
      ],
      [train("--checkpoint", join(folder, "text.json"), "--resume"), 1, /text\.json is no checkpoint/],
      [train("--checkpoint", join(folder, "none.json"), "--resume"), 2, /There is no checkpoint .*none\.json/],
      [train("--resume"), 2, /name it with --checkpoint/],
      [train("--checkpoint", houses, "--resume"), 1, /is no checkpoint/],
      [train("--checkpoint", file, "--resume", "--out", file), 2, /would overwrite a file/],
    ];
    const runs = await Promise.all(refusals.map(([words]) => aif(words)));
    runs.forEach(({ code, stdout, stderr }, k) => {
      expect(stderr).toMatch(refusals[k][2]);
      expect(stderr).toMatch(/^aif: .+[.?]\n$/);
      expect([code, stdout]).toEqual([refusals[k][1], ""]);
    });
    expect(readFileSync(file, "utf8")).toBe(before);
    expect(readdirSync(folder).sort()).toEqual(["fewer.csv", "state.json", "text.json"]);
  });

  it.each<[string, string[], number, RegExp]>([
    ["two norms", train("--norm", "1,2"), 2, /one --norm, got 2/],
    ["two sizes", train("--epsilon", "0.1"), 2, /one size of the attack, got 2/],
    ["no size", train().slice(0, 4), 2, /--epsilon 0\.01, or --radius/],
    [
      "a bound that a row breaks",
      train("--bounds", "living_area_m2=0:10"),
      1,
      /"living_area_m2" leave out rows: data row \d+ has/,
    ],
    ["no steps of the search", train("--inner-steps", "0"), 2, /--inner-steps takes a whole number of at least 1/],
    ["an unknown method", train("--outer", "adam"), 2, /--outer takes lbfgs or gradient/],
  ])("refuses %s", async (_, words, code, sentence) => {
    const run = await aif(words);
    expect(run.stderr).toMatch(sentence);
    expect([run.code, run.stdout]).toEqual([code, ""]);
  });

  it("keeps names from the table harmless, and its page narrow", async () => {
    const file = join(scratch(), "t.csv");
    const rows = Array.from(
      { length: 40 },
      (_, i) => `${Math.sin(i)},${Math.cos(3 * i)},${1e-7 * (Math.sin(i) + 0.1 * (i % 7))}`,
    );
    await writeFile(file, `"a\u001b[31m","${"b".repeat(90)}","y\u202e"\n${rows.join("\n")}\n`);
    const { code, stdout } = await aif([
      "adversarial-train",
      file,
      "--target",
      "#3",
      "--epsilon",
      "0.1",
      "--norm",
      "3",
    ]);
    expect(code).toBe(0);
    expect(stdout).not.toMatch(forbiddenInText);
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
  });

  it("is explained by --help", async () => {
    const { stdout } = await aif(["adversarial-train", "--help"]);
    for (const option of ["--inner-steps", "--checkpoint <file>", "--resume", "--gap-tolerance", "--bounds"]) {
      expect(stdout).toContain(option);
    }
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
  });
});
