import { AifError, numericalError } from "../errors.js";
import type { Work } from "../parallel/work.js";
import { maximumMagnitude } from "../threats/norms.js";
import { type ActiveOptimum, solveActive } from "./active-newton.js";
import { evaluateActive } from "./active-point.js";
import { type ActiveState, plainState } from "./active-state.js";
import { ActiveSystem } from "./active-system.js";
import { findOptimum, largestCoefficient } from "./optimum.js";
import type { RobustProblem } from "./optimum-problem.js";
import { naturalLossAt, nullOptimum } from "./optimum-result.js";
import { worseEnds } from "./optimum-rows.js";
import { changesBetween, changesFromFit, eventOf, type RobustPathEvent } from "./path-events.js";
import {
  CORRECTOR_ITERATIONS,
  correct,
  locateFirst,
  predict,
  type Stand,
  type Stretch,
  standAt,
} from "./path-follow.js";
import { followPiece, hasSmoothPieces, pieceStand } from "./path-piece.js";
import { followRows } from "./path-rows.js";
import { RestingPoint } from "./resting-point.js";

/** The exact optimum at one radius, and how it moves on. */
export interface RobustPathPoint {
  /** ρ */
  readonly radius: number;
  readonly parameters: Float64Array;
  /** dθ/dρ towards larger ρ (d). */
  readonly velocity: Float64Array;
  readonly naturalLoss: number;
  readonly robustLoss: number;
  readonly residual: number;
  readonly stuck: readonly number[];
  readonly zeros: readonly number[];
  readonly ties: readonly number[];
}

/** The first radius after 0, relative to the collapse radius: which corners the path leaves 0 on shows there. */
const FIRST_RADIUS = 1e-7;
/** Where rounding begins to decide the first radius' corners. */
const LEAST_RADIUS = 1e-11;
/** Followed up to here, relative to the collapse radius: there the coefficients are 0 up to rounding. */
const LAST_RADIUS = 1 - 1e-6;
/** How far beyond the radius up to which θ̂ stays the path is taken up again, relative to it: at first, and at most. */
const FIRST_MOTION = 1e-6;
const LAST_MOTION = 1e-3;
/** Of the collapse radius. */
const FIRST_STEP = 0.01;
const SMALLEST_STEP = 1e-9;
const LARGEST_GROWTH = 4;
const LARGEST_SHRINKAGE = 0.9;
/** With more kinked rows than this, residuals that stick and leave are followed in windows, or else gathered step by step. */
const LOCATED_ROWS = 300;
/** With more changes than this in one step, the step is halved before the first is located. */
const CHANGES_A_STEP = 4;

/** Follows the path from 0 on and collects its points. */
export class PathWalk {
  readonly points: RobustPathPoint[] = [];
  readonly events: RobustPathEvent[] = [];
  /** The state of each point before the collapse. */
  readonly states: ActiveState[] = [];
  /** Passes over the data. */
  readonly tally = { passes: 0 };
  /** θ̂ as long as it stays the optimum, up to the radius `end`. */
  resting: { readonly point: RestingPoint; readonly end: number } | null = null;
  private readonly locatesRows: boolean;
  /** Whether there are many, and windows of them suffice. */
  private readonly windowsRows: boolean;
  private readonly size: number;

  constructor(
    private readonly problem: RobustProblem,
    private readonly options: { readonly tolerance: number; readonly maximumSteps: number },
    private readonly work: Work,
  ) {
    this.locatesRows = problem.kinked.reduce((count, kinked) => count + kinked, 0) <= LOCATED_ROWS;
    this.windowsRows = !this.locatesRows && problem.fit.model.loss.quadratic;
    this.size = maximumMagnitude(problem.fit.parameters);
  }

