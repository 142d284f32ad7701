import type { HeldCorner } from "../robust/robust-gradient.js";
import type { Influence } from "./aif.js";
import { SNAP } from "./kinks.js";
import type { Multipliers } from "./one-sided.js";

/** What of an influence tells at which corners of R_ε the line θ̂ + εI stays. */
export type Cornered = Pick<Influence, "threat" | "oneSided" | "multipliers" | "pull">;

/** Whether the attacked gradient that all rows share is 0: θ̂ is the optimum at every size. */
export const hasNoGradient = ({ threat, oneSided, multipliers, pull: { gamma } }: Cornered): boolean =>
  oneSided &&
  multipliers === null &&
  gamma !== null &&
  gamma.data.every((g, k) => g === 0 || !(threat.settings.budgets[k] > 0));

/**
 * The corners of R_ε on the line θ̂ + εI, with the multipliers of its first-order derivative (MATH 1.2): a row that is met exactly has a
 * residual of ε v_i'I, whose sign is κ_i where |κ_i| = 1, and which is 0 where it is less, and so have coordinates of γ. What rounding
 * leaves of a 0 has a sign that says nothing. undefined: no corner.
 * @param rows those of the rows at hand that are met exactly
 */
export function heldOnLine(attack: Cornered, rows: Multipliers["residuals"]): HeldCorner | undefined {
  const { oneSided, multipliers, pull } = attack;
  if (!oneSided) return undefined;
  if (multipliers)
    return { rows, within: Number.POSITIVE_INFINITY, coordinates: multipliers.coordinates, ties: multipliers.ties };
  const within = Number.POSITIVE_INFINITY;
  if (!hasNoGradient(attack)) return { rows: "all", within, coordinates: [], ties: [] };
  const coordinates = Array.from(pull.gamma?.data ?? [], (_, feature) => ({ feature, value: 0 }));
  return { rows: [], within, coordinates, ties: [] };
}

/** The same near the line: rows that are still met there but for rounding. @param largest max |ℓ'| at θ̂ */
export function heldNearLine(
  attack: Cornered,
  rows: Multipliers["residuals"],
  largest: number,
): HeldCorner | undefined {
  if (!attack.multipliers || rows.length === 0) return undefined;
  return { rows, within: SNAP * largest, coordinates: [], ties: [] };
}
