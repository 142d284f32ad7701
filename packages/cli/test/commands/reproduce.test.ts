import { existsSync } from "node:fs";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ChartSpec, EXPERIMENTS, type ExperimentRun, runExperiment } from "@aif/core";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { endingOf } from "../../src/failure.js";
import { toSvg } from "../../src/output/svg.js";
import { buildProgram } from "../../src/program.js";
import { widthOf } from "../../src/render/layout.js";
import { renderRun } from "../../src/render/reproduce.js";
import { aif, start } from "../launch.js";
import { scratchFolders } from "../scratch.js";

const scratch = scratchFolders();

afterEach(() => vi.restoreAllMocks());

/** Runs the command; what it prints is returned. */
async function reproduce(...words: string[]): Promise<string> {
  let printed = "";
  vi.spyOn(process.stdout, "write").mockImplementation((text: unknown, ...others: unknown[]) => {
    printed += String(text);
    for (const done of others) if (typeof done === "function") done();
    return true;
  });
  const program = buildProgram();
  for (const command of [program, ...program.commands]) command.configureOutput({ writeErr: () => {} });
  await program.parseAsync(["reproduce", ...words], { from: "user" });
  vi.restoreAllMocks();
  return printed;
}

const failure = async (...words: string[]): Promise<ReturnType<typeof endingOf>> =>
  endingOf(await reproduce(...words).catch((error: unknown) => error));

const readRun = async (folder: string, result = "figure1"): Promise<ExperimentRun> =>
  JSON.parse(await readFile(join(folder, `${result}.json`), "utf8"));

describe("aif reproduce", () => {
  it.each([
    [["--out", "there"], "name it, such as aif reproduce figure1"],
    [["--repetitions", "2"], "name it, such as aif reproduce figure1"],
    [["figure1", "--force"], "--force is about the folder of --out"],
    [["figure1", "--mnist", "mnist"], "--mnist is about figure2b: figure1 has no pictures."],
  ])("refuses options that would do nothing: %j", async (words, wanted) => {
    const { code, sentence } = await failure(...words);
    expect(code).toBe(2);
    expect(sentence).toContain(wanted);
  });

  it("lists what there is", async () => {
    const { stdout, stderr, code } = await aif(["reproduce"]);
    expect([stderr, code]).toEqual(["", 0]);
    for (const { name, reference } of EXPERIMENTS)
      expect(stdout).toMatch(new RegExp(`^ +${name} +${reference.replace(/[()]/g, "\\$&")}: `, "m"));
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
  });

  it.each<[string[], RegExp]>([
    [["figur1"], /^There is no result "figur1" to reproduce: use figure1.* or all\.$/],
    [["figure1", "--repetitions", "0"], /^--repetitions takes a whole number of at least 1, and "0" is none\.$/],
    [["figure1", "--norm", "1,2"], /^--norm takes one norm here, not "1,2"; run once for each\.$/],
    [["figure1", "--norm", "0.5"], /must be a number p ≥ 1/],
    [["figure1", "--seed", "x"], /^--seed takes a whole number/],
    [["figure1", "--out", ""], /^--out needs the name of a folder\.$/],
    [["theorem5.4", "--norm", "inf"], /^Theorem 5\.4 \(theorem5\.4\) is about the norm p = 2, not p = inf\.$/],
  ])("%j is one sentence and exit code 2", async (words, sentence) => {
    const { code, sentence: said } = await failure(...words);
    expect(said).toMatch(sentence);
    expect(code).toBe(2);
  });
});