  /** From 0 to `end`, or to where the path collapses. @throws numerical. */
  async follow(end: number): Promise<void> {
    const { problem, work } = this;
    const { collapseRadius } = problem;
    const last = Math.min(end, LAST_RADIUS * collapseRadius);
    const first = (await this.rest(last)) ?? (await this.leaveOrigin(last));
    if (first === "all") return;
    let stand = first;
    let bend: Float64Array | null = null;
    let h = FIRST_STEP * collapseRadius;
    for (let step = 0; stand.optimum.point.radius < last; step++) {
      if (step >= this.options.maximumSteps)
        throw numericalError(
          `The path has more than ${this.options.maximumSteps} steps: allow more steps, a larger tolerance, or a smaller last radius.`,
        );
      const from: Stand = stand;
      const start = from.optimum.point.radius;
      // Towards the collapse the coefficients shrink to nothing: by a factor of ten at most in one step, unless N is linear.
      const shrinking = -from.velocity.norm;
      if (shrinking > 0 && !from.motion)
        h = Math.min(h, (LARGEST_SHRINKAGE * from.optimum.point.norm.value) / shrinking);
      // A step that would leave a crumb takes it along.
      const target = start + 1.01 * h >= last ? last : start + h;
      const stretch = await this.followKnown(from, target);
      if (stretch) {
        const { point } = stretch.stand.optimum;
        const error = this.errorOf(stretch.predicted, point.state.theta);
        const by = point.radius - start;
        const fitting = by * this.growthAfter(error);
        // An end before the target says nothing against a step's length.
        h = point.radius < target && error <= this.options.tolerance ? Math.max(h, fitting) : fitting;
        if (error > 4 * this.options.tolerance && by > SMALLEST_STEP * collapseRadius) continue;
        this.events.push(...stretch.events);
        stand = this.add(stretch.stand);
        continue;
      }
      const near = predict(problem, from, target - start, bend);
      const smallest = h <= SMALLEST_STEP * collapseRadius;
      const found = await correct(problem, target, near, work, this.tally, smallest || !this.locatesRows);
      if (found === null) {
        h = (target - start) / 4;
        continue;
      }
      const { rows, features } = changesBetween(problem, from.optimum.point.state, found.point.state);
      const open = features.length > 0 || this.locatesRows ? [...rows, ...features] : [];
      if (open.length > 0 && !smallest) {
        const located =
          open.length <= CHANGES_A_STEP ? await locateFirst(problem, from, open, target, work, this.tally) : null;
        if (located === null) {
          h = (target - start) / 2;
          continue;
        }
        this.events.push(located.event);
        // Where one change has come, the next may not be far.
        h = Math.min(h, 2 * (located.event.radius - start) + SMALLEST_STEP * collapseRadius);
        stand = await this.addOptimum(located.stand.optimum);
        bend = null;
        continue;
      }
      const error = this.errorOf(near.theta, found.point.state.theta);
      if (error > 4 * this.options.tolerance && !smallest) {
        h = (target - start) / 2;
        continue;
      }
      for (const change of [...rows, ...features])
        this.events.push(eventOf(change, (start + target) / 2, (target - start) / 2));
      stand = await this.addOptimum(found);
      bend = rows.length + features.length > 0 ? null : bendBetween(from, stand);
      h = (target - start) * this.growthAfter(error);
    }
  }

  /** From 0 to the first radius beyond it; "all" where that is beyond `last`. */
  private async leaveOrigin(last: number): Promise<Stand | "all"> {
    const { problem } = this;
    let first = FIRST_RADIUS * problem.collapseRadius;
    let optimum = await this.firstOptimum(first);
    // Nearly collinear columns move so fast that corners lie before the first radius.
    while (first > LEAST_RADIUS * problem.collapseRadius && changesFromFit(problem, optimum.point).length > 0) {
      const nearer = await this.firstOptimum(first / 10).catch(notFound);
      if (nearer === null) break;
      first /= 10;
      optimum = nearer;
    }
    for (const change of changesFromFit(problem, optimum.point))
      this.events.push(eventOf(change, first / 2, first / 2));
    await this.addOrigin(optimum.point.state);
    return last <= first ? "all" : this.addOptimum(optimum);
  }

  /** Where θ̂ stays the optimum for a while: its points, and the stand beyond; "all" where it is until `last`, null where not at all. */
  private async rest(last: number): Promise<Stand | "all" | null> {
    const { problem, work } = this;
    const point = RestingPoint.of(problem);
    const end = point ? await point.lastRadius(last, work) : 0;
    const optimum = point && end > 0 ? await point.optimumAt(end, work) : null;
    if (point === null || optimum === null) return null;
    this.resting = { point, end };
    const next = await this.afterRest(end, last);
    const stand = next && (await this.standOf(next));
    const { parameters, naturalLoss, robustLoss, residual, active } = optimum;
    const still = new Float64Array(parameters.length);
    const sets = { stuck: active.stuckRows, zeros: active.zeroCoordinates, ties: active.tiedCoordinates };
    const state = plainState(problem, parameters, worseEnds(problem, problem.fit.scores, end * point.norm()));
    const origin = { radius: 0, velocity: still, robustLoss: naturalLoss, residual: 0 };
    this.points.push({ parameters, naturalLoss, ...origin, ...sets });
    const velocity = stand ? stand.velocity.theta : still;
    this.points.push({ radius: end, parameters, velocity, naturalLoss, robustLoss, residual, ...sets });
    this.states.push(state, state);
    if (!next || !stand) return "all";
    const held = { ...state, stuck: active.stuckRows, zeros: sets.zeros, tied: sets.ties };
    const { rows, features } = changesBetween(problem, held, next.point.state);
    const within = (next.point.radius - end) / 2;
    for (const change of [...rows, ...features]) this.events.push(eventOf(change, end + within, within));
    return this.add(stand);
  }

