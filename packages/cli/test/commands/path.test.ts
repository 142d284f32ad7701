import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { PathResult } from "@aif/core";
import { describe, expect, it } from "vitest";
import { endingOf } from "../../src/failure.js";
import { buildProgram } from "../../src/program.js";
import { widthOf } from "../../src/render/layout.js";
import { renderPath } from "../../src/render/path.js";
import { forbiddenInText, hostileNames } from "../fixtures/hostile.js";
import { houses } from "../launch.js";
import { scratchFolders } from "../scratch.js";

const folder = scratchFolders();
const scratch = (name: string): string => join(folder(), name);

/** Runs the program with its result in a file, whose text is returned. */
async function written(name: string, words: readonly string[]): Promise<string> {
  const out = scratch(name);
  await buildProgram().parseAsync(["path", ...words, "--out", out], { from: "user" });
  return readFile(out, "utf8");
}

const path = (...words: string[]): string[] => [houses, "--target", "price_thousands", ...words];
const widest = (text: string): number => Math.max(...text.split("\n").map(widthOf));
const parsed = async (...words: string[]): Promise<PathResult> => JSON.parse(await written("x.json", path(...words)));

describe("aif path", () => {
  it("writes a report of at most 80 columns: the curve, the coefficients in order, the end", async () => {
    const result = await parsed("--norm", "inf");
    const text = await written("x.txt", path("--norm", "inf"));
    expect(text).not.toMatch(forbiddenInText);
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toContain("judged on the training rows");
    const [{ events, points, collapseRadius }] = result.paths;
    const zeros = events.filter(({ kind }) => kind === "coefficient-zero").map(({ feature }) => feature);
    expect(zeros.length).toBeGreaterThan(1);
    expect([...text.matchAll(/^ {2}ε [=≈] \S+ +(\S+) reaches 0$/gm)].map(([, name]) => name)).toEqual(zeros);
    const sticks = events.filter(({ kind }) => kind === "residual-sticks").length;
    expect(text.replace(/\s+/g, " ")).toContain(`Residuals stick ${sticks.toLocaleString("en-US")} times`);
    expect(text).toContain(`Collapse: from ε = ${Number(collapseRadius.toPrecision(3))}`);
    const lines = text
      .slice(text.indexOf("stuck\n") + 6, text.indexOf("  robust loss,"))
      .trimEnd()
      .split("\n");
    expect(lines).toHaveLength(11);
    lines.forEach((line, k) => {
      const cells = line.trim().split(/ +/).map(Number);
      const goal = (collapseRadius * k) / 10;
      const point = points.find(({ epsilon }) => Math.abs(epsilon - goal) < 1e-9);
      expect(point).toBeDefined();
      if (point === undefined) return;
      const { natural, robust } = point.metrics;
      const numbers = [
        point.epsilon,
        point.radius,
        point.naturalLoss,
        point.robustLoss,
        natural["rmse"],
        robust["rmse"],
      ];
      numbers.forEach((value, j) => {
        expect(Math.abs(cells[j] - value)).toBeLessThanOrEqual(6e-3 * Math.abs(value));
      });
      expect(cells.slice(6)).toEqual([point.zeroCoefficients.length, point.stuckRows]);
    });
  });

  it("writes one CSV row for every point", async () => {
    const { paths, model } = await parsed("--norm", "1,2");
    const csv = await written("x.csv", path("--norm", "1,2"));
    const [header, ...rows] = csv
      .trimEnd()
      .split("\r\n")
      .map((line) => line.split(","));
    const fixed =
      "norm,epsilon,radius,naturalLoss,robustLoss,natural.rmse,natural.mae,natural.r2,robust.rmse,robust.mae,robust.r2,stuckRows,zeroCoefficients,residual";
    expect(header).toEqual([...fixed.split(","), ...model.parameters.map((name) => `theta(${name})`)]);
    const points = paths.flatMap(({ norm, points: some }) => some.map((point) => ({ norm, point })));
    expect(rows).toHaveLength(points.length);
    rows.forEach((cells, i) => {
      const { norm, point } = points[i];
      const row = Object.fromEntries(header.map((name, j) => [name, cells[j]]));
      expect(row["norm"]).toBe(norm);
      expect(Number(row["epsilon"])).toBe(point.epsilon);
      expect(Number(row["robustLoss"])).toBe(point.robustLoss);
      expect(Number(row["natural.rmse"])).toBe(point.metrics.natural["rmse"]);
      expect(Number(row["robust.rmse"])).toBe(point.metrics.robust["rmse"]);
      expect(Number(row["zeroCoefficients"])).toBe(point.zeroCoefficients.length);
      expect(cells.slice(-point.parameters.length).map(Number)).toEqual(point.parameters);
    });
  });

  it("takes --format over the file's ending, and stops at the collapse", async () => {
    const { paths, settings, schema }: PathResult = JSON.parse(
      await written("x.txt", path("--format", "json", "--epsilon-max", "7", "--l2", "0.1")),
    );
    expect(schema).toBe("aif.path/1");
    expect(settings).toMatchObject({ epsilonMax: 7, l2: 0.1 });
    expect(paths[0].end).toBe("collapse");
    expect(paths[0].points[paths[0].points.length - 1].epsilon).toBe(paths[0].collapseRadius);
    const text = await written("x.txt", path("--epsilon-max", "7"));
    expect(text.replace(/\s+/g, " ")).toContain("stops there, before ε = 7, since the model does not change any more");
    const short = await written("x.txt", path("--epsilon-max", "0.01"));
    expect(short).toContain("The path ends where it was asked to");
  });

  it("tells accuracies of a classifier, within 80 columns whatever names and sizes are", async () => {
    const data = scratch("labels.csv");
    const cell = (name: string): string => `"${name.replaceAll('"', '""')}"`;
    const names = hostileNames.slice(0, 4);
    const lines = Array.from({ length: 60 }, (_, i) => {
      const x = names.map((_name, k) => Math.sin((i + 1) * (k + 1.7)) * 10 ** (3 * k));
      return [...x, Math.sin(i + 1) + x[0] + x[1] / 1000 > 0.2 ? "yes" : "no"].join(",");
    });
    await writeFile(data, [[...names.map(cell), "label"].join(","), ...lines].join("\n"));
    const words = [data, "--header", "--target", "label", "--norm", "inf", "--l2", "0.01"];
    const text = await written("x.txt", words);
    expect(text).not.toMatch(forbiddenInText);
    expect(widest(text)).toBeLessThanOrEqual(80);
    expect(text).toMatch(/accuracy +accuracy/);
    expect(text).not.toContain("stuck");
    const result: PathResult = JSON.parse(await written("x.json", words));
    const [section] = result.paths;
    const huge = section.points.map((point) => ({
      ...point,
      epsilon: point.epsilon * 1.234e-101,
      radius: point.radius * 1.234e-101,
      naturalLoss: -1.236e-101,
      robustLoss: -1.236e-101,
      metrics: { natural: { rmse: 1.236e-101 }, robust: { rmse: 1.236e-101 } },
      stuckRows: 12345,
    }));
    const model = { ...result.model, loss: "poisson" };
    const wide = renderPath({ ...result, model, paths: [{ ...section, points: huge }] }, { colour: false });
    expect(widest(wide)).toBeLessThanOrEqual(80);
    expect(wide).toContain("-1.236e-101");
  });

  it("says that there is nothing to give up", async () => {
    const data = scratch("flat.csv");
    await writeFile(data, "x,y\n-1,0\n1,0\n-1,1\n1,1\n-1,0.2\n1,0.2\n");
    const text = await written("x.txt", [data, "--target", "y", "--freeze", "none"]);
    expect(text).toContain("There is nothing to give up");
  });
});