describe("the files of a run", () => {
  let folder: string;
  let text: string;
  let run: ExperimentRun;
  beforeAll(async () => {
    folder = join(scratch(), "new", "folder");
    text = await reproduce("figure1", "--out", folder);
    run = await readRun(folder);
  });

  it("are named in a report of at most 80 columns, which shows their numbers", async () => {
    expect((await readdir(folder)).sort()).toEqual(["figure1.csv", "figure1.json", "figure1.svg"]);
    for (const ending of ["csv", "svg", "json"]) expect(text).toContain(join(folder, `figure1.${ending}`));
    const own = text.split("\n").filter((line) => !line.includes(folder));
    expect(Math.max(...own.map(widthOf))).toBeLessThanOrEqual(80);
    const rows = own
      .filter((line) => /^ +[\d.]+(e-\d)?( +\S+){7}$/.test(line))
      .map((line) => line.trim().split(/ +/).map(Number));
    const { columns } = run.summary;
    expect(rows).toHaveLength(columns["epsilon"].mean.length);
    rows.forEach((cells, i) => {
      cells.forEach((cell, j) => {
        const value = columns[run.columns[j].name].mean[i];
        expect(Math.abs(cell - value)).toBeLessThanOrEqual(0.051 * value);
      });
    });
    expect(text).toMatch(/ wrong {2}ΔS as printed/);
    expect(renderRun(run, null, { colour: false })).toContain("--out <folder>");
  });

  it("hold the same numbers as CSV", async () => {
    const lines = (await readFile(join(folder, "figure1.csv"), "utf8"))
      .trimEnd()
      .split("\r\n")
      .map((line) => line.split(","));
    expect(lines[0]).toEqual(run.columns.map(({ name }) => name));
    run.columns.forEach(({ name }, j) => {
      expect(lines.slice(1).map((cells) => Number(cells[j]))).toEqual(run.summary.columns[name].mean);
    });
  });

  it("hold a chart that is drawn without a warning: axes with units, norm, loss, n, every series, the kink radius", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const svg = await toSvg(run.chart);
    expect(warn).not.toHaveBeenCalled();
    expect(svg).toBe(await readFile(join(folder, "figure1.svg"), "utf8"));
    expect(Number(/^<svg [^>]*width="(\d+)"/.exec(svg)?.[1])).toBeLessThanOrEqual(600);
    const texts = [...svg.matchAll(/<(?:text|tspan)[^>]*>([^<]+)/g)].map(([, shown]) => shown);
    for (const wanted of [
      /^ε, .*l2 norm/,
      /^ΔI \(units of θ per unit of ε\)$/,
      /^ΔS \(loss r² per unit of ε²\)$/,
      /^n = 500.*loss r²/,
      /^kink radius 0\.014$/,
      /^printed, k = 1, exact$/,
      /^corrected, k = ½, exact$/,
      /^corrected, PGD$/,
      /^PGD's own error$/,
      /^10⁻⁴$/,
    ])
      expect(
        texts.some((shown) => wanted.test(shown)),
        String(wanted),
      ).toBe(true);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    const points = svg.match(/mark-symbol role-mark[^>]*>.*?<\/g>/gs)?.map((group) => group.match(/<path/g)?.length);
    expect(points).toEqual([38, 38]);
  });

  it("are gone on with when more repetitions are asked for, and not overwritten by another run", async () => {
    // A second repetition that no run would give: it is taken as it is.
    const [first] = run.repetitions;
    const tripled = first.columns["influence.exact"].map((value) => 3 * value);
    const second = { ...first, columns: { ...first.columns, "influence.exact": tripled } };
    await writeFile(join(folder, "figure1.json"), JSON.stringify({ ...run, repetitions: [first, second] }));
    const more = await reproduce("figure1", "--out", folder, "--repetitions", "2");
    expect(more).toContain("2 data sets from seed 0");
    const longer = await readRun(folder);
    expect(longer.repetitions).toEqual([first, second]);
    const { mean, standardErrors } = longer.summary.columns["influence.exact"];
    mean.forEach((value, k) => {
      expect(value / (2 * first.columns["influence.exact"][k])).toBeCloseTo(1, 12);
      expect((standardErrors?.[k] ?? 0) / first.columns["influence.exact"][k]).toBeCloseTo(1, 12);
    });
    const header = (await readFile(join(folder, "figure1.csv"), "utf8")).split("\r\n")[0];
    expect(header).toMatch(/^epsilon,influence\.exact,influence\.exact\.se,/);
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    expect(await toSvg(longer.chart)).toContain("means of 2 data sets ± standard error");
    expect(warn).not.toHaveBeenCalled();
    for (const words of [
      ["--seed", "1"],
      ["--norm", "inf"],
      ["--repetitions", "1"],
    ]) {
      const { code, sentence } = await failure("figure1", "--out", folder, ...words);
      expect(sentence).toMatch(/holds another run \(Figure 1, 2 repetitions, seed 0, p = 2, aif .+\); .+--force/);
      expect(code).toBe(2);
    }
    expect(await readRun(folder)).toEqual(longer);
  });
});

