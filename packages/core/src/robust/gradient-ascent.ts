import { Matrix } from "../linalg/matrix.js";
import { randomStream } from "../stats/random.js";
import { norm } from "../threats/norms.js";
import type { AttackSearch } from "./attack-result.js";
import type { PerturbationSet } from "./perturbation-set.js";

/** Steps grow by the first of these while the loss rises as it should, and shrink by the second where it does not. */
const GROWTH = 2;
const SHRINKAGE = 0.4;
/** A step must win this share of what the gradient promises; longer ones would overshoot a curved maximum again and again. */
const SUFFICIENT_RISE = 0.3;
/** A row rests where a step of more than `TELLING_STEP` moves it by less than `RESTING_MOVE`, relative to its set. */
const RESTING_MOVE = 1e-14;
const TELLING_STEP = 1e-2;
/** A step of at least this share of its set tells how much there is still to win. */
const LONG_STEP = 0.1;
/** A row rests where even steps this short do not raise its loss. */
const SHORTEST_STEP = 1e-9;
/** Longer steps beside their set are projected to the same points, and overflow where a softmax that was sure of itself is no more. */
const LONGEST_STEP = 1e6;
/** A slope this small is none: no step along it is long enough, and it promises nothing. */
const FLAT = 1e-250;
/** With a precision, a row whose long step fails rests where that promised less than this share of the mean loss, times the precision. */
const NEGLIGIBLE = 1e-4;

/** Losses of r rows that are moved, seen through what an ascent needs of them. */
export interface MovableRows {
  /** r×m: the rows as they are. */
  readonly x: Matrix;
  /** Index of the first one in the data set. */
  readonly firstRow: number;
  /**
   * The losses at `moved`, of all r rows or of those listed, in that order.
   * @param withSlopes whether `writeSlope` will be asked for.
   */
  evaluate(moved: Matrix, withSlopes: boolean, rows?: Int32Array): MovedRows;
  /** Writes a direction in which the loss of row i rises fastest at δ = 0, of any length; for the first-order starts. */
  writeDirection(i: number, out: Float64Array): void;
}

/** What `evaluate` found. */
export interface MovedRows {
  readonly losses: Float64Array;
  /** Writes ∇x l (m) of the i-th row evaluated. */
  writeSlope(i: number, out: Float64Array): void;
}

/** Where an ascent stands: perturbations (r×m), losses (r). */
export interface Ascent {
  readonly delta: Matrix;
  readonly losses: Float64Array;
}

/**
 * Projected gradient ascent δ ← P(δ + α∇x l) from several starts, every row with its own α, monotone in the loss: the best that
 * each row found, a lower bound of its worst loss (MATH 13).
 */
export function ascend(
  rows: MovableRows,
  set: PerturbationSet,
  { steps = 200, stepSize = 0.5, restarts = 2, seed = 0, firstOrderStarts = true, precision = 0 }: AttackSearch,
): Ascent {
  const { x, firstRow } = rows;
  const climber = new Climber(rows, set, stepSize, precision);
  const best = climber.climb(Matrix.zeros(x.rows, x.columns), steps);
  const tryFrom = (start: Matrix): void => keepBetter(best, climber.climb(start, steps));
  if (firstOrderStarts) for (const sign of [1, -1]) tryFrom(climber.firstOrder(sign));
  // The ball of p = 1 has few corners, and gradients seldom lead from one to another.
  if (firstOrderStarts && set.p === 1) tryFrom(climber.bestCorner());
  for (let restart = 0; restart < restarts; restart++) {
    const start = Matrix.zeros(x.rows, x.columns);
    for (let i = 0; i < x.rows; i++) {
      set.random(randomStream(seed + restart, firstRow + i), x.row(i), start.row(i));
    }
    tryFrom(start);
  }
  return best;
}

/** x + δ, row by row. */
export function moveRows(set: PerturbationSet, x: Matrix, delta: Matrix): Matrix {
  const moved = Matrix.zeros(x.rows, x.columns);
  for (let i = 0; i < x.rows; i++) set.moveRow(x.row(i), delta.row(i), moved.row(i));
  return moved;
}

function keepBetter(best: Ascent, other: Ascent): void {
  for (let i = 0; i < best.losses.length; i++) {
    if (!(other.losses[i] > best.losses[i])) continue;
    best.losses[i] = other.losses[i];
    best.delta.row(i).set(other.delta.row(i));
  }
}

class Climber {
  constructor(
    private readonly rows: MovableRows,
    private readonly set: PerturbationSet,
    private readonly stepSize: number,
    private readonly precision: number,
  ) {}

  /** ±ρφ(g_i) at δ = 0; rows without a gradient go where their score does. */
  firstOrder(sign: number): Matrix {
    const { x } = this.rows;
    const delta = Matrix.zeros(x.rows, x.columns);
    const direction = new Float64Array(x.columns);
    for (let i = 0; i < x.rows; i++) {
      this.rows.writeDirection(i, direction);
      if (sign < 0) for (let k = 0; k < direction.length; k++) direction[k] = -direction[k];
      this.set.furthest(direction, x.row(i), delta.row(i));
    }
    return delta;
  }

