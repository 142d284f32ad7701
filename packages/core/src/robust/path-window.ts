import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { dot, hessianTimes } from "../solvers/inverse-hessian.js";
import { maximumMagnitude } from "../threats/norms.js";
import { type ActivePoint, activePoint, baseNorm } from "./active-point.js";
import type { ActiveState } from "./active-state.js";
import type { RobustProblem } from "./optimum-problem.js";
import type { RowSums } from "./optimum-rows.js";
import type { Stand } from "./path-follow.js";
import type { PathVelocity } from "./path-velocity.js";
import { advance } from "./smoothing-newton.js";

/** Rows of one window at most. */
const WINDOW_ROWS = 400;
/** A row is in the window if it would reach its corner at this multiple of its own rate plus a share of the mean rate. */
const OWN_RATE = 1.5;
const MEAN_RATE = 1;
/** How far scores may stray from the stand's straight line, on average and relative to what the mean rate allows for. */
const STRAY = 0.3;
/** Rates below this share of the largest, or of what would move a score by its size up to the collapse, are rounding. */
const STILL = 1e-11;

/**
 * The rows near their corner at a stand of the path of a squared loss, and all that Newton's method needs of the others: with
 * residuals r = f − y, Δ = θ − θ₀ and R = ρN, h = s(r² + 2κrR + R²), so that
 * Σ w h_f v = 2s(Σ w r₀v + GΔ + R·Σ w κv), Σ w h_R = 2s(Σ w κr₀ + Δ'Σ w κv + RΣ w), G = Σ w vv',
 * and a row that changes its κ changes two of these sums.
 */
export class RowWindow {
  /** The stand's state; its κ are written to as rows change theirs. */
  readonly state: ActiveState;
  /** The radius up to which the window's rows are those that can reach their corner. */
  readonly end: number;
  private readonly origin: Float64Array;
  /** n: f, up to date where it is looked at. */
  private readonly scores: Float64Array;
  private readonly rows: readonly number[];
  /** |rows|×d, |rows|: v_i and r_i at the origin. */
  private readonly features: Matrix;
  private readonly residuals: Float64Array;
  /** The stand's radius and dθ/dρ, and how far scores may stray, √Σ w(v'(Δ − hθ̇))². */
  private readonly start: number;
  private readonly heading: Float64Array;
  private readonly leeway: number;
  private readonly curvature: number;
  private readonly weight: number;
  private readonly pull: Float64Array;
  private readonly squares: number;
  private readonly turned: Float64Array;
  private turnedResidual = 0;
  private turnedWeight = 0;

  static async around(problem: RobustProblem, from: Stand, target: number, work: Work): Promise<RowWindow> {
    const { map } = problem.fit.model;
    const { data } = problem.fit;
    const { sums, state } = from.optimum.point;
    const rates = new Float64Array(data.rows);
    const { pull } = await sweep(
      map,
      data,
      { theta: asColumn(from.velocity.theta), pull: 2, phase: "robust optimum" },
      ({ block: { y, w, firstRow }, scores, pull: omega }) => {
        rates.set(scores.data, firstRow);
        for (let i = 0; i < y.length; i++) {
          omega.data[2 * i] = w[i] * (sums.scores[firstRow + i] - y[i]);
          omega.data[2 * i + 1] = w[i] * state.kappa[firstRow + i];
        }
      },
      work,
    );
    return new RowWindow(problem, from, target, rates, pull);
  }

  private constructor(
    private readonly problem: RobustProblem,
    { optimum: { point }, velocity }: Stand,
    target: number,
    rates: Float64Array,
    pull: Matrix,
  ) {
    const { kinked, fit, rowFeatures } = problem;
    const { y, weights } = fit.data;
    this.state = { ...point.state, kappa: point.state.kappa.slice() };
    this.origin = point.state.theta;
    this.scores = point.sums.scores.slice();
    this.curvature = fit.model.loss.second(0, 0);
    const d = this.origin.length;
    this.pull = Float64Array.from({ length: d }, (_, j) => pull.data[2 * j]);
    this.turned = Float64Array.from({ length: d }, (_, j) => pull.data[2 * j + 1]);
    let weight = 0;
    let squares = 0;
    let meanRate = 0;
    for (let i = 0; i < y.length; i++) {
      const r = this.scores[i] - y[i];
      const kappa = this.state.kappa[i];
      weight += weights[i];
      squares += weights[i] * r * r;
      this.turnedResidual += weights[i] * kappa * r;
      this.turnedWeight += weights[i] * kappa * kappa;
      meanRate += weights[i] * Math.abs(rates[i]);
    }
    this.weight = weight;
    this.squares = squares;
    // How far the radius can grow before a row is at its corner, on the safe side.
    const held = new Set(point.state.stuck);
    const distance = rates.map((rate, i) =>
      kinked[i] === 1 && !held.has(i)
        ? Math.abs(this.scores[i] - y[i]) / (OWN_RATE * Math.abs(rate) + MEAN_RATE * meanRate)
        : Number.POSITIVE_INFINITY,
    );
    const sorted = distance.slice().sort();
    const reach = Math.min(target - point.radius, sorted[Math.min(WINDOW_ROWS, sorted.length - 1)]);
    this.end = Math.min(target, point.radius + reach);
    this.start = point.radius;
    this.heading = velocity.theta;
    this.leeway = STRAY * MEAN_RATE * meanRate * reach;
    const near: number[] = [...point.state.stuck];
    distance.forEach((value, i) => {
      if (value <= reach) near.push(i);
    });
    this.rows = near;
    this.features = rowFeatures(near);
    this.residuals = Float64Array.from(near, (i) => this.scores[i] - y[i]);
  }

