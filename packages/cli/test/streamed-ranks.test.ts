import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { hasMpi, type Job, mpirun } from "../../core/test/parallel/mpirun.js";
import { aif, launcher } from "./launch.js";

let folder = "";
let parts = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aif-streamed-"));
  parts = join(folder, "part-*.csv");
  for (const [part, rows] of [211, 3, 150].entries()) await writePart(folder, part, rows);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Rows of numbers, a word and three targets. */
async function writePart(to: string, part: number, rows: number, columns = 3): Promise<void> {
  let state = 17 * (part + 1);
  const uniform = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const names = Array.from({ length: columns }, (_, j) => `x${j}`);
  const lines = [[...names, "kind", "y", "label", "count"].join(",")];
  for (let i = 0; i < rows; i++) {
    const x = names.map(() => uniform() + uniform() + uniform() - 1.5);
    const kind = "abc"[Math.floor(3 * uniform())];
    const f = x.reduce((sum, value, j) => sum + value / (j + 1), kind === "a" ? 0.5 : 0);
    const label = uniform() < 1 / (1 + Math.exp(-f)) ? "yes" : "no";
    lines.push([...x, kind, f + uniform(), label, Math.floor(2 * Math.exp(f / 3) * uniform())].join(","));
  }
  await writeFile(join(to, `part-${part}.csv`), `${lines.join("\n")}\n`);
}

const MODELS = {
  linear: ["--target", "y", "--exclude", "label,count"],
  quadratic: ["--target", "y", "--exclude", "label,count", "--model", "quadratic"],
  logistic: ["--target", "label", "--exclude", "y,count", "--evaluation", "fraction:0.3"],
  softmax: [
    "--target",
    "kind",
    "--exclude",
    "y,label,count",
    "--model",
    "softmax",
    "--l2",
    "0.01",
    "--evaluation",
    "cv:3",
  ],
  poisson: ["--target", "count", "--exclude", "y,label", "--model", "poisson", "--norm", "inf"],
} as const;

const words = (model: keyof typeof MODELS): string[] => [
  "analyze",
  parts,
  ...MODELS[model],
  "--format",
  "json",
  "--quiet",
];

const onRanks = (size: number, command: readonly string[]): Promise<Job> =>
  mpirun(["-n", String(size), process.execPath, launcher, ...command]);

/** The largest difference of two results, relative to numbers above 1; what is not a number must be the same. */
function difference(one: unknown, two: unknown, path = ""): number {
  if (typeof one === "number" && typeof two === "number") return Math.abs(one - two) / Math.max(1, Math.abs(one));
  if (typeof one !== "object" || one === null || typeof two !== "object" || two === null) {
    expect(two, path).toEqual(one);
    return 0;
  }
  expect(Object.keys(two), path).toEqual(Object.keys(one));
  const entries = Object.entries(one) as [string, unknown][];
  const others = two as Record<string, unknown>;
  return Math.max(0, ...entries.map(([key, value]) => difference(value, others[key], `${path}.${key}`)));
}

const numbersOf = (text: string): unknown => ({ ...JSON.parse(text), timings: null, command: null, flags: null });

