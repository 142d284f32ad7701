/**
 * Jobs in parts, each of which one thread does: what a part adds, and to which sums, depends on its number alone, so that the digits
 * depend on neither how many threads there are nor who is faster.
 */
import { addCurvedRows, type CurvedJob, curvedNeeds } from "./curved-rows.js";
import { addGramRows, type GramJob, gramNeeds } from "./gram-rows.js";
import { addMoments, type MomentJob, momentNeeds } from "./moment-products.js";
import { type PairJob, pairNeeds, writePairRows } from "./pair-products.js";
import type { Need, Products } from "./products.js";
import { addForms, type FormsJob, formsNeeds } from "./row-forms.js";
import { addPull, addScores, type PullJob, pullNeeds, type ScoresJob, scoresNeeds } from "./row-products.js";
import { type SizesJob, sizesNeeds, writeSizes } from "./row-sizes.js";
import { addWeightedGrams, type WeightedGramsJob, weightedGramsNeeds } from "./weighted-grams.js";

/** `X` are rows in this thread's memory, or where they lie. */
export type PartsJob<X> =
  | SizesJob<X>
  | FormsJob<X>
  | CurvedJob<X>
  | GramJob<X>
  | ScoresJob<X>
  | PullJob<X>
  | PairJob
  | MomentJob
  | WeightedGramsJob;

export function addPart<X>(job: PartsJob<X>, part: number, products: Products<X>): void {
  if (job.kind === "curved") addCurvedRows(job, part, products);
  else if (job.kind === "gram") addGramRows(job, part, products);
  else if (job.kind === "scores") addScores(job, part, products);
  else if (job.kind === "pull") addPull(job, part, products);
  else if (job.kind === "sizes") writeSizes(job, part, products);
  else if (job.kind === "forms") addForms(job, part, products);
  else if (job.kind === "pairs") writePairRows(job, part);
  else if (job.kind === "moments") addMoments(job, part, products);
  else addWeightedGrams(job, part, products);
}

/** What the arrays of a job must hold. */
export function needsOf(job: PartsJob<Float64Array>): Need[] {
  if (job.kind === "curved") return curvedNeeds(job);
  if (job.kind === "gram") return gramNeeds(job);
  if (job.kind === "scores") return scoresNeeds(job);
  if (job.kind === "pull") return pullNeeds(job);
  if (job.kind === "sizes") return sizesNeeds(job);
  if (job.kind === "forms") return formsNeeds(job);
  if (job.kind === "pairs") return pairNeeds(job);
  return job.kind === "moments" ? momentNeeds(job) : weightedGramsNeeds(job);
}

/** The same job for threads that find its rows by their addresses. */
export function withAddresses(
  job: PartsJob<Float64Array>,
  addressOf: (numbers: Float64Array) => bigint,
): PartsJob<bigint> {
  if ("x" in job) return { ...job, x: addressOf(job.x) };
  if (job.kind !== "curved") return job;
  return { ...job, blocks: job.blocks.map(({ x, ...rest }) => ({ ...rest, x: addressOf(x) })) };
}
