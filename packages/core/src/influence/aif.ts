import { shorter } from "../data/block-stretches.js";
import type { Block, Dataset } from "../data/dataset.js";
import { numericalError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { borrowBuffers } from "../models/idle-buffers.js";
import { eachLoss, lossCurvatures, lossSlopes, ROWS_TOGETHER } from "../models/loss-rows.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import { holdAtZero } from "../solvers/lasso/lasso.js";
import { maximumMagnitude } from "../threats/norms.js";
import type { ThreatDescription } from "../threats/pointwise.js";
import type { Response, Threat } from "../threats/threat.js";
import { gradientRounding } from "./gradient-rounding.js";
import { coupledKinks, type GradientKinks, snapGradient, snapResiduals } from "./kinks.js";
import { type Multipliers, resolveKinks } from "./one-sided.js";
import { rowGains, usedBudgets } from "./response.js";
import { unitsAdvice } from "./units-advice.js";

export { responseAt } from "./response.js";

/** Numbers of an attack on rows with gradients of their own that are written at a time: they stay in a cache meanwhile. */
const STRETCH_NUMBERS = 1 << 15;

/** An AIF exists when Φ lies in the range of a singular H, up to this share (MATH 1.1). */
export const RANGE_TOLERANCE = 1e-8;

/** The adversarial influence function I = −H⁻¹Φ at θ̂ (Theorem 4.1), and what it was made of. */
export interface Influence {
  /** Of a lasso fit, `sparse.support` and `inverse` are those of the parameters that move: zeros that stay are left out. */
  readonly fit: Fit;
  readonly threat: Threat;
  /** c = Σ w_i ‖x_i ⊘ b‖_p: the radius is ρ = ε c. */
  readonly scale: number;
  /** n: ‖x_i ⊘ b‖_p */
  readonly rowScales: Float64Array;
  /** A(θ̂): the first-order growth of the risk per unit of ε. */
  readonly penalty: number;
  /** Φ = ∇A(θ̂) (d); at a kink its element of least H⁻¹-norm. */
  readonly penaltyGradient: Float64Array;
  /** I = dθ_ε/dε at ε = 0⁺ (d), per unit of ε. */
  readonly influence: Float64Array;
  /** ‖HI + Φ‖ / ‖Φ‖, recomputed. */
  readonly relativeResidual: number;
  /** Whether A has a corner at θ̂, so that I is the derivative towards ε > 0 only. */
  readonly oneSided: boolean;
  readonly multipliers: Multipliers | null;
  /** Rows whose kink is coupled with ∇²_x f and was resolved by sgn(0) = 0 only. */
  readonly coupledKinks: number;
  /** How the adversary pulls on each row at θ̂. */
  readonly pull: RowPull;
}

/**
 * Φ/c = Σ_i onFeatures_i v_i + onJacobian_i V_i φ_i. ω_i is how far row i moves per unit of the radius: 1, or `Threat.shares`. Where
 * weights change instead, onFeatures_i = w_i a_i ℓ'_i with `Threat.tilt`, and nothing else.
 */
export interface RowPull {
  /** n: w_i ω_i ℓ''_i γ_i·φ_i */
  readonly onFeatures: Float64Array;
  /** n: w_i ω_i ℓ'_i sgn_i */
  readonly onJacobian: Float64Array;
  /** φ shared by all rows (1×m), or null where each row has its own. */
  readonly shared: Matrix | null;
  /** n: ℓ'_i, zero residuals snapped to 0. */
  readonly slopes: Float64Array;
  /** The γ that all rows share, near-zero coordinates snapped to 0 (1×m), or null. */
  readonly gamma: Matrix | null;
}

/**
 * Theorem 4.1 for a score model: Φ = c Σ w_i ω_i [ℓ''_i (γ_i·φ_i) v_i + ℓ'_i V_i φ_i], I = −H⁻¹Φ, with ω = 1 for a pointwise
 * adversary and the Hölder weights for a Wasserstein one (MATH 8), Φ = Σ w_i a_i ℓ'_i v_i where the adversary reweights rows (MATH 13);
 * at kinks the exact one-sided derivative (MATH 1.2).
 * With an l1 penalty (a lasso fit) θ_ε minimises R_ε + λΣ|θ_j|. To first order in ε the penalty's slope λΣ_S sgn(θ̂_j)v_j on the
 * non-zero set S and ∇L'v cancel, and what is left at zeros, Σ(λ|v_j| + ∂_jL v_j) ≥ 0, must be 0: zeros with |∂_jL| < λ stay, those
 * with |∂_jL| = λ may move against ∂_jL. So I = argmin ½v'Hv + A'(θ̂; v) over v_j = 0 at the former and v_j∂_jL ≤ 0 at the latter.
 * @throws usage: a threat that does not fit the features. numerical: H is singular and Φ is not in its range, so that no AIF exists.
 */
export async function influence(fit: Fit, describe: ThreatDescription, work?: Work): Promise<Influence> {
  const threat = describe(fit.model.map.inputs);
  const collected = threat.tilt
    ? await collectTilt(fit, threat.tilt.bind(threat), work)
    : await collect(fit, threat, slopeExtent(fit), work);
  return influenceFrom(fit, threat, collected);
}

/**
 * I from sums over all rows.
 * @param rows how many those are, where the fit holds but some of them. @throws numerical: H is singular and Φ is not in its range, so
 * that no AIF exists.
 */
export async function influenceFrom(
  fit: Fit,
  threat: Threat,
  collected: Collected,
  rows = fit.data.rows,
): Promise<Influence> {
  const { kinks, scale, rowScales, gain, pull } = collected;
  const smooth = collected.along.map((value) => scale * value);
  // Every row is met exactly: 0 is among the multipliers' sums, and of the least norm.
  const nothing = kinks.zeroGradient || kinks.zeroResiduals.length === rows;
  const resolved = nothing
    ? { penaltyGradient: new Float64Array(smooth.length), multipliers: null, pull, staying: fit.sparse?.boundary ?? [] }
    : await resolveKinks({ fit, threat, scale, smooth, kinks, pull });
  const Phi = resolved.penaltyGradient;
  const followed = resolved.staying.length > 0 ? holdAtZero(fit, resolved.staying) : fit;
  const { inverse } = followed;
  const missing = inverse.nullResidual(Phi);
  if (missing > RANGE_TOLERANCE) throw numericalError(noInfluence(fit, rows, missing));
  const I = inverse.solve(Phi).map((value) => -value);
  return {
    fit: followed,
    threat,
    scale,
    rowScales,
    penalty: scale * gain,
    penaltyGradient: Phi,
    influence: I,
    relativeResidual: inverse.relativeResidual(
      I.map((value) => -value),
      Phi,
    ),
    oneSided: resolved.multipliers !== null || nothing,
    multipliers: resolved.multipliers,
    coupledKinks: collected.coupled,
    pull: resolved.pull,
  };
}

function noInfluence({ model, inverse, hessian, sparse }: Fit, rows: number, share: number): string {
  const diagonal = Array.from({ length: hessian.rows }, (_, j) => hessian.data[j * (hessian.columns + 1)]);
  return `The Hessian is singular (rank ${inverse.rank} of ${model.parameterNames.length} parameters, ${rows} rows) and the adversary pulls along directions that the data do not determine (share ${share.toExponential(1)}), so no adversarial influence exists: add a ridge such as --l2 0.01, or leave out columns that are combinations of others.${sparse ? "" : unitsAdvice(diagonal)}`;
}

/** What decides which slopes are rounding, max |ℓ'| and Σ w (ℓ'²/ℓ'' + ℓ''f²), and whether a gradient that all rows share is. The sum is 0 where neither asks for it. */
export interface SlopeExtent {
  readonly largest: number;
  readonly size: number;
}

/** The same of the rows of one fit. */
export function slopeExtent({
  model: { loss, map },
  data,
  scores,
}: Pick<Fit, "model" | "data" | "scores">): SlopeExtent {
  const { y, weights } = data;
  if (loss.quadratic) return extentOfSquares(loss.second(0, 0), scores, data);
  let largest = 0;
  let size = 0;
  eachLoss(loss, scores, y, (from, slopes, curvatures) => {
    largest = Math.max(largest, maximumMagnitude(slopes));
    if (map.sharedGradient) size += sizeOfTerms(scores.subarray(from), weights.subarray(from), slopes, curvatures);
  });
  return { largest, size };
}

/** The same of a squared loss, whose ℓ' is ℓ''(f − y). */
function extentOfSquares(curvature: number, f: Float64Array, { y, weights }: Dataset): SlopeExtent {
  let largest = 0;
  let size = 0;
  for (let i = 0; i < f.length; i++) {
    const residual = f[i] - y[i];
    largest = Math.max(largest, Math.abs(residual));
    size += weights[i] * (residual * residual + f[i] * f[i]);
  }
  return { largest: curvature * largest, size: curvature * size };
}

/** Σ w (ℓ'²/ℓ'' + ℓ''f²) of some rows. */
function sizeOfTerms(f: Float64Array, w: Float64Array, slopes: Float64Array, curvatures: Float64Array): number {
  let size = 0;
  for (let i = 0; i < slopes.length; i++) {
    const curvature = curvatures[i];
    if (curvature > 0) size += w[i] * ((slopes[i] * slopes[i]) / curvature + curvature * f[i] * f[i]);
  }
  return size;
}

/**
 * The size of what scores are sums of, Σ|θ_j| of the features' own root mean squares (of a lasso they are left out), where it tells which
 * ℓ' are rounding. A squared loss subtracts the target: no less than root mean squares of its scores and residuals. An exponential is right
 * to a rounding of itself, whatever the score: no less than 1. Others have no ℓ' of 0.
 */
export function termsOf(
  { model, parameters, hessian, ridge, sparse }: Pick<Fit, "model" | "parameters" | "hessian" | "ridge" | "sparse">,
  { size }: SlopeExtent,
): number {
  const { loss, map } = model;
  const d = sparse ? 0 : parameters.length;
  // Σ w ℓ''
  const curvature = loss.quadratic
    ? loss.second(0, 0)
    : map.intercept && d > 0
      ? hessian.data[0]
      : Number.POSITIVE_INFINITY;
  let summed = 0;
  for (let j = 0; j < d; j++) {
    const square = Math.max(0, hessian.data[j * d + j] - ridge[j]) / curvature;
    summed += Math.abs(parameters[j]) * Math.sqrt(square);
  }
  return Math.max(loss.quadratic ? Math.sqrt(size / curvature) : 1, summed);
}

/** What Φ is made of. Sums over the rows, and `kinks.zeroResiduals` and the rows' own numbers, can be joined of parts of the rows. */
export interface Collected {
  readonly kinks: GradientKinks & { readonly zeroResiduals: readonly number[]; readonly tiedRows: readonly number[] };
  readonly coupled: number;
  /** c */
  readonly scale: number;
  readonly rowScales: Float64Array;
  /** Σ w_i ω_i g_i·φ_i = A/c */
  readonly gain: number;
  /** Φ/c away from kinks (d), and the part of it that goes through ℓ''. */
  readonly along: Float64Array;
  readonly throughFeatures: Float64Array;
  readonly pull: RowPull;
}

/** What holds for all rows alike: the gradient that they share, where they do, and its corners. */
function sharedCorners(fit: Fit, threat: Threat, extent: SlopeExtent) {
  const { map } = fit.model;
  const used = usedBudgets(fit, threat);
  const sharedGamma = map.sharedGradient
    ? map.inputGradients(fit.parameters, Matrix.zeros(0, map.inputs)).data.slice()
    : null;
  const none: GradientKinks = { zeroCoordinates: [], ties: [], zeroGradient: false };
  const atGradient = sharedGamma
    ? snapGradient(sharedGamma, used, threat.settings.p, gradientRounding(fit, extent))
    : none;
  const inBox = threat.settings.bounds !== null && atGradient.zeroCoordinates.length + atGradient.ties.length > 0;
  // In a box each row has its own free coordinates, so a shared corner is not one multiplier any more.
  const free = inBox ? none : atGradient;
  // What an l1 penalty holds at 0 stays there; zeros that it may let in are resolved with it.
  return { used, sharedGamma, inBox, found: fit.sparse ? { ...free, zeroCoordinates: [] } : free };
}

/** One pass over the data: c, A, Φ away from kinks, and which kinks there are. */
export async function collect(fit: Fit, threat: Threat, extent: SlopeExtent, work?: Work): Promise<Collected> {
  const { model, data, parameters, scores } = fit;
  const { loss, map } = model;
  const { p } = threat.settings;
  const slopes = new Float64Array(scores.length);
  lossSlopes(loss, scores, data.y, slopes);
  const zeroResiduals = snapResiduals(loss, slopes, scores, data.y, extent.largest, termsOf(fit, extent));
  const { used, sharedGamma, inBox, found } = sharedCorners(fit, threat, extent);
  const pull: RowPull = {
    onFeatures: new Float64Array(data.rows),
    onJacobian: new Float64Array(data.rows),
    shared: sharedGamma && !threat.settings.bounds ? Matrix.zeros(1, map.inputs) : null,
    slopes,
    gamma: sharedGamma && new Matrix(sharedGamma, 1, map.inputs),
  };
  const shares = threat.shares?.(await rowGains(fit, threat, pull, work), data.weights);
  const rowScales = new Float64Array(data.rows);
  const throughJacobian = new Float64Array(map.count);
  let scale = 0;
  let gain = 0;
  let coupled = inBox ? data.rows : 0;
  const buffers = borrowBuffers();
  const [ofGamma, ofSigns, ofGains, ofCurvatures] = Array.from({ length: 4 }, () => buffers.one());
  const attack = (block: Block): void => {
    const { x, w, firstRow, y } = block;
    const r = y.length;
    const own = (values: Float64Array): Float64Array => values.subarray(firstRow, firstRow + r);
    const slope = own(slopes);
    const base = pull.gamma ?? map.inputGradients(parameters, x, ofGamma);
    if (!pull.gamma) coupled += coupledKinks(base, slope, used, p);
    const directions = pull.gamma ? Matrix.zeros(pull.shared ? 1 : r, map.inputs) : base;
    const response = threat.respond({ slope, base }, block, { sign: ofSigns(r), base: directions, gain: ofGains(r) });
    pull.shared?.data.set(response.base.data);
    scale += dot(w, threat.rowScales(block, own(rowScales)));
    const moved = shares ? w.map((weight, i) => weight * shares.omega[firstRow + i]) : w;
    gain += dot(moved, response.gain);
    const curvature = ofCurvatures(r);
    lossCurvatures(loss, own(scores), y, curvature);
    const onJacobian = own(pull.onJacobian);
    pullRows({ slope, curvature, moved }, response, own(pull.onFeatures), onJacobian);
    map.addJacobianPullback(x, response.base, onJacobian, throughJacobian);
  };
  const stretch = pull.gamma ? ROWS_TOGETHER : Math.min(ROWS_TOGETHER, Math.ceil(STRETCH_NUMBERS / map.inputs));
  const { pull: throughFeatures } = await sweep(
    map,
    data,
    { pull: 1, reads: true, phase: "influence" },
    ({ block, pull: omega }) => {
      for (const part of shorter(block, stretch)) attack(part);
      omega.data.set(pull.onFeatures.subarray(block.firstRow, block.firstRow + block.y.length));
    },
    work,
  );
  buffers.giveBack();
  // Rows that share a budget leave a row without gain where it is: its residual of 0 is no corner, but all gains 0 is one.
  // Rows tied under tied coordinates would need two probability vectors: then the first row stands for them all.
  const bothTied = shares !== undefined && shares.tied.length > 0 && found.ties.length > 0;
  if (bothTied) coupled += shares.tied.length;
  const tiedRows = shares && !bothTied ? shares.tied : [];
  const corners = { ...found, zeroResiduals: shares ? [] : zeroResiduals, tiedRows };
  return {
    kinks: { ...corners, zeroGradient: found.zeroGradient || (shares !== undefined && gain === 0) },
    coupled,
    scale,
    rowScales,
    gain,
    along: throughJacobian.map((value, j) => value + throughFeatures.data[j]),
    throughFeatures: throughFeatures.data,
    pull,
  };
}

/** The same of an adversary that reweights rows: Φ = Σ w_i a_i ℓ'_i v_i, c = 1 (MATH 13); a corner where all losses are the same. */
async function collectTilt(
  { model, data, scores }: Fit,
  tilt: NonNullable<Threat["tilt"]>,
  work?: Work,
): Promise<Collected> {
  const { loss, map } = model;
  const losses = scores.map((f, i) => loss.value(f, data.y[i]));
  const { tilt: a, gain } = tilt(losses, data.weights);
  const slopes = scores.map((f, i) => loss.first(f, data.y[i]));
  const onFeatures = slopes.map((slope, i) => data.weights[i] * a[i] * slope);
  const { pull } = await sweep(
    map,
    data,
    { pull: 1, phase: "influence" },
    ({ block: { y, firstRow }, pull: omega }) => omega.data.set(onFeatures.subarray(firstRow, firstRow + y.length)),
    work,
  );
  return {
    kinks: { zeroCoordinates: [], ties: [], zeroResiduals: [], tiedRows: [], zeroGradient: gain === 0 },
    coupled: 0,
    scale: 1,
    rowScales: new Float64Array(data.rows).fill(1),
    gain,
    along: pull.data.slice(),
    throughFeatures: pull.data,
    pull: {
      onFeatures,
      onJacobian: new Float64Array(data.rows),
      shared: Matrix.zeros(1, map.inputs),
      slopes,
      gamma: null,
    },
  };
}

/**
 * What r rows pull: `moved` · ℓ''(γ·φ) on their features and `moved` · ℓ'·sgn on their Jacobians. γ·φ = (g·φ)/ℓ', and 0 where ℓ' = 0,
 * a kink that is resolved apart.
 */
function pullRows(
  { slope, curvature, moved }: Readonly<Record<"slope" | "curvature" | "moved", Float64Array>>,
  { gain, sign }: Response,
  onFeatures: Float64Array,
  onJacobian: Float64Array,
): void {
  for (let i = 0; i < slope.length; i++) {
    onFeatures[i] = slope[i] === 0 ? 0 : (moved[i] * curvature[i] * gain[i]) / slope[i];
    onJacobian[i] = moved[i] * slope[i] * sign[i];
  }
}

/** v_i'I for every row (n): by how much the score of row i moves per unit of ε. */
export async function scoreShifts({ fit, influence: I }: Influence, work?: Work): Promise<Float64Array> {
  const shifts = new Float64Array(fit.data.rows);
  await sweep(
    fit.model.map,
    fit.data,
    { theta: asColumn(I), phase: "score shifts" },
    ({ block, scores }) => shifts.set(scores.data, block.firstRow),
    work,
  );
  return shifts;
}
