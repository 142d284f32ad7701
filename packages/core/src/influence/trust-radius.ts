import { Matrix } from "../linalg/matrix.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { type RobustGradient, type RobustPoint, robustGradients } from "../robust/robust-gradient.js";
import { hasClosedForm } from "../robust/robust-loss.js";
import { solveBoxSimplex } from "../solvers/box-simplex-qp.js";
import type { Fit } from "../solvers/fit.js";
import { dot, hessianTimes } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import { certificateNorm, certifier, type ErrorNorm } from "./certificate.js";

/** What the prediction θ̂ + εI is worth at one ε. */
export interface Validity {
  readonly epsilon: number;
  /** κ(ε) of MATH 14.10: the norm of ∇R_ε at θ̂+εI relative to that at θ̂; 0 perfect, ≥ 1 worse than doing nothing. */
  readonly stationarity: number;
  /** Certified ‖θ_ε − (θ̂+εI)‖ in `errorNorm`, or null where none holds. */
  readonly errorBound: number | null;
  /** The error (certified, else estimated by ‖∇R_ε‖_{H⁻¹}) relative to ε‖I‖. */
  readonly relativeError: number | null;
}

export interface TrustRadius {
  /** The largest ε up to which the relative error stays at or below `tolerance`; null with a reason where unknown. */
  readonly radius: number | null;
  readonly reason: string | null;
  readonly method: "certificate" | "stationarity" | null;
  readonly errorNorm: ErrorNorm | null;
}

export interface ValidityCheck {
  readonly trust: TrustRadius;
  at(epsilons: readonly number[], work?: Work): Promise<Validity[]>;
}

export interface TrustOptions extends Work {
  /** The relative error up to which a prediction is trusted (default 0.1, MATH 14.11). */
  readonly tolerance?: number;
  /** No ε beyond this is of interest (the collapse radius). */
  readonly ceiling?: number | null;
}

const COARSE_STEPS = 24;
const CERTIFICATE_STEPS = 12;
/** Multiply-adds of a certificate's Gram matrices beyond which only the estimate is made. */
const CERTIFICATE_WORK = 4e10;

/**
 * How far θ̂ + εI can be trusted (MATH 10b, 14.10, 14.11). Squared and logistic losses have a certificate, Poisson an
 * estimate; other bases and boxes have no closed-form robust risk to check against.
 * @param shifts n: v_i'I, from `scoreShifts`.
 */
export async function checkValidity(
  attack: Influence,
  shifts: Float64Array,
  options: TrustOptions = {},
): Promise<ValidityCheck> {
  const { fit, threat } = attack;
  if (!hasClosedForm(fit.model, threat)) {
    const reason = threat.settings.bounds
      ? "the robust risk in a box has no closed form to check the prediction against"
      : `the robust risk of a ${fit.model.kind} model has no closed form to check the prediction against`;
    return {
      trust: { radius: null, reason, method: null, errorNorm: null },
      at: async (list) => list.map(unknownValidity),
    };
  }
  const tolerance = options.tolerance ?? 0.1;
  const judge = judgeOf(attack, shifts);
  const size = Math.sqrt(dot(attack.influence, hessianTimes(fit.hessian, attack.influence)));
  const method = judge.certified ? "certificate" : "stationarity";
  const errorNorm: ErrorNorm = judge.certified ? certificateNorm(fit) : "hessian";
  if (size === 0) {
    const reason = "robust training does not move the parameters at first order";
    return { trust: { radius: null, reason, method, errorNorm }, at: (list, work) => judge.at(list, true, work) };
  }
  const radius = await largestTrusted(judge, tolerance, options);
  return { trust: { radius, reason: null, method, errorNorm }, at: (list, work) => judge.at(list, true, work) };
}

const unknownValidity = (epsilon: number): Validity => ({
  epsilon,
  stationarity: Number.NaN,
  errorBound: null,
  relativeError: null,
});

interface Judge {
  readonly certified: boolean;
  /** `certify` false: the estimate only, many ε in one pass. */
  at(epsilons: readonly number[], certify: boolean, work?: Work): Promise<Validity[]>;
}

