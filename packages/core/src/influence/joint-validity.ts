import type { Work } from "../parallel/work.js";
import { jointGradient } from "../robust/joint-gradient.js";
import { fitHessianTimes } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import type { Influence } from "./aif.js";
import { hasNoGradient, heldOnLine } from "./held-corner.js";
import { excess, type Judge, type Validity } from "./validity.js";

/**
 * Judges θ̂ + εI against the true robust risk of an adversary that attacks all rows together (MATH 14.10): κ(ε), and the error as
 * ‖∇R_ε(θ̂+εI)‖_{H⁻¹} relative to ε‖I‖_H. No certificate.
 * @param shifts n: v_i'I, from `scoreShifts`. Worst cases of the threat must be known (`hasJointWorstCase`).
 */
export function jointJudge(attack: Influence, shifts: Float64Array): Judge {
  const { fit, influence: I, scale, threat } = attack;
  const length = Math.sqrt(Math.max(0, dot(I, fitHessianTimes(fit, I))));
  const held = heldOnLine(attack, []);
  const rests = hasNoGradient(attack);
  return {
    certified: false,
    async at(epsilons, _rigour, work?: Work) {
      const out: Validity[] = [];
      for (const epsilon of epsilons) {
        const sizeAt = async (moved: number): Promise<number> => {
          const theta = fit.parameters.map((value, j) => value + moved * I[j]);
          const scores = fit.scores.map((f, i) => f + moved * shifts[i]);
          const { gradient } = await jointGradient(fit, threat, { theta, radius: epsilon * scale, scores, held }, work);
          return excess(fit, gradient);
        };
        const left = await sizeAt(epsilon);
        const unmoved = await sizeAt(0);
        const relative = left / (epsilon * length);
        out.push({
          epsilon,
          stationarity: !rests && unmoved > 0 ? left / unmoved : 0,
          errorBound: null,
          errorLength: null,
          relativeError: Number.isFinite(relative) ? relative : null,
        });
      }
      return out;
    },
  };
}

/** Ratio up to which the trust radius is known. */
const PRECISION = 1.05;

/** The ε at which the estimated error leaves the tolerance, between `low` and `high`, by bisection of the logarithm: it grows with ε. */
export async function jointTrustRadius(judge: Judge, tolerance: number, top: number, work: Work): Promise<number> {
  const holds = async (epsilon: number): Promise<boolean> => {
    const [{ relativeError }] = await judge.at([epsilon], "estimate", work);
    return relativeError !== null && relativeError <= tolerance;
  };
  let [low, high] = [0, Number.POSITIVE_INFINITY];
  // From sizes that most trust radii are near to.
  for (let epsilon = Math.min(0.03, top); ; ) {
    if (await holds(epsilon)) low = epsilon;
    else high = epsilon;
    if (low >= top) return top;
    if (high <= 1e-8 * top) return 0;
    if (low > 0 && high / low <= PRECISION) return low;
    if (low === 0) epsilon = high / 8;
    else epsilon = high < Infinity ? Math.sqrt(low * high) : Math.min(top, low * 8);
  }
}
