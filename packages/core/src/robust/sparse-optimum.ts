import { ColumnsDataset } from "../data/columns-dataset.js";
import type { Dataset } from "../data/dataset.js";
import { matrixDataset } from "../data/matrix-dataset.js";
import { numericalError, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { LinearMap } from "../models/linear-map.js";
import type { ModelDescription } from "../models/score-model.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { type Fit, fitAt } from "../solvers/fit.js";
import { softThreshold } from "../solvers/lasso/coordinate-descent.js";
import { lassoFree } from "../solvers/lasso/lasso.js";
import { maximumMagnitude, norm } from "../threats/norms.js";
import { lp } from "../threats/pointwise.js";
import type { Threat } from "../threats/threat.js";
import type { ActiveOptimum } from "./active-newton.js";
import { findOptimum } from "./optimum.js";
import { robustProblem } from "./optimum-problem.js";
import { naturalLossAt } from "./optimum-result.js";
import { hasClosedForm } from "./robust-loss.js";

/** The exact minimiser of R_ρ(θ) + λΣ|θ_j|, and the evidence that it is one. */
export interface SparseRobustOptimum {
  /** d */
  readonly parameters: Float64Array;
  /** Σ w ℓ on the training rows, not attacked, without penalties. */
  readonly naturalLoss: number;
  /** The largest breach of the optimality conditions, relative to the size of its terms. */
  readonly residual: number;
  readonly iterations: number;
  /** Whether every attacked feature is given up. */
  readonly collapsed: boolean;
}

/** Sets of features and signs tried before the search is given up. */
const MAXIMUM_SETS = 300;
/** Features that may enter at once, to begin with; later one at a time, so that the objective falls with every set. */
const FIRST_ENTRANTS = 8;
/** A zero's gradient may exceed its threshold by this share. */
const SLACK = 1e-10;

/**
 * The robust lasso: on a set S of non-zero coefficients with signs s, R_ρ + λs'θ_S is an ordinary robust problem with a linear term,
 * solved exactly (`robustOptimum`). A coefficient that would change its sign on the way leaves S; where none does, the zero whose
 * gradient exceeds λ most (p = ∞: λ + ρb_jΣw|ℓ'|) enters. Convex, so that a point with no such zero is the minimiser.
 * @param fit a lasso fit. @param radius ρ > 0.
 * @throws usage: scores not linear in the features, or a box. numerical: not reached.
 */
export async function sparseRobustOptimum(
  fit: Fit,
  threat: Threat,
  radius: number,
  { start = fit.parameters, ...work }: Work & { readonly start?: Float64Array } = {},
): Promise<SparseRobustOptimum> {
  const { map } = fit.model;
  if (!(map instanceof LinearMap) || !hasClosedForm(fit.model, threat) || !fit.sparse)
    throw usageError(
      "The robust lasso needs a lasso fit that is linear in its features and an adversary without bounds.",
    );
  const first = map.intercept ? 1 : 0;
  const nothing = await nullLasso(fit, threat, radius, work);
  if (nothing.optimum) return nothing.optimum;
  const { budgets } = threat.settings;
  const isAttacked = (signs: Float64Array): boolean => signs.some((sign, j) => sign !== 0 && budgets[j - first] > 0);
  const signsOf = (at: Float64Array): Float64Array => at.map((value, j) => (j < first ? 0 : Math.sign(value)));
  let theta: Float64Array = start.slice();
  let signs = signsOf(theta);
  let iterations = 0;
  let entrants = FIRST_ENTRANTS;
  for (let sets = 0; sets < MAXIMUM_SETS; sets++) {
    // Attacked features can only come in together where none is in: all that the null model's gradient asks for.
    if (!isAttacked(signs)) {
      theta = nothing.theta;
      signs = signsOf(theta).map((sign, j) => sign || (j < first ? 0 : -Math.sign(nothing.excess[j - first])));
    }
    const selected = [...signs.keys()].filter((j) => signs[j] !== 0);
    if (nothing.isBest(selected, signs)) {
      // Their every combination only adds to the risk: what would be left of them is nothing, and others have to come in.
      theta = nothing.theta;
      signs = signsOf(theta);
      continue;
    }
    const piece = await solvePiece(fit, threat, radius, { selected, signs, start: theta }, work);
    iterations += piece?.iterations ?? 0;
    const step = piece && towards(theta, piece.theta, signs);
    if (piece && step && step.leaving.length === 0) {
      theta = piece.theta;
      const { entering, residual } = await zerosOf(fit, threat, radius, { theta, signs, piece: piece.found }, work);
      if (entering.length === 0) {
        const naturalLoss = naturalLossAt({ fit }, piece.found.point.sums.scores);
        return {
          parameters: theta,
          naturalLoss,
          residual: Math.max(residual, piece.found.point.residual),
          iterations,
          collapsed: false,
        };
      }
      for (const { parameter, sign } of entering.slice(0, entrants)) signs[parameter] = sign;
      continue;
    }
    if (step) {
      theta = step.theta;
      for (const j of step.leaving) signs[j] = 0;
      if (step.length === 0) entrants = 1;
      continue;
    }
    // Entrants that hinder each other: back to what is not 0, and one at a time from here.
    if (entrants === 1) break;
    entrants = 1;
    signs = signsOf(theta);
  }
  throw numericalError(
    `The robust lasso at radius ${Number(radius.toPrecision(4))} was not found: use a larger --l1, or add a ridge such as --l2 0.001.`,
  );
}

interface Piece {
  readonly selected: readonly number[];
  /** d: −1, 0 or 1. */
  readonly signs: Float64Array;
  readonly start: Float64Array;
}

/** argmin of R_ρ + λs'θ_S over the intercept and S; null where it has none, or none is found. */
async function solvePiece(
  fit: Fit,
  threat: Threat,
  radius: number,
  { selected, signs, start }: Piece,
  work: Work,
): Promise<{ theta: Float64Array; found: ActiveOptimum; iterations: number } | null> {
  const { model, data, l2, sparse } = fit;
  const { intercept } = model.map;
  const first = intercept ? 1 : 0;
  const features = selected.map((j) => j - first);
  const { p, budgets } = threat.settings;
  const kept = [...(intercept ? [0] : []), ...selected];
  const description: ModelDescription = ({ features: names }) => {
    const map = new LinearMap(names.length, intercept);
    return { ...model, map, parameterNames: map.names(names) };
  };
  const own = Float64Array.from(features, (k) => budgets[k]);
  const from = Float64Array.from(kept, (j) => start[j] || 1e-12 * signs[j]);
  // The size of the coefficients is judged by the fit's, as new entrants have none yet.
  const sized = Float64Array.from(kept, (j, a) => fit.parameters[j] || from[a]);
  const part = await fitAt(description, withFeatures(data, features), sized, { l2, ...work });
  const ground = await robustProblem(part, lp(p, { budgets: own }), work);
  const tilt = Float64Array.from(kept, (j) => (sparse?.l1 ?? 0) * signs[j]);
  try {
    const found = await findOptimum({ ...ground, tilt }, radius, from, work);
    const theta = new Float64Array(start.length);
    kept.forEach((j, a) => {
      theta[j] = found.point.state.theta[a];
    });
    return { theta, found, iterations: found.iterations };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "numerical") return null;
    throw error;
  }
}

