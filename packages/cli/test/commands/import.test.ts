import { execFile } from "node:child_process";
import { access, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { widthOf } from "../../src/render/layout.js";
import { aif } from "../in-process.js";
import { root } from "../launch.js";
import { scratchFolders } from "../scratch.js";

const scratch = scratchFolders();

/** Rows of a line with noise, and coefficients near it. */
async function lineFiles(): Promise<{ data: string; model: string }> {
  const folder = scratch();
  const rows = Array.from({ length: 60 }, (_, i) => {
    const [a, b] = [(i % 7) - 3, ((i * i) % 11) - 5];
    return `${a},${b},${2 * a - b + 1 + Math.sin(5 * i)}`;
  });
  const [data, model] = [join(folder, "rows.csv"), join(folder, "model.json")];
  await writeFile(data, `a,b,y\n${rows.join("\n")}\n`);
  await writeFile(model, JSON.stringify({ intercept: 0.9, coefficients: { b: -1.1, a: 2.1 } }));
  return { data, model };
}

describe("aif analyze --model mlp", () => {
  it("says which share of the ReLU units switches, and nothing of that without ReLU", async () => {
    const { data } = await lineFiles();
    const with_ = (activation: string) =>
      aif(["analyze", data, "--target", "y", "--model", "mlp:3", "--activation", activation, "--epsilon", "0.01,0.5"]);
    const { code, stdout } = await with_("relu");
    expect(code).toBe(0);
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
    expect(stdout.replaceAll(/\s+/g, " ")).toMatch(
      /ReLU units that switch .* by training row: [\d.]+ % at ε 0\.01, [\d.]+ % at ε 0\.5/,
    );
    expect((await with_("tanh")).stdout).not.toContain("ReLU");
  });
});

describe("aif analyze --import", () => {
  it("says first what the model does on the rows, then what kind of response the numbers are", async () => {
    const { data, model } = await lineFiles();
    const { code, stdout, stderr } = await aif(["analyze", data, "--target", "y", "--import", model, "--no-polish"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(Math.max(...stdout.split("\n").map(widthOf))).toBeLessThanOrEqual(80);
    const parts = ["The imported model", "Natural loss", "What kind of response", "LOCAL RESPONSE", "lower bounds"];
    const places = parts.map((part) => stdout.indexOf(part));
    expect(places).not.toContain(-1);
    expect(places[0]).toBeLessThan(places[1]);
    expect(stdout).toMatch(/as it came +loss 0\.\d+ y².*R² 0\.9\d+/);
    expect(stdout.replaceAll(/\s+/g, " ")).toContain("needs the rows that it was trained on");
  });

  it("refuses what does not fit in one sentence", async () => {
    const { data, model } = await lineFiles();
    const run = (...words: string[]) => aif(["analyze", data, "--target", "y", ...words]);
    const scaler = async (name: string, scale: string): Promise<string[]> => {
      await writeFile(`${model}.${name}`, `{"mean": [0, 1e308], "scale": [1, ${scale}]}`);
      return ["--import", model, "--scaler", `${model}.${name}`, "--force"];
    };
    const refusals: [string[], number, RegExp][] = [
      [["--import", `${model}x`], 1, /--import .*model\.jsonx cannot be read: there is no such file/],
      [["--import", model, "--columns", "a"], 2, /--columns names 1 columns, but .* takes 2/],
      [["--import", model, "--columns", "a,b"], 1, /more than the [\d.]+ of a constant/],
      [
        await scaler("wild", "1e-308"),
        1,
        /has losses on these rows that are not finite: check the columns and the scaler/,
      ],
      [await scaler("endless", "1e999"), 1, /number 2 of "scale" is Infinity; a scaler has finite numbers/],
      [["--import", model, "--input-scale", "1/0"], 2, /--input-scale must be a number above 0/],
      [["--import", model, "--out", model], 2, /would overwrite a file of this analysis/],
      [["--import", model, "--damping", "-1"], 2, /--damping must be a number ≥ 0/],
      [["--model", "mlp:3", "--evaluation", "cv:5"], 2, /would train 5 networks/],
      [["--damping", "1"], 2, /--damping is for --model softmax/],
      [["--model", "softmax", "--memory", "much"], 2, /--memory takes an amount of memory such as 500M/],
    ];
    for (const [words, code, sentence] of refusals) {
      const result = await run(...words);
      expect([words, result.code, result.stdout]).toEqual([words, code, ""]);
      expect(result.stderr).toMatch(sentence);
      expect(result.stderr.trim().split("\n")).toHaveLength(1);
    }
  });

  it("judges networks on held-out rows unless told otherwise", async () => {
    const { data } = await lineFiles();
    const { code, stdout } = await aif(
      `analyze ${data} --target y --model mlp:2 --epsilon 0.001 --format json`.split(" "),
    );
    expect(code).toBe(0);
    const { data: rows, model, settings, threats } = JSON.parse(stdout);
    expect([rows.evaluation, rows.rows, rows.evaluationRows]).toEqual(["fraction:0.2", 48, 12]);
    expect(settings.local).toMatchObject({ activation: "tanh", training: "lbfgs", import: null });
    expect(model.l2).toBeGreaterThan(0);
    expect(threats[0].curve[0].robustLossMethod).toBe("projected-gradient");
  });
});

/** A network 8-30-1 with pseudo-random weights, as PyTorch names them, and 300 rows near what it puts out. */
async function networkFiles(): Promise<{ data: string; model: string }> {
  let state = 7;
  const draw = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return 2 * (state / 2 ** 32) - 1;
  };
  const [inputs, hidden] = [8, 30];
  const shapes = { "0.weight": [hidden, inputs], "0.bias": [hidden], "2.weight": [1, hidden], "2.bias": [1] };
  const tensors = Object.entries(shapes).map(([name, shape]) => ({
    name,
    shape,
    values: Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, draw),
  }));
  const bytes = Buffer.concat(tensors.map(({ values }) => Buffer.from(values.buffer)));
  let at = 0;
  const header = Object.fromEntries(
    tensors.map(({ name, shape, values }) => [
      name,
      { dtype: "F64", shape, data_offsets: [at, (at += values.byteLength)] },
    ]),
  );
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const [W, b, v, [c]] = tensors.map(({ values }) => values);
  const rows = Array.from({ length: 300 }, () => {
    const x = Array.from({ length: inputs }, draw);
    const units = Array.from(b, (bias, a) =>
      Math.tanh(x.reduce((sum, value, k) => sum + W[a * inputs + k] * value, bias)),
    );
    return [...x, units.reduce((sum, unit, a) => sum + v[a] * unit, c) + 0.1 * draw()].join(",");
  });
  const folder = scratch();
  const [data, model] = [join(folder, "rows.csv"), join(folder, "net.safetensors")];
  await writeFile(data, `${Array.from({ length: inputs }, (_, k) => `x${k}`).join(",")},y\n${rows.join("\n")}\n`);
  await writeFile(model, Buffer.concat([length, text, bytes]));
  return { data, model };
}

/** A file of float32 tensors, in the order in which they are given. */
async function tensorFile(
  tensors: Readonly<Record<string, readonly [shape: number[], values: number[]]>>,
): Promise<string> {
  let end = 0;
  const header = Object.entries(tensors).map(([name, [shape, values]]) => {
    const place = { dtype: "F32", shape, data_offsets: [end, (end += 4 * values.length)] };
    return [name, place];
  });
  const text = Buffer.from(JSON.stringify(Object.fromEntries(header)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const numbers = Float32Array.from(Object.values(tensors).flatMap(([, values]) => values));
  const path = join(scratch(), "net.safetensors");
  await writeFile(path, Buffer.concat([length, text, Buffer.from(numbers.buffer)]));
  return path;
}

describe("bare weights", () => {
  it("of one layer need no activation, those of several do", async () => {
    const { data } = await lineFiles();
    const line = await tensorFile({
      weight: [
        [1, 2],
        [2.1, -1.1],
      ],
      bias: [[1], [0.9]],
    });
    const words = ["analyze", data, "--target", "y", "--inference", "none", "--format", "json", "--import"];
    const { code, stdout } = await aif([...words, line]);
    expect(code).toBe(0);
    // Brought to the minimum on the rows: the line that they lie around.
    const [a, b] = JSON.parse(stdout).fit.parameters;
    expect(Math.hypot(a - 2, b + 1)).toBeLessThan(0.1);
    const network = await tensorFile({
      "0.weight": [
        [1, 2],
        [1, 1],
      ],
      "2.weight": [[1, 1], [1]],
    });
    const refused = await aif([...words, network]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining("give --activation, one of relu")]);
  });
});

describe("a solver at its iteration limit", () => {
  it("is an error in one sentence and leaves nothing behind, unless it is allowed: then a flag says so", async () => {
    const { data, model } = await networkFiles();
    const out = join(scratch(), "result.json");
    const words = ["analyze", data, "--target", "y", "--import", model, "--model", "mlp:30", "--activation", "tanh"];
    words.push("--no-polish", "--epsilon", "0.001", "--inference", "none", "--evaluation", "training");
    // A rank of 2√d and 50 refinements do not cover a spectrum that reaches far below its middle.
    words.push("--solver", "nystrom", "--damping", "1e-5");
    const refused = await aif([...words, "--format", "json", "--out", out]);
    expect([refused.code, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toMatch(
      /^aif: The solver nystrom did not converge \(iteration-limit, 51 iterations, relative residual [\d.e+-]+\): .*--damping.*--solver.*--allow-unconverged\.\n$/,
    );
    await expect(access(out)).rejects.toThrow("ENOENT");
    const allowed = await aif([...words, "--allow-unconverged", "--format", "json", "--out", out]);
    expect(allowed.code).toBe(0);
    const { threats, flags } = JSON.parse(await readFile(out, "utf8"));
    expect(threats[0].solver).toMatchObject({ name: "nystrom", converged: false, iterations: 51 });
    expect(threats[0].solver.relativeResidual).toBeGreaterThan(1e-3);
    expect(flags.map(({ code }: { code: string }) => code)).toContain("unconverged-solver");
    const text = await aif([...words, "--allow-unconverged"]);
    expect(text.code).toBe(0);
    expect(text.stdout.replaceAll(/\s+/g, " ")).toMatch(/nystrom ended after 51 iterations at a relative residual of/);
    const solved = await aif([...words.slice(0, -4), "--solver", "cg", "--damping", "1e-5", "--format", "json"]);
    expect([solved.code, JSON.parse(solved.stdout).threats[0].solver.converged]).toEqual([0, true]);
  });
});

describe("the units of an import's parameters", () => {
  it("are standardised only where a mean was taken off, not under a factor alone", async () => {
    const { data, model } = await lineFiles();
    const scaler = join(scratch(), "scaler.json");
    await writeFile(scaler, JSON.stringify({ mean: [0.5, 0.2], scale: [2, 3] }));
    const heading = async (...words: string[]): Promise<string> => {
      const { code, stdout } = await aif(["analyze", data, "--target", "y", "--import", model, "--force", ...words]);
      expect(code).toBe(0);
      return /Parameters that move most at ε = [\d.e-]+(.*)/.exec(stdout)?.[1] ?? "none";
    };
    expect(await heading()).toBe("");
    expect(await heading("--input-scale", "1/2")).toBe(", in scaled units");
    expect(await heading("--scaler", scaler)).toBe(", in standardised units");
  });
});

describe("examples/own-loss.ts", () => {
  it("predicts what adversarial training does", async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", "examples/own-loss.ts"], {
      cwd: root,
    });
    const errors = [...stdout.matchAll(/differs by ([\d.]+) %/g)].map(([, percent]) => Number(percent));
    expect(errors).toHaveLength(2);
    for (const error of errors) expect(error).toBeLessThan(2);
  });
});

describe("what --coefficients wrote of a network", () => {
  it("is imported with the same loss and the same response", async () => {
    const { data } = await lineFiles();
    const file = join(scratch(), "network.json");
    const options = ["--target", "y", "--epsilon", "0.001", "--evaluation", "training", "--inference", "none"];
    const run = async (...words: string[]) => {
      const { code, stdout } = await aif(["analyze", data, ...options, "--format", "json", ...words]);
      expect(code).toBe(0);
      return JSON.parse(stdout);
    };
    const trained = await run("--model", "mlp:2", "--l2", "0.01", "--coefficients", file);
    const imported = await run("--import", file, "--l2", "0.01");
    expect(imported.fit.imported.naturalLoss).toBeCloseTo(trained.fit.trainingLoss, 10);
    expect(imported.settings.local.training).toBe("import");
    expect(imported.threats[0].local.kind).toBe("influence");
    const [before, after] = [trained, imported].map(({ threats }) => threats[0].influence as number[]);
    before.forEach((value, j) => expect(after[j]).toBeCloseTo(value, 8));
  });
});
