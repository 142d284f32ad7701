import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { hasMpi, mpirun } from "../../../core/test/parallel/mpirun.js";
import { aif, houses, launcher, start } from "../launch.js";

let folder = "";
let pattern = "";

/** The rows of an example in three files of uneven length. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aif-stream-"));
  await mkdir(join(folder, "tmp"));
  const [header, ...lines] = (await readFile(houses, "utf8")).trim().split("\n");
  const cuts = [0, 40, Math.floor(lines.length / 2), lines.length];
  for (let k = 0; k < 3; k++) {
    const own = lines.slice(cuts[k], cuts[k + 1]);
    await writeFile(join(folder, `part-${k}.csv`), `${[header, ...own].join("\n")}\n`);
  }
  pattern = join(folder, "part-*.csv");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const analyze = (...words: string[]): string[] => ["analyze", pattern, "--target", "price_thousands", ...words];
const env = (): Record<string, string> => ({ TMPDIR: join(folder, "tmp") });

/** Numbers of a result agree to 1e-10; what streaming leaves out is null there. */
function expectSame(found: unknown, wanted: unknown, path = ""): void {
  if (/\.(command|timings|flags|exact)$/.test(path)) return;
  if (typeof wanted === "number" && typeof found === "number") {
    const error = Math.abs(found - wanted) / Math.max(1, Math.abs(wanted));
    expect(error, path).toBeLessThan(1e-10);
  } else if (typeof wanted === "object" && wanted !== null && typeof found === "object" && found !== null) {
    expect(Object.keys(found), path).toEqual(Object.keys(wanted));
    for (const [key, value] of Object.entries(wanted)) {
      expectSame(Object.entries(found).find(([other]) => other === key)?.[1], value, `${path}.${key}`);
    }
  } else expect(found, path).toEqual(wanted);
}

