import type { Work } from "../parallel/work.js";
import { type RobustGradient, type RobustPoint, robustGradients } from "../robust/robust-gradient.js";
import { type Fit, fitHessianTimes } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import { type Certificate, certifier } from "./certificate.js";
import { type Candidate, leastNormCandidate, snapToCorner } from "./corner-point.js";
import { sparseJudge } from "./sparse-validity.js";

/** What the prediction θ̂ + εI is worth at one ε. */
export interface Validity {
  readonly epsilon: number;
  /** κ(ε) of MATH 14.10: the norm of ∇R_ε at θ̂+εI relative to that at θ̂; 0 perfect, ≥ 1 worse than doing nothing. */
  readonly stationarity: number;
  /** Certified ‖θ_ε − (θ̂+εI)‖ in `errorNorm`; null where none holds or was sought. */
  readonly errorBound: number | null;
  /** ‖x‖ in the norm of `errorBound`; null without one. */
  readonly errorLength: Certificate["length"] | null;
  /** The error (certified, else estimated by ‖∇R_ε‖_{H⁻¹}) relative to ε‖I‖. */
  readonly relativeError: number | null;
}

/** Multiply-adds of a certificate's Gram matrices beyond which only the estimate is made. */
const CERTIFICATE_WORK = 4e10;

/** Judges θ̂ + εI at any ε. */
export interface Judge {
  readonly certified: boolean;
  at(epsilons: readonly number[], rigour: Rigour, work?: Work): Promise<Validity[]>;
}

/** The estimate only (cheap, many ε in one pass), the best certificate, or any that shows a relative error of at most this. */
export type Rigour = "estimate" | "certificate" | { readonly atMost: number };

/** @param shifts n: v_i'I, from `scoreShifts`. Scores must be linear in x, without a box. */
export function judgeOf(attack: Influence, shifts: Float64Array): Judge {
  const { fit, influence: I, scale } = attack;
  if (fit.sparse) return sparseJudge(attack);
  const { parameters, scores, data } = fit;
  const affordable = fit.model.loss.quadratic || data.rows * I.length ** 2 <= CERTIFICATE_WORK;
  const certify = affordable ? certifier(fit, attack.threat) : null;
  return {
    certified: certify !== null,
    async at(epsilons, rigour, work) {
      const prove = rigour === "estimate" ? null : certify;
      const atMost = typeof rigour === "object" ? rigour.atMost : null;
      const moved = epsilons.map((epsilon) => ({
        theta: parameters.map((value, j) => value + epsilon * I[j]),
        radius: epsilon * scale,
        score: (row: number) => scores[row] + epsilon * shifts[row],
      }));
      const still = moved.map(({ radius }) => ({ theta: parameters, radius, score: (row: number) => scores[row] }));
      const snapped = moved.map((point) => snapToCorner(attack, point));
      const points = [...moved, ...still, ...snapped.flatMap((corner) => (corner ? [corner.point] : []))];
      if (points.length === 0) return [];
      const found = await robustGradients(fit, attack.threat, points, work);
      const gradientOf = new Map(points.map((point, k) => [point, found[k]]));
      const gradientAt = (point: RobustPoint): RobustGradient => gradientOf.get(point) ?? found[0];
      const out: Validity[] = [];
      for (const [e, epsilon] of epsilons.entries()) {
        const at = gradientAt(moved[e]).gradient;
        const candidates: Candidate[] = [{ ...moved[e], gradient: at, away: new Float64Array(I.length) }];
        const snap = snapped[e];
        if (snap) {
          candidates.unshift(
            await leastNormCandidate(attack, snap, gradientAt(snap.point), moved[e].theta, prove !== null),
          );
        }
        const residual = excess(fit, at);
        const unmoved = excess(fit, gradientAt(still[e]).gradient);
        const certified =
          prove && (await smallestBound(candidates, prove, I, atMost === null ? null : atMost * epsilon, work));
        const relative = prove ? (certified?.relative ?? null) : estimate(fit, candidates, I);
        out.push({
          epsilon,
          stationarity: unmoved > 0 ? residual / unmoved : 0,
          errorBound: certified?.bound ?? null,
          errorLength: certified?.length ?? null,
          relativeError: relative === null || !Number.isFinite(relative) ? null : relative / epsilon,
        });
      }
      return out;
    },
  };
}

/** ‖∇R_ε − ∇L(θ̂)‖_{H⁻¹}; ∇L(θ̂) is 0 at a minimum. */
export const excess = (fit: Fit, gradient: Float64Array): number =>
  fit.inverse.dualLength(gradient.map((value, j) => value - fit.gradient[j]));

/** The smallest over the candidates of ‖∇R_ε‖_{H⁻¹} + ‖away‖_H, relative to ‖I‖_H. */
function estimate(fit: Fit, candidates: readonly Candidate[], I: Float64Array): number {
  const length = (x: Float64Array) => Math.sqrt(Math.max(0, dot(x, fitHessianTimes(fit, x))));
  return Math.min(...candidates.map(({ gradient, away }) => excess(fit, gradient) + length(away))) / length(I);
}

interface ProvenError {
  readonly bound: number;
  readonly relative: number;
  readonly length: Certificate["length"];
}

/** The smallest certified ‖θ_ε − (θ̂+εI)‖: a candidate's bound plus its distance. `atMost`: relative to ‖I‖, what would do. */
async function smallestBound(
  candidates: readonly Candidate[],
  certify: NonNullable<ReturnType<typeof certifier>>,
  I: Float64Array,
  atMost: number | null,
  work?: Work,
): Promise<ProvenError | null> {
  let best: ProvenError | null = null;
  for (const candidate of candidates) {
    const { away } = candidate;
    const goal = atMost === null ? {} : { goal: (length: Certificate["length"]) => atMost * length(I) - length(away) };
    const certificate = await certify({ ...candidate, ...goal }, work);
    if (!certificate) continue;
    const bound = certificate.bound + certificate.length(away);
    const relative = bound / certificate.length(I);
    if (best === null || relative < best.relative) best = { bound, relative, length: certificate.length };
    if (atMost !== null && best.relative <= atMost) break;
  }
  return best;
}
