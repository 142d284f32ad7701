import { applyEncoding } from "../data/apply-encoding.js";
import { fitEncoding } from "../data/encode.js";
import { encode } from "../data/encode-table.js";
import type { DescribedColumns, EncodedDataset } from "../data/encoded-dataset.js";
import type { EncodeOptions } from "../data/encoding.js";
import type { Table } from "../data/table.js";
import { AifError, numericalError, usageError } from "../errors.js";
import type { LocalInfluence } from "../influence/local/influence.js";
import type { ModelPoint } from "../influence/local/point.js";
import type { Metrics } from "../influence/metrics.js";
import { ensureBlas } from "../linalg/backend.js";
import { namedByColumns } from "../models/import/linear-model.js";
import { type ImportedNetwork, labelNote } from "../models/import/network.js";
import type { Projection } from "../models/projection/projection.js";
import type { Work } from "../parallel/work.js";
import { type Candidate, trainCandidates } from "./local-candidates.js";
import type { DampingChoice } from "./local-damping.js";
import { readImport } from "./local-import.js";
import { encodeForNetwork } from "./local-import-rows.js";
import { constantLoss, localMetrics, outputsOf } from "./local-metrics.js";
import { type LocalModel, lossOfNetwork, modelOfNetwork, modelToTrain } from "./local-model.js";
import { polishSection } from "./local-polish.js";
import { respondAt } from "./local-response.js";
import { localKindOf, localTaskOf } from "./local-settings.js";
import type { TrainedLocal } from "./local-training.js";
import { noisyRowsOf } from "./noise.js";
import { encodeOptions, explainMissingHeader, type StudyInput, splitRows, stopwatch } from "./prepare.js";
import { chooseProjection } from "./projection-choice.js";
import type { FitSection } from "./result.js";
import { checkSettings, type StudySettings } from "./settings.js";
import { type Reach, resolveReach } from "./threat-choice.js";

/** Rows by what is said of them, wherever they are. */
export type DescribedRows = DescribedColumns &
  Pick<EncodedDataset, "classes" | "rows" | "copies" | "notes"> & { readonly weightTotal: number };

/** What is said of an analysis without a closed form, wherever its rows are. */
export interface DescribedLocal
  extends Omit<PreparedLocal, "input" | "training" | "rows" | "evaluation" | "trained" | "candidates"> {
  readonly input: {
    readonly settings: StudySettings;
    readonly table: Pick<Table, "source" | "notes">;
    readonly evaluationTable?: Pick<Table, "notes">;
  };
  readonly training: DescribedRows;
  readonly evaluation: DescribedRows | null;
  readonly trained: Omit<TrainedLocal, "training">;
}

/** An analysis without a closed form, up to its predictions. */
export interface PreparedLocal {
  readonly input: StudyInput;
  readonly training: EncodedDataset;
  /** The training rows, with those that early stopping looks at. */
  readonly rows: EncodedDataset;
  /** Rows apart from those trained on; null: folds, or the training rows. */
  readonly evaluation: EncodedDataset | null;
  /** What the model works on; null: the features. */
  readonly projection: Projection | null;
  readonly local: LocalModel;
  /** The one that is analysed: of several trainings, that with the lowest objective. */
  readonly trained: TrainedLocal;
  readonly candidates: readonly Candidate[];
  readonly imported: FitSection["imported"];
  /** What was decided about an import, for people. */
  readonly statements: readonly string[];
  readonly reach: Reach;
  readonly l2: number;
  readonly point: ModelPoint;
  readonly damping: DampingChoice;
  /** One for each norm, or one in all. */
  readonly influences: readonly LocalInfluence[];
  /** Seconds. */
  readonly fitSeconds: number;
  readonly influenceSeconds: number;
}

/** Encodes, trains or imports, and predicts. @throws as `prepareStudy`; numerical: a solver that did not converge. */
export async function prepareLocal(input: StudyInput, work: Work): Promise<PreparedLocal> {
  const { settings, table } = input;
  checkSettings(settings);
  refuseFolds(settings);
  await ensureBlas();
  const clock = stopwatch();
  explainMissingHeader(table, settings);
  const { data, network, statements } = await localRows(input);
  const split = noisyRowsOf(splitRows(data, input), input.settings);
  return prepareOn({ ...split, data, network, statements, clock }, input, work);
}

/** Rows that are encoded and split, and an import as a model. */
interface LocalRows {
  readonly data: EncodedDataset;
  readonly training: EncodedDataset;
  readonly evaluation: EncodedDataset | null;
  readonly network: LocalModel | null;
  readonly statements: readonly string[];
  readonly clock: ReturnType<typeof stopwatch>;
}

/** The same for a model that is trained here, on rows that are encoded and split. */
export const prepareLocalOn = (
  rows: Pick<LocalRows, "training" | "evaluation">,
  input: StudyInput,
  work: Work,
): Promise<PreparedLocal> =>
  prepareOn({ ...rows, data: rows.training, network: null, statements: [], clock: stopwatch() }, input, work);

