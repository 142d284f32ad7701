import type { Scaler } from "../../data/scaler.js";
import { Matrix } from "../../linalg/matrix.js";
import { interceptName } from "../feature-map.js";
import { type ImportedNetwork, importedNetwork, labelNote, type OutputName } from "./network.js";

export interface LinearModelParts {
  readonly source: string;
  /** K×m, one row a score. */
  readonly weight: Matrix;
  /** K; null where the model has none. */
  readonly intercepts: Float64Array | null;
  readonly features: readonly string[] | null;
  readonly labels: readonly string[] | null;
  readonly output: OutputName;
  readonly scaler?: Scaler | null;
  readonly notes?: readonly string[];
}

/** A linear model as a network of one layer. Parameters are named by feature, with several scores `label:feature`. */
export function linearModel(parts: LinearModelParts): ImportedNetwork {
  const { source, weight, intercepts, features, labels, output, scaler = null, notes = [] } = parts;
  return importedNetwork({
    format: "coefficients",
    source,
    layers: [
      {
        kind: "linear",
        weight,
        bias: intercepts,
        weightName: "coefficients",
        biasName: intercepts === null ? null : "intercept",
      },
    ],
    output,
    inputNames: features,
    labels,
    scaler,
    parameterNames: parameterNames(parts),
    notes: labels === null ? notes : [labelNote(labels), ...notes],
  });
}

function parameterNames({ weight, intercepts, features, labels }: LinearModelParts): string[] {
  const names = features ?? Array.from({ length: weight.columns }, (_, j) => `x${j + 1}`);
  const scores = Array.from({ length: weight.rows }, (_, k) => (weight.rows === 1 ? "" : `${labels?.[k] ?? k}:`));
  const weights = scores.flatMap((score) => names.map((name) => `${score}${name}`));
  const intercept = interceptName(names);
  return intercepts === null ? weights : [...weights, ...scores.map((score) => `${score}${intercept}`)];
}
