import { applyEncoding } from "../data/apply-encoding.js";
import { encode } from "../data/encode-table.js";
import type { EncodedDataset } from "../data/encoded-dataset.js";
import type { EncodeOptions, Task } from "../data/encoding.js";
import { quoted } from "../data/names.js";
import { holdOut } from "../data/splits.js";
import type { Table } from "../data/table.js";
import { inputError, numericalError, usageError } from "../errors.js";
import { influence } from "../influence/aif.js";
import type { Projection } from "../models/projection/projection.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import type { LassoPathSection } from "./lasso-result.js";
import { chosenFit } from "./lasso-study.js";
import { type ChosenModel, chooseModel, taskOf } from "./model-choice.js";
import { noisyRowsOf } from "./noise.js";
import { type Penalties, penaltiesOf } from "./penalties.js";
import type { Predictions } from "./predictions.js";
import { chooseProjection } from "./projection-choice.js";
import { checkSettings, type StudySettings } from "./settings.js";
import { type Reach, resolveReach, threatsOf } from "./threat-choice.js";
import { type ThreatGround, threatGround } from "./threat-section.js";
import type { WorstCases } from "./worst-cases.js";

/** A table, what is asked of it, and whatever else its options need. */
export interface StudyInput {
  readonly table: Table;
  /** The rows of `--evaluation FILE`. */
  readonly evaluationTable?: Table;
  readonly settings: StudySettings;
  /** The rows of `--project FILE`. */
  readonly projectionTable?: Table;
  /** The content of `settings.local.import`, and of `settings.local.scaler`. */
  readonly importedModel?: Uint8Array;
  readonly importedScaler?: Uint8Array;
  /** Seconds that reading took, for the timings. */
  readonly readSeconds?: number;
  /** Called with what the adversary does to every training row, which is worked out for it alone. */
  readonly onWorstCases?: (found: WorstCases) => void;
  /** Rows to predict, and what is called with their predictions now and their changes. */
  readonly predictionTable?: Table;
  readonly onPredictions?: (found: Predictions) => void;
}

/** Data, model and adversary of an analysis, before anything is fitted. */
export interface StudyGround {
  readonly input: StudyInput;
  readonly training: EncodedDataset;
  /** Rows apart from those fitted on; null: folds, or the training rows. */
  readonly evaluation: EncodedDataset | null;
  /** What the model works on; null: the features. */
  readonly projection: Projection | null;
  readonly model: ChosenModel;
  readonly reach: Reach;
  readonly penalties: Penalties;
}

/** An analysis up to its predictions, before they are evaluated anywhere. */
export interface PreparedStudy extends StudyGround {
  readonly fit: Fit;
  /** What the fit was chosen from where several l1 penalties were given; else null. */
  readonly lassoPath: LassoPathSection | null;
  /** One for each norm, or one in all. */
  readonly grounds: readonly ThreatGround[];
  /** Seconds of encoding and fit. */
  readonly fitSeconds: number;
  /** Seconds of all predictions with the radii up to which they hold. */
  readonly influenceSeconds: number;
  /** Seconds of the influence I alone, one for each ground. */
  readonly predictionSeconds: readonly number[];
}

/**
 * Encodes, fits and predicts.
 * @throws usage: settings that contradict each other. input: data that do not suit. numerical: no fit, or no influence.
 */
export async function prepareStudy(input: StudyInput, work: Work): Promise<PreparedStudy> {
  const { settings, table } = input;
  checkSettings(settings);
  const clock = stopwatch();
  explainMissingHeader(table, settings);
  const all = encodeTraining(table, settings);
  const { training, evaluation } = noisyRowsOf(splitRows(all, input), settings);
  const projection = await chooseProjection(settings, training, input.projectionTable);
  const model = chooseModel(settings, training, projection);
  const { map } = model.describe(training);
  const reach = resolveReach(settings, training, (k) => map.usesInput(k));
  const penalties = penaltiesOf(settings, model, training.weightTotal);
  refuseUndeterminedSquares(model, reach, penalties.l2);
  const ground = { input, training, evaluation, projection, model, reach, penalties };
  const { fit, path: lassoPath } = await chosenFit(ground, work);
  const fitSeconds = clock.lap();

  const grounds: ThreatGround[] = [];
  const predictionSeconds: number[] = [];
  let groundSeconds = 0;
  for (const threat of threatsOf(settings, reach)) {
    const attack = await influence(fit, threat, work);
    predictionSeconds.push(clock.lap());
    grounds.push(await threatGround(attack, settings, work));
    groundSeconds += clock.lap();
  }
  const influenceSeconds = predictionSeconds.reduce((sum, seconds) => sum + seconds, groundSeconds);
  return {
    ...ground,
    fit,
    lassoPath,
    grounds,
    fitSeconds,
    influenceSeconds,
    predictionSeconds,
  };
}

