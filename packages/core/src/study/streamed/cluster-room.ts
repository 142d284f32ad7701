import { quoted } from "../../data/names.js";
import { readableBytes } from "../../data/stream/estimate.js";
import { AifError } from "../../errors.js";
import type { StreamedInput } from "./analyze.js";
import type { StreamedWork } from "./work.js";

/** Sizes of a curve where none are given, about, and numbers that vary at each: cost, benefit, and metrics without and under attack. */
const SIZES = 8;
const NUMBERS_A_SIZE = 16;
/** The same of K classes, about means that are not known yet: 2K + 4 numbers, twice. */
const numbersOfClasses = (classes: number): number => 4 * (classes + 2);
/** Of the memory that the work may take. */
const SHARE = 0.5;

/** What the sums within clusters are of. */
interface ClusterNumbers {
  /** d */
  readonly parameters: number;
  readonly threats: number;
  /** K of a softmax model. */
  readonly classes?: number;
}

/**
 * Sums within clusters are held for all of them at once, on every thread.
 * @throws resource, on all ranks alike: where they do not fit
 */
export async function refuseManyClusters(
  { training, evaluation, settings }: Pick<StreamedInput, "training" | "evaluation" | "settings">,
  { parameters, threats, classes }: ClusterNumbers,
  { memoryBytes = Infinity, threads = 1 }: Pick<StreamedWork, "memoryBytes" | "threads">,
): Promise<void> {
  const { clusters, ranks } = training;
  if (clusters === undefined || clusters === null) return;
  const sizes = settings.epsilons?.length ?? settings.radii?.length ?? SIZES;
  const judged = evaluation ?? training;
  const groups = judged.groups?.names.length ?? 0;
  const fitted = clusters * (parameters + threats * (2 * parameters + 1));
  const evaluated =
    (judged.clusters ?? 0) *
    threats *
    sizes *
    ((classes === undefined ? NUMBERS_A_SIZE : numbersOfClasses(classes)) + 2 * groups);
  const bytes = 8 * threads * Math.max(fitted, evaluated);
  const tooMany = Float64Array.of(bytes > SHARE * memoryBytes ? 1 : 0);
  await ranks.add(tooMany);
  if (tooMany[0] === 0) return;
  throw new AifError(
    "resource",
    `--cluster ${quoted(settings.cluster ?? "")} names ${clusters.toLocaleString("en-US")} clusters, whose sums take ${readableBytes(bytes)}, for which --memory leaves no room: give more, fewer --threads, or a column of fewer clusters.`,
  );
}
