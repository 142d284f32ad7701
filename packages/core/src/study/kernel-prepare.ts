import { encode } from "../data/encode-table.js";
import type { EncodedDataset } from "../data/encoded-dataset.js";
import { AifError } from "../errors.js";
import { type KernelInfluence, kernelInfluence } from "../influence/kernel/aif.js";
import { ensureBlas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { hasGamma, kernel } from "../models/kernel/choose-kernel.js";
import { checkRows } from "../models/kernel/coincidence.js";
import { gramOf, kernelPoints } from "../models/kernel/kernel.js";
import { type KernelRows, kernelMemory, kernelTargets } from "../models/kernel/kernel-ridge.js";
import { medianGamma } from "../models/kernel/median-width.js";
import type { Work } from "../parallel/work.js";
import { type KernelFit, kernelFit } from "../solvers/kernel-fit.js";
import type { ResolvedKernel } from "./kernel-result.js";
import { kernelNameOf, kernelTaskOf } from "./kernel-settings.js";
import { encodeOptions, explainMissingHeader, type StudyInput, splitRows, stopwatch } from "./prepare.js";
import { checkSettings, type StudySettings } from "./settings.js";
import { type Reach, resolveReach, threatOf } from "./threat-choice.js";

/** An analysis of a kernel regression, up to its predictions. */
export interface PreparedKernel {
  readonly input: StudyInput;
  readonly training: EncodedDataset;
  /** Rows apart from those trained on; null: folds, or the training rows. */
  readonly evaluation: EncodedDataset | null;
  /** k of the target: classes, or 1. */
  readonly outputs: number;
  readonly chosen: ResolvedKernel & { readonly name: string };
  readonly reach: Reach;
  readonly fit: KernelFit;
  /** One for each norm. */
  readonly influences: readonly KernelInfluence[];
  readonly parameterNames: readonly string[];
  /** Seconds. */
  readonly fitSeconds: number;
  readonly influenceSeconds: number;
}

/** What a kernel regression may take unless `--memory` says otherwise. */
const MEMORY = 8 * 2 ** 30;

/** Encodes, fits and predicts. @throws as `prepareStudy`; resource: too many rows for the memory. */
export async function prepareKernel(input: StudyInput, work: Work): Promise<PreparedKernel> {
  const { settings, table } = input;
  checkSettings(settings);
  await ensureBlas();
  const clock = stopwatch();
  explainMissingHeader(table, settings);
  const target = table.columns.find(({ name }) => name === settings.target);
  const task = kernelTaskOf(settings);
  const several = target?.kind === "categorical" && target.levels.length > 2;
  const all = encode(table, encodeOptions(settings, task === "auto" && several ? "multiclass" : task));
  return prepareOn(splitRows(all, input), input, clock, work);
}

type Rows = Pick<PreparedKernel, "training" | "evaluation">;

/** The same on rows that are encoded and split. */
export const prepareKernelOn = (rows: Rows, input: StudyInput, work: Work): Promise<PreparedKernel> =>
  prepareOn(rows, input, stopwatch(), work);

async function prepareOn(
  { training, evaluation }: Rows,
  input: StudyInput,
  clock: ReturnType<typeof stopwatch>,
  work: Work,
): Promise<PreparedKernel> {
  const { settings } = input;
  const outputs = training.classes?.length ?? 1;
  refuseTooMany(training, outputs, settings);
  const reach = resolveReach(settings, training, () => true);
  const rows = kernelRowsOf(training, outputs);
  const nameOf = (row: number): string => training.placeOf(row);
  const chosen = chosenKernel(settings, rows.x);
  const { gamma, degree } = chosen;
  const K = kernel(chosen.name, { ...(gamma !== null && { gamma }), ...(degree !== null && { degree }) });
  const points = kernelPoints(rows.x);
  const repeated = checkRows(K, points, nameOf);
  const gram = gramOf(K, points);
  const ridge = chosen.ridge ?? defaultRidge(gram, rows.weights, chosen.penalty);
  const fit = await kernelFit(rows, { kernel: K, ...chosen, ridge }, { ...work, gram, repeated });
  const fitSeconds = clock.lap();
  const influences: KernelInfluence[] = [];
  for (const p of settings.norms) {
    influences.push(await kernelInfluence(fit, threatOf(p, reach), { ...work, surface: chosen.surface }));
  }
  return {
    input,
    training,
    evaluation,
    outputs,
    chosen: { ...chosen, ridge },
    reach,
    fit,
    influences,
    parameterNames: namesOf(training),
    fitSeconds,
    influenceSeconds: clock.lap(),
  };
}

/** Rows, weights and targets in one piece. */
function kernelRowsOf(data: EncodedDataset, outputs: number): KernelRows {
  const x = Matrix.zeros(data.rows, data.features.length);
  for (const block of data.blocks()) x.data.set(block.x.data, block.firstRow * x.columns);
  return { x, y: kernelTargets(data.y, outputs), weights: data.weights };
}

/** Fewer rows than these are no advice. */
const FEW_ROWS = 20;

/** Kernel matrices grow as the square of the rows. */
function refuseTooMany(
  { rows, features }: EncodedDataset,
  outputs: number,
  { evaluation, local }: StudySettings,
): void {
  const folds = evaluation.kind === "cv" ? evaluation.folds : 0;
  const most = local.memoryBytes ?? MEMORY;
  const needed = (n: number): number => kernelMemory(n, features.length, outputs, folds);
  if (needed(rows) <= most) return;
  const gigabytes = (bytes: number): string => `${(bytes / 2 ** 30).toPrecision(2)} GiB`;
  let fits = rows;
  while (fits >= FEW_ROWS && needed(fits) > most) fits = Math.floor(fits * 0.95);
  throw new AifError(
    "resource",
    `A kernel regression on ${rows} rows takes about ${gigabytes(needed(rows))}, more than the ${gigabytes(most)} that it may: ${fits < FEW_ROWS ? "" : `take about ${fits} rows${folds > 0 ? ", use --evaluation fraction:0.2, which needs less," : ""} or `}allow more with --memory.`,
  );
}

function chosenKernel({ model, kernel: given }: StudySettings, x: Matrix) {
  const name = kernelNameOf(model ?? "kernel");
  return {
    name,
    gamma: hasGamma(name) ? (given.gamma ?? Number(medianGamma(x).toPrecision(6))) : null,
    degree: name === "poly" ? (given.degree ?? 3) : null,
    ridge: given.ridge,
    penalty: given.penalty ?? "coefficients",
    centres: given.centres ?? "move",
    surface: given.surface,
  } as const;
}

const RIDGE_SHARE = 0.01;

/** A hundredth of the mean eigenvalue of KWK, or of K/n, to three digits. */
function defaultRidge({ data, rows: n }: Matrix, w: Float64Array, penalty: "coefficients" | "rkhs"): number {
  let sum = 0;
  if (penalty === "rkhs") for (let i = 0; i < n; i++) sum += data[i * (n + 1)] / n;
  else for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < n; j++, at++) sum += w[i] * data[at] ** 2;
  return Number(((RIDGE_SHARE * sum) / n).toPrecision(3));
}

/** "row 7", or "row 7 → class". */
function namesOf({ sourceRows, classes }: EncodedDataset): string[] {
  return Array.from(sourceRows).flatMap((row) =>
    classes ? classes.map((label) => `row ${row} → ${label}`) : [`row ${row}`],
  );
}