/** Entries of a data set that are worth a copy: many passes go over it, and each would otherwise go over all features. */
const LARGEST_COPY = 1e7;

function withFeatures(data: Dataset, features: readonly number[]): Dataset {
  const part = new ColumnsDataset(data, features);
  if (data.rows * features.length > LARGEST_COPY || features.length === 0) return part;
  const x = Matrix.zeros(data.rows, features.length);
  for (const block of part.blocks()) x.data.set(block.x.data, block.firstRow * features.length);
  return matrixDataset(x, data.y, { weights: data.weights, features: part.features });
}

/** As far from θ to its target as signs are kept; what reaches 0 there leaves. */
function towards(theta: Float64Array, target: Float64Array, signs: Float64Array) {
  let length = 1;
  let leaving: number[] = [];
  for (let j = 0; j < theta.length; j++) {
    if (signs[j] === 0 || signs[j] * target[j] > 0) continue;
    const t = theta[j] === 0 ? 0 : theta[j] / (theta[j] - target[j]);
    if (t < length) [length, leaving] = [t, [j]];
    else if (t === length) leaving.push(j);
  }
  const moved = theta.map((value, j) => value + length * (target[j] - value));
  for (const j of leaving) moved[j] = 0;
  return { theta: moved, leaving, length };
}

