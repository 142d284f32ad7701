import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { lossSlopes } from "../models/loss-rows.js";
import type { Loss } from "../models/losses.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import type { Threat } from "../threats/threat.js";
import { dualNormOf } from "./robust-loss.js";

/** Scores of all rows on a line from a fit whose scores are known: f_i = scores_i + moved·shifts_i. */
export interface ScoreLine {
  readonly scores: Float64Array;
  readonly shifts: Float64Array;
  readonly moved: number;
}

/** A point θ at which the robust risk of radius ρ is looked at. */
export interface RobustPoint {
  readonly theta: Float64Array;
  readonly radius: number;
  /** Where f_i(θ) is to be had without the rows; else it is computed on the way. */
  readonly line?: ScoreLine | undefined;
  /** Where the point is at a corner of R: which of the subgradients is wanted. */
  readonly held?: HeldCorner | undefined;
}

/** A corner of R: rows whose two ends are as bad as each other, zeros of γ (p = ∞), coordinates tied for its largest (p = 1). */
export interface HeldCorner {
  /** Ascending, κ_i ∈ [−1, 1]: row i counts with (1 + κ_i)/2 of its upper end and the rest of its lower. "all": 0 for every row. */
  readonly rows: "all" | readonly { readonly row: number; readonly value: number }[];
  /** |ℓ'| up to which these rows are at their corner. */
  readonly within: number;
  /** τ_k ∈ [−1, 1] for sgn(γ_k). */
  readonly coordinates: readonly { readonly feature: number; readonly value: number }[];
  /** π_k: the shares of the tied coordinates in ∂N. */
  readonly ties: readonly { readonly feature: number; readonly value: number }[];
}

export interface RobustGradient {
  /** ∇R(θ) (d), with φ(β) for ∂N: sgn(0) = 0 where no corner is held. */
  readonly gradient: Float64Array;
  /** Σ w ℓ'σ ≥ 0 at the worse ends: how much ∇R changes per unit of ρ∂N. */
  readonly pull: number;
}

/** f of `count` rows from row `from` on, to the front of `out`. */
function writeLine({ scores, shifts, moved }: ScoreLine, from: number, count: number, out: Float64Array): void {
  for (let i = 0; i < count; i++) out[i] = scores[from + i] + moved * shifts[from + i];
}

function writeColumn({ data, columns }: Matrix, column: number, from: number, count: number, out: Float64Array): void {
  for (let i = 0, at = from * columns + column; i < count; i++, at += columns) out[i] = data[at];
}

/** f + σ·reach in place of the scores of some rows, σ = ±1 the worse end of each, to `ends`. */
function moveToWorseEnds(loss: Loss, y: Float64Array, reach: number, scores: Float64Array, ends: Float64Array): void {
  for (let i = 0; i < y.length; i++) {
    const end = loss.worseEnd(scores[i], y[i], reach);
    ends[i] = end;
    scores[i] += end * reach;
  }
}

/** ‖b⊙γ‖_q, and its gradient in γ that is held. */
export function heldNorm(model: ScoreModel, threat: Threat, theta: Float64Array, held: HeldCorner | undefined) {
  const { norm, direction } = dualNormOf(model, threat, theta);
  if (!held) return { norm, direction };
  const { budgets } = threat.settings;
  for (const { feature, value } of held.coordinates) direction[feature] = budgets[feature] * value;
  const taken = held.ties.find(({ feature }) => direction[feature] !== 0);
  if (taken) {
    const gamma = model.map.inputGradients(theta, Matrix.zeros(0, model.map.inputs)).data;
    for (const { feature, value } of held.ties)
      direction[feature] = Math.sign(gamma[feature]) * budgets[feature] * value;
  }
  return { norm, direction };
}

interface AttackedRows extends Pick<Block, "y" | "w" | "firstRow"> {
  /** Of the first row within the block. */
  readonly from: number;
  /** Scores at the worse ends, the ends, and ℓ' there. */
  readonly attacked: Float64Array;
  readonly ends: Float64Array;
  readonly slopes: Float64Array;
}

