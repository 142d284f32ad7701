import {
  type Activation,
  add,
  constant,
  dense,
  gelu,
  relu,
  scale,
  scope,
  sigmoid,
  softplus,
  type Tensor,
  tanh,
} from "../autodiff/index.js";
import type { RowBlocks } from "../data/dataset.js";
import type { EncodedDataset } from "../data/encoded-dataset.js";
import { AifError, inputError, usageError } from "../errors.js";
import { interceptName } from "../models/feature-map.js";
import {
  type ActivationName,
  type ImportedNetwork,
  type Layer,
  type LayerShape,
  MOST_PARAMETERS,
} from "../models/import/network.js";
import { LOSSES } from "../models/losses.js";
import { type ParameterBlock, ParameterLayout } from "../models/parameter-layout.js";
import { type NetworkLoss, OUTPUT_LOSSES, perceptron } from "../models/perceptron.js";
import { type PredictiveModel, predictiveModel } from "../models/predictive-model.js";
import { projectedModel } from "../models/projection/projected-model.js";
import { type Projection, projectRows } from "../models/projection/projection.js";
import { type ActivationPattern, reluPattern } from "../models/relu-pattern.js";
import { affineModel, smoothedSquares } from "../models/smoothing/affine-model.js";
import { smoothedModel } from "../models/smoothing/smoothed-model.js";
import { softmaxRegression } from "../models/softmax.js";
import { hiddenWidths, localKindOf } from "./local-settings.js";
import { isSmoothedLoss, modelNoise, noiseOf } from "./noise.js";
import type { StudySettings } from "./settings.js";
import type { SmoothingSettings } from "./smoothing-settings.js";

/** A model without a closed form, and what is said of it. */
export interface LocalModel {
  readonly kind: "linear" | "logistic" | "softmax" | "mlp" | "imported";
  /** As the user wrote it: "mlp:64,32", or the file. */
  readonly name: string;
  readonly loss: NetworkLoss;
  /** For people. */
  readonly lossLabel: string;
  readonly unit: string;
  readonly activation: string | null;
  /** What the parameters are the weights of, in their order; null: `softmaxRegression`'s, intercepts first. */
  readonly layers: readonly LayerShape[] | null;
  readonly outputScaler: { readonly mean: number; readonly scale: number } | null;
  /** m */
  readonly features: number;
  /** Whether any score has a constant term. */
  readonly intercept: boolean;
  readonly model: PredictiveModel;
  /** The model whose losses are judged where that is another one, without noise; null: `model`. */
  readonly judged: PredictiveModel | null;
  /** The same model with what it learned from rows, a projection, learned from others; null where nothing was. */
  readonly relearn: ((data: RowBlocks) => Promise<PredictiveModel>) | null;
  /** Which ReLU units are on; null: there are none. */
  readonly pattern: ActivationPattern | null;
  readonly convex: boolean;
  /** θ̃ (d) of an imported model; null: to be trained. */
  readonly imported: Float64Array | null;
}

/** What stands behind a name of a loss, in words and units. */
function lossWords(loss: NetworkLoss, target: string): Pick<LocalModel, "loss" | "lossLabel" | "unit"> {
  if (loss === "softmax") return { loss, lossLabel: "mean cross entropy", unit: "nats" };
  return { loss, lossLabel: LOSSES[loss].label, unit: LOSSES[loss].unit(target) };
}

/** The loss that the target's type asks for, unless the user did. */
function lossOf({ loss }: StudySettings, data: EncodedDataset): NetworkLoss {
  const { task } = data.encoding.target;
  if (task === "multiclass") return "softmax";
  if (task === "binary") return "logistic";
  return loss === "half-squared" ? loss : "squared";
}

/** The model that `--model` names, to be trained on these data. */
export function modelToTrain(
  settings: StudySettings,
  data: EncodedDataset,
  projection: Projection | null = null,
): LocalModel {
  const plain = plainModel(settings, data, projection?.names ?? data.features);
  return isSmoothedLoss(settings) ? smoothedLocal(plain, settings) : onComponents(plain, projection);
}

/** A model whose inputs are the components, as one of the features; null: the inputs are the features. */
export function onComponents(plain: LocalModel, projection: Projection | null): LocalModel {
  if (projection === null) return plain;
  const { relearn } = projection;
  const { pattern } = plain;
  return {
    ...plain,
    model: projectedModel(plain.model, projection),
    relearn: relearn ? async (rows) => projectedModel(plain.model, await relearn(rows)) : null,
    pattern: pattern && { activations: (theta, x) => pattern.activations(theta, projectRows(projection, x)) },
  };
}

/** The model of the mean loss over the noise: exactly for squared losses of scores linear in x, else by draws. */
function smoothedLocal(plain: LocalModel, settings: StudySettings): LocalModel {
  const smoothing = noiseOf(settings);
  if (smoothing === null) return plain;
  const { model, loss } = plain;
  return {
    ...plain,
    model:
      loss !== "softmax" && hasExactNoise(plain, smoothing)
        ? smoothedSquares({ names: model.parameterNames, loss }, smoothing.sigma)
        : smoothedModel(model, modelNoise(smoothing, settings.seed)),
    judged: smoothing.evaluation === "clean" ? model : null,
  };
}