describe("aif analyze of rows that pass by block by block", () => {
  it("prints what it prints of rows in memory, and leaves nothing behind", async () => {
    const [inMemory, streamed] = await Promise.all([
      aif(analyze("--format", "json", "--by", "rooms")),
      aif(analyze("--format", "json", "--by", "rooms", "--memory", "10K"), env()),
    ]);
    expect([inMemory.code, inMemory.stderr]).toEqual([0, ""]);
    expect(streamed.code).toBe(0);
    expect(streamed.stderr).toMatch(
      /^Even in blocks the analysis takes about 158 MB: --memory will be exceeded\.\nWriting the rows to a cache in \S+, about \d+ kB\.\nThe cache in \S+ holds \d+ kB and is removed at the end\.\n$/,
    );
    expectSame(JSON.parse(streamed.stdout), JSON.parse(inMemory.stdout));
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
  });

  it.skipIf(!hasMpi)("prints the same on several processes (skipped where mpirun is missing)", async () => {
    const words = analyze("--format", "json", "--quiet", "--by", "district");
    const one = await aif([...words, "--memory", "10K"]);
    expect(one.stderr).toBe("");
    const many = await mpirun(["-n", "3", process.execPath, launcher, ...words], { env: env() });
    expect([many.code, many.stderr]).toEqual([0, ""]);
    expectSame(JSON.parse(many.stdout), JSON.parse(one.stdout));
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
  });

  it("keeps a cache where it is asked to, and uses it again", async () => {
    const cache = join(folder, "cache");
    const words = analyze("--cache", cache, "--keep-cache");
    const [first, second] = [await aif(words), await aif(words)];
    expect(first.stderr).toMatch(/holds \d+ kB and stays there\.\n$/);
    expect(second.stderr).toMatch(/^The cache in \S+ holds \d+ kB and was there from an earlier run\.\n$/);
    const withoutTimes = (text: string): string => text.slice(0, text.lastIndexOf("Done in"));
    expect(withoutTimes(second.stdout)).toBe(withoutTimes(first.stdout));
    expect((await readdir(cache)).toSorted()).toEqual(["training.json", "training.rows"]);
  });

  it("refuses what needs all rows at once before it reads them, in one sentence", async () => {
    const refused: readonly (readonly [string[], RegExp])[] = [
      [["--memory", "10K", "--l1", "0.1"], /^aif: --l1 needs all rows in memory, .*\n$/],
      [
        ["--cache", "x", "--model", "mlp:3"],
        /^aif: With --cache the rows .* --model mlp:3 needs all rows in memory, .*\n$/,
      ],
      [
        ["--precision", "mixed", "--model", "softmax", "--solver", "lissa"],
        /^aif: With --precision mixed the rows are streamed, .* without it they lie in memory\. --solver lissa needs all rows .*\n$/,
      ],
      [
        ["--cache", "x", "--worst-case", join(folder, "w.csv")],
        /^aif: With --cache .* --worst-case needs all rows in memory, .*\n$/,
      ],
      [["--keep-cache"], /^aif: --keep-cache needs --cache <folder>, .*\n$/],
      [["--memory", "lots"], /^aif: --memory takes an amount of memory such as 500M or 2G, not "lots"\.\n$/],
      [["--memory", "0GB"], /^aif: --memory 0GB leaves no memory: .*\n$/],
      [["--precision", "half"], /^aif: --precision takes double or mixed, not "half"\.\n$/],
    ];
    for (const [words, sentence] of refused) {
      const { code, stdout, stderr } = await aif(analyze(...words), env());
      expect([code, stdout]).toEqual([2, ""]);
      expect(stderr).toMatch(sentence);
    }
  });

  it("refuses what the columns show to be wrong before a cache is written", async () => {
    const numbers = join(folder, "numbers.csv");
    await writeFile(
      numbers,
      `a,b,c,y\n${Array.from({ length: 50 }, (_, i) => `${i},${i % 7},${i % 5},${i % 11}`).join("\n")}\n`,
    );
    const refused: readonly (readonly [string, string[], number, RegExp])[] = [
      [numbers, ["--target", "z"], 1, /^aif: \S+numbers\.csv has no target column "z"\..*\n$/],
      [
        numbers,
        ["--target", "y", "--project", "pca:4"],
        2,
        /^aif: --project pca:4 asks for more components than the 3 features \("a", "b", "c"\): use 1 to 3\.\n$/,
      ],
    ];
    for (const [file, words, exit, sentence] of refused) {
      const cache = join(folder, "never");
      const { code, stdout, stderr } = await aif(["analyze", file, ...words, "--cache", cache, "--keep-cache"], env());
      expect([code, stdout]).toEqual([exit, ""]);
      expect(stderr).toMatch(sentence);
      expect(existsSync(cache)).toBe(false);
    }
    // Text makes several features of one column: how many shows once all rows were read.
    const many = ["--project", "pca:9", "--inference", "none", "--cache", join(folder, "text")];
    expect((await aif(analyze(...many), env())).code).toBe(0);
  });

  it("streams many short rows, which take more than their cells", async () => {
    const long = join(folder, "long.csv");
    await writeFile(
      long,
      `x,y\n${Array.from({ length: 20_000 }, (_, i) => `${i % 977},${(i * i) % 83}`).join("\n")}\n`,
    );
    // 40,000 cells are 0.3 MB; what is computed of 20,000 rows is 15 MB and more; the program itself takes 158 MB.
    const { stderr } = await aif(["analyze", long, "--target", "y", "--inference", "none", "--memory", "160M"], env());
    expect(stderr).toMatch(/The cache in [^\n]* is removed at the end\./);
    const { stderr: roomy } = await aif(
      ["analyze", long, "--target", "y", "--inference", "none", "--memory", "200M"],
      env(),
    );
    expect(roomy).not.toContain("cache");
  });

  it("refuses standard input that takes more than --memory, which no second pass can read", async () => {
    const input = await readFile(houses, "utf8");
    const words = ["analyze", "-", "--target", "price_thousands", "--inference", "none", "--memory"];
    const { code, stdout, stderr } = await aif([...words, "100K"], env(), input);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^aif: Standard input holds 800 rows, .* more than --memory: write it to a file, .*\n$/);
    expect((await aif([...words, "200M"], env(), input)).code).toBe(0);
  });

  it("removes the cache after Ctrl-C", async () => {
    const wide = join(folder, "wide.csv");
    const row = Array.from({ length: 30 }, (_, k) => Math.sin(k)).join(",");
    const lines = Array.from({ length: 60_000 }, (_, i) => `${i % 977},${row}`);
    const names = Array.from({ length: 31 }, (_, k) => `x${k}`).join(",");
    await writeFile(wide, `${[names, ...lines].join("\n")}\n`);
    const child = start(["analyze", wide, "--target", "x0", "--memory", "1M"], env());
    await new Promise<void>((resolve) => {
      child.stderr.once("data", () => resolve());
    });
    child.kill("SIGINT");
    const code = await new Promise((resolve) => {
      child.on("close", resolve);
    });
    expect(code).toBe(130);
    expect(await readdir(join(folder, "tmp"))).toEqual([]);
  });
});