async function prepareOn(
  { data, training: rows, evaluation, network, statements, clock }: LocalRows,
  input: StudyInput,
  work: Work,
): Promise<PreparedLocal> {
  const { settings } = input;
  const projection = await chooseProjection(settings, rows, input.projectionTable);
  const local = network ?? modelToTrain(settings, rows, projection);
  const l2 = localRidge(settings, local, rows.weightTotal);
  const asItCame = local.imported && importedSection(local, data, local.imported, settings);
  const candidates = await trainedOrAdvice(local, rows, { settings, l2 }, work);
  const [{ trained, point }] = candidates;
  refuseSaturated(local, point);
  const { training } = trained;
  const imported = asItCame && { ...asItCame, polish: polished(local, data, trained) };
  const reach = resolveReach(settings, training, () => true);
  const fitSeconds = clock.lap();
  const { damping, influences } = await respondAt(point, local, reach, settings, work);
  refuseUnconverged(influences, settings);
  return {
    input,
    training,
    rows,
    evaluation,
    projection,
    local,
    trained,
    candidates,
    imported,
    statements,
    reach,
    l2,
    point,
    damping,
    influences,
    fitSeconds,
    influenceSeconds: clock.lap(),
  };
}

function refuseFolds({ evaluation, model, local }: StudySettings): void {
  if (evaluation.kind !== "cv" || (local.import === null && localKindOf(model) !== "mlp")) return;
  throw usageError(
    local.import === null
      ? `--evaluation cv:${evaluation.folds} would train ${evaluation.folds} networks, each with a minimum of its own: use fraction:0.2 or a file.`
      : `--evaluation cv:${evaluation.folds} would train the imported model again: use training, or a file of new rows.`,
  );
}

/** The table as the model sees it, and an import as a model. */
async function localRows(
  input: StudyInput,
): Promise<{ data: EncodedDataset; network: LocalModel | null; statements: string[] }> {
  const { settings, table } = input;
  if (settings.local.import === null) {
    const target = table.columns.find(({ name }) => name === settings.target);
    const several = target?.kind === "categorical" && target.levels.length > 2;
    const task = localTaskOf(settings);
    const options = encodeOptions(settings, task === "auto" && several ? "multiclass" : task);
    return { data: encodeScaled(table, options, settings.local.inputScale), network: null, statements: [] };
  }
  const network = await readImport(input);
  const loss = lossOfNetwork(network, settings.loss ?? lossOfLabels(input, network));
  const { data, statement } = encodeForNetwork(table, network, loss, settings);
  // The statement says more than the reader's own note on labels.
  const notes = network.notes.filter((text) => network.labels === null || text !== labelNote(network.labels));
  const statements = [...notes, ...(statement === null ? [] : [statement])];
  const named = namedByColumns(network, data.features, data.classes);
  return { data, network: modelOfNetwork(named, loss, data.encoding.target.column), statements };
}

/** The table standardised as the options say, or every feature times a factor and not about its mean. */
function encodeScaled(table: Table, options: EncodeOptions, factor: number | null): EncodedDataset {
  if (factor === null) return encode(table, options);
  const plain = fitEncoding(table, { ...options, standardize: false });
  const features = plain.features.map((info) => ({ ...info, mean: 0, scale: 1 / factor }));
  return applyEncoding(table, { ...plain, features }, { role: "training" });
}

/** Bare scores beside a target of labels are log-odds; beside numbers they are predictions. */
function lossOfLabels({ table, settings }: StudyInput, { output, outputSize }: ImportedNetwork): "logistic" | null {
  const target = table.columns.find(({ name }) => name === settings.target);
  return output === "identity" && outputSize === 1 && target?.kind === "categorical" ? "logistic" : null;
}

/** The ridge of a network that nobody gave one, relative to the mean loss of a constant where that has units. */
const NETWORK_RIDGE = 1e-3;

/** λ from --l2, scikit-learn's C where the loss is a log loss, or its alpha for a linear model of numbers. A network gets a small one, so that it has a minimum. */
export function localRidge({ l2, C, alpha, local }: StudySettings, model: LocalModel, rows: number): number {
  const { loss, kind, outputScaler } = model;
  if (l2 === null && C === null && alpha === null && kind === "mlp" && local.optimizer !== "adam") {
    return NETWORK_RIDGE * (outputScaler ? Number((outputScaler.scale ** 2).toPrecision(3)) : 1);
  }
  if (alpha !== null) return ridgeOfAlpha(alpha, model, rows);
  if (C === null) return l2 ?? 0;
  if (loss !== "softmax" && loss !== "logistic") {
    throw usageError("--C is the penalty of scikit-learn's LogisticRegression: use --l2 here.");
  }
  return 1 / (C * rows);
}

