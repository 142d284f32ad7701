/**
 * npx tsx bench/path-time.ts [filter…] [--csv FILE:TARGET]… [--l2 λ] [--rounds N]: the exact robust path in fits of the same
 * data, both timed in this process, on seeded draws and on tables. A filter keeps the lines that contain every word of it.
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import {
  type Dataset,
  DEFAULT_SETTINGS,
  fit,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  type ModelDescription,
  matrixDataset,
  readTable,
  type ThreatDescription,
} from "../packages/core/src/index.js";
import { robustPath } from "../packages/core/src/robust/path.js";
import { chooseModel } from "../packages/core/src/study/model-choice.js";
import { encodeTraining } from "../packages/core/src/study/prepare.js";
import { resolveReach, threatOf } from "../packages/core/src/study/threat-choice.js";
import { draw } from "./cases.js";
import { table } from "./markdown.js";

interface PathCase {
  readonly name: string;
  readonly describe: ModelDescription;
  readonly data: Dataset;
  readonly threat: (p: number) => ThreatDescription;
}

const NORMS = [2, Number.POSITIVE_INFINITY, 1];
/** The last ε of a path; null: the collapse. */
const ENDS = [0.3, null];
const SIZES = [
  { model: "logistic", rows: 2_000, columns: 50 },
  { model: "linear", rows: 2_000, columns: 20 },
  { model: "linear", rows: 20_000, columns: 20 },
] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    csv: { type: "string", multiple: true, default: [] },
    l2: { type: "string", default: "0" },
    rounds: { type: "string", default: "3" },
  },
});

const drawn = (size: (typeof SIZES)[number]): PathCase => {
  const { model, rows, columns } = size;
  const name = `${model} ${rows}×${columns}`;
  const { x, y } = draw({ ...size, name, rounds: 1 });
  const describe = model === "linear" ? linear() : logistic();
  return { name, describe, data: matrixDataset(new Matrix(x, rows, columns), y), threat: lp };
};

/** A table as `aif path` takes it, rows with missing cells left out. */
async function read(option: string): Promise<PathCase> {
  const at = option.lastIndexOf(":");
  const [file, target] = [option.slice(0, at), option.slice(at + 1)];
  const settings = { ...DEFAULT_SETTINGS, target, missing: "drop" as const };
  const data = encodeTraining(await readTable(file), settings);
  const { describe } = chooseModel(settings, data);
  const reach = resolveReach(settings, data, () => true);
  return { name: basename(file), describe, data, threat: (p) => threatOf(p, reach) };
}

/** The fastest of some runs, in seconds, and what it gave. */
async function fastest<T>(run: () => Promise<T>): Promise<{ seconds: number; value: T }> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 1; ; round++) {
    const start = performance.now();
    const value = await run();
    const seconds = (performance.now() - start) / 1000;
    best = Math.min(best, seconds);
    if (round >= Number(values.rounds) || seconds > 5) return { seconds: best, value };
  }
}

const HEAD = ["path", "points", "passes", "events", "largest residual", "fit [s]", "path [s]", "path / fit"];
const lines: string[][] = [];
for (const make of [
  ...SIZES.map((size) => async () => drawn(size)),
  ...values.csv.map((option) => () => read(option)),
]) {
  const { name, describe, data, threat } = await make();
  for (const p of NORMS) {
    for (const end of ENDS) {
      const line = `${name}, p = ${p}, ${end === null ? "to the collapse" : `ε ≤ ${end}`}`;
      if (!positionals.every((word) => line.includes(word))) continue;
      const fitted = await fastest(() => fit(describe, data, { l2: Number(values.l2) }));
      const attack = await influence(fitted.value, threat(p));
      const options = end === null ? {} : { radiusMax: end * attack.scale };
      const { seconds, value } = await fastest(() => robustPath(fitted.value, attack.threat, options));
      const residual = Math.max(...value.points.map((point) => point.residual));
      const counts = [value.points.length, value.iterations, value.events.length].map(String);
      const times = [fitted.seconds.toFixed(4), seconds.toFixed(3), (seconds / fitted.seconds).toFixed(1)];
      lines.push([line, ...counts, residual.toExponential(1), ...times]);
      process.stderr.write(`${lines[lines.length - 1].join("  ")}\n`);
    }
  }
}
process.stdout.write(`${table(HEAD, lines)}\n`);
