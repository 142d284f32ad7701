import type { StreamedDataset } from "../../data/streamed-dataset.js";
import { AifError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { type Pass, sideBySide } from "../../parallel/passes.js";
import { timeSlices, type Work } from "../../parallel/work.js";
import { constantPoint, withRidge } from "../../solvers/fit.js";
import { minimise } from "../../solvers/newton.js";
import { type FitGround, problemOf, type Start } from "./fit-rows.js";
import { RowsView } from "./rows-view.js";
import { type Summary, summarise } from "./summary.js";

/** Blocks that are looked at, evenly spread, and the share of the weight up to which that is little beside a pass. */
const PLACES = 8;
const MOST = 1 / 8;
/** So many rows a parameter are worth a look. */
const ROWS_A_PARAMETER = 20;
/** Relative steps that the sampling error of some thousand rows makes idle. */
const ENOUGH = 1e-3;
/** A ridge that keeps the point finite where the sample does not determine it, or its classes are separable. */
const RIDGE = 1e-3;

/** A start that a few rows give, and what the best constant prediction is there. */
export interface WarmStart {
  readonly theta: Float64Array;
  readonly constant: Float64Array;
}

/**
 * The fit of a few blocks, from where Newton's method needs fewer passes over all rows; where it ends does not depend on it.
 * @returns null where the rows are few, or a few of them say nothing.
 */
export async function warmStart(
  data: StreamedDataset,
  ground: FitGround,
  rowsPerBlock: number,
  work: Work,
): Promise<WarmStart | null> {
  const sample = sampleOf(data, ground, rowsPerBlock, work);
  if (sample === null) return null;
  try {
    const share = new Float64Array(1);
    const weigh = async (own: Pass<RowsView>): Promise<void> =>
      own({
        sums: [share],
        visit({ data: { weights } }) {
          for (const w of weights) share[0] += w;
        },
      });
    const [{ meanTarget, positive }] = (await sideBySide<RowsView, unknown>(sample, [
      (own) => summarise(own, ground.model, 0),
      weigh,
    ])) as [Summary, unknown];
    const [weight] = share;
    if (!(weight > 0 && weight <= MOST && positive >= ROWS_A_PARAMETER * ground.model.map.count)) return null;
    const problem = problemOf(sample, { ...ground, l2: weight * Math.max(ground.l2, RIDGE) });
    const constant = constantPoint(ground.model, meanTarget / weight);
    const { point } = await minimise(problem, constant, { enough: ENOUGH });
    return { theta: point.theta, constant };
  } catch (error) {
    if (error instanceof AifError && error.code === "numerical") return null;
    throw error;
  }
}

function sampleOf(
  data: StreamedDataset,
  { ranks }: FitGround,
  rowsPerBlock: number,
  work: Work,
): Pass<RowsView> | null {
  if (data.sample === undefined) return null;
  const blocks = data.sample.bind(data);
  return async ({ sums, visit }) => {
    const slices = timeSlices(work);
    for (const block of blocks(PLACES, rowsPerBlock)) {
      await visit(new RowsView(block, data.features));
      if (slices.due()) await slices.pause({ phase: "fitting a few rows", done: 0, total: data.ownRows });
    }
    await ranks.add(...sums);
  };
}

/** What the first pass finds. */
export interface FirstLook {
  readonly summary: Summary;
  /** undefined: there is none that is worth it. */
  readonly start: Start | undefined;
  /** H of a squared loss, ridge included, where a start was looked at. */
  readonly hessian: Matrix | undefined;
}

/** The first pass: what is asked before anything is fitted, and what all rows say of a start, if there is one. */
export async function firstLook(
  pass: Pass<RowsView>,
  ground: FitGround,
  folds: number,
  warm: WarmStart | null,
): Promise<FirstLook> {
  const { model } = ground;
  if (warm === null) {
    return { summary: await summarise(pass, model, folds), start: undefined, hessian: undefined };
  }
  const { theta, constant } = warm;
  const loss = new Float64Array(1);
  const [summary, known] = await sideBySide<RowsView, unknown>(pass, [
    (own) => summarise(own, model, folds),
    async (own) => {
      const problem = problemOf(own, ground);
      return { sums: await problem.sumsAt(theta, true), slopes: problem.slopesAt(theta) };
    },
    (own) =>
      own({
        sums: [loss],
        visit(view) {
          const { y, weights } = view.data;
          const scores = view.scores(model, constant);
          for (let i = 0; i < y.length; i++) loss[0] += weights[i] * model.loss.value(scores[i], y[i]);
        },
      }),
  ]);
  const found = known as NonNullable<Start["known"]>;
  // Rows in an order that misleads the sample may make it worse than none.
  const isBetter = found.sums.scalars[0] <= loss[0];
  const { hessian } = found.sums;
  return {
    summary: summary as Summary,
    start: isBetter ? { theta, known: found } : undefined,
    hessian: model.loss.quadratic && hessian !== null ? ridged(hessian, ground) : undefined,
  };
}

function ridged({ data, rows: d }: Matrix, { model, l2 }: FitGround): Matrix {
  const out = new Matrix(data.slice(), d, d);
  withRidge(model, l2).ridge.forEach((penalty, j) => {
    out.data[j * d + j] += penalty;
  });
  return out;
}
