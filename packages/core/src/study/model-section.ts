import type { DescribedColumns } from "../data/encoded-dataset.js";
import { scalerOf } from "../data/scaler.js";
import { ProjectedMap } from "../models/projection/projected-map.js";
import type { Fit } from "../solvers/fit.js";
import { projectionSection } from "./projection-section.js";
import type { StudyResult } from "./result.js";
import type { StudySettings } from "./settings.js";

/** What the result says of a model in closed form. */
export function modelSection(fit: Fit, data: DescribedColumns, settings: StudySettings): StudyResult["model"] {
  const { mean, scale } = scalerOf(data.encoding);
  const { loss, kind, map, parameterNames } = fit.model;
  return {
    kind,
    loss: loss.name,
    lossLabel: loss.label,
    unit: loss.unit(data.encoding.target.column),
    l1: fit.sparse?.l1 ?? 0,
    l2: fit.l2,
    damping: 0,
    intercept: map.intercept,
    scaler: settings.standardize ? { mean: Array.from(mean), scale: Array.from(scale) } : null,
    outputScaler: null,
    parameters: parameterNames,
    projection: projectionSection(map instanceof ProjectedMap ? map.projection : null, data),
    kernel: null,
  };
}