  /** The optimum as soon after θ̂ has begun to move as it can be told from θ̂; null where that is beyond `last`. */
  private async afterRest(end: number, last: number): Promise<ActiveOptimum | null> {
    const { problem, work, tally } = this;
    for (let share = FIRST_MOTION; end * (1 + share) < last; share *= 10) {
      try {
        const optimum = await findOptimum(problem, end * (1 + share), problem.fit.parameters, work);
        tally.passes += optimum.iterations;
        return optimum;
      } catch (error) {
        if (!(error instanceof AifError && error.code === "numerical") || share >= LAST_MOTION) throw error;
      }
    }
    return null;
  }

  /** By second derivatives or moments, where the problem allows it; null where not, or where that has failed. */
  private async followKnown(from: Stand, target: number): Promise<Stretch | null> {
    const { problem, work, tally } = this;
    if (from.motion) return followPiece(problem, { ...from, motion: from.motion }, target, work, tally);
    return this.windowsRows ? followRows(problem, from, target, work, tally) : null;
  }

  /** The optimum right after 0, from θ̂ itself unless corners are in the way. */
  private async firstOptimum(radius: number): Promise<ActiveOptimum> {
    const { problem, work, tally } = this;
    const { parameters, scores } = problem.fit;
    const kappa = worseEnds(problem, scores, radius * largestCoefficient(problem, parameters));
    const near = plainState(problem, parameters, kappa);
    const options = { maximumIterations: CORRECTOR_ITERATIONS, tally };
    const found = problem.hasKinkedRows ? null : await solveActive(problem, radius, near, options, work);
    if (found) return found;
    const optimum = await findOptimum(problem, radius, parameters, work);
    tally.passes += optimum.iterations;
    return optimum;
  }

  private async addOptimum(optimum: ActiveOptimum): Promise<Stand> {
    return this.add(await this.standOf(optimum));
  }

  private async standOf(optimum: ActiveOptimum): Promise<Stand> {
    const { problem, work, tally } = this;
    return hasSmoothPieces(problem) ? pieceStand(problem, optimum, work, tally) : standAt(problem, optimum);
  }

  /** With a known bend a prediction's error is of third order in the step, otherwise of second. */
  private growthAfter(error: number): number {
    const growth = 0.9 * (this.options.tolerance / Math.max(error, 1e-300)) ** (1 / 3);
    return Math.min(LARGEST_GROWTH, Math.max(0.3, growth));
  }

  /** The null model from the collapse radius to `end`. */
  async collapse(end: number): Promise<void> {
    const { collapseRadius } = this.problem;
    for (const radius of new Set([collapseRadius, end])) {
      const { parameters, naturalLoss, robustLoss, residual, active } = await nullOptimum(
        this.problem,
        radius,
        this.work,
      );
      const velocity = new Float64Array(parameters.length);
      const sets = { stuck: [], zeros: active.zeroCoordinates, ties: [] };
      this.points.push({ radius, parameters, velocity, naturalLoss, robustLoss, residual, ...sets });
    }
    this.events.push({ radius: collapseRadius, within: 0, kind: "collapse" });
  }

  /** θ̂ with its velocity on the corners that the path leaves it on. */
  private async addOrigin(state: ActiveState): Promise<void> {
    const { problem, work } = this;
    const origin = { ...state, theta: problem.fit.parameters };
    const point = await evaluateActive(problem, 0, origin, work);
    this.add(standAt(problem, { point, system: new ActiveSystem(problem, point), iterations: 1 }));
    this.tally.passes++;
  }

  private add(stand: Stand): Stand {
    const { point } = stand.optimum;
    const { state, sums, radius, residual } = point;
    this.states.push(state);
    this.points.push({
      radius,
      parameters: state.theta,
      velocity: stand.velocity.theta,
      naturalLoss: naturalLossAt(this.problem, sums.scores),
      robustLoss: sums.loss,
      residual,
      stuck: state.stuck.toSorted((a, b) => a - b),
      zeros: state.zeros.toSorted((a, b) => a - b),
      ties: state.tied.length > 1 ? state.tied.toSorted((a, b) => a - b) : [],
    });
    return stand;
  }

  private errorOf(predicted: Float64Array, found: Float64Array): number {
    let largest = 0;
    for (let j = 0; j < found.length; j++) largest = Math.max(largest, Math.abs(predicted[j] - found[j]));
    return largest / this.size;
  }
}

/** An optimum that is not found is null; everything else remains an error. */
function notFound(error: unknown): null {
  if (error instanceof AifError && error.code === "numerical") return null;
  throw error;
}

/** d²θ/dρ² from the velocities of two stands on one piece (d). */
function bendBetween(from: Stand, to: Stand): Float64Array {
  const h = to.optimum.point.radius - from.optimum.point.radius;
  return to.velocity.theta.map((value, j) => (value - from.velocity.theta[j]) / h);
}
