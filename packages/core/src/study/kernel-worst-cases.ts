import type { KernelInfluence } from "../influence/kernel/aif.js";
import { combined } from "../linalg/products.js";
import { squaredDistances } from "../models/kernel/kernel-ridge.js";
import type { Work } from "../parallel/work.js";
import { kernelWorstCase } from "../robust/kernel/worst-case.js";
import type { FoundWorstCase } from "./worst-cases.js";

/**
 * `worstCaseOf` for kernel regressions, at θ̂: the attack on all rows jointly where their centres move, so that a row's loss
 * may fall while the sum rises.
 */
export async function kernelWorstCaseOf(
  { fit, threat, surface, scale }: KernelInfluence,
  epsilon: number,
  work: Work,
): Promise<FoundWorstCase> {
  const { moved, residuals } = await kernelWorstCase(fit, fit.theta, threat, epsilon * scale, { ...work, surface });
  const zero = combined(0, fit.y, 0, fit.y);
  return {
    method: "search",
    perturbations: combined(1, moved.x, -1, fit.points.x),
    weights: fit.weights,
    losses: squaredDistances(fit.residuals, zero),
    attackedLosses: squaredDistances(residuals, zero),
  };
}
