import { usageError } from "../../errors.js";
import type { Work } from "../../parallel/work.js";
import type { Fit } from "../../solvers/fit.js";
import { lassoPath } from "../../solvers/lasso/lasso.js";
import { chooseModel } from "../model-choice.js";
import type { StudySettings } from "../settings.js";
import type { ComparisonGround } from "./ground.js";
import { outside, placesOf } from "./subject.js";

/** Points of the path: so many that columns rarely enter at the same one. */
const POINTS = 60;
const RATIO = 1e-3;

/**
 * The columns in the order in which they enter the lasso path as λ falls, on all training rows or on those outside one fold: a
 * column enters with the first of its features. Of those that enter at one point the larger coefficient goes first; those that
 * never enter follow by how near they are to it.
 */
export async function lassoOrder(
  { training, foldOf, columns }: ComparisonGround,
  settings: StudySettings,
  without: number | null,
  work: Work,
): Promise<string[]> {
  const { describe } = chooseModel(settings, training);
  const { map } = describe(training);
  if (!map.sharedGradient) {
    throw usageError(
      `Lasso selection needs scores that are linear in the columns, which ${settings.model} has not: use forward.`,
    );
  }
  const rows = without === null || foldOf === null ? training : training.select(outside(foldOf, without));
  const { fits } = await lassoPath(describe, rows, {
    l2: settings.l2 ?? 0,
    points: POINTS,
    ratio: RATIO,
    signal: work.signal,
  });
  const first = map.intercept ? 1 : 0;
  const placed = columns.map((column) => placesOf(training, [column]).map((k) => k + first));
  const sizeAt = (values: Float64Array, group: number): number =>
    Math.max(...placed[group].map((j) => Math.abs(values[j])));
  const entries = columns.map((_, group) => {
    const point = fits.findIndex(({ parameters }) => sizeAt(parameters, group) > 0);
    const last: Fit = fits[fits.length - 1];
    return point < 0
      ? { group, point: fits.length, size: sizeAt(last.gradient, group) }
      : { group, point, size: sizeAt(fits[point].parameters, group) };
  });
  return entries.toSorted((a, b) => a.point - b.point || b.size - a.size).map(({ group }) => columns[group]);
}
