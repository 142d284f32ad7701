import type { Block, Dataset, RowBlocks } from "../data/dataset.js";
import { listed } from "../data/names.js";
import { numericalError } from "../errors.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Model, Predictor } from "../models/model.js";
import { EachRank } from "../parallel/passes.js";
import { ALONE } from "../parallel/ranks.js";
import type { Work } from "../parallel/work.js";
import { eachBlock } from "../solvers/model-risk.js";
import { type Training, type TrainingOptions, trainModel } from "../solvers/train.js";
import type { LocalModel } from "./local-model.js";

/** A row that is as sure as this, e^−6, with the first ridge may be driven there by nothing that holds it without one. */
const SURE = 6;
/** Ridges beside each feature's mean square, each fit beginning at the last; between the last two margins that nothing holds grow by log 10 or more. */
const RIDGES = [1e-3, 1e-5, 1e-6, 1e-7] as const;
const GROWTH = 1;
/** Of the relative gradients on the way. */
const LOOSE = 1e-5;
/** Margins that fall by less than this share of the largest growth are held still by what is left of the ridge. */
const STILL = 0.05;

/** What a fit of classes starts from. */
type ConvexOptions = Pick<TrainingOptions, "start" | "preconditioner"> & {
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
    const { most } = await growth(model, data, options.start, found.parameters);
    if (found.converged && most <= GROWTH) return found;
  }
  const squares = await ridgeSizes(model, data);
  const path: Float64Array[] = [];
  for (const ridge of RIDGES) {
    const start = path.at(-1) ?? options.start;
    const P = squares.map((square) => ridge * square);
    const settings = { ridge: P, method: "newton", tolerance: LOOSE, ...(start && { start }) } as const;
    path.push((await trainModel(model, data, settings, work)).parameters);
    if (path.length === 1 && (await largestMargin(model, data, path[0])) < SURE) break;
  }
  if (path.length === RIDGES.length) {
    await refuseSeparated(local, data, path[RIDGES.length - 2], path[RIDGES.length - 1]);
  }
  return trainModel(model, data, { ...plain, method: "newton", start: path[path.length - 1] }, work);
}

/** @param slow, fast: θ with a ridge and with a tenth of it. */
async function refuseSeparated(
  { model, kind, loss }: LocalModel,
  data: Dataset,
  slow: Float64Array,
  fast: Float64Array,
): Promise<void> {
  const { least, most } = await growth(model, data, slow, fast);
  if (!(most > GROWTH && least >= -STILL * most)) return;
  const what = kind === "imported" ? `${loss} model` : `${kind} model`;
  throw numericalError(
    `The features separate the classes (perfectly, or for some level of a column), so the ${what} without a ridge has no minimum: ${listed(fastest(slow, fast, model.parameterNames, model.penalised))} grow without end. Add a ridge such as --l2 0.001, or leave out what gives the answer away.`,
  );
}

/** f_y − f_k of row i for every other class k; y·f for one score. */
function* margins({ columns, data: f }: Matrix, { y }: Pick<Block, "y">, i: number): Generator<number> {
  if (columns === 1) yield y[i] * f[i];
  else for (let k = 0; k < columns; k++) if (k !== y[i]) yield f[i * columns + y[i]] - f[i * columns + k];
}

async function largestMargin(model: Predictor, data: RowBlocks, theta: Float64Array): Promise<number> {
  const found = rangeOf(data);
  await eachBlock(
    data,
    "training",
    {},
    (block) => {
      const f = model.outputs(theta, block.x);
      for (let i = 0; i < f.rows; i++) for (const margin of margins(f, block, i)) found.see(margin);
    },
    found.sums,
  );
  return found.range().most;
}

/** By how much the margins of all rows with weight grow from one fit to the next. */
async function growth(
  model: Predictor,
  data: RowBlocks,
  from: Float64Array,
  to: Float64Array,
): Promise<{ least: number; most: number }> {
  const found = rangeOf(data);
  const visit = (block: Block): void => {
    const [slow, fast] = [from, to].map((theta) => model.outputs(theta, block.x));
    for (let i = 0; i < slow.rows; i++) {
      if (block.w[i] === 0) continue;
      const before = [...margins(slow, block, i)];
      let k = 0;
      for (const margin of margins(fast, block, i)) found.see(margin - before[k++]);
    }
  };
  await eachBlock(data, "training", {}, visit, found.sums);
  return found.range();
}

/** The smallest and the largest number that were seen, by all processes that share the rows. */
function rangeOf({ ranks = ALONE }: RowBlocks) {
  const each = new EachRank(ranks, 2);
  each.own.set([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  return {
    sums: [each.all],
    see(value: number): void {
      each.own[0] = Math.min(each.own[0], value);
      each.own[1] = Math.max(each.own[1], value);
    },
    range: () => ({ least: each.smallest(0), most: each.largest(1) }),
  };
}

/**
 * d: Σ w x² of the feature that a parameter is a weight of, so that no units decide what a ridge holds; where the model does not say, and for
 * features that are always 0, the mean over the features. 0 where nothing is penalised.
 */
async function ridgeSizes({ featureOf, penalised }: Model, data: RowBlocks): Promise<Float64Array> {
  const m = data.features.length;
  const sums = new Float64Array(m);
  const visit = ({ x, w }: Block): void => {
    for (let i = 0, at = 0; i < x.rows; i++) {
      for (let k = 0; k < x.columns; k++, at++) sums[k] += w[i] * x.data[at] ** 2;
    }
  };
  await eachBlock(data, "training", {}, visit, [sums]);
  const mean = sums.reduce((sum, square) => sum + square, 0) / m || 1;
  return Float64Array.from(penalised, (flag, j) => flag * ((featureOf && sums[featureOf[j]]) || mean));
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
