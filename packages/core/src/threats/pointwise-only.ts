import { usageError } from "../errors.js";
import type { Threat } from "./threat.js";

/** Throws a `usage` error for rows that share one budget. @param what is asked for, as it begins a sentence. */
export function requirePointwise({ settings: { order } }: Threat, what: string): void {
  if (order === undefined) return;
  throw usageError(
    `${what} known for adversaries that move every row by itself only, not for a Wasserstein adversary (order ${order}): its influence, contributions and held-out changes are, and empRobustOptimum gives the exact optimum.`,
  );
}
