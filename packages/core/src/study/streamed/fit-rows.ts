import { Matrix } from "../../linalg/matrix.js";
import type { ScoreModel } from "../../models/score-model.js";
import { EachRank, type Pass } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import { constantPoint, type Fit, finish, refuseRunaway, refuseTooFewRows, withRidge } from "../../solvers/fit.js";
import { minimise, NO_RECESSION, type Problem, weighRows, withRows } from "../../solvers/newton.js";
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

/** What Newton's method asks of rows that pass by. */
export function problemOf(pass: Pass<RowsView>, { model, l2, ranks }: FitGround, free?: Uint8Array): Problem {
  const { map, loss } = model;
  const d = map.count;
  return {
    ...withRidge(model, l2),
    free: free ?? new Uint8Array(d).fill(1),
    async sumsAt(theta, withHessian) {
      const scalars = new Float64Array(3);
      const gradient = Matrix.zeros(d, 1);
      const hessian = withHessian ? Matrix.zeros(d, d) : null;
      await pass({
        sums: [scalars, gradient.data, ...(hessian ? [hessian.data] : [])],
        visit(view) {
          const { x, rows } = view.data;
          const pull = Matrix.zeros(rows, 1);
          const omega = hessian ? new Float64Array(rows) : undefined;
          const weights = { scalars, onGradient: pull.data, onHessian: omega };
          weighRows(loss, view.block, view.scores(model, theta), weights);
          map.addPullback(x, pull, gradient);
          if (hessian && omega) map.addGram(x, omega, hessian);
        },
      });
      return { scalars, gradient: gradient.data, hessian, scores: new Float64Array(0) };
    },
    async recession(from, to) {
      let found = NO_RECESSION;
      const each = new EachRank(ranks, 3);
      each.own.set([found.largest, found.worst, found.best]);
      await pass({
        sums: [each.all],
        visit(view) {
          const [before, after] = [view.scores(model, from.theta), view.scores(model, to.theta)];
          found = withRows(found, loss, view.data.y, before, after);
          each.own.set([found.largest, found.worst, found.best]);
        },
      });
      return { largest: each.largest(0), worst: each.largest(1), best: each.smallest(2) };
    },
  };
}

/**
 * The fit of all rows by Newton's method, one pass a step.
 * @throws input: fewer rows than parameters without a ridge. numerical: no minimiser exists, or it was not reached.
 */
export async function fitRows(
  pass: Pass<RowsView>,
  ground: FitGround,
  summary: Pick<Summary, "meanTarget" | "positive" | "runaway">,
  start = constantPoint(ground.model, summary.meanTarget),
): Promise<Fit> {
  refuseTooFewRows(ground.model, ground.l2, summary.positive);
  if (ground.model.map.intercept) refuseRunaway(summary.runaway);
  const { point, iterations, inverse } = await minimise(problemOf(pass, ground), start);
  const { model, ridge, l2 } = withRidge(ground.model, ground.l2);
  return finish(model, new PassingRows(ground.rows, ground.features), l2, ridge, point, iterations, inverse);
}