/** As much of a table as its header and the reader's notes. */
type Head = Pick<Table, "source" | "notes"> & { readonly columns: readonly { readonly name: string }[] };

/**
 * A header that was taken for data hides the target's name: say so rather than list column1, column2, …
 * @throws input: so it is
 */
export function explainMissingHeader({ columns, notes, source }: Head, { target }: StudySettings): void {
  const guessed = notes?.some(({ code }) => code === "no-header");
  if (!guessed || columns.some(({ name }) => name === target) || /^#\d+$/.test(target)) return;
  throw inputError(
    `${source} has no column ${quoted(target)}: its first row was taken for data, so columns are called column1, column2, …; say --header if the first row holds names.`,
  );
}

export function encodeTraining(table: Table, settings: StudySettings): EncodedDataset {
  return encode(table, encodingOptions(settings));
}

/** How a table becomes numbers under the settings of an analysis. */
export const encodingOptions = (settings: StudySettings): EncodeOptions => encodeOptions(settings, taskOf(settings));

export function encodeOptions(settings: StudySettings, task: Task | "auto"): EncodeOptions {
  const { target, positive, missing, standardize, intercept, weights, weightsKind, exclude, keep } = settings;
  const { splitBy, cluster, by, classWeight } = settings;
  return {
    target,
    task,
    missing,
    standardize,
    intercept,
    exclude,
    keep,
    ...(positive === null ? {} : { positive }),
    ...(weights === null ? {} : { weights, weightsKind }),
    ...(splitBy === null ? {} : { splitBy }),
    ...(cluster === null ? {} : { cluster }),
    ...(by === null ? {} : { by }),
    ...(classWeight === null ? {} : { classWeight }),
  };
}

/** The rows to fit on, and rows apart from them to evaluate on (null: folds, or the training rows). */
export function splitRows(
  data: EncodedDataset,
  { settings: { evaluation, seed }, evaluationTable }: StudyInput,
): { training: EncodedDataset; evaluation: EncodedDataset | null } {
  if (evaluation.kind === "file") {
    if (!evaluationTable) throw usageError(`--evaluation ${evaluation.path}: the file was not read.`);
    return { training: data, evaluation: applyEncoding(evaluationTable, data.encoding, { role: "evaluation" }) };
  }
  if (evaluation.kind !== "fraction") return { training: data, evaluation: null };
  const rows = holdOut(data.sourceRows, evaluation.share, seed, {
    strata: data.labels ? data.y : undefined,
    groups: data.groups,
  });
  return { training: data.select(rows.training), evaluation: data.select(rows.evaluation) };
}

/** Attacking a column whose square is missing from the basis asks about a direction the model cannot follow (MATH 1.1). */
export function refuseUndeterminedSquares({ omittedSquares }: ChosenModel, { attacked }: Reach, l2: number): void {
  const bad = attacked.find(({ name }) => omittedSquares.includes(name));
  if (bad && l2 === 0) {
    throw numericalError(
      `${bad.name} has two values, so its square is no feature of the quadratic model and no influence exists when it is attacked: freeze it, or add a ridge such as --l2 0.01.`,
    );
  }
}

/** Seconds since the last lap. */
export function stopwatch(): { lap(): number } {
  let last = performance.now();
  return {
    lap() {
      const now = performance.now();
      const seconds = (now - last) / 1000;
      last = now;
      return seconds;
    },
  };
}
