import { throwIfAborted, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { randomStream } from "../stats/random.js";
import { addProduct, columnNorms, crossProducts, orthonormalRows, takeColumns } from "./columns.js";
import { checkSystem, type LinearSolution, largestOf, type SolverEnd, trueResidual } from "./linear-solution.js";
import type { SymmetricOperator } from "./operator.js";
import { NO_PRECONDITIONER, type Preconditioner } from "./preconditioner.js";

export interface BlockCgOptions extends Work {
  readonly preconditioner?: Preconditioner;
  /** For ‖b − Hx‖/‖b‖ of every column, with the true residual. Default 1e-10. */
  readonly tolerance?: number;
  /** Over all refinements. Default: the larger of 1000 and 10·d. */
  readonly maximumIterations?: number;
}

export interface BlockCgSolution extends LinearSolution {
  /**
   * The largest ‖b − Hx‖/(‖H‖‖x‖ + ‖b‖) over the columns, ‖H‖ from below by the curvatures that were met: about 1e-16 of a
   * stagnated solution says that no solver does better in this precision.
   */
  readonly backwardError: number;
}

/** A curvature below this share of ‖H‖ is 0 or less but for rounding. */
const NO_CURVATURE = 4 * Number.EPSILON;
/** One below minus this share is negative beyond rounding. */
const NEGATIVE = 1e-12;
/** A refinement that leaves more than this share of a residual is the last: rounding is what is left. */
const WORTHWHILE = 0.5;
/**
 * A recursion this near to ε‖H‖‖x‖ whose residual has not halved for so many passes has lost its way to rounding (far from
 * there residuals may well rise for hundreds of passes): it begins anew from the true residual.
 */
const NEAR_ROUNDING = 1e7;
const STALLED = 100;
/** Of the way from the first residual to the last, on a logarithmic scale, for whoever watches. */
const PARTS = 100;
/** A backward error this small is rounding. */
const ROUNDING = 8 * Number.EPSILON;

/**
 * HX = B for a symmetric positive definite H by block conjugate gradients: each pass multiplies all directions at once, and
 * every column is minimised over the directions of all. Directions are orthonormalised and dropped where they depend on
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
  const { preconditioner = NO_PRECONDITIONER, tolerance = 1e-10 } = options;
  const { maximumIterations = Math.max(1000, 10 * operator.size) } = options;
  checkSystem(operator, right);
  if (!(tolerance > 0)) throw usageError(`The tolerance of conjugate gradients must be above 0, got ${tolerance}.`);
  if (!(maximumIterations >= 1)) {
    throw usageError(`The iteration limit of conjugate gradients must be at least 1, got ${maximumIterations}.`);
  }
  const sizes = columnNorms(right);
  const solution = Matrix.zeros(right.rows, right.columns);
  let { residual, relative } = { residual: right, relative: sizes.map((size) => (size > 0 ? 1 : 0)) };
  let [iterations, products, norm] = [0, preconditioner.products + 1, await normFromBelow(operator)];
  let [curvature, flat]: [number | null, number | null] = [null, null];
  let end: SolverEnd = "converged";
  for (;;) {
    const open = [...relative.keys()].filter((k) => !(relative[k] <= tolerance));
    if (open.length === 0) break;
    const round = await runRound(operator, preconditioner, takeColumns(residual, open), {
      targets: Float64Array.from(open, (k) => 0.5 * tolerance * sizes[k]),
      tolerance,
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
    if (largestOf(relative) <= tolerance) end = "converged";
    else if (curvature !== null) end = "indefinite";
    else if (iterations >= maximumIterations) end = "iteration-limit";
    else if (!open.some((k) => fresh.relative[k] <= WORTHWHILE * before[k])) {
      end = flat === null ? "stagnated" : "singular";
      curvature = flat;
    } else continue;
    break;
  }
  const lengths = columnNorms(solution);
  const backwardErrors = relative.map((r, k) => (r === 0 ? 0 : (r * sizes[k]) / (norm * lengths[k] + sizes[k])));
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
    sketchProducts: preconditioner.products,
    curvature,
    backwardError,
  };
}

interface Round {
  /** d×k */
  readonly correction: Matrix;
  readonly iterations: number;
  readonly products: number;
  /** ‖H‖ from below: the largest curvature met. */
  readonly norm: number;
  /** Negative beyond rounding, where one was met. */
  readonly curvature: number | null;
  /** 0 but for rounding, where one was met. */
  readonly flat: number | null;
}

/** ‖Hu‖ for a unit vector u in a random direction: the first curvatures may be those of flat directions alone. */
async function normFromBelow(operator: SymmetricOperator): Promise<number> {
  const direction = Matrix.zeros(operator.size, 1);
  randomStream(0).fillNormals(direction.data);
  const [length] = columnNorms(direction);
  const [image] = columnNorms(await operator.product(direction));
  return length > 0 ? image / length : 0;
}

/**
 * Conjugate gradients from zero until the residuals as the recursion carries them meet the targets (‖r‖, one a column), for an
 * orthonormal basis of the right-hand sides, of which the columns are combinations.
 */
