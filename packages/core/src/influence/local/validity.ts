import { usageError } from "../../errors.js";
import type { Matrix } from "../../linalg/matrix.js";
import type { ActivationPattern } from "../../models/relu-pattern.js";
import { asColumns } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import type { AttackSearch } from "../../robust/attack-result.js";
import { jointModelRisk } from "../../robust/joint-model-attack.js";
import { isJoint } from "../../robust/joint-worst-case.js";
import { modelAttacker } from "../../robust/model-attack.js";
import { type AttackObserver, attackedModelRisk } from "../../robust/model-training.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { eachBlock, type RiskPoint } from "../../solvers/model-risk.js";
import type { LocalInfluence } from "./influence.js";

/** What the prediction θ̃ + εI is worth at one ε, by a search for worst cases. */
export interface LocalValidity {
  readonly epsilon: number;
  /** κ(ε) of MATH 14.10: 0 perfect, ≥ 1 worse than doing nothing. A damping λ > 0 keeps it above 0 for every ε. */
  readonly stationarity: number;
  /** The same for the damped problem, whose response I is exactly: λεI is added to ∇R_ε(θ̃+εI). Equal to κ for λ = 0. */
  readonly dampedStationarity: number;
  /** R_ε without the ridge at θ̃ and at θ̃+εI, as far as the search goes: lower bounds. */
  readonly robustLossNatural: number;
  readonly robustLoss: number;
}

export interface LocalValidityOptions extends Work {
  /** The search for worst cases (default: 50 steps, no random starts). */
  readonly search?: AttackSearch;
  /** Shows the attacks of every ε at θ̃ (moved = 0) and at θ̃+εI (moved = ε). */
  readonly observe?: ((at: { readonly epsilon: number; readonly moved: number }) => AttackObserver) | undefined;
}

const SEARCH: AttackSearch = { steps: 50, restarts: 0 };
/** κ² is known to this share where the condition of H + λI is. */
const PRECISION_OF_SQUARES = 1e-3;
/** Of the residuals of conjugate gradients where it is not. */
const TOLERANCE = 1e-4;

/**
 * κ(ε) = ‖∇R_ε(θ̃+εI) − ∇L(θ̃)‖ / ‖∇R_ε(θ̃) − ∇L(θ̃)‖ in the norm of (H + λI)⁻¹ (MATH 14.10), worst cases by projected gradient
 * ascent: two attacks for each ε.
 * Rows attacked together are so here too (`jointModelAttack`).
 * @throws usage: an ε that is not above 0.
 */
export async function localValidity(
  attack: LocalInfluence,
  epsilons: readonly number[],
  { search = {}, observe, ...work }: LocalValidityOptions = {},
): Promise<LocalValidity[]> {
  const { point, threat, scale, influence: I, damping, system } = attack;
  const { model, data, parameters, gradient } = point;
  const bad = epsilons.find((epsilon) => !(epsilon > 0 && epsilon < Infinity));
  if (bad !== undefined) throw usageError(`The size ε = ${bad} makes no sense here: sizes are numbers above 0.`);
  if (epsilons.length === 0) return [];
  const pairs: { epsilon: number; still: RiskPoint; moved: RiskPoint }[] = [];
  for (const epsilon of epsilons) {
    const riskAt = (moved: number): Promise<RiskPoint> => {
      const theta = parameters.map((value, j) => value + moved * I[j]);
      if (isJoint(threat)) return jointModelRisk(point, theta, threat, epsilon * scale, work);
      const searchAt = { ...SEARCH, ...search };
      const attacker = modelAttacker(model, theta, threat, data.features.length, epsilon * scale, searchAt);
      return attackedModelRisk(point, theta, attacker, { ...work, onAttacked: observe?.({ epsilon, moved }) });
    };
    pairs.push({ epsilon, still: await riskAt(0), moved: await riskAt(epsilon) });
  }
  const excess = ({ gradient: slope }: RiskPoint): Float64Array => slope.map((value, j) => value - gradient[j]);
  // One block: right-hand sides of neighbouring sizes are much alike, and help one another.
  const right = asColumns(
    pairs.flatMap(({ epsilon, still, moved }) => {
      const left = excess(moved);
      return [excess(still), left, left.map((value, j) => value + damping * epsilon * I[j])];
    }),
  );
  const { solution } = await system.solve(right, work, toleranceOf(attack));
  return pairs.map(({ epsilon, still, moved }, k) => {
    const [unmoved, left, damped] = [0, 1, 2].map((c) => dualLength(right, solution, 3 * k + c));
    return {
      epsilon,
      stationarity: unmoved > 0 ? left / unmoved : 0,
      dampedStationarity: unmoved > 0 ? damped / unmoved : 0,
      robustLossNatural: still.risk,
      robustLoss: moved.risk,
    };
  });
}

/** With a residual r conjugate gradients miss b'(H + λI)⁻¹b ≥ ‖b‖²/(μ + λ) by r'(H + λI)⁻¹r ≤ ‖r‖²/λ, μ the largest eigenvalue. */
function toleranceOf({ damping, local: { largestEigenvalue: most } }: LocalInfluence): number {
  if (most === null || damping <= 0) return TOLERANCE;
  return Math.max(TOLERANCE, Math.sqrt((PRECISION_OF_SQUARES * damping) / (most + damping)));
}

