import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { asColumns, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { isJoint } from "../robust/joint-worst-case.js";
import { conjugateGradients } from "../solvers/conjugate-gradient.js";
import type { Fit } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import { maximumMagnitude } from "../threats/norms.js";
import type { Influence } from "./aif.js";
import { addRidge, type DrawnFits, fitDraws } from "./bootstrap-newton.js";
import type { Drawn, DrawnInfluence } from "./bootstrap-refit.js";
import { SNAP, snapGradient } from "./kinks.js";

/** Residuals of I_b, relative, times √n: standard errors are hardly ever less than ‖Î‖/√n. */
const INFLUENCE_TOLERANCE = 1e-4;
const MAXIMUM_ITERATIONS = 60;

/** Whether `batchDraws` has these attacks' formulas: rows attacked one by one, scores linear in x, no box, no corner of the penalty at θ̂. */
export function canBatch(attacks: readonly Influence[]): boolean {
  const { model, inverse } = attacks[0].fit;
  const smooth = attacks.every(
    ({ oneSided, threat }) => !oneSided && threat.settings.bounds === null && !isJoint(threat),
  );
  return model.map.sharedGradient && smooth && inverse.method !== "pseudo-inverse";
}

/**
 * K draws of a bootstrap at once, in passes over the data that all draws share:
 * Φ_b = c_b {‖b⊙β_b‖_q Σ w ℓ'' sgn(ℓ') v + (Σ w |ℓ'|) Eφ(β_b)},  I_b = −H_b(θ̂_b)⁻¹Φ_b. null for a draw that must be fitted on
 * its own: it lies at a kink, its H_b is singular, or Newton's method did not settle.
 * @param weights n×K; used up.
 */
export async function batchDraws(
  attacks: readonly Influence[],
  weights: Matrix,
  relativeRadius: boolean,
  work: Work,
): Promise<(Drawn | null)[]> {
  const { fit: full } = attacks[0];
  const draws = weights.columns;
  const fits = await fitDraws(full, weights, work);
  const scales = attacks.map((attack) => (relativeRadius ? drawnScales(attack, weights) : fixed(attack.scale, draws)));
  const slopes = await signedSlopes(full, weights, fits.theta, work);
  const parameters = Array.from({ length: draws }, (_, k) => fits.theta.column(k));
  const found: (DrawnInfluence | null)[][] = [];
  for (const [a, attack] of attacks.entries()) {
    const pulls = parameters.map((theta, k) =>
      fits.inverse[k] === null || slopes.atKink[k] === 1 ? null : drawnPull(attack, theta, k, slopes, scales[a][k]),
    );
    const influences = await solveDraws(full, fits, pulls, weights, work);
    found.push(pulls.map((pull, k) => pull && conclude(full, influences.column(k), pull, scales[a][k])));
  }
  return parameters.map((theta, k) => {
    const own = found.map((list) => list[k]).filter((drawn) => drawn !== null);
    return own.length === attacks.length ? { parameters: theta, attacks: own } : null;
  });
}

const fixed = (value: number, draws: number): Float64Array => new Float64Array(draws).fill(value);

/** c_b = Σ w_ib ‖x_i ⊘ b‖_p (K). */
function drawnScales({ rowScales }: Influence, { data, rows, columns: draws }: Matrix): Float64Array {
  const out = new Float64Array(draws);
  for (let i = 0, at = 0; i < rows; i++) for (let k = 0; k < draws; k++, at++) out[k] += data[at] * rowScales[i];
  return out;
}

interface SignedSlopes {
  /** d×K: Σ w ℓ'' sgn(ℓ') v */
  readonly signed: Matrix;
  /** K: Σ w |ℓ'| */
  readonly sizes: Float64Array;
  /** K: 1 where a row of the draw has a zero residual. */
  readonly atKink: Uint8Array;
}

/** One pass at θ̂_b. The weights become w ℓ'', what H_b(θ̂_b) is made of. */
async function signedSlopes(full: Fit, weights: Matrix, theta: Matrix, work: Work): Promise<SignedSlopes> {
  const { model, data } = full;
  const { loss } = model;
  const draws = weights.columns;
  const sizes = new Float64Array(draws);
  const atKink = new Uint8Array(draws);
  const zero = SNAP * maximumMagnitude(full.scores.map((f, i) => loss.first(f, data.y[i])));
  const { pull: signed } = await sweep(
    model.map,
    data,
    { theta, pull: draws, phase: "bootstrap" },
    ({ block: { y, firstRow }, scores, pull }) => {
      for (let i = 0, at = 0, from = firstRow * draws; i < y.length; i++) {
        const smooth = Number.isNaN(loss.kink(y[i]));
        for (let k = 0; k < draws; k++, at++, from++) {
          const weight = weights.data[from];
          if (weight === 0) continue;
          const slope = loss.first(scores.data[at], y[i]);
          const size = Math.abs(slope);
          const curved = weight * loss.second(scores.data[at], y[i]);
          sizes[k] += weight * size;
          pull.data[at] = slope < 0 ? -curved : curved;
          weights.data[from] = curved;
          if (size <= zero && !smooth) atKink[k] = 1;
        }
      }
    },
    work,
  );
  return { signed, sizes, atKink };
}

const NO_ROWS = (inputs: number): Block => ({
  x: Matrix.zeros(0, inputs),
  y: new Float64Array(0),
  w: new Float64Array(0),
  firstRow: 0,
});

/** Φ_b (d), or null where ‖b⊙β‖_q has a corner at β_b. */
function drawnPull(
  { fit, threat }: Influence,
  theta: Float64Array,
  k: number,
  { signed, sizes }: SignedSlopes,
  scale: number,
): Float64Array | null {
  const { map } = fit.model;
  const { budgets, p } = threat.settings;
  const none = NO_ROWS(map.inputs);
  const gamma = map.inputGradients(theta, none.x).data.slice();
  const used = budgets.map((b, j) => (map.usesInput(j) ? b : 0));
  const { zeroCoordinates, ties, zeroGradient } = snapGradient(gamma, used, p);
  if (zeroGradient || zeroCoordinates.length > 0 || ties.length > 0) return null;
  const base = new Matrix(gamma, 1, map.inputs);
  const { base: phi, gain } = threat.respond({ slope: Float64Array.of(1), base }, none);
  const out = new Float64Array(map.count);
  map.addJacobianPullback(none.x, phi, Float64Array.of(sizes[k]), out);
  for (let j = 0; j < out.length; j++) out[j] = scale * (out[j] + gain[0] * signed.data[j * signed.columns + k]);
  return out;
}

/**
 * −H_b(θ̂_b)⁻¹Φ_b, d×K (0 for draws without Φ_b): at once for squared losses, else by conjugate gradients with H_b(θ̂) in front.
 * @param curvatures n×K: w ℓ''
 */
async function solveDraws(
  { model, data, ridge }: Fit,
  { inverse }: DrawnFits,
  pulls: readonly (Float64Array | null)[],
  curvatures: Matrix,
  work: Work,
): Promise<Matrix> {
  const d = model.map.count;
  const draws = pulls.length;
  const nothing = new Float64Array(d);
  const right = asColumns(pulls.map((pull) => pull?.map((value) => -value) ?? nothing));
  const solveEach = (vectors: Matrix): Matrix =>
    asColumns(inverse.map((solver, k) => (pulls[k] && solver?.solve(vectors.column(k))) ?? nothing));
  if (model.loss.quadratic) return solveEach(right);
  const product = async (vectors: Matrix): Promise<Matrix> => {
    const { pull } = await sweep(
      model.map,
      data,
      { theta: vectors, pull: draws, phase: "bootstrap" },
      ({ block, scores, pull: omega }) => {
        const offset = block.firstRow * draws;
        for (let at = 0; at < omega.data.length; at++) omega.data[at] = curvatures.data[offset + at] * scores.data[at];
      },
      work,
    );
    addRidge(pull, vectors, ridge);
    return pull;
  };
  const solved = await conjugateGradients(product, solveEach, right, {
    tolerance: INFLUENCE_TOLERANCE / Math.sqrt(data.rows),
    maximumIterations: MAXIMUM_ITERATIONS,
  });
  // Where that does not converge, no draw of the batch is trusted: NaN sends it to a fit of its own.
  if (!solved.converged) solved.solution.data.fill(Number.NaN);
  return solved.solution;
}

/** With HI = −Φ: ½I'H_LI = ½(−Φ'I − I'PI). */
function conclude({ ridge }: Fit, I: Float64Array, pull: Float64Array, scale: number): DrawnInfluence | null {
  if (!I.every(Number.isFinite)) return null;
  const penalised = I.reduce((sum, value, j) => sum + ridge[j] * value * value, 0);
  return { influence: I, scale, sensitivity: Math.max(0, -0.5 * (dot(pull, I) + penalised)) };
}
