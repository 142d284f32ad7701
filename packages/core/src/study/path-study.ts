import type { EncodedDataset } from "../data/encoded-dataset.js";
import type { Table } from "../data/table.js";
import { usageError } from "../errors.js";
import type { Work } from "../parallel/work.js";
import { type Fit, fit as fitModel } from "../solvers/fit.js";
import { groundFlags, noteFlags, positiveRows, squaredWeights } from "./data-flags.js";
import { refuseL1 } from "./l1-settings.js";
import { type ChosenModel, chooseModel, ridgeOf } from "./model-choice.js";
import { modelSection } from "./model-section.js";
import type { PathResult, PathSection, PathSettings } from "./path-result.js";
import { pathSection } from "./path-section.js";
import { encodeTraining, explainMissingHeader, stopwatch } from "./prepare.js";
import { resolvedSettings } from "./resolved-settings.js";
import type { ResolvedSettings } from "./result.js";
import { clusterCount } from "./row-sampling.js";
import { checkSettings, requireRowwise, type StudySettings } from "./settings.js";
import { type Reach, resolveReach, threatOf } from "./threat-choice.js";

/** A table, what is asked of it, and up to which ε the exact robust optimum is followed. */
export interface PathInput {
  readonly table: Table;
  /** Data, model and adversary; sizes, evaluation and inference do not matter. */
  readonly settings: StudySettings;
  /** The last ε; null: the collapse. */
  readonly epsilonMax: number | null;
  /** Seconds that reading took, for the timings. */
  readonly readSeconds?: number;
}

/**
 * The exact robust optimum θ_ε = argmin R_{εc} on the training rows for every ε from 0 to `epsilonMax`, or to the collapse
 * where that comes first, for every norm (MATH 10a).
 * @throws usage: an ε that is not above 0, a model or a threat without a path. input: data that do not suit. numerical: no fit,
 * or an optimum that was not reached.
 */
export async function pathStudy(
  { table, settings, epsilonMax, readSeconds = 0 }: PathInput,
  work: Work = {},
): Promise<PathResult> {
  checkEpsilonMax(epsilonMax);
  checkSettings(settings);
  refuseL1(settings, "The exact robust path");
  requireRowwise(settings, "The adversary of a robust path");
  refuseBounds(settings);
  const clock = stopwatch();
  explainMissingHeader(table, settings);
  const data = encodeTraining(table, settings);
  const model = chooseModel(settings, data);
  const { map } = model.describe(data);
  if (!map.sharedGradient) {
    throw usageError(
      `A ${model.kind} model has no exact robust path, since its scores are not linear in the features: use a linear, logistic or Poisson model, or aif analyze.`,
    );
  }
  const reach = resolveReach(settings, data, (k) => map.usesInput(k));
  const l2 = ridgeOf(settings, model, data.weightTotal);
  const fit = await fitModel(model.describe, data, { l2, ...work });
  const fitSeconds = clock.lap();
  const paths: PathSection[] = [];
  for (const p of settings.norms) {
    paths.push(await pathSection(fit, data, threatOf(p, reach)(map.inputs), epsilonMax, work));
  }
  const pathSeconds = clock.lap();
  return {
    schema: "aif.path/1",
    settings: { ...pathSettings(resolvedSettings(settings, table, data, model, reach, { l1: null, l2 })), epsilonMax },
    data: trainingRowsSection(table, data),
    model: modelSection(fit, data, settings),
    paths,
    flags: trainingRowFlags(table, settings, data, model, reach, fit),
    timings: {
      read: readSeconds,
      fit: fitSeconds,
      path: pathSeconds,
      total: readSeconds + fitSeconds + pathSeconds,
    },
  };
}

/** What is said of data whose training rows are all that counts. */
export const trainingRowsSection = ({ source }: Table, data: EncodedDataset): PathResult["data"] => ({
  source,
  rows: data.rows,
  features: data.features,
  target: data.encoding.target.column,
  labels: data.labels,
  classes: null,
});

function checkEpsilonMax(epsilonMax: number | null): void {
  if (epsilonMax === null || (epsilonMax > 0 && epsilonMax < Number.POSITIVE_INFINITY)) return;
  throw usageError(
    `--epsilon-max must be a number above 0, got ${epsilonMax}: leave it out for the whole path, up to the collapse.`,
  );
}

function refuseBounds({ bounds }: StudySettings): void {
  if (bounds.length === 0) return;
  throw usageError("An adversary with bounds has no exact robust path: leave out --bounds, or use aif analyze.");
}

/** The settings that matter where nothing is said of new rows. */
export function pathSettings(all: ResolvedSettings): Omit<PathSettings, "epsilonMax"> {
  const { source, target, model, loss, positive, intercept, standardize, missing, exclude, keep } = all;
  const { weights, weightsKind, classWeight, l2, norms, freeze, budgets } = all;
  return {
    source,
    target,
    model,
    loss,
    positive,
    intercept,
    standardize,
    missing,
    exclude,
    keep,
    weights,
    weightsKind,
    classWeight,
    l2,
    norms,
    freeze,
    budgets,
  };
}

/** Flags on how far numbers hold for new rows: the path speaks of the training rows alone. */
const ABOUT_NEW_ROWS: ReadonlySet<string> = new Set(["in-sample", "few-rows", "few-events", "unequal-weights"]);

/** Flags on data and model where nothing is said of new rows. */
export const trainingRowFlags = (
  { notes }: Table,
  settings: StudySettings,
  data: EncodedDataset,
  model: ChosenModel,
  reach: Reach,
  fit: Fit,
): PathResult["flags"] => [
  ...noteFlags(notes ?? []),
  ...noteFlags(data.notes),
  ...groundFlags(
    settings,
    {
      rows: data.rows,
      copies: data.copies,
      clusters: clusterCount(data, settings),
      positive: positiveRows(data.y),
      squares: squaredWeights(data.evaluationWeights),
    },
    model,
    reach,
    fit,
    0,
  ).filter(({ code }) => !ABOUT_NEW_ROWS.has(code)),
];
