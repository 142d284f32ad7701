import type { Dataset } from "../data/dataset.js";
import { listed } from "../data/names.js";
import { numericalError } from "../errors.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { type Training, type TrainingOptions, trainModel } from "../solvers/train.js";
import { outputsOf } from "./local-metrics.js";
import type { LocalModel } from "./local-model.js";

/** A row that is as sure as this, e^−6, with the first ridge may be driven there by nothing that holds it without one. */
const SURE = 6;
/** Ridges beside the features' mean square, each fit beginning at the last; between the last two margins that nothing holds grow by log 10 or more. */
const RIDGES = [1e-3, 1e-5, 1e-6, 1e-7] as const;
const GROWTH = 1;
/** Of the relative gradients on the way. */
const LOOSE = 1e-5;
/** Margins that fall by less than this share of the largest growth are held still by what is left of the ridge. */
const STILL = 0.05;

/** What a fit of classes starts from. */
type ConvexOptions = Pick<TrainingOptions, "start"> & {
  readonly l2: number;
  /** Whether the start is a minimum on nearly the same rows, as that on all of them is for a fold. */
  readonly near?: boolean;
};

/** Steps of Newton's method from a minimum on nearly the same rows, after which that on the rows at hand is sought from afar. */
const NEAR_STEPS = 20;

/**
 * The minimum of a convex model. Without a ridge classes may come apart: then no minimum exists, which is found out by how the
 * margins f_y − f_k grow as a ridge vanishes; not where Newton's method, from a minimum nearby, ends at one whose margins are about
 * as large.
 * @throws numerical: the features separate the classes.
 */
export async function trainConvex(
  local: LocalModel,
  data: Dataset,
  options: ConvexOptions,
  work: Work,
): Promise<Training> {
  const { model, loss } = local;
  const { near = false, ...plain } = options;
  const classes = loss === "softmax" || loss === "logistic";
  if (options.l2 > 0 || !classes) return trainModel(model, data, { ...plain, method: "newton" }, work);
  if (near && options.start) {
    const settings = { ...plain, method: "newton", maximumIterations: NEAR_STEPS } as const;
    const found = await trainModel(model, data, settings, work);
    const { most } = growth(outputsOf(model, options.start, data), outputsOf(model, found.parameters, data), data);
    if (found.converged && most <= GROWTH) return found;
  }
  const scale = meanSquare(data);
  const path: Float64Array[] = [];
  for (const ridge of RIDGES) {
    const start = path.at(-1) ?? options.start;
    const settings = { l2: ridge * scale, method: "newton", tolerance: LOOSE, ...(start && { start }) } as const;
    path.push((await trainModel(model, data, settings, work)).parameters);
    if (path.length === 1 && largestMargin(outputsOf(model, path[0], data), data) < SURE) break;
  }
  if (path.length === RIDGES.length) refuseSeparated(local, data, path[RIDGES.length - 2], path[RIDGES.length - 1]);
  return trainModel(model, data, { ...plain, method: "newton", start: path[path.length - 1] }, work);
}

/** @param slow, fast: θ with a ridge and with a tenth of it. */
function refuseSeparated(
  { model, kind, loss }: LocalModel,
  data: Dataset,
  slow: Float64Array,
  fast: Float64Array,
): void {
  const { least, most } = growth(outputsOf(model, slow, data), outputsOf(model, fast, data), data);
  if (!(most > GROWTH && least >= -STILL * most)) return;
  const what = kind === "imported" ? `${loss} model` : `${kind} model`;
  throw numericalError(
    `The features separate the classes (perfectly, or for some level of a column), so the ${what} without a ridge has no minimum: ${listed(fastest(slow, fast, model.parameterNames, model.penalised))} grow without end. Add a ridge such as --l2 0.001, or leave out what gives the answer away.`,
  );
}

/** f_y − f_k of row i for every other class k; y·f for one score. */
function* margins({ columns, data: f }: Matrix, { y }: Dataset, i: number): Generator<number> {
  if (columns === 1) yield y[i] * f[i];
  else for (let k = 0; k < columns; k++) if (k !== y[i]) yield f[i * columns + y[i]] - f[i * columns + k];
}

function largestMargin(f: Matrix, data: Dataset): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < f.rows; i++) for (const margin of margins(f, data, i)) largest = Math.max(largest, margin);
  return largest;
}

/** By how much the margins of all rows with weight grow from one fit to the next. */
function growth(from: Matrix, to: Matrix, data: Dataset): { least: number; most: number } {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < from.rows; i++) {
    if (data.weights[i] === 0) continue;
    const before = [...margins(from, data, i)];
    let k = 0;
    for (const margin of margins(to, data, i)) {
      const change = margin - before[k++];
      least = Math.min(least, change);
      most = Math.max(most, change);
    }
  }
  return { least, most };
}

/** Σ w x², the mean over the features. */
function meanSquare(data: Dataset): number {
  let sum = 0;
  for (const { x, w } of data.blocks()) {
    for (let i = 0, at = 0; i < x.rows; i++) {
      for (let k = 0; k < x.columns; k++, at++) sum += w[i] * x.data[at] ** 2;
    }
  }
  return sum / data.features.length || 1;
}

/** The up to three coefficients that move most. */
function fastest(from: Float64Array, to: Float64Array, names: readonly string[], penalised: Uint8Array): string[] {
  const speed = (j: number): number => Math.abs(to[j] - from[j]);
  const order = [...to.keys()].filter((j) => penalised[j] === 1).toSorted((a, b) => speed(b) - speed(a));
  return order
    .filter((j) => speed(j) > 0.2 * speed(order[0]))
    .slice(0, 3)
    .map((j) => names[j]);
}
