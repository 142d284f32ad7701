import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { type HeldCorner, type RobustGradient, type RobustPoint, robustGradients } from "../robust/robust-gradient.js";
import { type Fit, fitHessianTimes } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import { maximumMagnitude } from "../threats/norms.js";
import type { Influence } from "./aif.js";
import { type Certificate, type Certify, certifier, type Proof } from "./certificate.js";
import { type Candidate, leastNormCandidate, snapToCorner } from "./corner-point.js";
import { type Cornered, hasNoGradient, heldNearLine, heldOnLine } from "./held-corner.js";
import type { Multipliers } from "./one-sided.js";
import { sparseJudge } from "./sparse-validity.js";

/** What the prediction θ̂ + εI is worth at one ε. */
export interface Validity {
  readonly epsilon: number;
  /** κ(ε) of MATH 14.10: the norm of ∇R_ε at θ̂+εI relative to that at θ̂; 0 perfect, ≥ 1 worse than doing nothing; NaN where only an error was asked for. */
  readonly stationarity: number;
  /** Certified ‖θ_ε − (θ̂+εI)‖ in `errorNorm`; null where none holds or was sought. */
  readonly errorBound: number | null;
  /** ‖x‖ in the norm of `errorBound`; null without one. */
  readonly errorLength: Certificate["length"] | null;
  /** The error (certified, else estimated by ‖∇R_ε‖_{H⁻¹}) relative to ε‖I‖. */
  readonly relativeError: number | null;
}

/** The same, with how nearly an error that was asked for is proven, where that is known. */
export interface Judged extends Validity {
  readonly proof?: Proof;
}

/** Multiply-adds of a certificate's Gram matrices beyond which only the estimate is made. */
const CERTIFICATE_WORK = 4e10;

/** Judges θ̂ + εI at any ε. */
export interface Judge {
  readonly certified: boolean;
  /** @param rigour for all sizes, or that of each: what all of them want of the rows is asked at once */
  at(epsilons: readonly number[], rigour: Rigour | RigourAt, work?: Work): Promise<Judged[]>;
}

/**
 * The estimate only (cheap, many ε in one pass), its error alone, without κ, the best certificate, or any that shows a relative error of
 * at most this, and nothing else.
 */
export type Rigour = "estimate" | "error" | "certificate" | { readonly atMost: number };

/** "estimate" or "certificate" at each size. */
export type RigourAt = (epsilon: number) => "estimate" | "certificate";

/** What a judge asks of the rows. */
export interface JudgedRows {
  /** ∇R at each of the points; those with `moved` are θ̂ + moved·I. Those of `proven` are certified next. */
  gradients(points: readonly LinePoint[], proven: readonly LinePoint[], work?: Work): Promise<RobustGradient[]>;
  /** f_i at a point, where scores are kept. */
  scoresAt(point: LinePoint, work?: Work): Promise<Candidate["score"]>;
  /** null where there is no certificate, or none that can be afforded. */
  readonly certify: Certify | null;
  /** Answers that do not depend on each other. */
  each<T>(tasks: readonly ((rows: JudgedRows) => Promise<T>)[]): Promise<T[]>;
}

export interface LinePoint extends RobustPoint {
  readonly moved?: number | undefined;
}

/** @param met rows at hand that are met exactly. @param largest max |ℓ'| at θ̂ */
export const heldAt = (
  attack: Cornered,
  { moved }: LinePoint,
  met: Multipliers["residuals"],
  largest: number,
): HeldCorner | undefined => (moved === undefined ? heldNearLine(attack, met, largest) : heldOnLine(attack, met));

/** @param shifts n: v_i'I, from `scoreShifts`. Scores must be linear in x, without a box. */
export function judgeOf(attack: Influence, shifts: Float64Array): Judge {
  const { fit, threat } = attack;
  if (fit.sparse) return sparseJudge(attack);
  const { scores } = fit;
  const met = attack.multipliers?.residuals ?? [];
  const largest = maximumMagnitude(attack.pull.slopes);
  const lineOf = ({ moved }: LinePoint) => (moved === undefined ? undefined : { scores, shifts, moved });
  const rows: JudgedRows = {
    gradients: (points, _, work) =>
      robustGradients(
        fit,
        threat,
        points.map((point) => ({ ...point, line: lineOf(point), held: heldAt(attack, point, met, largest) })),
        work,
      ),
    async scoresAt(point, work) {
      const { moved } = point;
      if (moved !== undefined) return (row) => scores[row] + moved * shifts[row];
      const out = new Float64Array(fit.data.rows);
      const plan = { theta: asColumn(point.theta), phase: "trust radius" };
      await sweep(fit.model.map, fit.data, plan, ({ scores: f, block }) => out.set(f.data, block.firstRow), work);
      return (row) => out[row];
    },
    certify: isCertified(attack) ? certifier(fit, threat) : null,
    async each(tasks) {
      const out: Awaited<ReturnType<(typeof tasks)[number]>>[] = [];
      for (const task of tasks) out.push(await task(rows));
      return out;
    },
  };
  return judgeFrom(attack, rows);
}

