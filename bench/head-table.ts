import { type Comparison, compare } from "./against-numpy.js";
import { CASES, type Case, RATE_CASES, TABLE_CASES } from "./cases.js";
import { timeGrowth } from "./growth.js";
import { timeRates, timeScaling } from "./rates.js";
import type { TableFindings } from "./table-report.js";

/** Numbers of a data set above which --quick takes fewer rows. */
const QUICK_NUMBERS = 1e7;

/** Fewer rounds, and a fifth of the rows of the large cases. */
export const quickly = (tasks: readonly Case[]): Case[] =>
  tasks.flatMap((task) => {
    if (task.job === "kernel" || task.model === "quadratic") return []; // a minute each and more
    const few = { ...task, rounds: Math.min(task.rounds, 5), warmUp: task.warmUp ?? 1 };
    if (task.rows * task.columns <= QUICK_NUMBERS) return [few];
    const rows = task.rows / 5;
    const [name, before] = [rows, task.rows].map((count) => count.toLocaleString("en"));
    return [{ ...few, rows, name: task.name.replace(before, name) }];
  });

/** One line of what was found, while the rest is measured. */
function words({ contestants }: Comparison): string {
  const times = contestants.map(({ name, seconds }) => `${name} ${(1000 * seconds.median).toPrecision(3)} ms`);
  return `  ${times.join(", ")}`;
}

/**
 * Everything that the head of the page shows.
 * @param known comparisons of this run that need not be made again
 */
export async function measureTable(
  threads: number,
  quick: boolean,
  known: readonly Comparison[],
  tell: (what: string) => void,
): Promise<TableFindings> {
  const all = [...CASES, ...TABLE_CASES];
  const comparisons: Comparison[] = [];
  for (const task of quick ? quickly(all) : all) {
    const found = known.find((comparison) => comparison.task.name === task.name);
    if (!found) tell(task.name);
    const comparison = found ?? (await compare(task, threads));
    process.stderr.write(`${words(comparison)}\n`);
    comparisons.push(comparison);
  }
  tell("threads of the portable back end");
  const scaling = threads > 1 ? await (quick ? timeScaling(1, 1) : timeScaling(21)) : null;
  tell("shares of the machine's own product");
  const rates = await timeRates(quick ? quickly(RATE_CASES) : RATE_CASES, threads);
  if (quick) return { comparisons, rates, scaling, growth: [] };
  tell("growth");
  return { comparisons, rates, scaling, growth: await timeGrowth(threads) };
}
