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

const INTERCEPT = ": intercept";

/**
 * A softmax model from parameters with the names that `softmaxRegression` gives them: K times "class: intercept", then class by class
 * "class: feature". null: other names.
 */
export function softmaxModel({
  source,
  names,
  values,
  scaler,
}: {
  readonly source: string;
  readonly names: readonly string[];
  readonly values: Float64Array;
  readonly scaler: Scaler | null;
}): ImportedNetwork | null {
  const d = names.length;
  for (let K = 2; 2 * K <= d; K++) {
    const labels = names.slice(0, K).map((name) => name.slice(0, -INTERCEPT.length));
    const features = names.slice(K, K + d / K - 1).map((name) => name.slice(labels[0].length + 2));
    const expected = [
      ...labels.map((label) => label + INTERCEPT),
      ...labels.flatMap((label) => features.map((feature) => `${label}: ${feature}`)),
    ];
    if (d % K !== 0 || expected.length !== d || expected.some((name, j) => name !== names[j])) continue;
    return linearModel({
      source,
      weight: new Matrix(values.slice(K), K, features.length),
      intercepts: values.slice(0, K),
      features,
      labels,
      output: "softmax",
      scaler,
    });
  }
  return null;
}
