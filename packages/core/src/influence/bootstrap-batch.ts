import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { asColumns } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { isJoint } from "../robust/joint-worst-case.js";
import { conjugateGradients } from "../solvers/conjugate-gradient.js";
import type { Fit } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import { maximumMagnitude } from "../threats/norms.js";
import type { Influence } from "./aif.js";
import { type DrawnFits, fitDraws } from "./bootstrap-newton.js";
import type { Drawn, DrawnInfluence } from "./bootstrap-refit.js";
import {
  addFirstSums,
  addRidge,
  curvedProduct,
  type DrawnRows,
  drawnGradients,
  drawnScales,
  type SignedSlopes,
  signedSlopes,
} from "./bootstrap-sums.js";
import { SNAP, snapGradient } from "./kinks.js";
import { WeightedGrams } from "./weighted-grams.js";

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

/** Weights of all rows in K draws (n×K, used up), kept between passes over them. */
export function keptDraws(
  attacks: readonly Pick<Influence, "fit" | "rowScales">[],
  weights: Matrix,
  work: Work,
): DrawnRows {
  const [{ fit: full }] = attacks;
  const { loss, map } = full.model;
  const draws = weights.columns;
  const zero = SNAP * maximumMagnitude(full.scores.map((f, i) => loss.first(f, full.data.y[i])));
  return {
    draws,
    async atFit() {
      const grams = new WeightedGrams(map.count, draws);
      const gradients = await addFirstSums(full, weights, grams, work);
      const scales = attacks.map(({ rowScales }) => drawnScales(rowScales, weights));
      return { gradients, gram: (k) => grams.gram(k), scales };
    },
    gradients: (theta) => drawnGradients(full, weights, theta, work),
    slopes: (theta) => signedSlopes(full, weights, theta, zero, work),
    product: (_, vectors) => curvedProduct(full, weights, vectors, work),
  };
}

/**
 * K draws of a bootstrap at once, in passes over the data that all draws share:
 * Φ_b = c_b {‖b⊙β_b‖_q Σ w ℓ'' sgn(ℓ') v + (Σ w |ℓ'|) Eφ(β_b)},  I_b = −H_b(θ̂_b)⁻¹Φ_b. null for a draw that must be fitted on
 * its own: it lies at a kink, its H_b is singular, or Newton's method did not settle.
 * @param size n, of all rows
 */
export async function batchDraws(
  attacks: readonly Influence[],
  rows: DrawnRows,
  relativeRadius: boolean,
  size: number,
): Promise<(Drawn | null)[]> {
  const { fit: full } = attacks[0];
  const { draws } = rows;
  const fits = await fitDraws(full, rows);
  const slopes = await rows.slopes(fits.theta);
  const parameters = Array.from({ length: draws }, (_, k) => fits.theta.column(k));
  const found: (DrawnInfluence | null)[][] = [];
  for (const [a, attack] of attacks.entries()) {
    const scales = relativeRadius ? fits.scales[a] : new Float64Array(draws).fill(attack.scale);
    const pulls = parameters.map((theta, k) =>
      fits.inverse[k] === null || slopes.atKink[k] > 0 ? null : drawnPull(attack, theta, k, slopes, scales[k]),
    );
    const influences = await solveDraws(full, fits, pulls, rows, size);
    found.push(pulls.map((pull, k) => pull && conclude(full, influences.column(k), pull, scales[k])));
  }
  return parameters.map((theta, k) => {
    const own = found.map((list) => list[k]).filter((drawn) => drawn !== null);
    return own.length === attacks.length ? { parameters: theta, attacks: own } : null;
  });
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

/** −H_b(θ̂_b)⁻¹Φ_b, d×K (0 for draws without Φ_b): at once for squared losses, else by conjugate gradients with H_b(θ̂) in front. */
async function solveDraws(
  { model, ridge }: Fit,
  { theta, inverse }: DrawnFits,
  pulls: readonly (Float64Array | null)[],
  rows: DrawnRows,
  size: number,
): Promise<Matrix> {
  const nothing = new Float64Array(model.map.count);
  const right = asColumns(pulls.map((pull) => pull?.map((value) => -value) ?? nothing));
  const solveEach = (vectors: Matrix, how: "solve" | "solveRoughly"): Matrix =>
    asColumns(inverse.map((solver, k) => (pulls[k] && solver?.[how](vectors.column(k))) ?? nothing));
  if (model.loss.quadratic) return solveEach(right, "solve");
  const product = async (vectors: Matrix): Promise<Matrix> => {
    const found = await rows.product(theta, vectors);
    addRidge(found, vectors, ridge);
    return found;
  };
  const { solution, unsolved } = await conjugateGradients(product, (z) => solveEach(z, "solveRoughly"), right, {
    tolerance: INFLUENCE_TOLERANCE / Math.sqrt(size),
    maximumIterations: MAXIMUM_ITERATIONS,
  });
  // NaN sends a draw to a fit of its own.
  for (const k of unsolved)
    for (let at = k; at < solution.data.length; at += pulls.length) solution.data[at] = Number.NaN;
  return solution;
}

/** With HI = −Φ: ½I'H_LI = ½(−Φ'I − I'PI). */
function conclude({ ridge }: Fit, I: Float64Array, pull: Float64Array, scale: number): DrawnInfluence | null {
  if (!I.every(Number.isFinite)) return null;
  const penalised = I.reduce((sum, value, j) => sum + ridge[j] * value * value, 0);
  return { influence: I, scale, sensitivity: Math.max(0, -0.5 * (dot(pull, I) + penalised)) };
}
