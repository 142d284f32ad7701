import type { DescribedColumns } from "../data/encoded-dataset.js";
import { scalerOf, toOriginalUnits } from "../data/scaler.js";
import type { Influence } from "../influence/aif.js";
import { Matrix } from "../linalg/matrix.js";
import { type FeatureMap, interceptName } from "../models/feature-map.js";
import { ProjectedMap } from "../models/projection/projected-map.js";
import { asColumn } from "../models/sweep.js";
import type { Fit } from "../solvers/fit.js";
import { deployedProjection } from "./projection-section.js";
import type { ExactPoints } from "./quick-optima.js";
import type { Coefficients } from "./result.js";
import { normOf } from "./threat-description.js";

/** (b, β) of a score b + β'x, whatever it is a function of: its value at x = 0 and its gradient. */
function affineCoefficients(map: FeatureMap, theta: Float64Array): Float64Array {
  const origin = Matrix.zeros(1, map.inputs);
  return Float64Array.of(...map.scores(asColumn(theta), origin).data, ...map.inputGradients(theta, origin).data);
}

/** θ̂, and θ̂ + εI with θ_ε where that is known for every threat and ε: in original units where scores are linear in x, else with the scaler beside them. */
export function coefficientTable(
  fit: Fit,
  data: DescribedColumns,
  attacks: readonly { readonly attack: Influence; readonly epsilons: readonly number[] }[],
  exact: readonly ExactPoints[],
): Coefficients {
  const { model, parameters } = fit;
  const { target, labels } =
    data.encoding.target.task === "binary"
      ? { target: data.encoding.target.column, labels: data.labels }
      : { target: data.encoding.target.column, labels: null };
  const standardized = data.encoding.standardized;
  const original = model.map.sharedGradient;
  const { mean, scale } = scalerOf(data.encoding);
  const translate = (theta: Float64Array): number[] => {
    if (!original) return [...theta];
    const { intercept, coefficients } = toOriginalUnits(affineCoefficients(model.map, theta), data.encoding, true);
    return [intercept, ...coefficients];
  };
  return {
    schema: "aif.coefficients/1",
    model: model.kind,
    loss: model.loss.name,
    target,
    labels,
    names: original ? [interceptName(data.features), ...data.features] : [...model.parameterNames],
    units: original || !standardized ? "original" : "standardized",
    scaler:
      original || !standardized
        ? null
        : { features: [...data.features], mean: Array.from(mean), scale: Array.from(scale) },
    network: null,
    projection: !original && model.map instanceof ProjectedMap ? deployedProjection(model.map.projection, data) : null,
    columns: [
      { norm: null, epsilon: 0, radius: 0, kind: "natural", values: translate(parameters) },
      ...attacks.flatMap(({ attack, epsilons }, t) =>
        epsilons.flatMap((epsilon) => {
          const size = { norm: normOf(attack.threat), epsilon, radius: epsilon * attack.scale };
          const predicted = parameters.map((value, j) => value + epsilon * attack.influence[j]);
          const robust = exact[t].get(epsilon)?.parameters;
          return [
            { ...size, kind: "predicted" as const, values: translate(predicted) },
            ...(robust ? [{ ...size, kind: "exact" as const, values: translate(robust) }] : []),
          ];
        }),
      ),
    ],
  };
}