/** Whether a certificate can be afforded. */
export const isCertified = ({ fit: { model, data }, influence: I }: Pick<Influence, "fit" | "influence">): boolean =>
  model.loss.quadratic || data.rows * I.length ** 2 <= CERTIFICATE_WORK;

export function judgeFrom(attack: Influence, rows: JudgedRows): Judge {
  const { fit, influence: I, scale } = attack;
  const { parameters } = fit;
  const rests = hasNoGradient(attack);
  return {
    certified: rows.certify !== null,
    async at(epsilons, rigour, work) {
      const atMost = typeof rigour === "object" ? rigour.atMost : null;
      const isStill = atMost === null && rigour !== "error";
      const isProven = (epsilon: number): boolean =>
        rigour !== "error" && (typeof rigour === "function" ? rigour(epsilon) : rigour) !== "estimate";
      const moved: LinePoint[] = epsilons.map((epsilon) => ({
        theta: parameters.map((value, j) => value + epsilon * I[j]),
        radius: epsilon * scale,
        moved: epsilon,
      }));
      const still: LinePoint[] = isStill ? moved.map(({ radius }) => ({ theta: parameters, radius, moved: 0 })) : [];
      const snapped = moved.map((point) => snapToCorner(attack, point));
      const near = [...moved, ...snapped.flatMap((corner) => (corner ? [corner.point] : []))];
      const sizeOf = [...epsilons, ...epsilons.filter((_, e) => snapped[e])];
      const points = [...near, ...still];
      if (points.length === 0) return [];
      const proven = near.filter((_, k) => isProven(sizeOf[k]));
      const found = await rows.gradients(points, proven, work);
      const gradientOf = new Map(points.map((point, k) => [point, found[k]]));
      const gradientAt = (point: RobustPoint): RobustGradient => gradientOf.get(point) ?? found[0];
      const judged = epsilons.map((epsilon, e) => async (own: JudgedRows): Promise<Judged> => {
        const prove = isProven(epsilon) ? own.certify : null;
        const at = gradientAt(moved[e]).gradient;
        const lineScore = prove ? await own.scoresAt(moved[e], work) : undefined;
        const candidates: Candidate[] = [
          { ...moved[e], score: lineScore, gradient: at, away: new Float64Array(I.length) },
        ];
        const snap = snapped[e];
        if (snap) {
          const score = prove ? await own.scoresAt(snap.point, work) : undefined;
          candidates.unshift(leastNormCandidate(attack, snap, gradientAt(snap.point), moved[e].theta, score));
        }
        const residual = excess(fit, at);
        const unmoved = isStill ? excess(fit, gradientAt(still[e]).gradient) : Number.NaN;
        const { certified, proof } = prove
          ? await smallestBound(candidates, prove, I, atMost === null ? null : atMost * epsilon, work)
          : UNPROVEN;
        const relative = prove ? (certified?.relative ?? null) : estimate(fit, candidates, I);
        return {
          epsilon,
          stationarity: rests || unmoved === 0 ? 0 : residual / unmoved,
          errorBound: certified?.bound ?? null,
          errorLength: certified?.length ?? null,
          relativeError: relative === null || !Number.isFinite(relative) ? null : relative / epsilon,
          ...(proof && { proof }),
        };
      });
      // Only a proof asks the rows again.
      const proofs = await rows.each(judged.filter((_, e) => isProven(epsilons[e])));
      const estimates = await Promise.all(
        judged.filter((_, e) => !isProven(epsilons[e])).map((estimated) => estimated(rows)),
      );
      return epsilons.flatMap((epsilon) => (isProven(epsilon) ? proofs : estimates).shift() ?? []);
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

/** What certificates tell of some candidates. */
interface Proven {
  readonly certified: ProvenError | null;
  /** Of the candidate whose proof comes nearest. */
  readonly proof: Proof | undefined;
}

const UNPROVEN: Proven = { certified: null, proof: undefined };

/** The smallest certified ‖θ_ε − (θ̂+εI)‖: a candidate's bound plus its distance. `atMost`: relative to ‖I‖, what would do. */
async function smallestBound(
  candidates: readonly Candidate[],
  certify: Certify,
  I: Float64Array,
  atMost: number | null,
  work?: Work,
): Promise<Proven> {
  let { certified, proof } = UNPROVEN;
  for (const candidate of candidates) {
    const { away } = candidate;
    const goal = atMost === null ? {} : { goal: (length: Certificate["length"]) => atMost * length(I) - length(away) };
    const certificate = await certify({ ...candidate, ...goal }, work);
    if (!certificate) continue;
    const { bound: own, length } = certificate;
    if (certificate.proof && slack(certificate.proof) > slack(proof)) proof = certificate.proof;
    if (own === null) continue;
    const bound = own + length(away);
    const relative = bound / length(I);
    if (certified === null || relative < certified.relative) certified = { bound, relative, length };
    if (atMost !== null && certified.relative <= atMost) break;
  }
  return { certified, proof };
}

const slack = (proof: Proof | undefined): number =>
  proof === undefined ? Number.NEGATIVE_INFINITY : proof.floor - proof.need;
