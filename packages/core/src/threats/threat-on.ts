import { usageError } from "../errors.js";
import type { ThreatDescription } from "./pointwise.js";
import type { Threat } from "./threat.js";

/** An adversary, or its description, which becomes one where the number of features is known. */
export type AnyThreat = Threat | ThreatDescription;

/** The adversary on m features. @throws usage: one that was made for another number of features, or none at all. */
export function threatOn(threat: AnyThreat, features: number): Threat {
  const made = typeof threat === "function" ? threat(features) : threat;
  const budgets = made?.settings?.budgets;
  if (budgets === undefined)
    throw usageError("The threat must be an adversary such as lp(2) or wasserstein(2, lp(2)).");
  if (budgets.length !== features)
    throw usageError(`This model has ${features} features, the threat ${budgets.length}.`);
  return made;
}
