import { usageError } from "../errors.js";
import type { Work } from "../parallel/work.js";
import { hasJointWorstCase, isJoint } from "../robust/joint-worst-case.js";
import { hasClosedForm } from "../robust/robust-loss.js";
import { fitHessianTimes } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import { certificateNorm, type ErrorNorm } from "./certificate.js";
import { jointJudge, jointTrustRadius } from "./joint-validity.js";
import { largestProven } from "./proven-size.js";
import { type Judge, judgeOf, type Validity } from "./validity.js";

/** Up to which ε the prediction θ̂ + εI holds, and how that is known. */
export interface TrustRadius {
  /** The largest ε up to which the relative error stays at or below `tolerance`; null with a reason where unknown. */
  readonly radius: number | null;
  readonly reason: string | null;
  readonly method: "certificate" | "stationarity" | null;
  readonly errorNorm: ErrorNorm | null;
}

/** The trust radius, and a check of the prediction at any sizes ε. */
export interface ValidityCheck {
  readonly trust: TrustRadius;
  at(epsilons: readonly number[], work?: Work): Promise<Validity[]>;
}

/** The error that is tolerated within the trust radius. */
export interface TrustOptions extends Work {
  /** The relative error up to which a prediction is trusted (default 0.1, MATH 14.11). */
  readonly tolerance?: number;
  /** No ε beyond this is of interest (the collapse radius). */
  readonly ceiling?: number | null;
}

/** MATH 14.11 */
const DEFAULT_TOLERANCE = 0.1;
const COARSE_STEPS = 16;
/** A best bound is the best to within less than this: one that is asked for must stay by as much below the tolerance, as the best does then. */
const LESS = 1e-3;
/** Error bounds are worked out up to this many trust radii; beyond, they say nothing of use, if there are any. */
const CERTIFIED_REACH = 3;

/**
 * How far θ̂ + εI can be trusted (MATH 10b, 14.10, 14.11). Squared and logistic losses have a certificate, Poisson losses and rows
 * that are attacked together an estimate; other bases and boxes have no closed-form robust risk to check against.
 * @param shifts n: v_i'I, from `scoreShifts`. @throws usage: a tolerance that is not positive.
 */
export async function checkValidity(
  attack: Influence,
  shifts: Float64Array,
  options: TrustOptions = {},
): Promise<ValidityCheck> {
  const { fit, threat } = attack;
  const judge = (): Judge => (isJoint(threat) && !fit.sparse ? jointJudge(attack, shifts) : judgeOf(attack, shifts));
  return validityBy(attack, judge, options);
}

/** The same, judged in some other way. */
export async function validityBy(
  attack: Influence,
  judgement: () => Judge,
  options: TrustOptions,
): Promise<ValidityCheck> {
  const { fit, threat } = attack;
  const { tolerance = DEFAULT_TOLERANCE } = options;
  if (!(tolerance > 0 && tolerance < Infinity))
    throw usageError(`The trust tolerance ${tolerance} makes no sense: it is a positive relative error, such as 0.1.`);
  const joint = isJoint(threat);
  if (!(joint ? hasJointWorstCase(fit.model.map.sharedGradient, threat) : hasClosedForm(fit.model, threat))) {
    const reason = threat.settings.bounds
      ? "the robust risk in a box has no closed form to check the prediction against"
      : `the robust risk of a ${fit.model.kind} model has no closed form to check the prediction against`;
    return {
      trust: { radius: null, reason, method: null, errorNorm: null },
      at: async (list) => list.map(unknownValidity),
    };
  }
  const judge = judgement();
  const size = Math.sqrt(dot(attack.influence, fitHessianTimes(fit, attack.influence)));
  const method = judge.certified ? "certificate" : "stationarity";
  const errorNorm: ErrorNorm = judge.certified ? certificateNorm(fit) : "hessian";
  if (size === 0) {
    const reason = "robust training does not move the parameters at first order";
    return {
      trust: { radius: null, reason, method, errorNorm },
      at: (list, work) => judge.at(list, "certificate", work),
    };
  }
  const radius = await (joint ? jointTrusted : largestTrusted)(judge, tolerance, options);
  // A certificate costs a factorisation, and the same sizes are asked for more than once.
  const known = new Map<number, Validity>();
  return {
    trust: { radius, reason: null, method, errorNorm },
    async at(list, work) {
      // A bound does not depend on the tolerance: a strict one must not hide it.
      const reach = CERTIFIED_REACH * radius * Math.max(1, DEFAULT_TOLERANCE / tolerance);
      const unknown = [...new Set(list)].filter((epsilon) => !known.has(epsilon));
      const checks = await judge.at(unknown, (epsilon) => (epsilon <= reach ? "certificate" : "estimate"), work);
      for (const check of checks) known.set(check.epsilon, check);
      return list.flatMap((epsilon) => known.get(epsilon) ?? []);
    },
  };
}

const unknownValidity = (epsilon: number): Validity => ({
  epsilon,
  stationarity: Number.NaN,
  errorBound: null,
  errorLength: null,
  relativeError: null,
});

/** No ε beyond this is of interest. */
const LARGEST = 10;

const jointTrusted: typeof largestTrusted = (judge, tolerance, { ceiling, ...work }) =>
  jointTrustRadius(judge, tolerance, Math.min(ceiling ?? Number.POSITIVE_INFINITY, LARGEST), work);

/** Grids that find the first ε that breaks the tolerance by the estimate, each within the last; fewer do where a certificate decides. */
const GRIDS = 3;
const GRIDS_BELOW = 2;

/** Scans upwards for the first ε that breaks the tolerance by the estimate, then closes in on it with the certificate. */
async function largestTrusted(judge: Judge, tolerance: number, { ceiling, ...work }: TrustOptions): Promise<number> {
  const top = Math.min(ceiling ?? Number.POSITIVE_INFINITY, LARGEST);
  let [low, high] = [top * 1e-8, top];
  for (let grid = 0; grid < (judge.certified ? GRIDS_BELOW : GRIDS); grid++) {
    const epsilons = logarithmicGrid(low, high, COARSE_STEPS);
    const found = await judge.at(epsilons, "error", work);
    const broken = found.findIndex(({ relativeError }) => !(relativeError !== null && relativeError <= tolerance));
    if (broken < 0) return certified(high);
    if (broken === 0) return judge.certified ? certified(low) : 0;
    [low, high] = [epsilons[broken - 1], epsilons[broken]];
  }
  return judge.certified ? certified(high) : low;

  /** The certificate is larger than the estimate: it is looked for below. */
  async function certified(estimate: number): Promise<number> {
    if (!judge.certified) return estimate;
    const tolerated = tolerance * (1 - LESS);
    return largestProven(estimate, async (epsilon) => {
      const [{ relativeError, proof }] = await judge.at([epsilon], { atMost: tolerated }, work);
      const alone = relativeError === null ? null : { floor: 1, need: Math.sqrt(relativeError / tolerated) };
      return { epsilon, held: relativeError !== null && relativeError <= tolerated, proof: proof ?? alone };
    });
  }
}

/** `count` points from `from` to `to`, equal ratios. */
export function logarithmicGrid(from: number, to: number, count: number): number[] {
  if (count === 1) return [to];
  return Array.from({ length: count }, (_, k) => (k === count - 1 ? to : from * (to / from) ** (k / (count - 1))));
}
