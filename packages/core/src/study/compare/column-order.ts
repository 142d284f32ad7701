import type { Work } from "../../parallel/work.js";
import type { Candidate } from "./family.js";
import type { ComparisonGround, SharedEquations } from "./ground.js";
import { lassoOrder } from "./lasso-order.js";
import { forwardOrder } from "./selection.js";

/**
 * The columns that a candidate gets, in the table's order: for a selection, what it chooses on all training rows (null), or on
 * those outside one fold. An order is found once for all numbers of columns.
 */
export async function columnOrder(
  { settings, features }: Candidate,
  ground: ComparisonGround,
  equations: SharedEquations | null,
  without: number | null,
  work: Work,
): Promise<readonly string[]> {
  const { columns, orders, steps } = ground;
  switch (features.kind) {
    case "all":
      return columns;
    case "first":
      return columns.slice(0, features.count);
    case "columns":
      return inOrder(columns, features.columns);
    default: {
      const { kind } = features;
      const key = JSON.stringify([kind, settings.model, settings.l2, without]);
      const known = orders.get(key);
      const found =
        known ??
        (kind === "lasso"
          ? lassoOrder(ground, settings, without, work)
          : forwardOrder(ground, settings, equations, without, steps.forward, work));
      if (!known) orders.set(key, found);
      return inOrder(columns, (await found).slice(0, features.count));
    }
  }
}

function inOrder(columns: readonly string[], chosen: readonly string[]): string[] {
  const kept = new Set(chosen);
  return columns.filter((column) => kept.has(column));
}