function judgeOf(attack: Influence, shifts: Float64Array): Judge {
  const { fit, influence: I, scale } = attack;
  const { parameters, scores, data } = fit;
  const constantCurvature = fit.model.loss.second(0, 0) === fit.model.loss.second(1, 0);
  const affordable = constantCurvature || data.rows * I.length ** 2 <= CERTIFICATE_WORK;
  const certify = affordable ? certifier(fit, attack.threat) : null;
  return {
    certified: certify !== null,
    async at(epsilons, withCertificate, work) {
      const moved = epsilons.map((epsilon) => ({
        theta: parameters.map((value, j) => value + epsilon * I[j]),
        radius: epsilon * scale,
        score: (row: number) => scores[row] + epsilon * shifts[row],
      }));
      const still = moved.map(({ radius }) => ({ theta: parameters, radius, score: (row: number) => scores[row] }));
      const snapped = moved.map((point) => snapCrossed(attack, point));
      const points = [...moved, ...still, ...snapped.filter((point) => point !== null)];
      const found = await robustGradients(fit, attack.threat, points, work);
      const gradientOf = new Map(points.map((point, k) => [point, found[k]]));
      const gradientAt = (point: RobustPoint): RobustGradient => gradientOf.get(point) ?? found[0];
      const out: Validity[] = [];
      for (const [e, epsilon] of epsilons.entries()) {
        const at = gradientAt(moved[e]).gradient;
        const candidates: Candidate[] = [{ ...moved[e], gradient: at, away: new Float64Array(I.length) }];
        const snap = snapped[e];
        if (snap)
          candidates.push(await leastNormCandidate(attack, snap, gradientAt(snap), moved[e].theta, withCertificate));
        const residual = excess(fit, at);
        const unmoved = excess(fit, gradientAt(still[e]).gradient);
        const certified = certify && withCertificate ? await smallestBound(candidates, certify, I, work) : null;
        const relative = certify && withCertificate ? (certified?.relative ?? null) : estimate(fit, candidates, I);
        out.push({
          epsilon,
          stationarity: unmoved > 0 ? residual / unmoved : 0,
          errorBound: certified?.bound ?? null,
          relativeError: relative === null ? null : relative / epsilon,
        });
      }
      return out;
    },
  };
}

/** A point from which the error of θ̂ + εI is judged: its own distance counts towards the error. */
interface Candidate extends RobustPoint {
  readonly gradient: Float64Array;
  /** θ̂ + εI − θ (d) */
  readonly away: Float64Array;
  readonly score: (row: number) => number;
}

/**
 * p = ∞: where coefficients of θ̂ + εI have changed sign, the gradient there has jumped, though the optimum has the coefficient
 * near 0. The point with those coefficients at 0 lies close by and has a whole interval of subgradients (MATH 14.10).
 */
function snapCrossed({ fit, threat }: Influence, { theta, radius }: RobustPoint): RobustPoint | null {
  if (threat.settings.p !== Infinity) return null;
  const crossed = crossedParameters(fit, threat.settings.budgets, theta);
  if (crossed.length === 0) return null;
  const snapped = theta.slice();
  for (const j of crossed) snapped[j] = 0;
  return { theta: snapped, radius };
}

function crossedParameters({ model, parameters }: Fit, budgets: Float64Array, theta: Float64Array): number[] {
  const first = model.map.intercept ? 1 : 0;
  return [...budgets.keys()]
    .filter((k) => budgets[k] > 0)
    .map((k) => k + first)
    .filter((j) => parameters[j] * theta[j] < 0);
}

/** The snapped point with its subgradient of least H⁻¹-norm, and (for a certificate) its scores. */
async function leastNormCandidate(
  { fit, threat }: Influence,
  point: RobustPoint,
  { gradient, pull }: RobustGradient,
  target: Float64Array,
  withScores: boolean,
): Promise<Candidate> {
  const { budgets } = threat.settings;
  const first = fit.model.map.intercept ? 1 : 0;
  const crossed = crossedParameters(fit, budgets, target);
  const sizes = crossed.map((j) => point.radius * budgets[j - first] * pull);
  const unit = crossed.map((j) => Float64Array.from(gradient, (_, i) => (i === j ? 1 : 0)));
  const solved = unit.map((e) => fit.inverse.solve(e));
  const K = crossed.length;
  const G = Matrix.zeros(K, K);
  for (let a = 0; a < K; a++) for (let b = 0; b < K; b++) G.data[a * K + b] = solved[b][crossed[a]];
  const tau = solveBoxSimplex({
    G,
    g: Float64Array.from(solved, (column) => dot(column, gradient)),
    lower: Float64Array.from(sizes, (size) => -size),
    upper: Float64Array.from(sizes),
    simplex: [],
  });
  const least = gradient.slice();
  if (tau)
    crossed.forEach((j, k) => {
      least[j] += tau[k];
    });
  const scores = new Float64Array(withScores ? fit.data.rows : 0);
  if (withScores) {
    await sweep(fit.model.map, fit.data, { theta: asColumn(point.theta), phase: "trust radius" }, (rows) =>
      scores.set(rows.scores.data, rows.block.firstRow),
    );
  }
  const away = target.map((value, j) => value - point.theta[j]);
  return { ...point, gradient: least, away, score: (row) => scores[row] };
}

