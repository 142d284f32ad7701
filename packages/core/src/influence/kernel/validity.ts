import { combined } from "../../linalg/products.js";
import type { Work } from "../../parallel/work.js";
import { kernelRobustGradient } from "../../robust/kernel/robust-gradient.js";
import { kernelWorstCase } from "../../robust/kernel/worst-case.js";
import type { KernelInfluence } from "./aif.js";

export interface KernelValidityOptions extends Work {
  /** Of each joint search; default 4: κ is a matter of directions, which few steps find. */
  readonly steps?: number;
}

/**
 * κ(ε) = ‖∇R_ε(θ̂+εI)‖_{H⁻¹} / ‖∇R_ε(θ̂)‖_{H⁻¹} (MATH 14.10), by a joint search for the worst attack at either: 0 perfect, ≥ 1
 * worse than doing nothing.
 */
export async function kernelStationarity(
  { fit, threat, surface, scale, influence }: KernelInfluence,
  epsilon: number,
  { steps = 4, ...work }: KernelValidityOptions = {},
): Promise<number> {
  const radius = epsilon * scale;
  const search = { ...work, surface, steps };
  const still = await kernelWorstCase(fit, fit.theta, threat, radius, search);
  const moved = combined(1, fit.theta, epsilon, influence);
  const there = await kernelWorstCase(fit, moved, threat, radius, { ...search, start: still.moved.x });
  const before = kernelRobustGradient(fit, fit.theta, still).length;
  return before > 0 ? kernelRobustGradient(fit, moved, there).length / before : 0;
}

/** Up to which ε the prediction of a kernel regression holds, by its stationarity κ. */
export interface KernelTrust {
  /** About the largest ε up to which κ stays within the tolerance; null: none that was looked at. */
  readonly radius: number | null;
  readonly reason: string | null;
}

/** Where the search begins, by what it steps, and where it ends. */
const START = 0.01;
const FACTOR = 4;
const LEAST = 1e-6;
const MOST = 1;
const BISECTIONS = 3;

/** The trust radius of MATH 14.10: where κ crosses the tolerance. */
export async function kernelTrust(
  attack: KernelInfluence,
  { tolerance = 0.1, ...options }: KernelValidityOptions & { readonly tolerance?: number } = {},
): Promise<KernelTrust> {
  const good = async (epsilon: number): Promise<boolean> => {
    options.onProgress?.({ phase: "trust radius", done: 0, total: 1 });
    return (await kernelStationarity(attack, epsilon, { ...options, onProgress: undefined })) <= tolerance;
  };
  let [inside, outside] = [0, Number.POSITIVE_INFINITY];
  for (let epsilon = START; ; ) {
    if (await good(epsilon)) inside = epsilon;
    else outside = epsilon;
    if (inside > 0 && outside < Infinity) break;
    if (inside >= MOST) return { radius: MOST, reason: null };
    if (outside <= LEAST) {
      return { radius: null, reason: `already at ε = ${LEAST} the prediction is more than ${100 * tolerance} % off` };
    }
    epsilon = inside > 0 ? Math.min(MOST, inside * FACTOR) : outside / FACTOR;
  }
  for (let k = 0; k < BISECTIONS; k++) {
    const middle = Math.sqrt(inside * outside);
    if (await good(middle)) inside = middle;
    else outside = middle;
  }
  return { radius: inside, reason: null };
}
