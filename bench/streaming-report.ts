import { table } from "./markdown.js";
import { short, verdict } from "./report-words.js";
import { COLUMNS, type Streamed, type Streaming } from "./streaming.js";

const GOALS = { growth: 0.1, memory: 1e9 } as const;

/** Tables of so many rows have a section of their own, which shorter runs leave alone. */
const LARGEST = 10_000_000;

export function streamingSection({ runs, disagreement, library }: Streaming, threads: number): string[] {
  const rows = runs.map((run) => [
    `${run.model} ${run.rows.toLocaleString("en")}×${COLUMNS}`,
    run.by,
    short(run.seconds),
    short(run.cpu),
    String(run.passes),
    thousands((run.rows * run.passes) / run.seconds),
    short((1e9 * run.cpu) / run.rows / run.passes),
    run.by === "NumPy" ? "" : growthOf(run, runs),
    (run.peak / 1e6).toFixed(0),
  ]);
  const largest = Math.max(...runs.map((run) => run.rows));
  const ours = runs.filter(({ by }) => by !== "NumPy");
  const peak = Math.max(...ours.map((run) => run.peak));
  const worst = Math.max(...ours.map((run) => growth(run, runs)));
  const least = Math.min(...runs.map((run) => run.rows)).toLocaleString("en");
  return [
    largest < LARGEST ? "## Rows that pass by" : "## Ten million rows that pass by",
    `\`aif analyze rows.npy --evaluation training --inference none --memory 1GB --cache … --keep-cache\`, ${threads} threads: fit, influence, curve, trust radius and certificate at p = 2 on standardised features; once from the file, which is read and written to a cache, and once from that cache. Ours is less what the same command takes for 1,000 rows. ${
      disagreement === null
        ? "NumPy: skipped, no Python that imports it was found (Debian: python3-numpy)."
        : `${library} reads the same file in blocks of 16,384 rows (\`np.load\`, memory-mapped) for fit, influence and sensitivity alone, in as few passes as they need (\`bench/streamed_peer.py\`); parameters, c, influence and curvature differ by ${disagreement.toExponential(0)} at most. The work of a pass is what compares.`
    } Goals: no more processor time a row than at ${least} rows, to within 10 %: ${worst <= GOALS.growth ? "met" : "missed"}; memory ${verdict(peak, GOALS.memory, (bytes) => `${(bytes / 1e6).toFixed(0)} MB`)}${largest < LARGEST ? ` (as far as ${largest.toLocaleString("en")} rows; ten million with \`npm run bench -- streaming --full\`)` : ""}.`,
    table(
      [
        "work",
        "by",
        "seconds",
        "processor seconds",
        "passes",
        "rows a second and pass",
        "processor ns a row and pass",
        "a row, more than the first",
        "memory, MB",
      ],
      rows,
    ),
  ];
}

const thousands = (value: number): string => Math.round(value).toLocaleString("en");

/** By how much a row takes longer than one of the smallest table, in the same way. */
function growth(run: Streamed, runs: readonly Streamed[]): number {
  const first = runs.find(({ model, by }) => model === run.model && by === run.by) ?? run;
  const perRow = ({ cpu, rows }: Streamed): number => cpu / rows;
  return perRow(run) / perRow(first) - 1;
}

const growthOf = (run: Streamed, runs: readonly Streamed[]): string => `${(100 * growth(run, runs)).toFixed(0)} %`;