/** ‖∇R_ε − ∇L(θ̂)‖_{H⁻¹}; ∇L(θ̂) is 0 at a minimum. */
const excess = (fit: Fit, gradient: Float64Array): number =>
  fit.inverse.dualLength(gradient.map((value, j) => value - fit.gradient[j]));

/** The smallest over the candidates of ‖∇R_ε‖_{H⁻¹} + ‖away‖_H, relative to ‖I‖_H. */
function estimate(fit: Fit, candidates: readonly Candidate[], I: Float64Array): number {
  const length = (x: Float64Array) => Math.sqrt(Math.max(0, dot(x, hessianTimes(fit.hessian, x))));
  return Math.min(...candidates.map(({ gradient, away }) => excess(fit, gradient) + length(away))) / length(I);
}

/** The smallest certified ‖θ_ε − (θ̂+εI)‖: a candidate's bound plus its distance. */
async function smallestBound(
  candidates: readonly Candidate[],
  certify: NonNullable<ReturnType<typeof certifier>>,
  I: Float64Array,
  work?: Work,
): Promise<{ bound: number; relative: number } | null> {
  let best: { bound: number; relative: number } | null = null;
  for (const candidate of candidates) {
    const certificate = await certify(candidate, work);
    if (!certificate) continue;
    const bound = certificate.bound + certificate.length(candidate.away);
    const relative = bound / certificate.length(I);
    if (best === null || relative < best.relative) best = { bound, relative };
  }
  return best;
}

/** Scans upwards for the first ε that breaks the tolerance by the estimate, then closes in on it with the certificate. */
async function largestTrusted(judge: Judge, tolerance: number, { ceiling, ...work }: TrustOptions): Promise<number> {
  const top = Math.min(ceiling ?? Number.POSITIVE_INFINITY, 10);
  let [low, high] = [top * 1e-8, top];
  for (let pass = 0; pass < 3; pass++) {
    const epsilons = logarithmicGrid(low, high, COARSE_STEPS);
    const found = await judge.at(epsilons, false, work);
    const broken = found.findIndex(({ relativeError }) => !(relativeError !== null && relativeError <= tolerance));
    if (broken < 0) return certified(high);
    if (broken === 0) return certified(low);
    [low, high] = [epsilons[broken - 1], epsilons[broken]];
  }
  return certified(low);

  /** The certificate is larger than the estimate: bisect (in the logarithm) below what the estimate allows. */
  async function certified(estimate: number): Promise<number> {
    if (!judge.certified) return estimate;
    const holds = async (epsilon: number): Promise<boolean> => {
      const [{ relativeError }] = await judge.at([epsilon], true, work);
      return relativeError !== null && relativeError <= tolerance;
    };
    if (await holds(estimate)) return estimate;
    let [good, bad] = [estimate / 2, estimate];
    while (!(await holds(good))) {
      bad = good;
      good /= 2;
      if (good < estimate * 1e-6) return 0;
    }
    for (let step = 0; step < CERTIFICATE_STEPS && bad / good > 1.001; step++) {
      const middle = Math.sqrt(good * bad);
      if (await holds(middle)) good = middle;
      else bad = middle;
    }
    return good;
  }
}

/** `count` points from `from` to `to`, equal ratios. */
export function logarithmicGrid(from: number, to: number, count: number): number[] {
  if (count === 1) return [to];
  return Array.from({ length: count }, (_, k) => (k === count - 1 ? to : from * (to / from) ** (k / (count - 1))));
}
