import type { Matrix } from "../linalg/matrix.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { dot, invertHessian } from "../solvers/inverse-hessian.js";
import { norm } from "../threats/norms.js";
import type { RobustProblem } from "./optimum-problem.js";
import { naturalLossAt, type RobustOptimum } from "./optimum-result.js";
import { relativeSize } from "./smoothing-newton.js";
import { smoothNorm } from "./smoothing-norm.js";

/** Residuals below this share of the largest score or target are rounding. */
const RESIDUAL_SLACK = 1e-12;
/** Coefficients this close to 0 or to the largest, relative to the largest, are where a fit without noise puts them. */
const COEFFICIENT_SLACK = 1e-12;
const MAXIMUM_STEPS = 100;
/** The relative subgradient at which multipliers are found. */
const FOUND = 1e-12;

const LAST_RADIUS_TOLERANCE = 1e-11;
/** Of the largest in question: below, θ̂ rests nowhere. */
const SMALLEST_RADIUS = 1e-9;

/** Multipliers of the corners that a fit without noise sits on. */
interface Multipliers {
  /** n: κ */
  readonly kappa: Float64Array;
  /** d: ∂N with τ on Z and π on T. */
  readonly normGradient: Float64Array;
  /** As `RobustOptimum.residual`. */
  readonly residual: number;
}

/**
 * The fit of squared losses that leaves no residual beyond rounding, so that every row is stuck at every radius up to some ρ*, and
 * θ_ρ = θ̂ there. 0 ∈ ∂R_ρ(θ̂), divided by 2sρN, is Σ w κ_i v_i + ρ(Σw)∂N + Pθ̂/(2sρN) = 0 with |κ_i| ≤ 1, τ_k ∈ [−1, 1] where
 * β_k = 0 (p = ∞), π in the simplex on ties (p = 1). Of all solutions the shortest is taken: κ_i = clip(v_i'z), τ_k = clip(b_kz_k),
 * π = the projection of s_Tb_Tz_T onto the simplex, where z minimises a convex, piecewise quadratic function; Newton's method finds
 * z in finitely many steps where there is a solution, and from z = 0 its first step is the least-squares solution.
 */
export class RestingPoint {
  private readonly zeros: readonly number[];
  private readonly tied: readonly number[];

  private constructor(
    private readonly problem: RobustProblem,
    /** θ̂, its rounding at corners of N taken off. */
    readonly parameters: Float64Array,
  ) {
    const { q, attacked, first, threat } = problem;
    const { budgets } = threat.settings;
    const size = (k: number): number => budgets[k] * Math.abs(parameters[first + k]);
    const largest = attacked.reduce((most, k) => Math.max(most, size(k)), 0);
    this.zeros = q === 1 ? attacked.filter((k) => parameters[first + k] === 0) : [];
    this.tied = q === Number.POSITIVE_INFINITY ? attacked.filter((k) => size(k) === largest) : [];
  }

  /** Null where the fit leaves residuals, or has nothing to attack. */
  static of(problem: RobustProblem): RestingPoint | null {
    const { fit, kinked, corner, q, attacked, first, threat } = problem;
    const { data, model, scores, parameters } = fit;
    if (corner === null || !model.loss.quadratic) return null;
    const slack = RESIDUAL_SLACK * problem.cornerSize;
    for (let i = 0; i < data.rows; i++) {
      if (data.weights[i] > 0 && !(kinked[i] === 1 && Math.abs(scores[i] - data.y[i]) <= slack)) return null;
    }
    const { budgets } = threat.settings;
    const theta = parameters.slice();
    const largest = attacked.reduce((most, k) => Math.max(most, budgets[k] * Math.abs(theta[first + k])), 0);
    if (!(largest > 0)) return null;
    for (const k of attacked) {
      const j = first + k;
      const size = budgets[k] * Math.abs(theta[j]);
      if (q === 1 && size <= COEFFICIENT_SLACK * largest) theta[j] = 0;
      if (q === Number.POSITIVE_INFINITY && size >= (1 - COEFFICIENT_SLACK) * largest)
        theta[j] = (Math.sign(theta[j]) * largest) / budgets[k];
    }
    return new RestingPoint(problem, theta);
  }

