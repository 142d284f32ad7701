import { gathered, gatheredCodes } from "../data/gather.js";
import type { Sampling } from "../influence/sampling.js";
import { isJoint } from "../robust/joint-worst-case.js";
import { drawRows } from "../stats/draw-rows.js";
import type { Threat } from "../threats/threat.js";
import type { EvaluatedLocal, EvaluatedPart } from "./local-evaluation.js";
import type { StudySettings } from "./settings.js";

/** Rows drawn from those that a threat is judged on, where attacking all of them would take long. */
export interface AttackSample {
  /** The rows drawn, their weights summing to 1. */
  readonly evaluated: EvaluatedLocal;
  /** Where they stand among all, ascending. */
  readonly rows: Int32Array;
  readonly sampling: Sampling;
}

/** Rows times parameters from which an attack on all rows, and κ beyond the trust radius, take too long to be made unasked. */
const LARGE = 5e7;
const DRAWN = 2000;

export const isLarge = (rows: number, parameters: number): boolean => rows * parameters > LARGE;

/**
 * The rows on which losses under attack are searched; null: all of them, as where rows share a budget or are judged in groups.
 * @param d number of parameters.
 */
export function attackSample(
  evaluated: EvaluatedLocal,
  threat: Threat,
  { settings, sampling, d }: { readonly settings: StudySettings; readonly sampling: Sampling; readonly d: number },
): AttackSample | null {
  const n = evaluated.y.length;
  const count = drawnCount(n, threat, settings, d);
  const copied = evaluated.parts.some(({ data }) => data.copies > 1);
  if (count === null || copied) return null;
  const rows = drawRows(n, count, settings.seed);
  const w = gathered(evaluated.w, rows);
  const total = w.reduce((sum, value) => sum + value, 0);
  if (!(total > 0)) return null;
  const { clusters } = sampling;
  return {
    evaluated: {
      y: gathered(evaluated.y, rows),
      w: w.map((value) => value / total),
      parts: evaluated.parts.flatMap((part) => partOf(part, rows)),
    },
    rows,
    sampling: {
      ...sampling,
      totalWeight: sampling.totalWeight * total,
      ...(clusters && { clusters: gatheredCodes(clusters, rows) }),
    },
  };
}

/** How many of n rows are drawn; null: none, since all are attacked. */
export function drawnCount(n: number, threat: Threat, { local, by }: StudySettings, d: number): number | null {
  const count = local.attackRows ?? (isLarge(n, d) && by === null ? DRAWN : "all");
  return count === "all" || count >= n || isJoint(threat) ? null : count;
}

/** What is left of a part, its rows numbered among those drawn; nothing where none of them was. */
function partOf(part: EvaluatedPart, drawn: Int32Array): EvaluatedPart[] {
  if (part.rows === null) return [{ ...part, data: part.data.select(drawn) }];
  const own = new Map(Array.from(part.rows, (row, i) => [row, i]));
  const kept = [...drawn.keys()].filter((at) => own.has(drawn[at]));
  if (kept.length === 0) return [];
  const data = part.data.select(Int32Array.from(kept, (at) => own.get(drawn[at]) ?? 0));
  return [{ ...part, data, rows: Int32Array.from(kept) }];
}
