import { AifError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { Loss } from "../models/losses.js";
import type { Fit } from "../solvers/fit.js";
import type { Threat } from "../threats/threat.js";
import { type SlopeExtent, termsOf } from "./aif.js";
import { gradientRounding } from "./gradient-rounding.js";
import { ROUNDING, SNAP, snapGradient } from "./kinks.js";
import { usedBudgets } from "./response.js";

/**
 * Which folds have a fit without them that meets some row exactly, though the fit on all rows meets none: the last row of a level
 * whose others are in the fold, say. Its residual is rounding, and its sign says nothing (MATH 1.2).
 */
export interface MetWithoutFold {
  /** Slopes up to this are rounding; below 0 where the loss has no kink. */
  readonly limit: number;
  /** K: how many rows the fit without each fold meets. */
  readonly counts: Float64Array;
}

/** Nothing met so far. @param extent of all rows' fit */
export function metWithoutFold(full: Fit, extent: SlopeExtent, folds: number): MetWithoutFold {
  const { loss } = full.model;
  const counts = new Float64Array(folds);
  if (Number.isNaN(loss.kink(1))) return { limit: -1, counts };
  const rounding = loss.quadratic ? ROUNDING * loss.second(0, 0) * termsOf(full, extent) : 0;
  return { limit: Math.max(SNAP * extent.largest, rounding), counts };
}

/** Counts a row whose slope is at most `limit` under the fit without fold k. */
export function countMet(met: MetWithoutFold, loss: Loss, y: number, k: number): void {
  if (!Number.isNaN(loss.kink(y))) met.counts[k]++;
}

/** What folds are looked at for. */
interface FoldFitted {
  /** d×K: θ̂_{−k} */
  readonly theta: Matrix;
  /** K: H_{−k} */
  readonly hessians: readonly Matrix[];
  readonly extent: SlopeExtent;
  readonly met: MetWithoutFold;
}

/** The folds whose corners have to be resolved on their own: of the rows' slopes, and of a gradient that all rows share. */
export const foldsAtCorners = (full: Fit, threats: readonly Threat[], fitted: FoldFitted): number[] =>
  [...fitted.hessians.keys()].filter(
    (k) => fitted.met.counts[k] > 0 || threats.some((threat) => gradientCorner(full, threat, fitted, k)),
  );

/** Whether ‖b⊙γ‖_q has a corner at θ̂_{−k}, as where an attacked column is constant but in the fold. */
function gradientCorner(full: Fit, threat: Threat, { theta, hessians, extent }: FoldFitted, k: number): boolean {
  const { map } = full.model;
  if (!map.sharedGradient) return false;
  const gamma = map.inputGradients(theta.column(k), Matrix.zeros(0, map.inputs)).data.slice();
  const floors = gradientRounding({ model: full.model, hessian: hessians[k] }, extent);
  const found = snapGradient(gamma, usedBudgets(full, threat), threat.settings.p, floors);
  return found.zeroGradient || found.zeroCoordinates.length > 0 || found.ties.length > 0;
}

/** What `resolve` finds; null where the fit without a fold does not determine what is pulled at: the least-norm influence stays then. */
export async function orLeastNorm<T>(singular: boolean, resolve: () => Promise<T>): Promise<T | null> {
  try {
    return await resolve();
  } catch (error) {
    if (singular && error instanceof AifError && error.code === "numerical") return null;
    throw error;
  }
}

/** Puts a fold's own influence of each threat in place of the one that took signs from rounding. */
export function replaceFold(influences: readonly Matrix[], k: number, own: readonly Float64Array[]): void {
  influences.forEach(({ data, columns }, a) => {
    own[a].forEach((value, j) => {
      data[j * columns + k] = value;
    });
  });
}
