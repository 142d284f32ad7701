import type { RowBlocks } from "../../data/dataset.js";
import type { ModelDescription, ScoreModel } from "../score-model.js";
import { ProjectedMap } from "./projected-map.js";
import type { Projection } from "./projection.js";

/** A model made one of the components z = P'(x − μ) instead of the features x, which the adversary still acts on (MATH 13). */
export const projected =
  (description: ModelDescription, projection: Projection): ModelDescription =>
  () =>
    on(description({ features: projection.names }), projection);

function on(inner: ScoreModel, projection: Projection): ScoreModel {
  return { ...inner, map: new ProjectedMap(inner.map, projection) };
}

/** The model with its projection learned from the given rows; the model itself where nothing was learned. */
export async function relearned(model: ScoreModel, data: RowBlocks): Promise<ScoreModel> {
  const { map } = model;
  if (!(map instanceof ProjectedMap && map.projection.relearn)) return model;
  return { ...model, map: new ProjectedMap(map.inner, await map.projection.relearn(data)) };
}

/** Whether `relearned` gives another model on other rows. */
export const isLearned = ({ map }: ScoreModel): boolean =>
  map instanceof ProjectedMap && map.projection.relearn !== undefined;