/** Whether the mean loss over the noise is known without a draw. */
export const hasExactNoise = ({ kind, loss }: LocalModel, { attack }: SmoothingSettings): boolean =>
  attack === "smoothed" && kind === "linear" && (loss === "squared" || loss === "half-squared");

/** f = b + β'x, as a model without the closed forms: its mean loss over noise has none. */
function affineLocal(settings: StudySettings, data: EncodedDataset, features: readonly string[]): LocalModel {
  const loss = lossOf(settings, data);
  if (loss === "softmax") throw usageError("A target of several classes needs --model softmax or mlp:<widths>.");
  const kind = loss === "logistic" ? "logistic" : "linear";
  return {
    kind,
    name: kind,
    ...lossWords(loss, data.encoding.target.column),
    activation: null,
    layers: null,
    outputScaler: null,
    intercept: true,
    features: features.length,
    model: affineModel({ names: [interceptName(features), ...features], loss }),
    judged: null,
    relearn: null,
    pattern: null,
    convex: true,
    imported: null,
  };
}

/** @param features what the model calls its inputs. */
function plainModel(settings: StudySettings, data: EncodedDataset, features: readonly string[]): LocalModel {
  const several = data.encoding.target.task === "multiclass";
  if (localKindOf(settings.model) === null && !(settings.model === null && several)) {
    return affineLocal(settings, data, features);
  }
  const name = settings.model ?? "softmax";
  const { classes } = data;
  if (localKindOf(name) === "softmax") return softmaxLocal(settings, data, features);
  const loss = lossOf(settings, data);
  const activation = settings.local.activation ?? "tanh";
  const outputScaler = loss === "squared" || loss === "half-squared" ? spreadOf(data) : null;
  const hidden = hiddenWidths(name);
  const widths = [features.length, ...hidden, loss === "softmax" ? (classes?.length ?? 0) : 1];
  refuseTooMany(name, widths);
  const model = perceptron({
    inputs: features.length,
    hidden,
    activation,
    loss,
    ...(loss === "softmax" ? { classes: classes?.length ?? 0 } : {}),
    ...(outputScaler && { outputScaler }),
  });
  return {
    kind: "mlp",
    name,
    ...lossWords(loss, data.encoding.target.column),
    activation,
    layers: stackShape(widths, activation),
    outputScaler,
    features: features.length,
    intercept: true,
    model,
    judged: null,
    relearn: null,
    pattern: activation === "relu" ? reluPattern({ inputs: features.length, hidden }) : null,
    convex: false,
    imported: null,
  };
}

/** @throws resource: a network of these widths has more parameters than can be analysed. */
function refuseTooMany(name: string, widths: readonly number[]): void {
  const count = widths.slice(1).reduce((sum, outputs, k) => sum + outputs * (widths[k] + 1), 0);
  if (count <= MOST_PARAMETERS) return;
  throw new AifError(
    "resource",
    `--model ${name} has ${count} parameters on ${widths[0]} features, more than the ${MOST_PARAMETERS} that can be analysed: use narrower layers.`,
  );
}

/** A softmax regression. @param features what the model calls its inputs. */
export function softmaxLocal(
  { intercept }: Pick<StudySettings, "intercept">,
  { classes, encoding }: Pick<EncodedDataset, "classes" | "encoding">,
  features: readonly string[],
): LocalModel {
  return {
    kind: "softmax",
    name: "softmax",
    ...lossWords("softmax", encoding.target.column),
    activation: null,
    layers: null,
    outputScaler: null,
    features: features.length,
    intercept,
    model: softmaxRegression({ features, classes: classes ?? [], intercept }),
    judged: null,
    relearn: null,
    pattern: null,
    convex: true,
    imported: null,
  };
}

/** Linear layers of these widths with one activation between them. */
const stackShape = (widths: readonly number[], activation: Activation): LayerShape[] =>
  widths.slice(1).flatMap((outputs, k): LayerShape[] => {
    const linear: LayerShape = { kind: "linear", outputs, inputs: widths[k], bias: true };
    return k === 0 || activation === "identity" ? [linear] : [{ kind: "activation", name: activation }, linear];
  });

const shapeOf = (layer: Layer): LayerShape =>
  layer.kind === "activation"
    ? layer
    : { kind: "linear", outputs: layer.weight.rows, inputs: layer.weight.columns, bias: layer.bias !== null };

/** Weighted mean and standard deviation of the target. */
function spreadOf({ y, weights }: EncodedDataset): { mean: number; scale: number } {
  const mean = y.reduce((sum, value, i) => sum + weights[i] * value, 0);
  const variance = y.reduce((sum, value, i) => sum + weights[i] * (value - mean) ** 2, 0);
  return { mean, scale: Math.sqrt(variance) || 1 };
}

const ACTIVATE: Readonly<Record<ActivationName, (x: Tensor) => Tensor>> = { relu, tanh, sigmoid, softplus, gelu };

