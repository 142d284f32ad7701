import { number, short } from "../study/words.js";
import type { Column, Summary, Verdict } from "./experiment.js";

/** Differences of means up to this many standard errors are chance, if the standard errors are known well. */
const CHANCE = 4;

/**
 * The same where a standard error is itself estimated, from k data sets: the quantile of Student's t with k − 1 degrees of freedom
 * that is as unlikely, by its expansion about the normal one (Fisher and Cornish). Infinite for fewer than four data sets.
 */
export function chanceOf(dataSets: number): number {
  const nu = dataSets - 1;
  if (nu < 3) return Number.POSITIVE_INFINITY;
  const z = CHANCE;
  return (
    z +
    (z ** 3 + z) / (4 * nu) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * nu ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * nu ** 3)
  );
}

/** The point of the grid at which a simulated column lies farthest from what a formula says, in standard errors. */
export interface Distance {
  readonly point: number;
  readonly standardErrors: number;
}

/** null: no standard errors, as of a single repetition. */
function farthest({ columns }: Summary, simulated: string, formula: string): Distance | null {
  const { mean, standardErrors } = columns[simulated];
  if (standardErrors === null) return null;
  const distances = mean.map((value, k) => {
    const gap = Math.abs(value - columns[formula].mean[k]);
    return gap === 0 ? 0 : gap / standardErrors[k];
  });
  const point = distances.indexOf(Math.max(...distances));
  return { point, standardErrors: distances[point] };
}

/** Whether a formula is what is simulated, at every point of the grid. */
export function judged(
  claim: string,
  summary: Summary,
  { simulated, formula, grid }: { readonly simulated: string; readonly formula: string; readonly grid: Column },
): Verdict {
  const found = farthest(summary, simulated, formula);
  const chance = chanceOf(summary.dataSets);
  if (found === null || chance === Number.POSITIVE_INFINITY)
    return { claim, holds: null, text: "so few repetitions give no standard error to judge by" };
  const { point, standardErrors } = found;
  const { columns } = summary;
  const value = meanWithError(summary, simulated, point);
  const at = `${grid.heading.join(" ")} = ${short(columns[grid.name].mean[point])}`;
  return {
    claim,
    holds: standardErrors <= chance,
    text: `farthest at ${at}, where ${value} is simulated and the formula gives ${number(columns[formula].mean[point], 4)}, ${number(standardErrors, 2)} standard errors away`,
  };
}

/** Whether the simulated S is nowhere surely above a bound. */
export function below(claim: string, summary: Summary, bound: string, grid: Column): Verdict {
  const { mean, standardErrors } = summary.columns["simulated"];
  const bounds = summary.columns[bound].mean;
  const chance = standardErrors === null ? 0 : Math.min(chanceOf(summary.dataSets), 2 * CHANCE);
  const shares = mean.map((value, k) => (value - chance * (standardErrors?.[k] ?? 0)) / bounds[k]);
  const worst = shares.indexOf(Math.max(...shares));
  const holds = shares[worst] <= 1;
  return {
    claim,
    holds,
    text: `${holds ? "nearest to it" : "farthest above it"} at ${grid.heading.join(" ")} = ${summary.columns[grid.name].mean[worst]}, where S/ε² is ${meanWithError(summary, "simulated", worst)} and the bound ${number(bounds[worst])}`,
  };
}

/** "1.42 ± 0.011" */
export function meanWithError({ columns }: Summary, name: string, point: number): string {
  const { mean, standardErrors } = columns[name];
  return standardErrors === null
    ? number(mean[point], 4)
    : `${number(mean[point], 4)} ± ${number(standardErrors[point], 2)}`;
}

/** Where a column is largest. */
export const peak = ({ columns }: Summary, name: string): number => {
  const { mean } = columns[name];
  return mean.indexOf(Math.max(...mean));
};