  /** The optimum at a radius ρ > 0 where θ̂ is one; null where it is not. */
  async optimumAt(radius: number, work: Work): Promise<RobustOptimum | null> {
    const { problem, parameters, zeros, tied } = this;
    const { fit, first, threat } = problem;
    const found = await this.multipliers(radius, work);
    if (found === null) return null;
    const { kappa, normGradient, residual } = found;
    const { budgets } = threat.settings;
    const shareOf = (k: number): number => normGradient[first + k] / budgets[k];
    const { loss } = fit.model;
    const reach = radius * this.norm();
    let robustLoss = 0;
    fit.scores.forEach((f, i) => {
      const y = fit.data.y[i];
      robustLoss += fit.data.weights[i] * loss.value(f + loss.worseEnd(f, y, reach) * reach, y);
    });
    const stuck = [...kappa.keys()].filter((i) => fit.data.weights[i] > 0);
    const ties = tied.length > 1 ? tied : [];
    return {
      parameters: parameters.slice(),
      radius,
      objective: fit.ridge.reduce((total, P, j) => total + 0.5 * P * parameters[j] * parameters[j], robustLoss),
      naturalLoss: naturalLossAt(problem, fit.scores),
      robustLoss,
      residual,
      active: {
        stuckRows: stuck,
        stuckMultipliers: stuck.map((i) => kappa[i]),
        zeroCoordinates: zeros,
        zeroMultipliers: zeros.map(shareOf),
        tiedCoordinates: ties,
        tiedMultipliers: ties.map((k) => Math.abs(shareOf(k))),
      },
      iterations: 0,
      collapsed: false,
    };
  }

  /**
   * ρ*, the largest radius at which θ̂ is the optimum, to a relative 1e-11, and no more than `most`: the radii at which there are
   * multipliers are those up to some ρ*, because the conditions are convex in (κ, ρ) and hold at 0.
   */
  async lastRadius(most: number, work: Work): Promise<number> {
    if (await this.multipliers(most, work)) return most;
    let [rests, moves] = [0, most];
    while (moves - rests > LAST_RADIUS_TOLERANCE * moves) {
      const middle = 0.5 * (rests + moves);
      if (await this.multipliers(middle, work)) rests = middle;
      else moves = middle;
      if (moves < SMALLEST_RADIUS * most) return 0;
    }
    return rests;
  }

  /** N(θ̂) */
  norm(): number {
    const { q, attacked, first, threat } = this.problem;
    return norm(
      Float64Array.from(attacked, (k) => threat.settings.budgets[k] * this.parameters[first + k]),
      q,
    );
  }

  /** Newton's method on z; null where θ̂ is no optimum, so that z has nowhere to go. */
  private async multipliers(radius: number, work: Work): Promise<Multipliers | null> {
    let z: Float64Array = new Float64Array(this.parameters.length);
    let at = await this.evaluate(z, radius, work);
    for (let steps = 0; steps < MAXIMUM_STEPS; steps++) {
      if (at.residual <= FOUND) return at;
      const step = invertHessian(at.hessian)
        .solve(at.gradient)
        .map((value) => -value);
      const slope = dot(step, at.gradient);
      if (!(slope < 0)) return null;
      let next: typeof at | null = null;
      for (let t = 1; t > 1e-6 && next === null; t /= 2) {
        const moved = z.map((value, j) => value + t * step[j]);
        const candidate = await this.evaluate(moved, radius, work);
        if (candidate.value > at.value + 1e-4 * t * slope && candidate.residual > FOUND) continue;
        next = candidate;
        z = moved;
      }
      if (next === null) return null;
      at = next;
    }
    return null;
  }