  /** The corner ±ρb_k e_k of the ball of p = 1, cut at the box, with the highest loss of each row. */
  bestCorner(): Matrix {
    const { set } = this;
    const { x } = this.rows;
    const best = Matrix.zeros(x.rows, x.columns);
    const highest = new Float64Array(x.rows).fill(Number.NEGATIVE_INFINITY);
    const corner = Matrix.zeros(x.rows, x.columns);
    const towards = new Float64Array(x.columns);
    for (let k = 0; k < x.columns; k++) {
      if (set.extents[k] === 0) continue;
      for (const sign of [1, -1]) {
        towards.fill(0);
        towards[k] = sign;
        for (let i = 0; i < x.rows; i++) set.furthest(towards, x.row(i), corner.row(i));
        const { losses } = this.rows.evaluate(moveRows(set, x, corner), false);
        for (let i = 0; i < x.rows; i++) {
          if (losses[i] <= highest[i]) continue;
          highest[i] = losses[i];
          best.row(i).set(corner.row(i));
        }
      }
    }
    return best;
  }

  /** Up to `steps` steps from a start (r×m, overwritten). Rows that rest are not evaluated again. */
  climb(delta: Matrix, steps: number): Ascent {
    const { rows, set, precision } = this;
    const { x } = rows;
    const { rows: r, columns: m } = x;
    const start = rows.evaluate(moveRows(set, x, delta), true);
    const losses = start.losses.slice();
    const gradients = Matrix.zeros(r, m);
    const { lengths, alphas } = this.firstSteps(start, gradients);
    const candidate = Matrix.zeros(r, m);
    const buffer = new Float64Array(r * m);
    const promised = new Float64Array(r);
    const long = new Uint8Array(r);
    const negligible = (precision * NEGLIGIBLE * losses.reduce((sum, loss) => sum + Math.abs(loss), 0)) / r;
    const rested = (i: number): boolean => alphas[i] === 0;
    let climbing = Int32Array.from(alphas.keys()).filter((i) => !rested(i));
    for (let step = 0; step < steps && climbing.length > 0; step++) {
      for (const i of climbing) {
        const [from, to, g] = [delta.row(i), candidate.row(i), gradients.row(i)];
        const size = norm(g, 2);
        const alpha = size < FLAT ? 0 : Math.min(alphas[i], (LONGEST_STEP * lengths[i]) / size);
        alphas[i] = alpha;
        for (let k = 0; k < m; k++) to[k] = from[k] + alpha * g[k];
        set.project(to, x.row(i));
        let change = 0;
        let promise = 0;
        for (let k = 0; k < m; k++) {
          const move = to[k] - from[k];
          change = Math.max(change, Math.abs(move));
          promise += g[k] * move;
        }
        promised[i] = promise;
        const step = alpha * size;
        long[i] = step >= LONG_STEP * lengths[i] ? 1 : 0;
        if (change <= RESTING_MOVE * lengths[i] && step >= TELLING_STEP * lengths[i]) alphas[i] = 0;
        // Along the edge of its set, where no more is to be had. Not before a step has succeeded: where a softmax is sure of itself,
        // slopes promise nothing of what lies further away.
        if (long[i] === 1 && promise < precision * (losses[i] - start.losses[i])) alphas[i] = 0;
      }
      climbing = climbing.filter((i) => !rested(i));
      if (climbing.length === 0) break;
      const moved = new Matrix(buffer.subarray(0, climbing.length * m), climbing.length, m);
      climbing.forEach((i, at) => set.moveRow(x.row(i), candidate.row(i), moved.row(at)));
      const found = rows.evaluate(moved, true, climbing);
      climbing.forEach((i, at) => {
        const rise = found.losses[at] - losses[i];
        if (rise > 0 && rise >= SUFFICIENT_RISE * promised[i]) {
          losses[i] = found.losses[at];
          delta.row(i).set(candidate.row(i));
          const nothingLeft = long[i] === 1 && rise <= precision * (losses[i] - start.losses[i]);
          this.writeSlope(found, at, gradients.row(i));
          alphas[i] = nothingLeft ? 0 : alphas[i] * GROWTH;
        } else if (long[i] === 1 && promised[i] <= negligible) {
          alphas[i] = 0;
        } else {
          alphas[i] *= SHRINKAGE;
          if (alphas[i] * norm(gradients.row(i), 2) < SHORTEST_STEP * lengths[i]) alphas[i] = 0;
        }
      });
      climbing = climbing.filter((i) => !rested(i));
    }
    return { delta, losses };
  }

  /** Lengths of the ways ρφ(g_i) and the α of a first step of `stepSize` times that length; 0 where there is no gradient. */
  private firstSteps(at: MovedRows, gradients: Matrix): { lengths: Float64Array; alphas: Float64Array } {
    const { x } = this.rows;
    const lengths = new Float64Array(x.rows);
    const alphas = new Float64Array(x.rows);
    const way = new Float64Array(x.columns);
    for (let i = 0; i < x.rows; i++) {
      const g = gradients.row(i);
      this.writeSlope(at, i, g);
      this.set.furthest(g, x.row(i), way);
      lengths[i] = norm(way, 2);
      const size = norm(g, 2);
      alphas[i] = size >= FLAT ? (this.stepSize * lengths[i]) / size : 0;
    }
    return { lengths, alphas };
  }

  /** ∇x l_i, 0 on frozen features. */
  private writeSlope(at: MovedRows, i: number, out: Float64Array): void {
    at.writeSlope(i, out);
    const { extents } = this.set;
    for (let k = 0; k < out.length; k++) if (extents[k] === 0) out[k] = 0;
  }
}
