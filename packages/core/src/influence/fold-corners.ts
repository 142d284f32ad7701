import type { Matrix } from "../linalg/matrix.js";
import type { Loss } from "../models/losses.js";
import { type SlopeExtent, termsOf } from "./aif.js";
import { ROUNDING, SNAP } from "./kinks.js";

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

/** Nothing met so far. @param extent of all rows' fit, or null where the loss has no kink */
export function metWithoutFold(loss: Loss, extent: SlopeExtent | null, folds: number): MetWithoutFold {
  const counts = new Float64Array(folds);
  if (extent === null) return { limit: -1, counts };
  const rounding = loss.quadratic ? ROUNDING * loss.second(0, 0) * termsOf(loss, extent) : 0;
  return { limit: Math.max(SNAP * extent.largest, rounding), counts };
}

/** Whether ℓ' is 0 at some score for some target, so that |ℓ'| has a kink. */
export const hasKink = (loss: Loss): boolean => !Number.isNaN(loss.kink(1));

/** Counts a row whose slope is at most `limit` under the fit without fold k. */
export function countMet(met: MetWithoutFold, loss: Loss, y: number, k: number): void {
  if (!Number.isNaN(loss.kink(y))) met.counts[k]++;
}

/** The folds whose corners have to be resolved on their own. */
export const foldsAtCorners = ({ counts }: MetWithoutFold): number[] => [...counts.keys()].filter((k) => counts[k] > 0);

/** Puts a fold's own influence of each threat in place of the one that took signs from rounding. */
export function replaceFold(influences: readonly Matrix[], k: number, own: readonly Float64Array[]): void {
  influences.forEach(({ data, columns }, a) => {
    own[a].forEach((value, j) => {
      data[j * columns + k] = value;
    });
  });
}