/** √(b'(H + λI)⁻¹b) */
const dualLength = (right: Matrix, solution: Matrix, k: number): number =>
  Math.sqrt(Math.max(0, dot(right.column(k), solution.column(k))));

export interface LocalTrust {
  /** About the largest ε up to which κ stays at or below the tolerance; null with a reason where unknown or nowhere. */
  readonly radius: number | null;
  readonly reason: string | null;
  /** Every ε that was looked at, ascending. */
  readonly checks: readonly LocalValidity[];
}

export interface LocalTrustOptions extends LocalValidityOptions {
  /** Of κ (default 0.1). */
  readonly tolerance?: number;
  /** Where to begin (default 0.01). */
  readonly start?: number;
  /** No ε beyond this is of interest (default 1). */
  readonly ceiling?: number;
}

const FACTOR = 4;
/** Where κ is more than this many times its tolerance, two steps are taken at once. */
const FAR = 4 * FACTOR ** 2;
const SMALLEST = 1e-6;
/** A κ that keeps more than this share twice, as ε is divided by 4 or more, does not go to 0 with it. */
const LEVEL = 0.8;
/** The radius is known to this ratio. */
const PRECISION = 1.1;
const MAXIMUM_CHECKS = 16;

/**
 * The trust radius of MATH 14.10: where κ crosses its tolerance. A bracket by steps of 4, then the crossing by κ's growth in
 * proportion to ε.
 * @throws usage: a tolerance, start or ceiling that is not above 0.
 */
export async function localTrust(attack: LocalInfluence, options: LocalTrustOptions = {}): Promise<LocalTrust> {
  const { tolerance = 0.1, ceiling = 1, start = 0.01, ...rest } = options;
  for (const [name, value] of Object.entries({ tolerance, ceiling, start })) {
    if (!(value > 0 && value < Infinity))
      throw usageError(`The ${name} ${value} makes no sense: it is a number above 0.`);
  }
  if (attack.influence.every((value) => value === 0)) {
    return { radius: null, reason: "robust training does not move the parameters at first order", checks: [] };
  }
  const checks: LocalValidity[] = [];
  const look = async (epsilon: number): Promise<LocalValidity> => {
    const [check] = await localValidity(attack, [epsilon], rest);
    checks.push(check);
    return check;
  };
  const finish = (radius: number | null, reason: string | null = null): LocalTrust => ({
    radius,
    reason,
    checks: checks.toSorted((a, b) => a.epsilon - b.epsilon),
  });
  let [low, high]: [LocalValidity | null, LocalValidity | null] = [null, null];
  let levels = 0;
  // With λ = 0 and the whole Hessian κ goes to 0 with ε; else it may stop on the way.
  const mostLevels = attack.damping > 0 || attack.curvature !== "hessian" ? 2 : Number.POSITIVE_INFINITY;
  for (let epsilon = Math.min(start, ceiling); low === null || high === null; ) {
    const check = await look(epsilon);
    levels = high !== null && check.stationarity > LEVEL * high.stationarity ? levels + 1 : 0;
    if (check.stationarity <= tolerance) low = check;
    else high = check;
    if (high === null && epsilon >= ceiling) return finish(ceiling);
    if (low === null && (levels >= mostLevels || epsilon <= SMALLEST))
      return finish(null, nowhere(attack, check, tolerance));
    const steps = check.stationarity > FAR * tolerance ? 2 : 1;
    epsilon = high === null ? Math.min(ceiling, epsilon * FACTOR) : epsilon / FACTOR ** steps;
  }
  while (high.epsilon / low.epsilon > PRECISION && checks.length < MAXIMUM_CHECKS) {
    const margin = (high.epsilon / low.epsilon) ** 0.1;
    const crossing = low.stationarity > 0 ? low.epsilon * (tolerance / low.stationarity) : Number.POSITIVE_INFINITY;
    const middle = Math.sqrt(low.epsilon * high.epsilon);
    // κ need not grow in proportion: halving keeps the search from creeping.
    const guess = checks.length % 2 === 0 ? crossing : middle;
    const within = Math.min(high.epsilon / margin, Math.max(low.epsilon * margin, guess));
    const check = await look(within);
    if (check.stationarity <= tolerance) low = check;
    else high = check;
  }
  return finish(low.epsilon);
}

function nowhere(
  { damping }: LocalInfluence,
  { stationarity, dampedStationarity }: LocalValidity,
  tolerance: number,
): string {
  const level = `κ stays near ${stationarity.toPrecision(2)} however small ε is`;
  return damping > 0 && dampedStationarity <= tolerance ? `${level}: the damping decides the response` : level;
}

/** The share of (row, unit) pairs whose ReLU is on at one of θ̃ and θ̃+εI and off at the other, weighted by row. */
export async function flippedShare(
  { point: { data, parameters }, influence: I }: LocalInfluence,
  pattern: ActivationPattern,
  epsilon: number,
  work: Work = {},
): Promise<number> {
  const moved = parameters.map((value, j) => value + epsilon * I[j]);
  let share = 0;
  await eachBlock(data, "units", work, ({ x, w }) => {
    const [before, after] = [parameters, moved].map((theta) => pattern.activations(theta, x));
    const units = before.length / w.length;
    for (let i = 0; i < w.length; i++) {
      let flips = 0;
      for (let u = i * units; u < (i + 1) * units; u++) if (before[u] !== after[u]) flips++;
      if (units > 0) share += (w[i] * flips) / units;
    }
  });
  return share;
}
