/** One run of block conjugate gradients, from zero. */
import { throwIfAborted } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { orthonormalRows } from "../linalg/orthonormal-rows.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { randomStream } from "../stats/random.js";
import {
  addProduct,
  beside,
  columnNorms,
  combined,
  crossProducts,
  dividedRows,
  identity,
  leaveOut,
  takeColumns,
  withoutRemnants,
} from "./columns.js";
import { largestOf } from "./linear-solution.js";
import type { SymmetricOperator } from "./operator.js";
import type { Preconditioner } from "./preconditioner.js";

/** A curvature below this share of ‖H‖ is 0 or less but for rounding. */
const NO_CURVATURE = 4 * Number.EPSILON;
/** One below minus this share is negative beyond rounding. */
const NEGATIVE = 1e-12;
/** Residuals have halved where the largest, beside its target, is below this share of what it was at best. */
const HALVED = 0.5;
/**
 * A recursion this near to ε‖H‖‖x‖ whose residual has not halved for so many passes has lost its way to rounding (far from
 * there residuals may well rise for hundreds of passes): it begins anew from the true residual.
 */
const NEAR_ROUNDING = 1e7;
const STALLED = 100;
/** Passes after which the rate at which residuals fall is known well enough. */
const RATE_KNOWN = 8;
/** Of the way from the first residual to the last, on a logarithmic scale, for whoever watches. */
const PARTS = 100;

export interface Round {
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

export interface RoundSettings {
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
export async function runRound(
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
    if (excess < HALVED * best.excess) best = { excess, iteration: iterations };
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

const orthonormalColumns = (vectors: Matrix): Matrix => orthonormalRows(vectors.transposed()).transposed();
