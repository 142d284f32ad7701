/** What a result warns of is the same for rows that pass by: a small table for every flag, read both ways. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readTable } from "../../../src/data/read.js";
import { openStreamed } from "../../../src/data/stream/open.node.js";
import { analyze, analyzeStreamed, encodingOptions, FLAGS, type StudySettings } from "../../../src/index.js";
import { DEFAULT_SETTINGS } from "../../../src/study/settings.js";
import { Random } from "../../models/naive.js";
import { together } from "../../parallel/together.js";
import { settings } from "../tables.js";
import { SAID_OF_PASSING } from "./agreement.js";

const INF = Number.POSITIVE_INFINITY;

interface Row {
  readonly i: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** A number that they predict, and one that is noise alone. */
  readonly y: number;
  readonly noise: number;
}

const random = new Random(3);
const rows: readonly Row[] = Array.from({ length: 160 }, (_, i) => {
  const [a, b, c, noise] = [1, 2, 1, 0.7].map((scale) => scale * random.normal());
  return { i, a, b, c, noise, y: a + 0.5 * b - 0.3 * c + noise };
});

/** Columns by name, a cell for every row. */
type Columns = Readonly<Record<string, (row: Row) => unknown>>;
const a = ({ a: value }: Row): number => value;
const b = ({ b: value }: Row): number => value;
const c = ({ c: value }: Row): number => value;
const y = ({ y: value }: Row): number => value;
const plain: Columns = { a, b, c, y };
const two = (n: number): string => String(n).padStart(2, "0");
const day = ({ i }: Row): string => `2024-${two(1 + (i % 3))}-${two(1 + (i % 4))}`;
const label = (row: Row): string => (row.y + row.noise > 0.4 ? "yes" : "no");
const kind = ({ i, a: value }: Row): string => "pqr"[(i * i + (value > 0 ? 1 : 0)) % 3];

const stairs = ({ i }: Row): number => [1, 1, -1, -1, 2, 2, -2, -2][i % 8];
/** Of every two rows with one a the mean of y is a, and for half of them y is a itself. */
const halfExact: Columns = { a: stairs, y: (row) => stairs(row) + [1, -1, 0, 0][row.i % 4] };
/** −2 … 2, the slope of whose square is 0 in every fifth row. */
const grid =
  (every: number) =>
  ({ i }: Row): number =>
    (Math.floor(i / every) % 5) - 2;
const many: Columns = Object.fromEntries(
  Array.from({ length: 26 }, (_, k) => [`x${k}`, ({ i }: Row) => Math.sin(1 + i * (k + 1) ** 1.5)]),
);

interface Case {
  readonly columns: Columns;
  readonly changes?: Partial<StudySettings>;
  /** How many of the rows (default all). */
  readonly count?: number;
  readonly header?: boolean;
  readonly encoding?: "utf8" | "utf16le";
  /** Columns of a file to evaluate on. */
  readonly others?: Columns;
}

const softmax: Partial<StudySettings> = { model: "softmax", l2: 0.05, evaluation: { kind: "training" } };
const classes: Columns = { a, b, c, y: kind };
const local = (changes: Partial<StudySettings["local"]>): Partial<StudySettings> => ({
  ...softmax,
  local: { ...DEFAULT_SETTINGS.local, ...changes },
});

/** By the flag that the table raises. */
const cases: Readonly<Record<string, Case>> = {
  "no-header": { columns: { "1.5": a, "2.5": b, "3.5": y }, header: false, changes: { target: "column3" } },
  "decoded-utf16": { columns: plain, encoding: "utf16le" },
  "constant-column": { columns: { ...plain, a: () => 7 } },
  "duplicate-column": { columns: { a, again: a, b, y } },
  "identifier-column": { columns: { id: ({ i }) => i + 1, a, b, y } },
  "date-column": { columns: { day, a, b, y } },
  "nearly-numeric-column": { columns: { x: ({ i }) => ([17, 117].includes(i) ? "1.5kg" : i % 7), a, b, y } },
  "rows-dropped": { columns: { ...plain, a: (row) => (row.i % 11 ? a(row) : "") }, changes: { missing: "drop" } },
  "zero-weights": { columns: { a, b, wt: ({ i }) => i % 3, y }, changes: { weights: "wt" } },
  "imputed-column": { columns: { ...plain, a: (row) => (row.i % 11 ? a(row) : "") }, changes: { missing: "mean" } },
  "label-dots": {
    columns: { a, b, c, y: label },
    changes: { evaluation: { kind: "file", path: "other.csv" } },
    others: { a, b, c, y: (row) => `${label(row)}.` },
  },
  "integer-feature": { columns: { a, n: ({ i }) => i % 5, y } },
  "omitted-squares": { columns: { a, n: ({ i }) => i % 2, y }, changes: { model: "quadratic" } },
  "unequal-threats": { columns: plain, changes: { norms: [1, 2] } },
  "in-sample": { columns: plain, changes: { evaluation: { kind: "training" } } },
  "rank-deficient": { columns: { a, b, sum: (row) => row.a + row.b, y } },
  "ill-conditioned": { columns: { a, b, near: (row) => row.a + row.b + 3e-6 * row.c, y } },
  "singular-folds": { columns: { a, g: ({ i }) => (i === 3 ? "z" : "uv"[i % 2]), y } },
  "one-sided": { columns: halfExact },
  "coupled-kink": {
    columns: {
      a: grid(1),
      b: grid(5),
      y: (row) => grid(1)(row) ** 2 + 2 * grid(5)(row) + (-1) ** Math.floor(row.i / 25),
    },
    count: 150,
    changes: { model: "quadratic", norms: [INF] },
  },
  "near-kink": {
    columns: { a, b, c, y: (row) => row.a + 0.001 * row.b + 0.001 * row.noise },
    changes: { norms: [4] },
  },
  "near-corner": { columns: { ...plain, y: (row) => row.a + row.noise }, changes: { norms: [INF] } },
  "few-clusters": { columns: { ...plain, g: ({ i }) => `g${i % 12}`, y }, changes: { cluster: "g" } },
  "unequal-weights": { columns: { a, b, wt: ({ i }) => (i % 9 ? 1 : 40), y }, changes: { weights: "wt" } },
  "zero-gradient": { columns: { a: stairs, y: ({ i }) => [3, -3, 3, -3, 5, -5, 5, -5][i % 8] } },
  "trust-unknown": { columns: plain, changes: { model: "quadratic" } },
  "no-second-order": { columns: halfExact, changes: { secondOrder: "plain" } },
  "trust-exceeded": { columns: plain, changes: { epsilons: [5] } },
  "beyond-collapse": { columns: plain, changes: { epsilons: [50] } },
  "robust-loss-expansion": { columns: plain, changes: { model: "quadratic" } },
  "few-rows": { columns: plain, count: 30 },
  "few-events": { columns: { a, b, c, y: ({ i }) => (i % 17 === 3 ? "yes" : "no") } },
  "bootstrap-failures": {
    columns: { a, g: ({ i }) => (i < 3 ? "z" : "uv"[i % 2]), y },
    changes: { inference: "bootstrap", draws: 60, evaluation: { kind: "training" } },
  },
  "few-draws": { columns: { ...many, y }, changes: { inference: "bootstrap", draws: 50 } },
  "unbudgeted-frozen": { columns: plain, changes: { budgets: [{ column: "a", budget: 0.5 }] } },
  "searched-worst-case": { columns: classes, changes: softmax },
  "sampled-attacks": { columns: classes, changes: local({ attackRows: 30 }) },
  "damped-response": { columns: classes, changes: local({ damping: 0.01 }) },
  "gauss-newton": { columns: classes, changes: local({ curvature: "gauss-newton" }) },
  "no-inference": { columns: classes, changes: local({ damping: 0.01 }) },
};