  /** Σ w h(v_i'z) + ρΣw(Σ_Z h(b_kz_k) + e_T(s_Tb_Tz_T) + ∂N'z elsewhere) + (Pθ̂)'z/(2sρN), h' = clip, ∇e = the projection. */
  private async evaluate(
    z: Float64Array,
    radius: number,
    work: Work,
  ): Promise<Multipliers & { value: number; gradient: Float64Array; hessian: Matrix }> {
    const { fit, first, threat, q, columnSizes } = this.problem;
    const { model, data, ridge } = fit;
    const { budgets } = threat.settings;
    const kappa = new Float64Array(data.rows);
    let [value, squares, weight] = [0, 0, 0];
    const { pull, grams } = await sweep(
      model.map,
      data,
      { theta: asColumn(z), pull: 1, grams: 1, phase: "robust optimum" },
      ({ block: { w, firstRow }, scores, pull: omega, grams: [gram] }) => {
        for (let i = 0; i < w.length; i++) {
          const u = scores.data[i];
          const k = clip(u);
          kappa[firstRow + i] = k;
          value += w[i] * clippedIntegral(u);
          squares += w[i] * k * k;
          weight += w[i];
          omega.data[i] = w[i] * k;
          gram[i] = Math.abs(u) < 1 ? w[i] : 0;
        }
      },
      work,
    );
    const d = z.length;
    const hessian = grams[0];
    const normGradient = new Float64Array(d);
    const push = radius * weight;
    if (q !== 1 && q !== Number.POSITIVE_INFINITY) {
      normGradient.set(smoothNorm(this.problem, this.parameters).gradient);
    } else if (q === 1) {
      for (const k of this.problem.attacked) {
        normGradient[first + k] = budgets[k] * Math.sign(this.parameters[first + k]);
      }
    }
    value += push * dot(normGradient, z);
    for (const k of this.zeros) {
      const u = budgets[k] * z[first + k];
      normGradient[first + k] = budgets[k] * clip(u);
      value += push * clippedIntegral(u);
      if (Math.abs(u) < 1) hessian.data[(first + k) * (d + 1)] += push * budgets[k] ** 2;
    }
    if (this.tied.length > 0) value += push * this.addTies(z, push, normGradient, hessian);
    const loss = model.loss.second(0, 0) * radius * this.norm();
    const gradient = pull.data.map((sum, j) => {
      const ridged = (ridge[j] * this.parameters[j]) / loss;
      value += ridged * z[j];
      return sum + push * normGradient[j] + ridged;
    });
    const scales = columnSizes.map((size, j) => {
      const attacked = j < first ? 0 : push * budgets[j - first];
      return Math.sqrt(squares) * size + attacked + Math.abs(ridge[j] * this.parameters[j]) / loss;
    });
    const residual = relativeSize(gradient, scales);
    return { kappa, normGradient, residual, value, gradient, hessian };
  }

  /** max_π π'u − ½‖π‖² over the simplex, u_k = s_kb_kz_k: its value, its gradient π, and I − 11'/|S| on the support S. */
  private addTies(z: Float64Array, push: number, normGradient: Float64Array, hessian: Matrix): number {
    const { first, threat } = this.problem;
    const factors = this.tied.map((k) => Math.sign(this.parameters[first + k]) * threat.settings.budgets[k]);
    const u = this.tied.map((k, a) => factors[a] * z[first + k]);
    const pi = projectOntoSimplex(u);
    const support = [...pi.keys()].filter((a) => pi[a] > 0);
    let value = 0;
    pi.forEach((share, a) => {
      value += share * u[a] - 0.5 * share * share;
      normGradient[first + this.tied[a]] = factors[a] * share;
    });
    const d = z.length;
    for (const a of support) {
      for (const b of support) {
        if (this.tied[b] > this.tied[a]) continue;
        const entry = (a === b ? 1 : 0) - 1 / support.length;
        hessian.data[(first + this.tied[a]) * d + first + this.tied[b]] += push * factors[a] * factors[b] * entry;
      }
    }
    return value;
  }
}

const clip = (value: number): number => Math.max(-1, Math.min(1, value));

/** ∫₀ᵘ clip */
const clippedIntegral = (u: number): number => (Math.abs(u) <= 1 ? 0.5 * u * u : Math.abs(u) - 0.5);

/** The point of {π ≥ 0, Σπ = 1} nearest to u. */
function projectOntoSimplex(u: readonly number[]): number[] {
  const sorted = u.toSorted((a, b) => b - a);
  let sum = 0;
  let shift = 0;
  sorted.forEach((value, k) => {
    sum += value;
    const candidate = (sum - 1) / (k + 1);
    if (value > candidate) shift = candidate;
  });
  return u.map((value) => Math.max(0, value - shift));
}
