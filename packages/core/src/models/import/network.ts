/** What every reader of trained models gives: a stack of layers as plain data, whatever file it came from. */

import type { Activation } from "../../autodiff/index.js";
import { listed, quoted } from "../../data/names.js";
import type { Scaler } from "../../data/scaler.js";
import { inputError } from "../../errors.js";
import type { Matrix } from "../../linalg/matrix.js";

/** What may stand between linear layers. */
export type ActivationName = Exclude<Activation, "identity">;

/** What turns the last layer's scores into predictions. It belongs to the loss: softmax to cross entropy, sigmoid to logistic. */
export type OutputName = "identity" | "softmax" | "sigmoid" | "exp";

/** z ↦ W z + b. */
export interface LinearLayer {
  readonly kind: "linear";
  /** out×in, whatever way round the file keeps it. */
  readonly weight: Matrix;
  /** out; null where the layer has none. */
  readonly bias: Float64Array | null;
  /** As the file calls them. */
  readonly weightName: string;
  readonly biasName: string | null;
}

export interface ActivationLayer {
  readonly kind: "activation";
  readonly name: ActivationName;
}

export type Layer = LinearLayer | ActivationLayer;

/** A layer without its numbers. */
export type LayerShape =
  | ActivationLayer
  | { readonly kind: "linear"; readonly outputs: number; readonly inputs: number; readonly bias: boolean };

/** A model trained elsewhere. */
export interface ImportedNetwork {
  readonly format: "onnx" | "safetensors" | "coefficients";
  /** The file, as messages call it. */
  readonly source: string;
  readonly layers: readonly Layer[];
  readonly output: OutputName;
  /** One a feature, where the file names them. */
  readonly inputNames: readonly string[] | null;
  readonly inputSize: number;
  /** Scores a row; one score and `output` "sigmoid" for two classes. */
  readonly outputSize: number;
  /** The classes in the order of the scores; for one score [negative, positive]. null where the file names none. */
  readonly labels: readonly string[] | null;
  /** The first layer sees (x − mean) / scale. */
  readonly scaler: Scaler | null;
  /** The last layer's scores are mean + scale·z: a target that was standardised for training. null: they are z. */
  readonly outputScaler: OutputScaler | null;
  /** d names, layer by layer, weight (row-major, `name[output,input]`) before bias. */
  readonly parameterNames: readonly string[];
  /** What the reader decided or left out, one sentence each. */
  readonly notes: readonly string[];
}

export interface OutputScaler {
  readonly mean: number;
  readonly scale: number;
}

export type NetworkParts = Omit<ImportedNetwork, "inputSize" | "outputSize" | "parameterNames" | "outputScaler"> & {
  /** Default: none. */
  readonly outputScaler?: OutputScaler | null;
  /** Default: made of the names of weights and biases. */
  readonly parameterNames?: readonly string[];
};

/** Beyond this a list of parameter names alone takes half a gigabyte. */
export const MOST_PARAMETERS = 8_000_000;

/**
 * Completes a network and checks all that its readers have in common.
 *
 * @throws AifError "input" for layers that do not fit (expected and found shape), numbers that are not finite, names or
 *   labels whose number does not fit or that repeat, more parameters than can be analysed
 */
export function importedNetwork(parts: NetworkParts): ImportedNetwork {
  const { source, layers, scaler } = parts;
  const linear = layers.filter((layer) => layer.kind === "linear");
  if (linear.length === 0) {
    throw inputError(`${source} holds no linear layer; give a trained network of linear layers and activations.`);
  }
  const count = linear.reduce((sum, { weight, bias }) => sum + weight.data.length + (bias?.length ?? 0), 0);
  if (count > MOST_PARAMETERS) {
    throw inputError(
      `${source} holds ${count} parameters, more than the ${MOST_PARAMETERS} that can be analysed; give a smaller network.`,
    );
  }
  linear.forEach((layer, k) => checkLayer(layer, linear[k - 1], source));
  const inputSize = linear[0].weight.columns;
  const outputSize = linear[linear.length - 1].weight.rows;
  checkNames(parts, inputSize, outputSize);
  if (scaler !== null) checkScaler(scaler, inputSize, source);
  return {
    ...parts,
    inputSize,
    outputSize,
    outputScaler: parts.outputScaler ?? null,
    parameterNames: parts.parameterNames ?? linear.flatMap(namesOf),
  };
}