/** scikit-learn's Ridge adds α‖β‖² to the sum of squares over the rows. */
function ridgeOfAlpha(alpha: number, { loss, convex }: LocalModel, rows: number): number {
  if (convex && loss === "squared") return (2 * alpha) / rows;
  if (convex && loss === "half-squared") return alpha / rows;
  throw usageError(
    convex
      ? "--alpha is the penalty of scikit-learn's Ridge: use --C or --l2 here."
      : "--alpha is the penalty of scikit-learn's linear models: use --l2 here.",
  );
}

/** @throws input: losses that are not finite, mostly since numbers arrive that the model was not made for */
function lossAsItCame({ model, name }: LocalModel, data: EncodedDataset, theta: Float64Array): number {
  try {
    return naturalLossOf(model, data, theta);
  } catch (cause) {
    if (!(cause instanceof AifError) || cause.code !== "numerical") throw cause;
    const message = `${name} has losses on these rows that are not finite: check the columns and the scaler (--columns, --scaler, --input-scale).`;
    throw new AifError("input", message, { cause });
  }
}

/** The import as it came, on all given rows. @throws input: losses that are not finite; a constant predicts better, unless forced. */
function importedSection(
  imported: LocalModel,
  data: EncodedDataset,
  theta: Float64Array,
  { local }: StudySettings,
): Omit<NonNullable<FitSection["imported"]>, "polish"> {
  const { y, evaluationWeights: w } = data;
  const { model, loss, name } = imported;
  const naturalLoss = lossAsItCame(imported, data, theta);
  const metrics: Metrics = localMetrics(loss, y, w, outputsOf(model, theta, data)).values;
  const constant = constantLoss(loss, y, w);
  if (naturalLoss > constant && !local.force) {
    const accuracy = "accuracy" in metrics ? ` (accuracy ${metrics["accuracy"].toPrecision(3)})` : "";
    throw new AifError(
      "input",
      `${name} loses ${naturalLoss.toPrecision(4)} on these rows${accuracy}, more than the ${constant.toPrecision(4)} of a constant: check the columns, the scaler and the order of the labels (--columns, --scaler, --input-scale, --classes), or go on with --force; see docs/flags.md#worse-than-constant.`,
    );
  }
  return { naturalLoss, constantLoss: constant, metrics };
}

/** Below this share of a nat all probabilities are 0 or 1 to rounding, and so are derivatives 0. */
const SATURATED = 1e-14;

/** @throws numerical: every row is predicted with certainty, so that a cost of 0 would say nothing but that. */
function refuseSaturated({ loss, name, imported }: LocalModel, { trainingLoss }: ModelPoint): void {
  if ((loss !== "softmax" && loss !== "logistic") || trainingLoss > SATURATED) return;
  throw numericalError(
    imported
      ? `${name} predicts every row with certainty (a loss of ${trainingLoss.toPrecision(2)} nats), so that its loss has no derivatives from which a cost could be told: mostly the columns are on another scale than in training, so give --scaler or --input-scale (1/255 for pixels).`
      : `The trained model predicts every row with certainty (a loss of ${trainingLoss.toPrecision(2)} nats), so that its loss has no derivatives from which a cost could be told: train with a ridge such as --l2 0.01, or leave out what gives the answer away.`,
  );
}

function naturalLossOf(model: LocalModel["model"], data: EncodedDataset, theta: Float64Array): number {
  let sum = 0;
  for (const block of data.blocks()) {
    const losses = model.losses(theta, block);
    for (let i = 0; i < losses.length; i++) sum += data.evaluationWeights[block.firstRow + i] * losses[i];
  }
  return sum;
}

/** null where an import was left as it is. */
function polished(local: LocalModel, data: EncodedDataset, { method, parameters }: TrainedLocal) {
  if (local.imported === null || method === "import") return null;
  return polishSection(local, data, [local.imported, parameters], naturalLossOf(local.model, data, parameters));
}

/** Training that fails on an import says what else can be done. */
async function trainedOrAdvice(...parts: Parameters<typeof trainCandidates>): Promise<Candidate[]> {
  try {
    return await trainCandidates(...parts);
  } catch (error) {
    if (!(parts[0].imported && error instanceof AifError && error.code === "numerical")) throw error;
    throw numericalError(
      `The imported model could not be brought to a minimum on these rows: ${error.message} Give the --l2 that it was trained with, or leave it as it is with --no-polish.`,
    );
  }
}

/** @throws numerical: a solver at its iteration limit, unless that was allowed. */
export function refuseUnconverged(influences: readonly LocalInfluence[], { local }: StudySettings): void {
  const bad = influences.find(({ solver }) => !solver.converged);
  if (!bad || local.allowUnconverged) return;
  const { name, iterations, relativeResidual, end } = bad.solver;
  throw numericalError(
    `The solver ${name} did not converge (${end}, ${iterations} iterations, relative residual ${relativeResidual.toPrecision(2)}): add --damping, take another --solver, or accept it with --allow-unconverged.`,
  );
}
