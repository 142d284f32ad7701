import type { ThreatSection } from "@aif/core";
import { glue } from "./layout.js";
import { number } from "./numbers.js";

type AdversaryNames = Pick<ThreatSection["threat"], "norm" | "wasserstein" | "divergence">;

const normNames: Readonly<Record<string, string>> = {
  "1": "1-norm (sum of the moves)",
  "2": "2-norm (length of the move)",
  inf: "∞-norm (largest move)",
};

export const normName = (norm: string): string => normNames[norm] ?? `${norm}-norm`;

const ballNames = { chi2: "χ²", kl: "KL" } as const;

/** "2-norm (length of the move)", or what else tells adversaries apart. */
export function adversaryName({ norm, wasserstein, divergence }: AdversaryNames): string {
  if (divergence !== null) return `${ballNames[divergence]} ball`;
  return `${normName(norm ?? "")}${isShared(wasserstein) ? `, one budget for all rows (u = ${wasserstein})` : ""}`;
}

/** "Attack in the 2-norm (length of the move), p = 2", or what else the adversary does. @param exponent whether p is named too */
export function adversaryTitle({ norm, wasserstein, divergence }: AdversaryNames, exponent = true): string {
  if (divergence !== null) return `Reweighting of the rows within a ${ballNames[divergence]} ball`;
  const shared = isShared(wasserstein) ? `, one budget for all rows (Wasserstein, u = ${wasserstein})` : "";
  return `Attack in the ${normName(norm ?? "")}${exponent ? `, p = ${norm}` : ""}${shared}`;
}

/** What the adversary may do at a size, in one sentence. */
export function adversaryWords({ threat, scale }: Pick<ThreatSection, "threat" | "scale">): string {
  const { wasserstein, divergence, budgets } = threat;
  if (divergence !== null) {
    const ball = { chi2: "Σ(w'-w)²/w ≤ ρ²", kl: "KL(w'‖w) ≤ ρ²/2" }[divergence];
    return `The adversary moves no row: it may reweight the rows, to any weights w' with ${ball}. The size is absolute: ε and ρ are the same.`;
  }
  const inBudgets =
    Object.keys(budgets).length > 0 ? `, measured in budgets; ρ${glue}=${glue}1 is the whole budget` : "";
  const c = `c${glue}=${glue}${number(scale, 4)}: the mean norm of a row over the attacked features as the model sees them${inBudgets}`;
  if (isShared(wasserstein)) {
    const mean = wasserstein === "1" ? "the mean move" : `the power mean of order ${wasserstein} of the moves`;
    return `The rows share one budget: ${mean} may be up to ρ = ε·c, so that some rows move further than others, with ${c}.`;
  }
  return `Each row may move by up to ρ = ε·c, with ${c}.`;
}

const isShared = (wasserstein: string | null): boolean => wasserstein !== null && wasserstein !== "inf";
