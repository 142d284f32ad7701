import { throwIfAborted, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { orthonormalRows } from "../linalg/orthonormal-rows.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { randomStream } from "../stats/random.js";
import { addProduct, columnNorms, crossProducts, takeColumns } from "./columns.js";
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
/** Passes after which the rate at which residuals fall is known well enough. */
const RATE_KNOWN = 8;
/** A preconditioner must save more than its cost: passes with it are some too. */
const WORTH_MAKING = 1.5;
/** Of the way from the first residual to the last, on a logarithmic scale, for whoever watches. */
const PARTS = 100;
/** Of a direction that is a combination of those before it but for rounding, no more than this share is left. */
const REMNANT = 1e-13;
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
  /** Whether it was left because a preconditioner would pay. */
  readonly slow: boolean;
}

interface RoundSettings {
  /** ‖r‖ to be met, one a column. */
  readonly targets: Float64Array;
  /** The same beside ‖b‖, for whoever watches. */
  readonly tolerances: Float64Array;
  /** Products to come that are worth leaving for. */
  readonly worth: number;
  readonly remaining: number;
  /** ‖H‖ from below; null where nothing is known of it. */
  readonly norm: number | null;
  readonly work: Work;
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

/** A unit vector in a random direction: the first curvatures may be those of flat directions alone. */
function randomDirection(size: number): Matrix {
  const direction = Matrix.zeros(size, 1);
  randomStream(0).fillNormals(direction.data);
  const [length] = columnNorms(direction);
  for (let j = 0; j < size; j++) direction.data[j] /= length;
  return direction;
}

/** Directions that later ones are made conjugate to: P, HP and the curvatures p'Hp. */
interface Conjugate {
  readonly along: Matrix;
  readonly images: Matrix;
  readonly curved: Float64Array;
}

/**
 * Conjugate gradients from zero until the residuals as the recursion carries them meet the targets (‖r‖, one a column), for an
 * orthonormal basis of the right-hand sides, of which the columns are combinations.
 */
async function runRound(
  operator: SymmetricOperator,
  preconditioner: Preconditioner,
  right: Matrix,
  { targets, tolerances, worth, remaining, work, ...known }: RoundSettings,
): Promise<Round> {
  const slices = timeSlices(work);
  const correction = Matrix.zeros(right.rows, right.columns);
  /** The columns that are not done, and what they are combinations of. */
  let open = Array.from(targets.keys());
  let residual = orthonormalColumns(right);
  let combination = crossProducts(residual, right);
  let solution = Matrix.zeros(residual.rows, residual.columns);
  let directions = orthonormalColumns(preconditioner.apply(residual));
  let [iterations, products, norm] = [0, 0, known.norm ?? 0];
  let [flats, flat]: [Matrix, number | null] = [Matrix.zeros(operator.size, 0), null];
  let best = { excess: Number.POSITIVE_INFINITY, iteration: 0 };
  let starts: Float64Array | null = null;
  let last: Conjugate | null = null;
  /** Of columns that have left: with them the residuals no longer keep later directions conjugate to these by themselves. */
  const left: Conjugate[] = [];
  const least = tolerances.reduce((a, b) => Math.min(a, b));
  const settle = (): void => {
    const settled = combined(solution, combination);
    open.forEach((k, c) => {
      for (let j = 0; j < correction.rows; j++) {
        correction.data[j * correction.columns + k] = settled.data[j * settled.columns + c];
      }
    });
  };
  const finish = (curvature: number | null, slow = false): Round => {
    settle();
    return { correction, iterations, products, norm, curvature, flat, slow };
  };
  while (directions.columns > 0 && iterations < remaining) {
    const own = combined(residual, combination);
    const { excesses, overRounding } = progressOf(own, combined(solution, combination), {
      targets: Float64Array.from(open, (k) => targets[k]),
      norm,
    });
    const excess = largestOf(excesses);
    if (excess <= 1) break;
    starts ??= excesses;
    if (excess < WORTHWHILE * best.excess) best = { excess, iteration: iterations };
    if (overRounding < NEAR_ROUNDING && iterations - best.iteration > STALLED + operator.size) break;
    if (iterations >= RATE_KNOWN && productsToCome(starts, excesses, open, iterations) > worth)
      return finish(null, true);
    throwIfAborted(work.signal);
    const first = iterations === 0 && known.norm === null;
    const asked = first ? beside(directions, randomDirection(operator.size)) : directions;
    let images = await operator.product(asked);
    iterations++;
    products += asked.columns;
    if (first) {
      norm = columnNorms(images)[directions.columns];
      images = takeColumns(images, [...Array(directions.columns).keys()]);
    }
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
    last = { along: combined(directions, axes), images: combined(images, axes), curved };
    const steps = dividedRows(crossProducts(last.along, residual), curved);
    addProduct(solution, 1, last.along, steps);
    addProduct(residual, -1, last.images, steps);
    const current = combined(residual, combination);
    const sizes = columnNorms(current);
    const going = [...open.keys()].filter((c) => tolerances[open[c]] <= least || !(sizes[c] <= targets[open[c]]));
    if (going.length < open.length) {
      settle();
      left.push(last);
      solution = takeColumns(combined(solution, combination), going);
      residual = takeColumns(current, going);
      combination = identity(going.length);
      open = going.map((c) => open[c]);
    }
    const next = preconditioner.apply(residual);
    const lengths = columnNorms(next);
    for (const { along, images: moved, curved: sizes } of left.includes(last) ? left : [...left, last]) {
      addProduct(next, -1, along, dividedRows(crossProducts(moved, next), sizes));
    }
    leaveOut(flats, next);
    if (left.length > 0) withoutRemnants(next, lengths);
    directions = orthonormalColumns(next);
    if (slices.due()) {
      // Residuals fall by about the same factor with every pass.
      const start = largestOf(starts);
      const done = Math.max(0, Math.round(PARTS * (1 - Math.log(excess) / Math.log(start)) || 0));
      const phase = `conjugate gradients: residual ${(0.5 * largestOf(tolerances) * excess).toExponential(0)}`;
      await slices.pause({ phase, done, total: PARTS });
    }
  }
  return finish(null);
}

/** Σ over the open columns of the passes that each has still to come at the rate it has had. */
function productsToCome(
  starts: Float64Array,
  excesses: Float64Array,
  open: readonly number[],
  iterations: number,
): number {
  return open.reduce((sum, k, c) => {
    if (excesses[c] <= 1) return sum;
    const fallen = Math.log(starts[k] / excesses[c]);
    return sum + (fallen > 0 ? (iterations * Math.log(excesses[c])) / fallen : Number.POSITIVE_INFINITY);
  }, 0);
}

/** Sets columns to 0 of which next to nothing is left. @param lengths those they had */
function withoutRemnants(vectors: Matrix, lengths: Float64Array): void {
  columnNorms(vectors).forEach((length, k) => {
    if (length > REMNANT * lengths[k]) return;
    for (let at = k; at < vectors.data.length; at += vectors.columns) vectors.data[at] = 0;
  });
}

function identity(size: number): Matrix {
  const out = Matrix.zeros(size, size);
  for (let k = 0; k < size; k++) out.data[k * (size + 1)] = 1;
  return out;
}

/**
 * ‖r‖ over its target (at most 1: it is met) and, of those not met, the largest over ε‖H‖‖x‖. No target is lower than the latter: the
 * recursion goes on falling where the true residual cannot.
 */
function progressOf(
  residual: Matrix,
  solution: Matrix,
  { targets, norm }: { targets: Float64Array; norm: number },
): { excesses: Float64Array; overRounding: number } {
  const rounding = columnNorms(solution).map((length) => Number.EPSILON * norm * length);
  const sizes = columnNorms(residual);
  return {
    excesses: sizes.map((size, k) => (size === 0 ? 0 : size / Math.max(targets[k], rounding[k]))),
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
