import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { type Round, runRound } from "./block-cg-round.js";
import { addColumns, columnNorms, copyColumns, takeColumns } from "./columns.js";
import { checkSystem, type LinearSolution, largestOf, type SolverEnd, trueResidual } from "./linear-solution.js";
import type { SymmetricOperator } from "./operator.js";
import { NO_PRECONDITIONER, type Preconditioner } from "./preconditioner.js";

export interface BlockCgOptions extends Work {
  readonly preconditioner?: Preconditioner;
  /** One that is made when the passes to come, at the rate met so far, would cost more than it. */
  readonly later?: LaterPreconditioner;
  /** For ‖b − Hx‖/‖b‖ with the true residual, of every column or column by column. Default 1e-10. */
  readonly tolerance?: number | Float64Array;
  /** Over all refinements. Default: the larger of 1000 and 10·d. */
  readonly maximumIterations?: number;
}

/** A preconditioner that costs something to make. */
export interface LaterPreconditioner {
  /** In products with one vector. */
  readonly cost: number;
  make(): Promise<Preconditioner>;
}

export interface BlockCgSolution extends LinearSolution {
  /**
   * The largest ‖b − Hx‖/(‖H‖‖x‖ + ‖b‖) over the columns, ‖H‖ from below by the curvatures that were met: about 1e-16 of a
   * stagnated solution says that no solver does better in this precision.
   */
  readonly backwardError: number;
}

/** A refinement that leaves more than this share of a residual is the last: rounding is what is left. */
const WORTHWHILE = 0.5;
/** A preconditioner must save more than its cost: passes with it are some too. */
const WORTH_MAKING = 1.5;
/** A backward error this small is rounding. */
const ROUNDING = 8 * Number.EPSILON;

/**
 * HX = B for a symmetric positive definite H by block conjugate gradients: each pass multiplies all directions at once, and
 * every column is minimised over the directions of all; columns with a looser tolerance leave when they are done. Directions are orthonormalised and dropped where they depend on
 * others, so that equal, zero or finished columns break nothing (O'Leary 1980; Ji and Li 2017). Directions without curvature are
 * left out, so that a singular H is solved within its range. The solution is then refined with residuals from fresh products
 * until the true ones meet the tolerance or stop falling.
 * @param right d×k
 * @throws usage: shapes that do not match, a tolerance or limit that makes no sense; cancelled.
 */
export async function blockConjugateGradients(
  operator: SymmetricOperator,
  right: Matrix,
  options: BlockCgOptions = {},
): Promise<BlockCgSolution> {
  const { maximumIterations = Math.max(1000, 10 * operator.size) } = options;
  checkSystem(operator, right);
  const tolerances = tolerancesOf(options.tolerance ?? 1e-10, right.columns);
  if (!(maximumIterations >= 1)) {
    throw usageError(`The iteration limit of conjugate gradients must be at least 1, got ${maximumIterations}.`);
  }
  const sizes = columnNorms(right);
  const solution = Matrix.zeros(right.rows, right.columns);
  let { residual, relative } = { residual: right, relative: sizes.map((size) => (size > 0 ? 1 : 0)) };
  let {
    preconditioner = NO_PRECONDITIONER,
    later = null,
  }: Pick<BlockCgOptions, "preconditioner"> & {
    later?: LaterPreconditioner | null;
  } = options;
  let sketchProducts = preconditioner.products;
  let [iterations, products] = [0, sketchProducts];
  let norm: number | null = null;
  let [curvature, flat]: [number | null, number | null] = [null, null];
  let end: SolverEnd = "converged";
  for (;;) {
    const open = [...relative.keys()].filter((k) => !(relative[k] <= tolerances[k]));
    if (open.length === 0) break;
    const round: Round = await runRound(operator, preconditioner, takeColumns(residual, open), {
      targets: Float64Array.from(open, (k) => 0.5 * tolerances[k] * sizes[k]),
      tolerances: Float64Array.from(open, (k) => tolerances[k]),
      worth: later ? WORTH_MAKING * later.cost : Number.POSITIVE_INFINITY,
      remaining: maximumIterations - iterations,
      norm,
      work: options,
    });
    iterations += round.iterations;
    products += round.products;
    norm = round.norm;
    const before = relative;
    const proposed = new Matrix(solution.data.slice(), solution.rows, solution.columns);
    addColumns(proposed, round.correction, open);
    const fresh = await trueResidual(operator, proposed, right);
    products += right.columns;
    const better = open.filter((c) => fresh.relative[c] < before[c]);
    copyColumns(proposed, solution, better);
    // A column that did not fall keeps its solution, and with it its residual.
    const kept = new Matrix(residual.data.slice(), residual.rows, residual.columns);
    copyColumns(fresh.residual, kept, better);
    residual = kept;
    relative = before.map((value, k) => (better.includes(k) ? fresh.relative[k] : value));
    curvature = round.curvature;
    flat = round.flat ?? flat;
    if (relative.every((value, k) => value <= tolerances[k])) end = "converged";
    else if (curvature !== null) end = "indefinite";
    else if (iterations >= maximumIterations) end = "iteration-limit";
    else if (round.slow && later) {
      preconditioner = await later.make();
      sketchProducts += preconditioner.products;
      products += preconditioner.products;
      later = null;
      continue;
    } else if (!open.some((k) => fresh.relative[k] <= WORTHWHILE * before[k])) {
      end = flat === null ? "stagnated" : "singular";
      curvature = flat;
    } else continue;
    break;
  }
  const lengths = columnNorms(solution);
  const whole = norm ?? 0;
  const backwardErrors = relative.map((r, k) => (r === 0 ? 0 : (r * sizes[k]) / (whole * lengths[k] + sizes[k])));
  const backwardError = largestOf(backwardErrors);
  if (end === "iteration-limit" && backwardError <= ROUNDING) end = "stagnated";
  return {
    solver: "cg",
    solution,
    residuals: relative,
    relativeResidual: largestOf(relative),
    end,
    converged: end === "converged",
    iterations,
    products,
    sketchProducts,
    curvature,
    backwardError,
  };
}

/** One a column. @throws usage: one that is not above 0, or missing. */
function tolerancesOf(given: number | Float64Array, columns: number): Float64Array {
  const wanted = typeof given === "number" ? [given] : Array.from({ length: columns }, (_, k) => given.at(k) ?? "none");
  for (const tolerance of wanted) {
    if (typeof tolerance === "number" && tolerance > 0) continue;
    throw usageError(`The tolerance of conjugate gradients must be above 0, got ${tolerance}.`);
  }
  return typeof given === "number" ? new Float64Array(columns).fill(given) : given;
}