/** The loss that goes with what a network puts out. @throws usage, input: none does, or not the one asked for. */
export function lossOfNetwork({ output, outputSize, labels, source }: ImportedNetwork, wanted: StudySettings["loss"]) {
  if (output === "exp") {
    throw inputError(`${source} is a Poisson model, which has a closed form: use --model poisson without --import.`);
  }
  const allowed = ALLOWED.filter(({ outputs, several }) => outputs.includes(output) && several === outputSize > 1).map(
    ({ loss }) => loss,
  );
  if (allowed.length === 0) {
    throw inputError(`${source} puts ${outputSize} numbers through ${output}, which no loss goes with.`);
  }
  if (wanted === null) return output === "identity" && labels !== null && outputSize === 1 ? "logistic" : allowed[0];
  const found = allowed.find((loss) => loss === wanted);
  if (found) return found;
  throw usageError(`--loss ${wanted} does not go with the output of ${source}: use ${allowed.join(" or ")}.`);
}

/** The first that fits is the default. */
const ALLOWED: readonly {
  readonly loss: NetworkLoss;
  readonly outputs: readonly ImportedNetwork["output"][];
  readonly several: boolean;
}[] = [
  { loss: "squared", outputs: ["identity"], several: false },
  { loss: "half-squared", outputs: ["identity"], several: false },
  { loss: "logistic", outputs: ["sigmoid", "identity"], several: false },
  { loss: "softmax", outputs: ["softmax", "identity"], several: true },
];

/** An imported network as a model; parameters in the file's order and by its names. Its scaler is part of the data. */
export function modelOfNetwork(network: ImportedNetwork, loss: NetworkLoss, target: string): LocalModel {
  const { outputScaler } = network;
  const parameters: Record<string, ParameterBlock> = {};
  const values: Float64Array[] = [];
  const names = [...network.parameterNames];
  network.layers.forEach((layer, k) => {
    if (layer.kind !== "linear") return;
    const { weight, bias } = layer;
    const { rows, columns } = weight;
    parameters[`weight${k}`] = { rows, columns, names: names.splice(0, rows * columns) };
    values.push(weight.data);
    if (bias === null) return;
    parameters[`bias${k}`] = { rows: 1, columns: rows, penalised: false, names: names.splice(0, rows) };
    values.push(bias);
  });
  const model = predictiveModel({
    parameters,
    outputs(theta, x) {
      let z = x;
      network.layers.forEach((layer, k) => {
        z = layerOutput(layer, k, theta, z);
      });
      return outputScaler ? add(scale(z, outputScaler.scale), outputScaler.mean) : z;
    },
    loss: OUTPUT_LOSSES[loss],
  });
  const convex = network.layers.length === 1;
  const activations = new Set(network.layers.flatMap((layer) => (layer.kind === "activation" ? [layer.name] : [])));
  return {
    kind: "imported",
    name: network.source,
    ...lossWords(loss, target),
    activation: activations.size === 0 ? null : [...activations].join(", "),
    layers: network.layers.map(shapeOf),
    outputScaler,
    features: network.inputSize,
    intercept: network.layers.some((layer) => layer.kind === "linear" && layer.bias !== null),
    model: { ...model, convex },
    judged: null,
    relearn: null,
    pattern: activations.has("relu") ? patternOfNetwork(network, parameters) : null,
    convex,
    imported: joined(values),
  };
}

/** Whatever lies between the layers: a unit is on where its ReLU gives more than 0. */
function patternOfNetwork(
  { layers }: ImportedNetwork,
  parameters: Readonly<Record<string, ParameterBlock>>,
): ActivationPattern {
  const layout = new ParameterLayout(parameters);
  return {
    activations: (vector, x) =>
      scope(() => {
        const theta = layout.byName(layout.tensors(vector));
        let z: Tensor = constant(x.data, x.rows, x.columns);
        const found: Tensor[] = [];
        layers.forEach((layer, k) => {
          z = layerOutput(layer, k, theta, z);
          if (layer.kind === "activation" && layer.name === "relu") found.push(z);
        });
        return sideBySide(found, x.rows);
      }),
  };
}

/** r×units of 0 and 1 from the outputs of several layers. */
function sideBySide(outputs: readonly Tensor[], rows: number): Uint8Array {
  const units = outputs.reduce((sum, { columns }) => sum + columns, 0);
  const out = new Uint8Array(rows * units);
  let before = 0;
  for (const { values, columns } of outputs) {
    for (let i = 0, at = 0; i < rows; i++) {
      for (let u = 0; u < columns; u++, at++) out[i * units + before + u] = values[at] > 0 ? 1 : 0;
    }
    before += columns;
  }
  return out;
}

function layerOutput(layer: Layer, k: number, theta: Readonly<Record<string, Tensor>>, z: Tensor): Tensor {
  return layer.kind === "linear" ? dense(z, theta[`weight${k}`], theta[`bias${k}`]) : ACTIVATE[layer.name](z);
}

function joined(parts: readonly Float64Array[]): Float64Array {
  const out = new Float64Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