async function runRound(
  operator: SymmetricOperator,
  preconditioner: Preconditioner,
  right: Matrix,
  {
    targets,
    tolerance,
    remaining,
    work,
    ...known
  }: { targets: Float64Array; tolerance: number; remaining: number; norm: number; work: Work },
): Promise<Round> {
  const slices = timeSlices(work);
  const residual = orthonormalColumns(right);
  const combination = crossProducts(residual, right);
  const solution = Matrix.zeros(residual.rows, residual.columns);
  let directions = orthonormalColumns(preconditioner.apply(residual));
  let [iterations, products, norm] = [0, 0, known.norm];
  let [flats, flat]: [Matrix, number | null] = [Matrix.zeros(operator.size, 0), null];
  let best = { excess: Number.POSITIVE_INFINITY, iteration: 0 };
  let start = 0;
  const finish = (curvature: number | null): Round => {
    return { correction: combined(solution, combination), iterations, products, norm, curvature, flat };
  };
  while (directions.columns > 0 && iterations < remaining) {
    const { excess, overRounding } = progressOf(combined(residual, combination), combined(solution, combination), {
      targets,
      norm,
    });
    if (excess <= 1) break;
    start ||= excess;
    if (excess < WORTHWHILE * best.excess) best = { excess, iteration: iterations };
    if (overRounding < NEAR_ROUNDING && iterations - best.iteration > STALLED + operator.size) break;
    throwIfAborted(work.signal);
    const images = await operator.product(directions);
    iterations++;
    products += directions.columns;
    const { values, vectors } = symmetricEigen(crossProducts(directions, images));
    norm = Math.max(norm, values[values.length - 1]);
    if (!(values[0] >= -NEGATIVE * norm)) return finish(values[0]);
    const curved = values.filter((value) => value > NO_CURVATURE * norm);
    const without = values.length - curved.length;
    if (without > 0) {
      flat = values[0];
      flats = beside(flats, combined(directions, vectors.rowRange(0, without).transposed()));
      leaveOut(flats, residual);
    }
    const axes = vectors.rowRange(without, values.length).transposed();
    const along = combined(directions, axes);
    const alongImages = combined(images, axes);
    const steps = dividedRows(crossProducts(along, residual), curved);
    addProduct(solution, 1, along, steps);
    addProduct(residual, -1, alongImages, steps);
    const next = preconditioner.apply(residual);
    addProduct(next, -1, along, dividedRows(crossProducts(alongImages, next), curved));
    leaveOut(flats, next);
    directions = orthonormalColumns(next);
    if (slices.due()) {
      // Residuals fall by about the same factor with every pass.
      const done = Math.max(0, Math.round(PARTS * (1 - Math.log(excess) / Math.log(start)) || 0));
      const phase = `conjugate gradients: residual ${(0.5 * tolerance * excess).toExponential(0)}`;
      await slices.pause({ phase, done, total: PARTS });
    }
  }
  return finish(null);
}

/**
 * The largest ‖r‖ over its target (at most 1: all are met) and over ε‖H‖‖x‖. No target is lower than the latter: the recursion
 * goes on falling where the true residual cannot.
 */
function progressOf(
  residual: Matrix,
  solution: Matrix,
  { targets, norm }: { targets: Float64Array; norm: number },
): { excess: number; overRounding: number } {
  const rounding = columnNorms(solution).map((length) => Number.EPSILON * norm * length);
  const sizes = columnNorms(residual);
  return {
    excess: largestOf(sizes.map((size, k) => (size === 0 ? 0 : size / Math.max(targets[k], rounding[k])))),
    overRounding: largestOf(sizes.map((size, k) => (size <= targets[k] ? 0 : size / rounding[k]))),
  };
}

/** AC (d×k), A d×s and C s×k. */
function combined(a: Matrix, c: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, c.columns);
  addProduct(out, 1, a, c);
  return out;
}

const orthonormalColumns = (vectors: Matrix): Matrix => orthonormalRows(vectors.transposed()).transposed();

/** B (s×k) with row i divided by values[i]. */
function dividedRows(b: Matrix, values: Float64Array): Matrix {
  for (let i = 0, at = 0; i < b.rows; i++) {
    for (let k = 0; k < b.columns; k++, at++) b.data[at] /= values[i];
  }
  return b;
}

/** [A, B] */
function beside(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(b.rows, a.columns + b.columns);
  for (let j = 0; j < b.rows; j++) {
    out.row(j).set(a.row(j));
    out.row(j).set(b.row(j), a.columns);
  }
  return out;
}

/** V ← V − NN'V for a basis N that is orthonormal but for rounding. */
function leaveOut(basis: Matrix, vectors: Matrix): void {
  if (basis.columns > 0) addProduct(vectors, -1, basis, crossProducts(basis, vectors));
}

/** Adds column c of `from` to column columns[c] of `to`. */
function addColumns(to: Matrix, from: Matrix, columns: readonly number[]): void {
  for (let j = 0; j < to.rows; j++) {
    columns.forEach((k, c) => {
      to.data[j * to.columns + k] += from.data[j * from.columns + c];
    });
  }
}

function copyColumns(from: Matrix, to: Matrix, columns: readonly number[]): void {
  for (let j = 0; j < to.rows; j++)
    for (const k of columns) to.data[j * to.columns + k] = from.data[j * to.columns + k];
}