function checkLayer(layer: LinearLayer, before: LinearLayer | undefined, source: string): void {
  const { weight, bias, weightName, biasName } = layer;
  if (weight.rows === 0 || weight.columns === 0) {
    throw inputError(
      `${source}: ${quoted(weightName)} has shape [${weight.rows}, ${weight.columns}]; no side of a weight may be 0.`,
    );
  }
  if (before !== undefined && before.weight.rows !== weight.columns) {
    throw inputError(
      `${source}: ${quoted(weightName)} has shape [${weight.rows}, ${weight.columns}] (outputs, inputs), expected [${weight.rows}, ${before.weight.rows}], since the layer before it, ${quoted(before.weightName)}, gives ${before.weight.rows} numbers; check that all layers come from one network.`,
    );
  }
  if (bias !== null && bias.length !== weight.rows) {
    throw inputError(
      `${source}: ${quoted(biasName ?? "bias")} has shape [${bias.length}], expected [${weight.rows}], as many as ${quoted(weightName)} has outputs.`,
    );
  }
  checkFinite(weight.data, source, weightName, (k) => `[${Math.floor(k / weight.columns)},${k % weight.columns}]`);
  if (bias !== null) checkFinite(bias, source, biasName ?? "bias", (k) => `[${k}]`);
}

function checkFinite(numbers: ArrayLike<number>, source: string, name: string, place: (k: number) => string): void {
  for (let k = 0; k < numbers.length; k++) {
    if (!Number.isFinite(numbers[k])) {
      throw inputError(
        `${source}: ${quoted(name)} holds ${numbers[k]} at ${place(k)}; every weight must be finite, so train again or export an earlier state.`,
      );
    }
  }
}

function checkNames({ source, inputNames, labels }: NetworkParts, inputSize: number, outputSize: number): void {
  if (inputNames !== null && inputNames.length !== inputSize) {
    throw inputError(
      `${source} names ${inputNames.length} features, expected ${inputSize}, one a column of its weights.`,
    );
  }
  const classes = outputSize === 1 ? 2 : outputSize;
  if (labels !== null && labels.length !== classes) {
    throw inputError(
      `${source} names ${labels.length} classes, expected ${classes}, since it gives ${outputSize} scores.`,
    );
  }
  for (const [what, names] of [
    ["feature", inputNames],
    ["class", labels],
  ] as const) {
    const repeated = duplicateOf(names);
    if (repeated !== undefined) {
      throw inputError(`${source} names the ${what} ${quoted(repeated)} twice; every ${what} needs a name of its own.`);
    }
  }
}

function duplicateOf(names: readonly string[] | null): string | undefined {
  const seen = new Set<string>();
  return names?.find((name) => seen.size === seen.add(name).size);
}

function checkScaler({ mean, scale }: Scaler, inputSize: number, source: string): void {
  for (const [what, numbers] of [
    ["mean", mean],
    ["scale", scale],
  ] as const) {
    if (numbers.length !== inputSize) {
      throw inputError(`${source}: the scaler's ${what} has ${numbers.length} numbers, expected ${inputSize}.`);
    }
    checkFinite(numbers, source, `scaler ${what}`, (k) => `[${k}]`);
  }
  const zero = Array.from(scale).indexOf(0);
  if (zero >= 0) throw inputError(`${source}: the scaler divides feature ${zero} by 0; leave that feature out.`);
}

function namesOf({ weight, bias, weightName, biasName }: LinearLayer): string[] {
  const names: string[] = [];
  for (let i = 0; i < weight.rows; i++) {
    for (let j = 0; j < weight.columns; j++) names.push(`${weightName}[${i},${j}]`);
  }
  for (let i = 0; i < (bias?.length ?? 0); i++) names.push(`${biasName}[${i}]`);
  return names;
}

/** The note that states in which order scores stand. */
export const labelNote = (labels: readonly string[]): string =>
  labels.length === 2
    ? `The classes are ${listed(labels)}; the score is that of the second.`
    : `The scores stand in the order of the classes ${listed(labels)}.`;
