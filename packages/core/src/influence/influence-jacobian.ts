import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import { addWeightedGram } from "../models/feature-map.js";
import { lossSlopes } from "../models/loss-rows.js";
import type { Loss } from "../models/losses.js";
import type { SweepSums } from "../models/sweep.js";
import type { Ask } from "../models/sweep-together.js";
import type { Work } from "../parallel/work.js";
import { dualExponent, maximumMagnitude } from "../threats/norms.js";
import type { Influence } from "./aif.js";
import {
  bandwidth,
  bandwidthRate,
  type CornerTerms,
  deviation,
  gaussian,
  gradientDensity,
} from "./gradient-density.js";
import type { Sampling } from "./sampling.js";

/** Sums over rows that say how Φ moves. */
export interface JacobianSums {
  /** D + T (d×d, full) */
  readonly jacobian: Matrix;
  /** c Σ w N 2K_h(ℓ') ℓ''² vv' (d×d, full) of a squared loss, whose |ℓ'| bends nowhere else; of others nothing (0×0). */
  readonly bent: Matrix;
}

/**
 * D + T (d×d, full): how −HI = Φ moves with θ at fixed data and direction I (MATH 3).
 * D = ∂Φ/∂θ = c{Σ w|ℓ'| V∇²NV' + (M + M') + Σ w N sgn(ℓ') ℓ''' vv' + D_δ}, M = Σ w sgn(ℓ') ℓ'' v(Vφ)'; T = Σ w ℓ''' (v'I) vv'.
 * A bandwidth shrinks with n_eff^{−1/5}, with N^{−1/5} where weights count units (MATH 14.8).
 * D_δ are the density terms that differentiating |ℓ'| or |γ_k| row by row misses: in expectation the corners are smooth.
 * What it asks of a pass over the rows of `attack`, and what becomes of it.
 */
export function jacobianAsk(
  { fit, threat, scale, pull }: Influence,
  shifts: Float64Array,
  { density, corners }: Densities,
): { readonly ask: Ask; from(sums: SweepSums): JacobianSums } {
  const { model, data, parameters, scores } = fit;
  const { map, loss } = model;
  const { p, budgets } = threat.settings;
  const d = map.count;
  const q = dualExponent(p);
  const slope = new Float64Array(data.rows);
  lossSlopes(loss, scores, data.y, slope);
  const curved = Matrix.zeros(d, d);
  const mixed = Matrix.zeros(d, d);
  const visit: Ask["visit"] = ({ block, grams: [positive, negative], pull: onShared }) => {
    const { x, y, w, firstRow } = block;
    const r = x.rows;
    const own = slope.subarray(firstRow, firstRow + r);
    const gamma = map.inputGradients(parameters, x);
    const response = threat.respond({ slope: own, base: gamma }, block);
    const phi = pull.shared ?? response.base;
    const norms = dualNorms(response.gain, own);
    const onCurvature = new Float64Array(r);
    const onMixed = new Float64Array(r);
    for (let i = 0; i < r; i++) {
      const row = firstRow + i;
      const f = scores[row];
      const second = loss.second(f, y[i]);
      const bend = 2 * density(own[i]) * second * second;
      if (loss.quadratic) positive[i] = w[i] * scale * norms[i] * bend;
      else {
        const third = loss.third(f, y[i]);
        const weight = scale * norms[i] * (Math.sign(own[i]) * third + bend) + third * shifts[row];
        positive[i] = w[i] * Math.max(0, weight);
        negative[i] = w[i] * Math.max(0, -weight);
      }
      onMixed[i] = scale * w[i] * response.sign[i] * second;
      onCurvature[i] = scale * w[i] * Math.abs(own[i]);
    }
    if (pull.shared) for (let i = 0; i < r; i++) onShared.data[i * onShared.stride + onShared.first] = onMixed[i];
    else addMixed(map.features(x), map.jacobianTimes(x, phi), onMixed, mixed);
    if (q > 1 && q < Infinity) {
      const free = threat.settings.bounds === null ? gamma : freeGradients(gamma, response.base);
      const diagonals = curvatureDiagonals(free, budgets, q, norms);
      const factor = onCurvature.map((weight, i) => (norms[i] > 0 ? (weight * (q - 1)) / norms[i] : 0));
      map.addJacobianGram(x, diagonals, factor, curved);
      const along = map.jacobianTimes(x, phi);
      if (along.rows === 1) addOuter(along.data, -sum(factor), curved);
      else subtractGram(along, factor, curved);
    }
    corners?.(x, gamma, onCurvature, curved);
  };
  return {
    ask: { grams: loss.quadratic ? 1 : 2, pull: pull.shared ? 1 : 0, visit },
    from({ grams: [positive, negative], pull: mixedSum }) {
      if (pull.shared)
        addProduct(mixedSum.data, map.jacobianTimes(Matrix.zeros(0, map.inputs), pull.shared).data, mixed);
      const jacobian = Matrix.zeros(d, d);
      for (let i = 0; i < d; i++) {
        for (let j = 0; j <= i; j++) {
          const at = i * d + j;
          const bent = positive.data[at] - (loss.quadratic ? 0 : negative.data[at]);
          jacobian.data[at] = bent + curved.data[at] + mixed.data[at] + mixed.data[j * d + i];
        }
      }
      return { jacobian: symmetrise(jacobian), bent: loss.quadratic ? symmetrise(positive) : Matrix.zeros(0, 0) };
    },
  };
}

