import type { Work } from "../../parallel/work.js";
import type { Threat } from "../../threats/threat.js";
import { attackedPrediction, type EvaluatedLocal, type Judged, naturalLosses } from "../local-evaluation.js";
import type { EvaluatedLosses, SizedRows } from "./evaluated.js";
import type { ComparedSizes } from "./sizes.js";

/** Rows under models without a closed form, whose losses under attack are searched for. */
export interface SearchedRows {
  readonly evaluated: EvaluatedLocal;
  /** n: the losses without attack. */
  readonly natural: Float64Array;
  readonly judged: Judged;
  readonly attack: { readonly threat: Threat };
  /** Of the search. */
  readonly seed: number;
}

/** By how much the natural loss of each row (n) rises at both sizes. */
export async function changesAt(
  rows: Pick<SearchedRows, "evaluated" | "natural">,
  { epsilon, radius }: ComparedSizes,
  work: Work,
): Promise<{ relative: Float64Array; absolute: Float64Array }> {
  return {
    relative: await changes(rows, epsilon, work),
    absolute: await changes({ ...rows, evaluated: perRadius(rows.evaluated) }, radius, work),
  };
}

/** Losses at both sizes. */
export async function evaluatedLosses(rows: SearchedRows, sizes: ComparedSizes, work: Work): Promise<EvaluatedLosses> {
  const { relative, absolute } = await changesAt(rows, sizes, work);
  const { epsilon, radius } = sizes;
  return {
    natural: rows.natural,
    relative: await sized(rows, relative, epsilon, work),
    absolute: await sized({ ...rows, evaluated: perRadius(rows.evaluated) }, absolute, radius, work),
  };
}

async function changes(
  { evaluated, natural }: Pick<SearchedRows, "evaluated" | "natural">,
  size: number,
  work: Work,
): Promise<Float64Array> {
  const after = await naturalLosses(evaluated, size, work);
  return after.map((loss, i) => loss - natural[i]);
}

async function sized(
  { evaluated, judged, attack, seed }: SearchedRows,
  rises: Float64Array,
  size: number,
  work: Work,
): Promise<SizedRows> {
  const at = async (moved: number): Promise<Float64Array> =>
    (await attackedPrediction(evaluated, judged, attack, { epsilon: size, moved }, seed, work)).losses;
  return { changes: rises, attacked: { now: await at(0), after: await at(size) } };
}

/** The same rows with influences per unit of the radius, which is one for all folds. */
const perRadius = (evaluated: EvaluatedLocal): EvaluatedLocal => ({
  ...evaluated,
  parts: evaluated.parts.map((part) => ({
    ...part,
    influence: part.influence.map((value) => value / part.scale),
    scale: 1,
  })),
});