describe("what goes wrong is one sentence", () => {
  it.each<[string, string[], number, RegExp]>([
    ["no target", [houses], 2, /^Say which column to predict: --target <column>\.$/],
    ["ε = 0", path("--epsilon-max", "0"), 2, /^--epsilon-max must be a number above 0, got 0: .+\.$/],
    ["no number", path("--epsilon-max", "much"), 2, /^--epsilon-max takes a number, and "much" is none\.$/],
    ["a quadratic model", path("--model", "quadratic"), 2, /^A quadratic model has no exact robust path, .+\.$/],
    ["a box", path("--bounds", "x=0:1"), 2, /^An adversary with bounds has no exact robust path/],
    ["a form that is none", path("--format", "xml"), 2, /^--format takes text, json or csv, not "xml"\.$/],
    ["--out over the data", path("--out", houses), 2, /would overwrite a file/],
  ])("%s", async (_, words, code, sentence) => {
    const program = buildProgram();
    for (const command of [program, ...program.commands]) command.configureOutput({ writeErr: () => {} });
    const error: unknown = await program.parseAsync(["path", ...words], { from: "user" }).catch((thrown) => thrown);
    const ending = endingOf(error);
    expect(ending.sentence).toMatch(sentence);
    expect(ending.code).toBe(code);
  });
});