/** Flags of what is refused of rows that pass by, of other commands, of imports, or of what these rows alone have. */
const ELSEWHERE: ReadonlySet<string> = new Set([
  "mixed-precision",
  "folder-skipped",
  ...SAID_OF_PASSING,
  "selected-features",
  "lasso-not-unique",
  "l1-chosen",
  "no-feature-helps",
  "support-changes",
  "training-not-converged",
  "weak-inner-search",
  "no-prediction",
  "worse-than-constant",
  "polish-moved",
  "imported-needs-training-rows",
  "label-order",
  "not-at-minimum",
  "minima-differ",
  "relu-kinks",
  "early-stopping",
  "unconverged-training",
  "unconverged-solver",
  "one-row-budget",
  "loss-without-constant",
  "projection-given",
  "factor-at-limit",
  "model-left-out",
  "unattackable-model",
  "selection-not-counted",
  "repeated-rows",
  "no-constant-term",
  "row-parameters",
  "kernel-centres",
]);

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "aif-flags-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, columns: Columns, from: readonly Row[], { header = true, encoding = "utf8" }: Case) {
  const lines = from.map((row) =>
    Object.values(columns)
      .map((cell) => cell(row))
      .join(","),
  );
  const text = [...(header ? [Object.keys(columns).join(",")] : []), ...lines, ""].join("\n");
  await writeFile(join(folder, name), encoding === "utf8" ? text : `\ufeff${text}`, encoding);
}

describe("flags of rows that pass by", () => {
  test("every flag of the registry has a small table here, or belongs to what needs all rows", () => {
    expect([...Object.keys(cases), ...ELSEWHERE].toSorted()).toEqual(Object.keys(FLAGS).toSorted());
  });

  test.each(Object.entries(cases))("%s", async (code, known) => {
    const { columns, changes = {}, count = rows.length, others } = known;
    const evaluationFile = join(folder, `${code}-other.csv`);
    const asked = settings({
      target: "y",
      exact: false,
      ...changes,
      ...(others && { evaluation: { kind: "file", path: evaluationFile } }),
    });
    const cut = Math.floor(0.4 * count);
    await write(`${code}-part-0.csv`, columns, rows.slice(0, cut), known);
    await write(`${code}-part-1.csv`, columns, rows.slice(cut, count), known);
    if (others) await write(`${code}-other.csv`, others, rows.slice(0, 50), known);
    const path = join(folder, `${code}-part-*.csv`);
    const { result } = await analyze({
      table: await readTable(path),
      settings: asked,
      ...(others && { evaluationTable: await readTable(evaluationFile) }),
    });
    const flags = result.flags.map(({ code: own, level, message }) => ({ code: own, level, message }));
    expect(flags.map((flag) => flag.code)).toContain(code);
    const found = await together(3, async (ranks) => {
      const { training, evaluation, source, close } = await openStreamed(path, {
        encode: encodingOptions(asked),
        split: asked.evaluation,
        seed: asked.seed,
        ranks,
      });
      try {
        const input = { training, evaluation, settings: asked, source, readSeconds: 0 };
        return (await analyzeStreamed(input)).result.flags;
      } finally {
        close();
      }
    });
    for (const own of found) {
      const said = own.filter((flag) => !SAID_OF_PASSING.has(flag.code));
      expect(said.map(({ code: its, level, message }) => ({ code: its, level, message }))).toEqual(flags);
    }
  });
});
