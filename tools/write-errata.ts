/**
 * Writes docs/errata.md: where the paper's formulas are wrong or incomplete, and the evidence. Its numbers are the verdicts of
 * `aif reproduce`, kept in docs/errata-runs.json.
 *
 *   npm run build && npx tsx tools/write-errata.ts            run everything again (minutes), then write
 *   npx tsx tools/write-errata.ts --from-runs                 write from the runs that are kept
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ExperimentRun } from "@aif/core";
import { ERRATA, type Erratum, type KeptRun, RUNS } from "./errata.js";
import { aif } from "./write-docs-output.js";

const root = fileURLToPath(new URL("..", import.meta.url));
export const runsFile = join(root, "docs/errata-runs.json");
export const pageFile = join(root, "docs/errata.md");

const head = `# Errata of the paper

Where the formulas of "Interpreting Robust Optimization via Adversarial Influence Functions" (Deng, Dwork, Wang and Zhang, ICML 2020)
are wrong or incomplete, what is right, and how it is known. Everything else that this project uses of the paper was found to be right:
Theorem 4.1 for 1 < p < ∞ above all. This page is written by \`tools/write-errata.ts\` from runs of [\`aif reproduce\`](reproducing.md);
nobody types its numbers. "Holds" and "wrong" are what the run says of the sentence before them; differences are called chance up to
about four standard errors.`;

/** The page, of runs by name and norm. @throws Error: a run that is not kept. */
export function errataPage(runs: readonly KeptRun[]): string {
  return `${[head, ...ERRATA.map((erratum) => section(erratum, runs))].join("\n\n")}\n`;
}

function section({ where, printed, right, evidence }: Erratum, runs: readonly KeptRun[]): string {
  const lines = evidence.flatMap((one) => {
    if ("test" in one) return [`- ${one.says} (held by \`${one.test}\`)`];
    const run = runs.find(({ name, settings }) => name === one.run && settings.norm === (one.norm ?? "2"));
    if (run === undefined) throw new Error(`No run of ${one.run} with p = ${one.norm ?? "2"} is kept.`);
    const { repetitions, seed, norm } = run.settings;
    const command = `aif reproduce ${run.name} --repetitions ${repetitions} --seed ${seed} --norm ${norm}`;
    return [
      `- \`${command}\`:`,
      ...one.verdicts.map((k) => {
        const { claim, holds, text } = run.verdicts[k];
        const word = holds === null ? "Note" : holds ? "Holds" : "Wrong";
        return `  - **${word}:** ${claim}: ${text}.`;
      }),
    ];
  });
  return [
    `## ${where}`,
    "",
    `**In print.** ${printed}`,
    "",
    `**Right.** ${right}`,
    "",
    "**Evidence.**",
    "",
    ...lines,
  ].join("\n");
}

async function runAll(): Promise<KeptRun[]> {
  const folder = mkdtempSync(join(tmpdir(), "aif-errata-"));
  const kept: KeptRun[] = [];
  for (const { name, repetitions, norm } of RUNS) {
    const out = join(folder, `${name}-${norm}`);
    await aif(["reproduce", name, "--repetitions", String(repetitions), "--norm", norm, "--out", out, "--quiet"]);
    const run = JSON.parse(readFileSync(join(out, `${name}.json`), "utf8")) as ExperimentRun;
    kept.push({ name, setup: run.setup, settings: run.settings, verdicts: run.verdicts });
    console.log(`${name}, p = ${norm}: ${run.seconds.toFixed(0)} s`);
  }
  rmSync(folder, { recursive: true });
  return kept;
}

if (process.argv[1]?.endsWith("write-errata.ts")) {
  if (!process.argv.includes("--from-runs")) writeFileSync(runsFile, `${JSON.stringify(await runAll(), null, 2)}\n`);
  writeFileSync(pageFile, errataPage(JSON.parse(readFileSync(runsFile, "utf8")) as KeptRun[]));
}
