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

function parameterNames({
  weight,
  intercepts,
  features,
  labels,
}: Pick<LinearModelParts, "weight" | "intercepts" | "features" | "labels">): string[] {
  const names = features ?? Array.from({ length: weight.columns }, (_, j) => `x${j + 1}`);
  const scores = Array.from({ length: weight.rows }, (_, k) => (weight.rows === 1 ? "" : `${labels?.[k] ?? k}:`));
  const weights = scores.flatMap((score) => names.map((name) => `${score}${name}`));
  const intercept = interceptName(names);
  return intercepts === null ? weights : [...weights, ...scores.map((score) => `${score}${intercept}`)];
}

/**
 * A linear model whose file names no features, or other ones than the user chose, with its parameters named after the columns that it
 * is given; any other model as it is.
 * @param features m names of columns, in the order of its inputs. @param classes in the order of its scores; null: one score.
 */
export function namedByColumns(
  network: ImportedNetwork,
  features: readonly string[],
  classes: readonly string[] | null,
): ImportedNetwork {
  const [only, ...others] = network.layers;
  const known = network.inputNames?.every((name, k) => name === features[k]) ?? false;
  if (network.format !== "coefficients" || known || only.kind !== "linear" || others.length > 0) return network;
  const { weight, bias } = only;
  const labels = classes ?? network.labels;
  return { ...network, parameterNames: parameterNames({ weight, intercepts: bias, features, labels }) };
}

const INTERCEPT = "intercept";
const BETWEEN = ": ";

/**
 * A softmax model from parameters with the names that `softmaxRegression` gives them: K times "class: intercept" where it has
 * intercepts, then class by class "class: feature". null: other names.
 */
export function softmaxModel(own: {
  readonly source: string;
  readonly names: readonly string[];
  readonly values: Float64Array;
  readonly scaler: Scaler | null;
}): ImportedNetwork | null {
  const d = own.names.length;
  for (let K = 2; K <= d; K++) {
    if (d % K !== 0) continue;
    const found = withIntercepts(own, K) ?? withoutIntercepts(own, K);
    if (found) return found;
  }
  return null;
}

type OwnSoftmax = Parameters<typeof softmaxModel>[0];

function withIntercepts({ source, names, values, scaler }: OwnSoftmax, K: number): ImportedNetwork | null {
  const ending = BETWEEN + INTERCEPT;
  const labels = names.slice(0, K).map((name) => name.slice(0, -ending.length));
  const m = names.length / K - 1;
  const features = names.slice(K, K + m).map((name) => name.slice(labels[0].length + BETWEEN.length));
  const rest = { source, names: names.slice(K), labels, features, scaler };
  if (m < 1 || labels.some((label, k) => names[k] !== label + ending) || !isGrid(rest)) return null;
  return softmaxOf(rest, values.slice(K), values.slice(0, K));
}

function withoutIntercepts({ source, names, values, scaler }: OwnSoftmax, K: number): ImportedNetwork | null {
  const m = names.length / K;
  const [first] = names;
  for (let cut = first.indexOf(BETWEEN); cut >= 0; cut = first.indexOf(BETWEEN, cut + 1)) {
    const ending = first.slice(cut);
    const labels = Array.from({ length: K }, (_, k) => names[k * m].slice(0, -ending.length));
    const features = names.slice(0, m).map((name) => name.slice(labels[0].length + BETWEEN.length));
    const grid = { source, names, labels, features, scaler };
    if (isGrid(grid)) return softmaxOf(grid, values, null);
  }
  return null;
}

interface Grid {
  readonly source: string;
  readonly names: readonly string[];
  readonly labels: readonly string[];
  readonly features: readonly string[];
  readonly scaler: Scaler | null;
}

/** Whether names are "class: feature" class by class. */
const isGrid = ({ names, labels, features }: Grid): boolean =>
  names.length === labels.length * features.length &&
  labels.every((label, k) =>
    features.every((feature, j) => names[k * features.length + j] === label + BETWEEN + feature),
  );

const softmaxOf = (
  { source, labels, features, scaler }: Grid,
  weights: Float64Array,
  intercepts: Float64Array | null,
): ImportedNetwork =>
  linearModel({
    source,
    weight: new Matrix(weights, labels.length, features.length),
    intercepts,
    features,
    labels,
    output: "softmax",
    scaler,
  });