  /** How far a piece can be followed from a state on it before rows outside of the window may come in. */
  endOf({ theta }: ActiveState, radius: number, { theta: rate }: PathVelocity): number {
    const h = radius - this.start;
    const strayed = this.size(theta.map((value, j) => value - this.origin[j] - h * this.heading[j]));
    const straying = this.size(rate.map((value, j) => value - this.heading[j]));
    const by =
      strayed + straying * (this.end - radius) <= this.leeway ? this.end - radius : (this.leeway - strayed) / straying;
    return by > 0 ? Math.min(this.end, radius + by) : radius;
  }

  /** √Σ w(v'x)² */
  private size(x: Float64Array): number {
    return Math.sqrt(Math.max(0, dot(x, hessianTimes(this.problem.moments, x))));
  }

  /** A row takes another κ. */
  setKappa(row: number, value: number): void {
    const { kappa } = this.state;
    const by = value - kappa[row];
    if (by === 0) return;
    const at = this.rows.indexOf(row);
    const change = this.problem.fit.data.weights[row] * by;
    const v = this.features.row(at);
    for (let j = 0; j < v.length; j++) this.turned[j] += change * v[j];
    this.turnedResidual += change * this.residuals[at];
    this.turnedWeight += change * (value + kappa[row]);
    kappa[row] = value;
  }

  /** κ of stuck rows by a change of their rate. */
  turn(stuck: readonly number[], rates: Float64Array, by: number): void {
    stuck.forEach((row, e) => {
      this.setKappa(row, this.state.kappa[row] + by * rates[e]);
    });
  }

  /** A state after h times a motion; κ of its stuck rows move in place. */
  moved(
    state: ActiveState,
    motion: PathVelocity,
    h: number,
    settle: (theta: Float64Array) => Float64Array,
  ): ActiveState {
    this.turn(state.stuck, motion.kappa, h);
    return { ...state, theta: settle(advance(this.problem, state.theta, motion.theta, h)) };
  }

  /** Brings a row's score up to date. */
  refresh({ theta }: ActiveState, row: number): void {
    const at = this.rows.indexOf(row);
    const v = this.features.row(at);
    let residual = this.residuals[at];
    for (let j = 0; j < v.length; j++) residual += v[j] * (theta[j] - this.origin[j]);
    this.scores[row] = this.problem.fit.data.y[row] + residual;
  }

  /** What a state of the window says about itself, without a pass over the data. */
  pointAt(radius: number, state: ActiveState): ActivePoint {
    for (const row of state.stuck) this.refresh(state, row);
    const reach = radius * baseNorm(this.problem, state).value;
    return activePoint(this.problem, radius, state, this.sums(state.theta, reach), reach);
  }

  /** Calls back with side·r and side·v'θ̇ of every row of the window that is not stuck and moves. */
  eachLoose(
    { theta, stuck, kappa }: ActiveState,
    rate: Float64Array,
    visit: (row: number, value: number, rate: number) => void,
  ): void {
    const { rows, features, residuals } = this;
    const d = theta.length;
    const values = residuals.slice();
    const rates = new Float64Array(rows.length);
    if (rows.length === 0) return;
    const moved = theta.map((value, j) => value - this.origin[j]);
    blas().gemv(false, rows.length, d, 1, features.data, d, moved, 1, values);
    blas().gemv(false, rows.length, d, 1, features.data, d, rate, 0, rates);
    const held = new Set(stuck);
    // A row like one that is stuck does not move, but for rounding; nor does any where all parameters are held.
    const { cornerSize, collapseRadius } = this.problem;
    const still = STILL * Math.max(maximumMagnitude(rates), cornerSize / collapseRadius);
    for (let a = 0; a < rows.length; a++) {
      const row = rows[a];
      if (!held.has(row) && Math.abs(rates[a]) > still) visit(row, kappa[row] * values[a], kappa[row] * rates[a]);
    }
  }

  private sums(theta: Float64Array, reach: number): RowSums {
    const { curvature, pull, turned, turnedResidual, turnedWeight, weight, scores } = this;
    const { moments } = this.problem;
    const moved = theta.map((value, j) => value - this.origin[j]);
    const onMoments = hessianTimes(moments, moved);
    const slope = pull.map((value, j) => curvature * (value + onMoments[j] + reach * turned[j]));
    const turnedNow = turnedResidual + dot(turned, moved);
    // Σ w r², at the origin and from there on.
    const squares = this.squares + 2 * dot(pull, moved) + dot(onMoments, moved);
    return {
      scores,
      // Not asked for within a window.
      loss: Number.NaN,
      slope,
      cross: turned.map((value) => curvature * value),
      gram: new Matrix(
        moments.data.map((value) => curvature * value),
        moments.rows,
        moments.columns,
      ),
      push: curvature * (turnedNow + reach * weight),
      bend: curvature * weight,
      slopeSize: curvature * Math.sqrt(Math.max(0, squares + 2 * reach * turnedNow + reach * reach * turnedWeight)),
    };
  }
}
