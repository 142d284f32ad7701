import { usageError } from "../errors.js";
import { hasClosedForm } from "./local-settings.js";
import type { StudySettings } from "./settings.js";

/** @throws usage: an l1 penalty that makes no sense, or that the other settings do not go with. */
export function checkL1(settings: StudySettings): void {
  const { l1, l1Ratio, l2, C, alpha, inference, secondOrder } = settings;
  if (l1Ratio !== null) {
    if (!(l1Ratio >= 0 && l1Ratio <= 1)) throw usageError(`--l1-ratio must be between 0 and 1, got ${l1Ratio}.`);
    if (C === null && alpha === null)
      throw usageError("--l1-ratio says what share of --C or --alpha is an l1 penalty: give one of them, or --l1.");
    if (l1 !== null || l2 !== null)
      throw usageError("--l1-ratio shares --C or --alpha out among both penalties: leave out --l1 and --l2.");
  }
  if (!hasL1(settings)) return;
  const given = Array.isArray(l1) ? l1 : [];
  const bad = given.find((value) => !(value > 0 && value < Infinity));
  if (bad !== undefined)
    throw usageError(`--l1 ${bad} makes no sense: it is a number above 0; leave it out for a model with all features.`);
  if (l1 !== "path" && l1 !== null && given.length === 0) throw usageError("--l1 needs at least one λ, or path.");
  if (!hasClosedForm(settings))
    throw usageError("--l1 is for linear, logistic, poisson, quadratic and basis models: leave it out here.");
  if (settings.project !== null)
    throw usageError("--l1 selects among features, and --project replaces them by components: give one of them.");
  if (settings.smoothing !== null) throw usageError("--smoothing is not offered with --l1: leave one of them out.");
  if (inference === "bootstrap")
    throw usageError(
      "--inference bootstrap does not hold for coefficients that --l1 may set to 0: leave it out; intervals of held-out numbers stay.",
    );
  if (secondOrder !== "none")
    throw usageError("--second-order is not offered with --l1: the exact change is shown where it is quick.");
}

/** Whether any l1 penalty is asked for. */
export const hasL1 = ({ l1, l1Ratio }: Pick<StudySettings, "l1" | "l1Ratio">): boolean =>
  l1 !== null || (l1Ratio !== null && l1Ratio > 0);

/** @throws usage: an l1 penalty where there can be none. */
export function refuseL1(settings: StudySettings, what: string): void {
  if (hasL1(settings)) throw usageError(`${what} is not offered with --l1: use aif analyze or aif verify.`);
}