/** Zeros whose gradient exceeds their threshold, the worst first, and the largest breach relative to it. */
async function zerosOf(
  { model: { map, loss }, data, sparse }: Fit,
  threat: Threat,
  radius: number,
  { theta, signs, piece }: { theta: Float64Array; signs: Float64Array; piece: ActiveOptimum },
  work: Work,
): Promise<{ entering: { parameter: number; sign: number }[]; residual: number }> {
  const { state, reach, sums } = piece.point;
  const { pull: gradient } = await sweep(
    map,
    data,
    { theta: asColumn(theta), pull: 1, phase: "robust optimum" },
    ({ block: { y, w, firstRow }, scores, pull }) => {
      for (let i = 0; i < y.length; i++) {
        const kappa = state.kappa[firstRow + i];
        const up = loss.first(scores.data[i] + reach, y[i]);
        const down = loss.first(scores.data[i] - reach, y[i]);
        pull.data[i] = 0.5 * w[i] * ((1 + kappa) * up + (1 - kappa) * down);
      }
    },
    work,
  );
  const { p, budgets } = threat.settings;
  const first = map.intercept ? 1 : 0;
  const l1 = sparse?.l1 ?? 0;
  const entering: { parameter: number; sign: number; excess: number }[] = [];
  let residual = 0;
  for (let j = first; j < theta.length; j++) {
    if (signs[j] !== 0) continue;
    const threshold = l1 + (p === Infinity ? radius * budgets[j - first] * sums.push : 0);
    const g = gradient.data[j];
    const excess = Math.abs(g) / threshold - 1;
    if (excess > SLACK) entering.push({ parameter: j, sign: -Math.sign(g), excess });
    else residual = Math.max(residual, excess);
  }
  return { entering: entering.toSorted((a, b) => b.excess - a.excess), residual };
}

/** The lasso on the features that are not attacked, which is the optimum where ‖S(Σwℓ'x, λ) ⊘ b‖_p ≤ ρΣw|ℓ'|. */
async function nullLasso(
  fit: Fit,
  threat: Threat,
  radius: number,
  work: Work,
): Promise<{
  readonly theta: Float64Array;
  /** m: S(Σwℓ'x, λ) ⊘ b */
  readonly excess: Float64Array;
  readonly optimum: SparseRobustOptimum | null;
  /** Whether it is the best there is with these features and signs, ‖(Σwℓ'x + λs) ⊘ b‖_p ≤ ρΣw|ℓ'| over them. */
  isBest(selected: readonly number[], signs: Float64Array): boolean;
}> {
  const { model, data, sparse } = fit;
  const { map, loss } = model;
  const { p, budgets } = threat.settings;
  const first = map.intercept ? 1 : 0;
  const free = Uint8Array.from({ length: map.count }, (_, j) => (j < first || budgets[j - first] === 0 ? 1 : 0));
  const { theta, scores, residual } = await lassoFree(fit, free, work);
  let push = 0;
  const { pull } = await sweep(
    map,
    data,
    { pull: 1, phase: "robust optimum" },
    ({ block: { y, w, firstRow }, pull: omega }) => {
      for (let i = 0; i < y.length; i++) {
        omega.data[i] = w[i] * loss.first(scores[firstRow + i], y[i]);
        push += Math.abs(omega.data[i]);
      }
    },
    work,
  );
  const l1 = sparse?.l1 ?? 0;
  const excess = budgets.map((b, k) => (b > 0 ? softThreshold(pull.data[first + k], l1) / b : 0));
  const isBest = (selected: readonly number[], signs: Float64Array): boolean => {
    const attacked = selected.filter((j) => budgets[j - first] > 0);
    const slopes = Float64Array.from(attacked, (j) => (pull.data[j] + l1 * signs[j]) / budgets[j - first]);
    return attacked.length > 0 && norm(slopes, p) <= radius * push;
  };
  if (maximumMagnitude(excess) > 0 && norm(excess, p) > radius * push) return { theta, excess, optimum: null, isBest };
  const naturalLoss = naturalLossAt({ fit }, scores);
  const optimum = { parameters: theta, naturalLoss, residual, iterations: 0, collapsed: true };
  return { theta, excess, optimum, isBest };
}
