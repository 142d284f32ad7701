import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ComparisonResult } from "@aif/core";
import { describe, expect, it } from "vitest";
import { buildProgram } from "../../src/program.js";
import { widthOf } from "../../src/render/layout.js";
import { forbiddenInText, hostileNames } from "../fixtures/hostile.js";
import { aif } from "../in-process.js";
import { houses } from "../launch.js";
import { scratchFolders } from "../scratch.js";

const folder = scratchFolders();
const scratch = (name: string): string => join(folder(), name);

/** Runs the program with its result in a file, whose text is returned. */
async function written(name: string, words: readonly string[]): Promise<string> {
  const out = scratch(name);
  await buildProgram().parseAsync(["compare", ...words, "--out", out], { from: "user" });
  return readFile(out, "utf8");
}

const family = [houses, "--target", "price_thousands", "--model", "linear", "--model", "quadratic"];
const widest = (text: string): number => Math.max(...text.split("\n").map(widthOf));

/** The lines of the table under a heading, each cut at two blanks or more. */
function tableUnder(text: string, heading: string): string[][] {
  const lines = text.slice(text.indexOf(heading)).split("\n");
  const start = lines.findIndex((line) => /^ +#/.test(line)) + 1;
  const end = lines.findIndex((line, k) => k >= start && !/^ +\d+ {2}/.test(line));
  return lines.slice(start, end).map((line) => line.trim().split(/ {2,}/));
}

describe("aif compare", () => {
  it("writes tables of at most 80 columns with the numbers of the result, and says what they mean", async () => {
    const words = [...family, "--features", "first 2..3", "--features", "forward 2"];
    const text = await written("x.txt", words);
    const result: ComparisonResult = JSON.parse(await written("x.json", words));
    expect(text).not.toMatch(forbiddenInText);
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(result.models).toHaveLength(6);
    const losses = tableUnder(text, "Natural loss:");
    expect(losses.map(([, name]) => name)).toEqual(result.models.map(({ name }) => name));
    losses.forEach(([rank, , parameters, loss, ...rest], place) => {
      const model = result.models[place];
      expect([Number(rank), Number(parameters)]).toEqual([place + 1, model.parameters]);
      expect(Number(loss)).toBeCloseTo(model.naturalLoss.value, -1);
      const difference = model.naturalLoss.value - result.models[0].naturalLoss.value;
      const reach = result.natural.reach?.[place][0] ?? 0;
      if (place > 0) {
        const [above, within] = rest[0].split(" ± ").map(Number);
        expect(above / difference).toBeCloseTo(1, 2);
        expect(within / reach).toBeCloseTo(1, 1);
      }
      expect(rest.at(-1)).toBe(result.natural.best.includes(place) ? "yes" : "no");
    });
    const costs = tableUnder(text, "Cost of robustness");
    costs.forEach(([, , relative, onRelative, absolute], place) => {
      const model = result.models[place];
      expect(Number.parseFloat(relative) / model.relative.cost.value).toBeCloseTo(1, 2);
      expect(Number.parseFloat(absolute) / model.absolute.cost.value).toBeCloseTo(1, 2);
      expect(onRelative === "yes").toBe(result.relative.frontier.includes(place));
    });
    const prose = text.replace(/\s+/g, " ");
    for (const sentence of result.words) expect(prose).toContain(sentence.replace(/\s+/g, " "));
    expect(prose).toContain("Columns that were selected");
    expect(prose).toContain("Criteria of the training rows");
  });

  it("draws a chart, again from the JSON", async () => {
    const [chart, out] = [scratch("c.svg"), scratch("c.json")];
    const words = [...family, "--features", "first 2..3", "--chart", chart, "--out", out];
    await buildProgram().parseAsync(["compare", ...words], { from: "user" });
    const svg = await readFile(chart, "utf8");
    expect(svg).toMatch(/^<svg/);
    expect(svg).toContain("One fixed radius for all models");
    expect(svg).toContain("1  quadratic, first 3");
    const again = scratch("again.svg");
    await buildProgram().parseAsync(["chart", out, "comparison", "--out", again], { from: "user" });
    expect(await readFile(again, "utf8")).toBe(svg);
  });

  it("shows no command of a terminal that hides in names", async () => {
    const file = scratch("hostile.csv");
    const names = hostileNames.slice(0, 3).map((name) => `"${name.replaceAll('"', '""')}"`);
    const rows = Array.from({ length: 60 }, (_, i) =>
      [Math.sin(i), Math.cos(3 * i), Math.sin(7 * i + 1), Math.sin(i) + Math.cos(5 * i)].join(","),
    );
    await writeFile(file, `${[...names, "y"].join(",")}\n${rows.join("\n")}\n`);
    const chart = scratch("c.svg");
    const text = await written("x.txt", [file, "--target", "y", "--features", "forward 1..3", "--chart", chart]);
    expect(text).not.toMatch(forbiddenInText);
    expect(widest(text)).toBeLessThanOrEqual(80);
  });

  it("tells costs once where all models see the same columns", async () => {
    const text = await written("x.txt", [houses, "--target", "price_thousands", "--l2", "0,0.1", "--project", "none"]);
    expect(text).not.toContain("cost at    on the         cost at");
    expect(text.replace(/\s+/g, " ")).not.toContain("Attacked with one radius for all");
    const several = await written("x.txt", [houses, "--target", "price_thousands", "--project", "pca:1..2"]);
    expect(
      tableUnder(several, "Natural loss:")
        .map(([, name]) => name)
        .toSorted(),
    ).toEqual(["pca:1", "pca:2"]);
  });

  it("leaves nothing undone where intervals are not wanted", async () => {
    const text = await written("x.txt", [...family, "--inference", "none"]);
    expect(text.replace(/\s+/g, " ")).toContain("Without intervals nothing is said of chance");
    expect(text).not.toContain("noise:");
    expect(text).not.toContain("Sensitivity in the population");
    expect(widest(text)).toBeLessThanOrEqual(80);
  });

  it.each([
    [["--features", "area,foo"], 1, 'no feature column "area"'],
    [["--features", "first 1..20"], 2, "asks for 20 columns"],
    [["--model", "logistic"], 2, "losses of different things cannot be compared"],
    [["--project", "pca:3..1"], 2, "--project pca:3..1"],
    [["--project", "pca:20"], 2, "asks for more components than"],
    [["--norm", "1,2"], 2, "--norm takes one norm"],
    [["--epsilon", "0.1,0.2"], 2, "--epsilon takes one size"],
    [["--chart", "picture.pdf"], 2, "--chart takes a file"],
    [["--C", "1"], 2, "--C means another ridge"],
    [["--restarts", "3"], 2, "--seeds"],
    [["--import", "x.onnx"], 2, "aif analyze --import"],
    [["--chart", houses.replace(/csv$/, "svg"), "--out", houses], 2, "would overwrite"],
  ])("refuses %j", async (words, code, message) => {
    const run = await aif(["compare", ...family, ...words]);
    expect(run.code).toBe(code);
    expect(run.stderr).toContain(message);
    expect(run.stderr.trim().split("\n")).toHaveLength(1);
    expect(run.stdout).toBe("");
  });
});