describe.skipIf(!hasMpi)("an analysis over ranks (skipped where mpirun is missing)", () => {
  test.each([
    ["linear", [5]],
    ["logistic", [2]],
    ["poisson", [3]],
    ["quadratic", [2]],
    ["softmax", [4]],
  ] as const)(
    "%s: three uneven parts on %j ranks, some of them empty, give the result in memory",
    async (model, sizes) => {
      const alone = await aif(words(model), { AIF_THREADS: "1" });
      expect(alone.stderr).toBe("");
      for (const size of sizes) {
        const { code, stdout, stderr } = await onRanks(size, words(model));
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(difference(memoryPart(alone.stdout), memoryPart(stdout))).toBeLessThan(1e-10);
      }
    },
  );

  test.each([
    ["linear", [1, 3]],
    ["logistic", [4]],
    ["softmax", [3]],
  ] as const)(
    "%s: the bootstrap's draws are those in memory, on %j ranks that share the rows",
    async (model, sizes) => {
      const drawing = [...words(model), "--inference", "bootstrap", "--draws", "60"];
      const alone = await aif(drawing, { AIF_THREADS: "1" });
      expect(alone.stderr).toBe("");
      for (const size of sizes) {
        const { code, stdout, stderr } = await onRanks(size, [...drawing, "--cache", join(folder, `drawn-${size}`)]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
        expect(JSON.parse(stdout).flags.map((flag: { code: string }) => flag.code)).toContain("streamed");
        expect(difference(memoryPart(alone.stdout), memoryPart(stdout))).toBeLessThan(1e-10);
      }
    },
  );

  test.each([
    ["linear", "count", "y", [4]],
    ["logistic", "kind", "label", [3]],
    ["softmax", "count", "kind", [3]],
  ] as const)("%s: clusters are those in memory, by %s", async (model, column, target, sizes) => {
    const exclude = ["kind", "y", "label", "count"].filter((name) => name !== column && name !== target).join(",");
    const once = words(model)
      .slice(0, -3)
      .filter((word) => word !== "--evaluation" && !/^(cv|fraction):/.test(word));
    const clustered = [
      ...once.with(5, exclude),
      "--cluster",
      column,
      "--evaluation",
      "training",
      ...words(model).slice(-3),
    ];
    const alone = await aif(clustered, { AIF_THREADS: "1" });
    expect(alone.stderr).toBe("");
    expect(JSON.parse(alone.stdout).data.clusters).toBeGreaterThan(2);
    for (const size of sizes) {
      const { code, stdout, stderr } = await onRanks(size, clustered);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(difference(memoryPart(alone.stdout), memoryPart(stdout))).toBeLessThan(1e-10);
    }
  });

  test("groups that a split keeps whole are those in memory, by text on four ranks and by numbers on two", async () => {
    for (const [size, column] of [
      [4, "kind"],
      [2, "count"],
    ] as const) {
      const split = [...words("logistic").with(5, column === "kind" ? "y,count" : "y,kind"), "--split-by", column];
      const alone = await aif(split, { AIF_THREADS: "1" });
      expect(alone.stderr).toBe("");
      const { code, stdout, stderr } = await onRanks(size, split);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(difference(memoryPart(alone.stdout), memoryPart(stdout))).toBeLessThan(1e-10);
    }
  });

  test.each([
    ["quadratic", 12],
    ["softmax", 20],
  ] as const)(
    "%s: a rank that is killed leaves a whole checkpoint, from which as many ranks go on to the same digits",
    async (model, columns) => {
      const own = join(folder, `killed-${model}`);
      await mkdir(own);
      for (const part of [0, 1, 2]) await writePart(own, part, 1500 + 400 * part, columns);
      const command = words(model).with(1, join(own, "part-*.csv"));
      const checkpoint = join(own, "work.checkpoint");
      const whole = await onRanks(3, command);
      let killed = 0;
      const job = onRanks(3, [...command, "--checkpoint", checkpoint]);
      while (killed === 0) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        if (!(await readdir(own)).includes("work.checkpoint")) continue;
        const victim = await processOf(2, checkpoint);
        if (victim === null) break;
        killed = performance.now();
        process.kill(victim, "SIGKILL");
      }
      const { code } = await job;
      expect(code).toBe(137);
      expect((performance.now() - killed) / 1000).toBeLessThan(5);
      expect(await readdir(own)).toContain("work.checkpoint");
      const resumed = await onRanks(3, [...command, "--checkpoint", checkpoint, "--resume"]);
      expect(resumed.stderr).toBe("");
      expect(numbersOf(resumed.stdout)).toEqual(numbersOf(whole.stdout));
      expect(await readdir(own)).not.toContain("work.checkpoint");
    },
  );

  test("a column of numbers in one part and of words in another is refused, with both files and the column", async () => {
    const own = join(folder, "mixture");
    await mkdir(own);
    for (const part of [0, 1]) await writePart(own, part, 40);
    const file = join(own, "part-1.csv");
    await writeFile(file, (await readFile(file, "utf8")).replace(/^[-\d][^,]*,/gm, "many,"));
    const { code, stderr } = await onRanks(2, words("linear").with(1, join(own, "part-*.csv")));
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^aif: Column "x0" holds numbers in [^\n]*part-0\.csv and text in [^\n]*part-1\.csv \("many" in its data row 1\); [^\n]*$/,
    );
  });

  test("a part that disappears while another is read is named by the rank that misses it", async () => {
    const own = join(folder, "vanishing");
    await mkdir(own);
    for (const part of [0, 1, 2]) await writePart(own, part, 40);
    const long = join(own, "part-1.csv"); // the second rank reads it first, and meanwhile the part after it goes
    const [header, ...lines] = (await readFile(long, "utf8")).trimEnd().split("\n");
    for (const part of [0, 1]) {
      await writeFile(join(own, `part-${part}.csv`), `${[header, ...Array(1500).fill(lines.join("\n"))].join("\n")}\n`);
    }
    const cache = join(own, "cache");
    const job = onRanks(2, [...words("linear").with(1, join(own, "part-*.csv")), "--cache", cache, "--keep-cache"]);
    await vi.waitUntil(() => existsSync(join(cache, "training-2of2.rows")), { timeout: 60_000, interval: 2 });
    await rm(join(own, "part-2.csv"));
    const { code, stdout, stderr } = await job;
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/^aif: rank 1 \([^)]+\): [^\n]*part-2\.csv is gone: it was there when the run began[^\n]*$/);
  });

  test("a damaged block and a cell that is no finite number are reported with their file and rows, by their rank", async () => {
    const own = join(folder, "poisoned");
    await mkdir(own);
    for (const part of [0, 1]) await writePart(own, part, 40);
    const cache = join(own, "cache");
    const command = [...words("linear").with(1, join(own, "part-*.csv")), "--cache", cache, "--keep-cache"];
    expect((await onRanks(2, command)).code).toBe(0);
    const rows = join(cache, "training-2of2.rows");
    const bytes = await readFile(rows);
    bytes[bytes.length - 100] ^= 1;
    await writeFile(rows, bytes);
    const damaged = await onRanks(2, command);
    expect(damaged.code).toBe(1);
    expect(damaged.stderr).toMatch(
      /^aif: rank 1 \([^)]+\): [^\n]*data rows 1 to 40 of [^\n]*part-1\.csv, on rank 1\) does not match its checksum[^\n]*$/,
    );
    const file = join(own, "part-1.csv");
    const lines = (await readFile(file, "utf8")).split("\n");
    lines[17] = lines[17].replace(/^[^,]*/, "1e999");
    await writeFile(file, lines.join("\n"));
    const infinite = await onRanks(2, command);
    expect(infinite.code).toBe(1);
    expect(infinite.stderr).toMatch(/^aif: rank 1 \([^)]+\): [^\n]*part-1\.csv[^\n]*row 17[^\n]*$/);
  });

  test("what cannot be shared by rows is refused, in one sentence", async () => {
    const { code, stderr } = await onRanks(2, [...words("softmax"), "--solver", "lissa"]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^aif: --solver lissa needs all rows in memory[^\n]*$/);
  });
});