describe("a run that is interrupted", () => {
  /** Repetitions that no run would give: they are taken as they are. */
  const part = async (folder: string, changed: object): Promise<void> => {
    const whole = JSON.parse(await readFile(join(folder, "theorem6.1.json"), "utf8"));
    const { schema: _, ...run } = whole;
    await rm(join(folder, "theorem6.1.json"));
    await writeFile(
      join(folder, "theorem6.1.part.json"),
      JSON.stringify({ schema: "aif.reproduction-part/1", ...run, ...changed }),
    );
  };

  it("is gone on with from what is finished, which is then cleared away", async () => {
    const folder = scratch();
    await reproduce("theorem6.1", "--out", folder, "--repetitions", "1");
    const { repetitions, settings } = JSON.parse(await readFile(join(folder, "theorem6.1.json"), "utf8"));
    const marked = { ...repetitions[0], values: { ...repetitions[0].values, "corrected.100": 12345 } };
    await part(folder, { repetitions: [marked] });
    await reproduce("theorem6.1", "--out", folder, "--repetitions", "2");
    const longer = JSON.parse(await readFile(join(folder, "theorem6.1.json"), "utf8"));
    expect(longer.repetitions).toHaveLength(2);
    expect(longer.repetitions[0]).toEqual(marked);
    expect((await readdir(folder)).sort()).toEqual(["theorem6.1.csv", "theorem6.1.json", "theorem6.1.svg"]);
    await part(folder, { settings: { ...settings, seed: 5 } });
    const { code, sentence } = await failure("theorem6.1", "--out", folder, "--repetitions", "2");
    expect(sentence).toMatch(/holds another run \(Theorem 6\.1, .+ seed 5/);
    expect(code).toBe(2);
  });

  it("keeps what is finished (Ctrl-C) and says so; threads give the same numbers as none", async () => {
    const folder = scratch();
    const child = start(["reproduce", "theorem6.1", "--out", folder, "--repetitions", "100000", "--threads", "2"]);
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    const ended = new Promise<number | null>((resolve) => {
      child.on("close", resolve);
    });
    const file = join(folder, "theorem6.1.part.json");
    await vi.waitUntil(() => existsSync(file), { timeout: 150_000, interval: 100 });
    child.kill("SIGINT");
    expect(await ended).toBe(130);
    expect(stderr).toMatch(/Interrupted; .+part\.json holds \d+ repetitions: the same command goes on from there\./);
    const kept: ExperimentRun = JSON.parse(await readFile(join(folder, "theorem6.1.part.json"), "utf8"));
    const theorem = EXPERIMENTS.find(({ name }) => name === "theorem6.1");
    if (theorem === undefined) throw new Error("theorem6.1 is not registered");
    const here = await runExperiment(theorem, { repetitions: 1 });
    for (const [name, values] of Object.entries(here.repetitions[0].columns).filter(([key]) => !/error/.test(key)))
      values.forEach((value, k) => expect(kept.repetitions[0].columns[name][k]).toBeCloseTo(value, 8));
  });
});

describe("a folder with other files", () => {
  it("is left alone, unless --force is given", async () => {
    const folder = scratch();
    const result = "theorem5.2";
    await writeFile(join(folder, `${result}.csv`), "mine");
    const { code, sentence } = await failure(result, "--out", folder);
    expect(sentence).toMatch(/holds files named theorem5\.2 that are no run; .+--force/);
    expect(code).toBe(2);
    expect(await readdir(folder)).toEqual([`${result}.csv`]);
    await writeFile(join(folder, `${result}.json`), '{"schema":"aif.reproduction/1"}');
    expect((await failure(result, "--out", folder)).sentence).toContain("are no run");
    await reproduce(result, "--out", folder, "--force", "--seed", "1", "--repetitions", "2");
    expect((await readRun(folder, result)).settings.seed).toBe(1);
    expect(await readFile(join(folder, `${result}.csv`), "utf8")).toMatch(/^[a-z]\w*,/i);
  });

  it("that cannot be written is found out before the work", async () => {
    const file = join(scratch(), "file");
    await writeFile(file, "");
    const { code, sentence } = await failure("figure1", "--out", join(file, "folder"));
    expect(sentence).toMatch(/cannot be written/);
    expect(code).toBe(1);
  });
});

it("a chart that makes no sense is an error", async () => {
  const nonsense: ChartSpec = { mark: "no such mark" };
  await expect(toSvg(nonsense)).rejects.toThrow();
});
