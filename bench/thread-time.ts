/** What threads gain that share the models of a comparison, or the draws of a bootstrap. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { aif, type CommandTime, commandTime } from "./command-time.js";
import { table } from "./markdown.js";
import { writeNpy } from "./npy-file.js";
import { short, spread } from "./report-words.js";
import { type Spread, spreadOf } from "./statistics.js";

interface Work {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly command: "compare" | "analyze";
  /** As typed, and the same for the library. */
  readonly words: readonly string[];
  readonly given: Readonly<Record<string, unknown>>;
}

const RIDGES = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5];
const WIDTHS = ["mlp:8", "mlp:12", "mlp:16", "mlp:20"];

const WORKS: readonly Work[] = [
  {
    name: "compare: 12 ridges, linear 20,000×100",
    rows: 20_000,
    columns: 100,
    command: "compare",
    words: ["--l2", RIDGES.join(",")],
    given: { settings: { target: "x101", evaluation: { kind: "cv", folds: 10 } }, family: { l2: RIDGES } },
  },
  {
    name: "compare: 4 networks, 2,000×10",
    rows: 2000,
    columns: 10,
    command: "compare",
    words: WIDTHS.flatMap((model) => ["--model", model]),
    given: {
      settings: { target: "x11", evaluation: { kind: "fraction", share: 0.2 } },
      family: { models: WIDTHS },
    },
  },
  {
    name: "bootstrap: 200 draws, linear 20,000×100",
    rows: 20_000,
    columns: 100,
    command: "analyze",
    words: ["--inference", "bootstrap"],
    given: { settings: { target: "x101", inference: "bootstrap" } },
  },
];

const ROUNDS = 3;

interface Time {
  readonly seconds: Spread;
  readonly cpu: number;
  readonly firstThread: number;
}

interface SharedTime {
  readonly work: Work;
  readonly one: Time;
  /** One thread whose linear algebra has several. */
  readonly algebra: Time;
  readonly shared: Time;
  /** One thread / several, round by round. */
  readonly gain: Spread;
}

const alone = fileURLToPath(new URL("shared-work.mjs", import.meta.url));

const run = (words: readonly string[], threads: number): Promise<CommandTime> =>
  commandTime(process.execPath, words, { AIF_THREADS: String(threads) });

async function timeWork(work: Work, threads: number): Promise<SharedTime> {
  const folder = mkdtempSync(join(tmpdir(), "aif-threads-"));
  try {
    const file = join(folder, "rows.npy");
    writeNpy(file, work.rows, work.columns, "linear");
    const typed = (count: number): string[] => [
      aif,
      work.command,
      file,
      "--target",
      `x${work.columns + 1}`,
      ...work.words,
      "--threads",
      String(count),
      "--quiet",
    ];
    const sides = {
      one: () => run(typed(1), 1),
      algebra: () => run([alone, work.command, file, JSON.stringify(work.given)], threads),
      shared: () => run(typed(threads), threads),
    };
    const found = { one: [], algebra: [], shared: [] } as Record<keyof typeof sides, CommandTime[]>;
    for (let round = 0; round < ROUNDS; round++) {
      for (const side of ["one", "algebra", "shared"] as const) found[side].push(await sides[side]());
    }
    const told = (side: keyof typeof sides): Time => ({
      seconds: spreadOf(found[side].map(({ seconds }) => seconds)),
      cpu: spreadOf(found[side].map(({ cpu }) => cpu)).median,
      firstThread: spreadOf(found[side].map(({ firstThread }) => firstThread)).median,
    });
    return {
      work,
      one: told("one"),
      algebra: told("algebra"),
      shared: told("shared"),
      gain: spreadOf(found.one.map(({ seconds }, k) => seconds / found.shared[k].seconds)),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The section of the page. */
export async function threadSection(threads: number, tell: (what: string) => void): Promise<string[]> {
  const times: SharedTime[] = [];
  for (const work of WORKS) {
    tell(work.name);
    times.push(await timeWork(work, threads));
  }
  const rows = times.map(({ work, one, algebra, shared, gain }) => [
    work.name,
    ...[one, algebra, shared].flatMap(({ seconds, firstThread, cpu }) => [
      spread(seconds),
      `${short(firstThread)} of ${short(cpu)}`,
    ]),
    spread(gain),
  ]);
  return [
    "## Threads that share models and draws",
    `\`aif compare\` and \`aif analyze --inference bootstrap\`, the start of the program and reading included: with \`--threads 1\`; the same work by one thread whose linear algebra has ${threads}; and with \`--threads ${threads}\`, which deals models and draws to threads of one. In turns, medians of ${ROUNDS} rounds; beside them the processor seconds of the first thread, of those of all threads: where every thread has a processor of its own, the work takes as long as its first thread. The results are the same to the last digit for any number.`,
    table(
      [
        "work",
        "one thread, s",
        "processor",
        `linear algebra with ${threads}, s`,
        "processor",
        `${threads} threads, s`,
        "processor",
        "one thread / several",
      ],
      rows,
    ),
  ];
}
