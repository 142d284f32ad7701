/** What an analysis is said to take, beside what a process of its own took. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Random } from "../../core/test/models/naive.js";
import { fixedBytes, rowsBytes } from "../src/spare-memory.js";
import { aif } from "./launch.js";

type Target = (score: number, random: Random) => string | number;

interface Measured {
  readonly model: string;
  readonly rows: number;
  readonly features: number;
  readonly target: Target;
}

const noisy: Target = (score, random) => score + random.normal();
const two: Target = (score, random) => (score + random.normal() > 0 ? "yes" : "no");
const ten: Target = (score, random) => `c${Math.max(0, Math.min(9, Math.round(5 + 2 * (score + random.normal()))))}`;
const count: Target = (score, random) => Math.max(0, Math.round(Math.exp(0.5 * (score + random.normal()))));

const MEASURED: readonly Measured[] = [
  { model: "linear", rows: 20_000, features: 50, target: noisy },
  { model: "linear", rows: 4000, features: 250, target: noisy },
  { model: "logistic", rows: 20_000, features: 50, target: two },
  { model: "poisson", rows: 20_000, features: 50, target: count },
  { model: "quadratic", rows: 5000, features: 45, target: noisy },
  { model: "basis:x0,x1,x2,x0^2,x1^2,x0*x1,x3^2", rows: 40_000, features: 4, target: noisy },
  { model: "softmax", rows: 4000, features: 100, target: ten },
];

/** Allocators and other machines' libraries differ by so much. */
const SLACK = 1.1;
/** A table is sent by in blocks where it need not be, at worst at this share of the memory. */
const MOST = 1.5 * SLACK;

describe("the memory that an analysis takes", () => {
  let folder = "";
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "aif-memory-"));
    await writeFile(
      join(folder, "peak.mjs"),
      `import { writeFileSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
if (isMainThread) process.on("exit", () => writeFileSync(process.env.AIF_TEST_PEAK, String(process.resourceUsage().maxRSS)));
`,
    );
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Bytes at the peak of one run. */
  async function peakOf({ model, rows, features, target }: Measured): Promise<number> {
    const random = new Random(rows + features);
    const lines = [[...Array.from({ length: features }, (_, j) => `x${j}`), "y"].join(",")];
    for (let i = 0; i < rows; i++) {
      const x = Array.from({ length: features }, () => Math.round(1e4 * random.normal()) / 1e4);
      lines.push([...x, target(x.reduce((sum, value) => sum + value, 0) / Math.sqrt(features), random)].join(","));
    }
    const [file, peak] = [join(folder, "rows.csv"), join(folder, "peak")];
    await writeFile(file, `${lines.join("\n")}\n`);
    const words = ["analyze", file, "--target", "y", "--model", model, "--l2", "0.01", "--quiet"];
    const run = await aif(words, {
      NODE_OPTIONS: `--import=${pathToFileURL(join(folder, "peak.mjs")).href}`,
      AIF_TEST_PEAK: peak,
    });
    expect([run.code, run.stderr]).toEqual([0, ""]);
    return 1024 * Number(await readFile(peak, "utf8"));
  }

  it.each(MEASURED)("is foretold: $model, $rows rows of $features features", { timeout: 120_000 }, async (measured) => {
    const { model, rows, features } = measured;
    const size = { rows, cells: rows * (features + 1) };
    const told = [model, ...(model === "linear" || model === "logistic" ? [null] : [])].map(
      (name) => rowsBytes(size, { model: name, loss: null }) + fixedBytes(size, { model: name, loss: null }),
    );
    const peak = await peakOf(measured);
    for (const bytes of told) {
      expect(bytes).toBeGreaterThan(peak / SLACK);
      expect(bytes).toBeLessThan(peak * MOST);
    }
  });

  it("grows with parameters, not with columns", () => {
    const size = { rows: 1000, cells: 100 * 1000 };
    const bytes = (model: string | null, loss: "logistic" | null = null): number => fixedBytes(size, { model, loss });
    // 99 features: 1 + 99 + 99·100/2 parameters against 100; three terms and an intercept.
    expect(bytes("quadratic") - bytes("linear")).toBeGreaterThan(8 * 10 * 5050 ** 2);
    expect(bytes("basis:a,b^2,c")).toBeLessThan(bytes("linear"));
    expect(bytes("quadratic", "logistic")).toBe(bytes("quadratic"));
    // A softmax model of 10,000 parameters is not solved with its whole Hessian.
    expect(fixedBytes({ rows: 1000, cells: 1000 * 1000 }, { model: "softmax", loss: null })).toBeLessThan(4e8);
    expect(rowsBytes(size, { model: "linear", loss: "logistic" })).toBe(
      rowsBytes(size, { model: "logistic", loss: null }),
    );
  });
});
