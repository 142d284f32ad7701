import { AifError, usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import type { Work } from "../../parallel/work.js";
import { timeSlices } from "../../parallel/work.js";
import { type KernelFit, kernelFit } from "../../solvers/kernel-fit.js";
import { normalQuantile } from "../../stats/distributions.js";
import { randomStream } from "../../stats/random.js";
import { type KernelInfluence, kernelInfluence } from "./aif.js";
import { kernelSensitivity, predictionChanges } from "./sensitivity.js";

/** How many samples are drawn, and of what intervals are wanted. */
export interface SubsamplingOptions extends Work {
  /** Default 200. */
  readonly draws?: number;
  readonly seed?: number;
  /** Default 0.95. */
  readonly level?: number;
  /** r×m: where changes of predictions get intervals too. */
  readonly points?: Matrix;
  /** Whether the radius is ε·c with c of the drawn rows; default true. */
  readonly relativeRadius?: boolean;
}

/** A number in the population, from subsamples. */
export interface SubsampledEstimate {
  readonly estimate: number;
  /** Without the bias that noise in the rows brings, which is larger in smaller samples. */
  readonly debiased: number;
  readonly standardError: number;
  readonly interval: readonly [number, number];
}

/** Intervals of a kernel regression from samples of its rows without replacement. */
export interface Subsampling {
  /** Σw‖KI‖², S/ε². */
  readonly sensitivity: SubsampledEstimate;
  /** r·k, per unit of ε, in the order of `predictionChanges`. */
  readonly predictions: readonly SubsampledEstimate[];
  /** b, and draws that have a fit. */
  readonly rows: number;
  readonly draws: number;
}

/** Rows of a draw at most: half of all, and no more than this. */
const MOST_ROWS = 500;

/**
 * Intervals for S and for changes of predictions in the population, by subsamples of b of n rows without replacement (MATH 7):
 * T_b − T_n varies as √(n/b − 1) times T_n − T, and is as much more biased as n/b − 1 times. Taking the bias off adds more noise than
 * it removes error, so that it widens the interval instead, which is centred at the estimate. The penalty λ‖θ‖² is that of n
 * rows where λ_b = λb/n, since θ_i shrinks as 1/n; λθ'Kθ needs no such factor. θ itself has one entry a row, hence no
 * counterpart in the population and no interval.
 * @throws usage: fewer than 20 rows, or fewer than 20 draws.
 */
export async function kernelSubsampling(
  attack: KernelInfluence,
  { draws = 200, seed = 0, level = 0.95, points, relativeRadius = true, ...work }: SubsamplingOptions = {},
): Promise<Subsampling> {
  const { fit, threat, surface, scale } = attack;
  const n = fit.theta.rows;
  const b = Math.min(Math.floor(n / 2), MOST_ROWS);
  if (b < 10 || draws < 20) throw usageError(`Subsampling needs at least 20 rows and 20 draws, got ${n} and ${draws}.`);
  const slices = timeSlices(work);
  const found: { sensitivity: number; predictions: Float64Array }[] = [];
  for (let draw = 0; draw < draws; draw++) {
    if (slices.due()) await slices.pause({ phase: "subsampling", done: draw, total: draws });
    const rows = chosenRows(n, b, seed, draw);
    const part = await refit(fit, rows, { signal: work.signal });
    if (part === null) continue;
    const again = await kernelInfluence(part, threat, { surface, signal: work.signal });
    const factor = relativeRadius ? 1 : scale / again.scale;
    const changes = points ? predictionChanges(again, points).data : new Float64Array(0);
    found.push({
      sensitivity: factor ** 2 * kernelSensitivity(again).curvature,
      predictions: changes.map((value) => factor * value),
    });
  }
  if (found.length < 20) throw usageError(`Only ${found.length} of ${draws} subsamples have a fit.`);
  const share = b / (n - b);
  const whole = points ? predictionChanges(attack, points).data : new Float64Array(0);
  return {
    sensitivity: estimateOf(
      kernelSensitivity(attack).curvature,
      found.map(({ sensitivity }) => sensitivity),
      share,
      level,
      0,
    ),
    predictions: Array.from(whole, (value, at) =>
      estimateOf(
        value,
        found.map(({ predictions }) => predictions[at]),
        share,
        level,
      ),
    ),
    rows: b,
    draws: found.length,
  };
}

/** b different rows of n, by the first steps of a shuffle. */
function chosenRows(n: number, b: number, seed: number, draw: number): Int32Array {
  const random = randomStream(seed, draw);
  const all = Int32Array.from({ length: n }, (_, i) => i);
  for (let k = 0; k < b; k++) {
    const other = k + Math.min(n - k - 1, Math.floor(random.uniform() * (n - k)));
    [all[k], all[other]] = [all[other], all[k]];
  }
  return all.slice(0, b).sort();
}

/** null: the drawn rows have no fit. */
async function refit(fit: KernelFit, rows: Int32Array, work: Work): Promise<KernelFit | null> {
  const { ridge, penalty } = fit;
  const total = rows.reduce((sum, i) => sum + fit.weights[i], 0);
  if (!(total > 0)) return null;
  const chosen = {
    x: rowsOf(fit.points.x, rows),
    y: rowsOf(fit.y, rows),
    weights: Float64Array.from(rows, (i) => fit.weights[i] / total),
  };
  const factor = penalty === "coefficients" ? rows.length / fit.theta.rows : 1;
  try {
    return await kernelFit(chosen, { ...fit, ridge: factor * ridge }, { ...work, gram: subGram(fit.gram, rows) });
  } catch (error) {
    if (error instanceof AifError && error.code === "numerical") return null;
    throw error;
  }
}

/** The rows named, a new matrix. */
export function rowsOf(from: Matrix, rows: Int32Array): Matrix {
  const out = Matrix.zeros(rows.length, from.columns);
  rows.forEach((row, i) => out.row(i).set(from.row(row)));
  return out;
}

/** K of the rows named. */
export function subGram(gram: Matrix, rows: Int32Array): Matrix {
  const out = Matrix.zeros(rows.length, rows.length);
  for (let i = 0, at = 0; i < rows.length; i++) {
    const from = rows[i] * gram.columns;
    for (let j = 0; j < rows.length; j++, at++) out.data[at] = gram.data[from + rows[j]];
  }
  return out;
}

/** @param least below which no value lies */
function estimateOf(
  whole: number,
  parts: readonly number[],
  share: number,
  level: number,
  least = Number.NEGATIVE_INFINITY,
): SubsampledEstimate {
  const mean = parts.reduce((sum, value) => sum + value, 0) / parts.length;
  const variance = (share * parts.reduce((sum, value) => sum + (value - mean) ** 2, 0)) / (parts.length - 1);
  const bias = share * (mean - whole);
  const reach = normalQuantile(0.5 + level / 2) * Math.sqrt(variance + bias ** 2);
  return {
    estimate: whole,
    debiased: Math.max(least, whole - bias),
    standardError: Math.sqrt(variance),
    interval: [Math.max(least, whole - reach), whole + reach],
  };
}