/** What only rows in memory have, and what says how the work was done: how often a solution is refined hangs on rounding. */
const LEFT_OUT = new Set(["timings", "command", "flags", "exact", "source", "iterations", "products"]);

const memoryPart = (text: string): unknown =>
  JSON.parse(text, (key, value: unknown) => (LEFT_OUT.has(key) ? undefined : value));

/** The process of a rank whose command line holds a word. */
async function processOf(rank: number, word: string): Promise<number | null> {
  for (const id of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const line = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
    if (!line.includes(word)) continue;
    const environment = await readFile(`/proc/${id}/environ`, "utf8").catch(() => "");
    if (environment.split("\0").includes(`OMPI_COMM_WORLD_RANK=${rank}`)) return Number(id);
  }
  return null;
}

test("a checkpoint without ranks: resumed to the same result, and refused where it is about something else", async () => {
  const checkpoint = join(folder, "alone.checkpoint");
  const kept = [...words("linear"), "--checkpoint", checkpoint];
  const failed = await aif([...kept, "--out", "/dev/full"]);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/^aif: [^\n]*\n$/);
  const again = await aif(kept);
  expect(again.stderr).toMatch(/exists already: go on from it with --resume/);
  const other = await aif([...kept, "--resume", "--l2", "0.5"]);
  expect(other.stderr).toMatch(/is the checkpoint of another analysis \(--l2 was .* there and is 0\.5 here\)/);
  const resumed = await aif([...kept, "--resume"]);
  expect(resumed.stderr).toBe("");
  const anew = await aif([...words("linear"), "--cache", join(folder, "cache")]);
  expect(numbersOf(resumed.stdout)).toEqual(numbersOf(anew.stdout));
});
