import { usageError } from "../errors.js";
import type { Threat } from "./threat.js";

/** Throws a `usage` error for rows that share one budget or are reweighted. @param what is asked for, as it begins a sentence. */
export function requirePointwise({ settings: { order, divergence } }: Threat, what: string): void {
  if (order === undefined && divergence === undefined) return;
  const other =
    divergence === undefined
      ? `a Wasserstein adversary (order ${order}): its influence, contributions and held-out changes are, and empRobustOptimum gives the exact optimum`
      : `an adversary that reweights rows (${divergence}): its influence, contributions and held-out changes are, and divergenceRobustOptimum gives the exact optimum`;
  throw usageError(`${what} known for adversaries that move every row by itself only, not for ${other}.`);
}
