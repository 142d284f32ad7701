/** The natural loss on any rows beside an influence, as studies evaluate it on rows that were not trained on. */
import type { Dataset } from "../../../src/data/dataset.js";
import { rowLosses } from "../../../src/influence/local/changes.js";
import type { LocalInfluence } from "../../../src/influence/local/influence.js";
import type { LocalSensitivity } from "../../../src/influence/moving-rows.js";
import { independentRows, type Sampling } from "../../../src/influence/sampling.js";
import { type EvaluatedLocal, evaluatedSensitivity } from "../../../src/study/local-evaluation.js";

/** Slope and curvature along θ̃ + εI. */
export function expansionOf(
  { point: { model, parameters }, influence, scale, curvature }: LocalInfluence,
  data: Dataset,
  sampling: Sampling = independentRows(data.rows),
): Promise<LocalSensitivity> {
  const part = { data, model, rows: null, parameters, influence, scale };
  // What a study knows of its rows beside these, and what a model predicts, plays no part.
  const evaluated = { parts: [part], y: data.y, w: data.weights } as unknown as EvaluatedLocal;
  return evaluatedSensitivity(evaluated, curvature, sampling, {});
}

/** l_i(θ̃ + εI) − l_i(θ̃) of each row. */
export async function rowChanges(
  { point: { model, parameters }, influence }: LocalInfluence,
  data: Dataset,
  epsilon: number,
): Promise<Float64Array> {
  const moved = parameters.map((value, j) => value + epsilon * influence[j]);
  const [before, after] = [await rowLosses(model, parameters, data), await rowLosses(model, moved, data)];
  return after.map((loss, i) => loss - before[i]);
}