/** N_i = gain_i / |ℓ'_i|; rows without slope add nothing to first order and get 0. */
const dualNorms = (gain: Float64Array, slope: Float64Array): Float64Array =>
  gain.map((value, i) => (slope[i] === 0 ? 0 : value / Math.abs(slope[i])));

/** The densities that D_δ is made of. */
export interface Densities {
  /** K_h(ℓ'): its mean over the rows is the density of ℓ' at 0. */
  readonly density: (slope: number) => number;
  readonly corners: CornerTerms | null;
}

export async function densitiesOf(attack: Influence, options: Work & Partial<Sampling>): Promise<Densities> {
  const { model, data, scores } = attack.fit;
  const rate = bandwidthRate(data.weights, options);
  const slope = new Float64Array(data.rows);
  lossSlopes(model.loss, scores, data.y, slope);
  return {
    density: slopeDensity(attack, slope, rate),
    corners: model.map.sharedGradient ? null : await gradientDensity(attack, rate, options),
  };
}

/** K_h(ℓ'_i), h = 1.06 sd(ℓ') n^{−1/5}: its mean is the density of ℓ' at 0; nothing for losses whose ℓ' keeps its sign. */
export const slopeDensity = (
  { fit: { model, data } }: Influence,
  slope: Float64Array,
  rate: number,
): ((value: number) => number) => densityOf(model.loss, bandwidth(deviation(slope, data.weights), rate));

/** K_h; nothing for losses whose ℓ' keeps its sign. */
export function densityOf(loss: Loss, h: number): (slope: number) => number {
  if (Number.isNaN(loss.kink(1))) return () => 0;
  return h > 0 ? (value) => gaussian(value / h) / h : () => 0;
}

/** γ row by row (r×m), 0 where a box holds the row still: such coordinates are no part of N. */
function freeGradients(gamma: Matrix, directions: Matrix): Matrix {
  const free = Matrix.zeros(directions.rows, directions.columns);
  for (let i = 0; i < free.rows; i++) {
    const from = gamma.row(gamma.rows === 1 ? 0 : i);
    const phi = directions.row(i);
    const row = free.row(i);
    for (let k = 0; k < row.length; k++) row[k] = phi[k] === 0 ? 0 : from[k];
  }
  return free;
}

/** b_k² (b_k|γ_k|/N)^{q−2}, the diagonal part of N∇²N/(q−1). */
function curvatureDiagonals(gamma: Matrix, budgets: Float64Array, q: number, norms: Float64Array): Matrix {
  const out = Matrix.zeros(gamma.rows, gamma.columns);
  for (let i = 0; i < gamma.rows; i++) {
    const N = gamma.rows === 1 ? maximumMagnitude(norms) : norms[i];
    for (let k = 0; k < gamma.columns; k++) {
      const size = (budgets[k] * Math.abs(gamma.data[i * gamma.columns + k])) / N;
      out.data[i * gamma.columns + k] = size > 0 ? budgets[k] ** 2 * size ** (q - 2) : 0;
    }
  }
  return out;
}

/** out += Σ ω_i v_i a_i' */
function addMixed(v: Matrix, a: Matrix, omega: Float64Array, out: Matrix): void {
  const d = v.columns;
  const scaled = new Matrix(v.data.slice(), v.rows, d);
  for (let i = 0; i < v.rows; i++) for (let j = 0; j < d; j++) scaled.data[i * d + j] *= omega[i];
  blas().gemm(true, false, d, d, v.rows, 1, scaled.data, d, a.data, d, 1, out.data, d);
}

/** out += ab' */
function addProduct(a: Float64Array, b: Float64Array, out: Matrix): void {
  for (let j = 0; j < a.length; j++) for (let k = 0; k < b.length; k++) out.data[j * b.length + k] += a[j] * b[k];
}

function addOuter(a: Float64Array, weight: number, out: Matrix): void {
  for (let j = 0; j < a.length; j++) for (let k = 0; k <= j; k++) out.data[j * a.length + k] += weight * a[j] * a[k];
}

/** out −= Σ ω_i a_i a_i', ω ≥ 0. */
function subtractGram(a: Matrix, omega: Float64Array, out: Matrix): void {
  const part = Matrix.zeros(a.columns, a.columns);
  addWeightedGram(a, omega, part.data, a.columns);
  for (let at = 0; at < out.data.length; at++) out.data[at] -= part.data[at];
}

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