/** Gives rows that are held the mean of ℓ' at both their ends, weighted with κ. @returns by how much Σ w ℓ'σ changes beyond w·slope·end */
function holdRows(
  loss: Loss,
  { rows, within }: HeldCorner,
  reach: number,
  { y, w, firstRow, from, attacked, ends, slopes }: AttackedRows,
): number {
  const first = firstRow + from;
  let change = 0;
  const hold = (i: number, kappa: number): void => {
    const f = attacked[i] - ends[i] * reach;
    if (Math.abs(loss.first(f, y[i])) > within) return;
    const upper = ((1 + kappa) / 2) * loss.first(f + reach, y[i]);
    const lower = ((1 - kappa) / 2) * loss.first(f - reach, y[i]);
    slopes[i] = upper + lower;
    change += w[from + i] * (upper - lower - slopes[i] * ends[i]);
  };
  if (rows === "all") for (let i = 0; i < y.length; i++) hold(i, 0);
  else {
    for (let at = placeOf(rows, first); at < rows.length && rows[at].row < first + y.length; at++)
      hold(rows[at].row - first, rows[at].value);
  }
  return change;
}

/** How many of the rows, which ascend, are before this one. */
function placeOf(rows: readonly { readonly row: number }[], row: number): number {
  let [low, high] = [0, rows.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (rows[middle].row < row) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What all points want of so many rows stays in the cache. */
const ROWS_AT_ONCE = 256;

/**
 * A subgradient of R(θ) = Σ w max(ℓ(f−ρN), ℓ(f+ρN)) + ½ΣPθ² at each of K points, for scores linear in x and losses convex
 * in the score (MATH 10a): ∇R = Σ w ℓ'(f+σρN)(v + σρ∂N) + Pθ, σ the worse end of each row. One pass serves all points.
 */
export async function robustGradients(
  fit: Fit,
  threat: Threat,
  points: readonly RobustPoint[],
  work?: Work,
): Promise<RobustGradient[]> {
  const { model, data, ridge } = fit;
  const { map, loss } = model;
  const K = points.length;
  const norms = points.map(({ theta, held }) => heldNorm(model, threat, theta, held));
  const reach = points.map(({ radius }, k) => radius * norms[k].norm);
  const unknown = points.filter(({ line }) => line === undefined);
  const columnOf = new Map(unknown.map((point, column) => [point, column]));
  const pulls = new Float64Array(K);
  const [ends, attacked, slopes] = [0, 1, 2].map(() => new Float64Array(ROWS_AT_ONCE));
  const theta: Matrix | null = unknown.length > 0 ? asColumns(unknown.map((point) => point.theta)) : null;
  const { pull: sums } = await sweep(
    map,
    data,
    { theta, pull: K, phase: "trust radius" },
    ({ block: { y, w, firstRow }, scores, pull: omega }) => {
      for (let from = 0; from < y.length; from += ROWS_AT_ONCE) {
        const rows = Math.min(ROWS_AT_ONCE, y.length - from);
        const targets = y.subarray(from, from + rows);
        for (let k = 0; k < K; k++) {
          const { line, held } = points[k];
          if (line) writeLine(line, firstRow + from, rows, attacked);
          else writeColumn(scores, columnOf.get(points[k]) ?? 0, from, rows, attacked);
          moveToWorseEnds(loss, targets, reach[k], attacked, ends);
          lossSlopes(loss, attacked.subarray(0, rows), targets, slopes);
          let pulled = held
            ? holdRows(loss, held, reach[k], { y: targets, w, from, firstRow, attacked, ends, slopes })
            : 0;
          for (let i = 0, at = from * K + k; i < rows; i++, at += K) {
            const slope = w[from + i] * slopes[i];
            omega.data[at] = slope;
            pulled += slope * ends[i];
          }
          pulls[k] += pulled;
        }
      }
    },
    work,
  );
  const noRows = Matrix.zeros(0, map.inputs);
  return points.map((point, k) => {
    const direction = map.jacobianTimes(noRows, new Matrix(norms[k].direction, 1, map.inputs)).data;
    const strength = point.radius * pulls[k];
    const gradient = Float64Array.from(
      ridge,
      (penalty, j) => sums.data[j * K + k] + strength * direction[j] + penalty * point.theta[j],
    );
    return { pull: pulls[k], gradient };
  });
}
