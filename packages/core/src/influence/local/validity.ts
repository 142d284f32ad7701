import { usageError } from "../../errors.js";
import type { Matrix } from "../../linalg/matrix.js";
import type { ActivationPattern } from "../../models/relu-pattern.js";
import { asColumn, asColumns } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import type { AttackSearch } from "../../robust/attack-result.js";
import { jointModelRisk } from "../../robust/joint-model-attack.js";
import { isJoint } from "../../robust/joint-worst-case.js";
import { modelAttacker } from "../../robust/model-attack.js";
import { type AttackObserver, attackedModelRisks } from "../../robust/model-training.js";
import { dot } from "../../solvers/inverse-hessian.js";
import { eachBlock, type RiskPoint } from "../../solvers/model-risk.js";
import { riskOperator } from "../../solvers/risk-operator.js";
import type { LocalInfluence } from "./influence.js";

/** What the prediction θ̃ + εI is worth at one ε, by a search for worst cases. */
export interface LocalValidity {
  readonly epsilon: number;
  /** κ(ε) of MATH 14.10: 0 perfect, ≥ 1 worse than doing nothing. A damping λ > 0 keeps it above 0 for every ε (`stationarityLimit`). */
  readonly stationarity: number;
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
  const { point, threat, scale, influence: I, system } = attack;
  const { model, data, parameters, gradient } = point;
  const bad = epsilons.find((epsilon) => !(epsilon > 0 && epsilon < Infinity));
  if (bad !== undefined) throw usageError(`The size ε = ${bad} makes no sense here: sizes are numbers above 0.`);
  if (epsilons.length === 0) return [];
  const asked = epsilons.flatMap((epsilon) => [0, epsilon].map((moved) => ({ epsilon, moved })));
  const thetaAt = (moved: number): Float64Array => parameters.map((value, j) => value + moved * I[j]);
  const searchAt = { ...SEARCH, ...search };
  const risks: RiskPoint[] = [];
  if (isJoint(threat)) {
    for (const { epsilon, moved } of asked) {
      risks.push(await jointModelRisk(point, thetaAt(moved), threat, epsilon * scale, work));
    }
  } else {
    const points = asked.map((at) => {
      const theta = thetaAt(at.moved);
      const attacker = modelAttacker(model, theta, threat, data.features.length, at.epsilon * scale, searchAt);
      return { theta, attacker, onAttacked: observe?.(at) };
    });
    risks.push(...(await attackedModelRisks(point, points, work)));
  }
  const pairs = epsilons.map((epsilon, k) => ({ epsilon, still: risks[2 * k], moved: risks[2 * k + 1] }));
  const excess = ({ gradient: slope }: RiskPoint): Float64Array => slope.map((value, j) => value - gradient[j]);
  // One block: right-hand sides of neighbouring sizes are much alike, and help one another.
  const right = asColumns(pairs.flatMap(({ still, moved }) => [excess(still), excess(moved)]));
  const { solution } = await system.solve(right, work, toleranceOf(attack));
  return pairs.map(({ epsilon, still, moved }, k) => {
    const [unmoved, left] = [0, 1].map((c) => dualLength(right, solution, 2 * k + c));
    return {
      epsilon,
      stationarity: unmoved > 0 ? left / unmoved : 0,
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

/** Where κ(ε) goes as ε → 0. */
export interface StationarityLimit {
  /** ‖Φ + H_L I‖/‖Φ‖ in the norm of (H + λI)⁻¹, H_L the whole Hessian: 0 where I is a derivative, λ = 0 and H = H_L. */
  readonly stationarity: number;
  /** The same for the damped problem, to which λεI is added: 0 where H = H_L. */
  readonly damped: number;
}

/**
 * The limit of κ as ε → 0, without any attack: ∇R_ε(θ̃+εI) − ∇L(θ̃) = ε(Φ + H_L I) + o(ε). A damping, or Gauss–Newton in place of
 * the Hessian, keeps it above 0; where it is above what is tolerated, no ε is small enough.
 */
export async function stationarityLimit(attack: LocalInfluence, work: Work = {}): Promise<StationarityLimit> {
  const { point, curvature, damping, influence: I, penaltyGradient: Phi, system } = attack;
  if (damping === 0 && curvature === "hessian") return { stationarity: 0, damped: 0 };
  const whole =
    curvature === "hessian" ? system.operator : riskOperator(point, { curvature: "hessian", withRidge: true }, work);
  const image = (await whole.product(asColumn(I))).data;
  const left = Phi.map((value, j) => value + image[j]);
  const right = asColumns([left, left.map((value, j) => value + damping * I[j])]);
  const { solution } = await system.solve(right, work, toleranceOf(attack));
  const unmoved = Math.sqrt(Math.max(0, -dot(Phi, I)));
  const [stationarity, damped] = [0, 1].map((k) => (unmoved > 0 ? dualLength(right, solution, k) / unmoved : 0));
  return { stationarity, damped };
}

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

/** From one ε to the next by at most this factor. */
const LONGEST = 64;
const SMALLEST = 1e-6;
/** The radius is known to this ratio. */
const PRECISION = 1.1;
/** A step that leads just beyond where the crossing is expected, so that the next check may close the bracket. */
const BEYOND = 1.04;
const MAXIMUM_CHECKS = 16;

/**
 * The trust radius of MATH 14.10: where κ crosses its tolerance. From κ's limit at 0 and its growth √(κ² − κ₀²) in proportion to ε, then
 * by secants on logarithmic scales within a bracket.
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
  const limit = await stationarityLimit(attack, rest);
  if (limit.stationarity > tolerance) {
    return { radius: null, reason: nowhere(limit, tolerance), checks: [] };
  }
  const checks: LocalValidity[] = [];
  const finish = (radius: number | null, reason: string | null = null): LocalTrust => ({
    radius,
    reason,
    checks: checks.toSorted((a, b) => a.epsilon - b.epsilon),
  });
  let [low, high]: [LocalValidity | null, LocalValidity | null] = [null, null];
  let epsilon = Math.min(start, ceiling);
  while (checks.length < MAXIMUM_CHECKS) {
    const [check] = await localValidity(attack, [epsilon], rest);
    checks.push(check);
    if (check.stationarity <= tolerance) low = check;
    else high = check;
    if (high === null && epsilon >= ceiling) return finish(ceiling);
    if (low === null && epsilon <= SMALLEST) return finish(null, nowhere(check, tolerance));
    if (low !== null && high !== null && high.epsilon / low.epsilon <= PRECISION) break;
    epsilon = Math.max(
      SMALLEST,
      Math.min(ceiling, nextSize({ low, high, limit, tolerance, halve: checks.length % 3 === 0 })),
    );
  }
  return finish(low?.epsilon ?? null);
}

/** Which ε to look at next, given the last below and the last above the radius. */
function nextSize({
  low,
  high,
  limit,
  tolerance,
  halve,
}: {
  readonly low: LocalValidity | null;
  readonly high: LocalValidity | null;
  readonly limit: StationarityLimit;
  readonly tolerance: number;
  readonly halve: boolean;
}): number {
  if (low !== null && high !== null) {
    const ratio = high.epsilon / low.epsilon;
    const slope = Math.log(high.stationarity / low.stationarity) / Math.log(ratio);
    const crossing = low.epsilon * (tolerance / low.stationarity) ** (1 / slope);
    // κ need not be a power of ε: halving keeps the search from creeping.
    const guess = halve || !Number.isFinite(crossing) ? Math.sqrt(low.epsilon * high.epsilon) : crossing;
    const margin = Math.min(BEYOND, ratio ** 0.25);
    return Math.min(high.epsilon / margin, Math.max(low.epsilon * margin, guess));
  }
  const { epsilon, stationarity } = low ?? high ?? { epsilon: 0, stationarity: 0 };
  const [wanted, found] = [tolerance, stationarity].map((kappa) =>
    Math.sqrt(Math.max(0, kappa ** 2 - limit.stationarity ** 2)),
  );
  const factor = found > 0 ? wanted / found : LONGEST;
  return low === null
    ? epsilon * Math.min(1 / PRECISION, Math.max(1 / LONGEST, factor / BEYOND))
    : epsilon * Math.max(PRECISION, Math.min(LONGEST, factor * BEYOND));
}

function nowhere(limit: Partial<StationarityLimit>, tolerance: number): string {
  const level = `κ stays near ${(limit.stationarity ?? 0).toPrecision(2)} however small ε is`;
  return (limit.damped ?? Number.POSITIVE_INFINITY) <= tolerance ? `${level}: the damping decides the response` : level;
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
