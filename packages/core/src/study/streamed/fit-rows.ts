import { Matrix } from "../../linalg/matrix.js";
import type { ScoreModel } from "../../models/score-model.js";
import { EachRank, type Pass } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import { constantPoint, type Fit, finish, refuseRunaway, refuseTooFewRows, withRidge } from "../../solvers/fit.js";
import { minimise, NO_RECESSION, type Problem, type ScoreSums, weighRows, withRows } from "../../solvers/newton.js";
import { type RowSlopes, SlopeSums } from "./row-slopes.js";
import { PassingRows, type RowsView } from "./rows-view.js";
import type { Summary } from "./summary.js";

/** What a fit by passes needs to know beside the rows. */
export interface FitGround {
  readonly model: ScoreModel;
  readonly l2: number;
  /** n, over all ranks. */
  readonly rows: number;
  readonly features: readonly string[];
  readonly ranks: Ranks;
}

/** What Newton's method asks, with the slopes where it has asked. */
export interface RowsProblem extends Problem {
  /** At θ, or where the rows were asked last; null: nowhere. */
  slopesAt(theta: Float64Array): RowSlopes | null;
}

/** What Newton's method asks of rows that pass by. */
export function problemOf(pass: Pass<RowsView>, { model, l2, ranks }: FitGround, free?: Uint8Array): RowsProblem {
  const { map, loss } = model;
  const d = map.count;
  const slopes = new WeakMap<Float64Array, SlopeSums>();
  let last: SlopeSums | null = null;
  return {
    ...withRidge(model, l2),
    free: free ?? new Uint8Array(d).fill(1),
    async sumsAt(theta, withHessian) {
      const scalars = new Float64Array(3);
      const gradient = Matrix.zeros(d, 1);
      const hessian = withHessian ? Matrix.zeros(d, d) : null;
      const sizes = new SlopeSums(ranks);
      await pass({
        sums: [scalars, gradient.data, ...sizes.sums, ...(hessian ? [hessian.data] : [])],
        visit(view) {
          const { x, rows } = view.data;
          const pull = Matrix.zeros(rows, 1);
          const omega = hessian ? new Float64Array(rows) : undefined;
          const weights = { scalars, onGradient: pull.data, onHessian: omega };
          const scores = view.scores(model, theta);
          weighRows(loss, view.block, scores, weights);
          sizes.see({ model, data: view.data, scores });
          map.addPullback(x, pull, gradient);
          if (hessian && omega) map.addGram(x, omega, hessian);
        },
      });
      slopes.set(theta, sizes);
      last = sizes;
      return { scalars, gradient: gradient.data, hessian, scores: new Float64Array(0) };
    },
    slopesAt: (theta) => (slopes.get(theta) ?? last)?.found() ?? null,
    async recession(from, to) {
      let found = NO_RECESSION;
      const each = new EachRank(ranks, 3);
      each.own.set([found.largest, found.worst, found.best]);
      await pass({
        sums: [each.all],
        visit(view) {
          const [before, after] = [view.scores(model, from.theta), view.scores(model, to.theta)];
          found = withRows(found, loss, { y: view.data.y, w: view.data.weights }, before, after);
          each.own.set([found.largest, found.worst, found.best]);
        },
      });
      return { largest: each.largest(0), worst: each.largest(1), best: each.smallest(2) };
    },
  };
}

/** A fit, and the slopes there: a last step that is too short to be looked at leaves them as they were before it. */
export interface FittedRows {
  readonly fit: Fit;
  readonly slopes: RowSlopes;
}

/** Where Newton's method begins, with what all rows say there, where that is known. */
export interface Start {
  readonly theta: Float64Array;
  readonly known: { readonly sums: ScoreSums; readonly slopes: RowSlopes } | null;
}

/**
 * The fit of all rows by Newton's method, one pass a step.
 * @throws input: fewer rows than parameters without a ridge. numerical: no minimiser exists, or it was not reached.
 */
export async function fitRows(
  pass: Pass<RowsView>,
  ground: FitGround,
  summary: Pick<Summary, "meanTarget" | "positive" | "runaway">,
  { theta: start, known }: Start = { theta: constantPoint(ground.model, summary.meanTarget), known: null },
): Promise<FittedRows> {
  refuseTooFewRows(ground.model, ground.l2, summary.positive);
  if (ground.model.map.intercept) refuseRunaway(summary.runaway);
  const problem = problemOf(pass, ground);
  const sumsAt: Problem["sumsAt"] = async (theta, withHessian) =>
    theta === start && known !== null ? known.sums : problem.sumsAt(theta, withHessian);
  const { point, iterations, inverse } = await minimise({ ...problem, sumsAt }, start);
  const { model, ridge, l2 } = withRidge(ground.model, ground.l2);
  const fit = finish(model, new PassingRows(ground.rows, ground.features), l2, ridge, point, iterations, inverse);
  const slopes = problem.slopesAt(point.theta) ?? known?.slopes;
  if (slopes === undefined) throw new Error("A fit looks at its rows.");
  return { fit, slopes };
}
