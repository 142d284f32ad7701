import { listed, quoted } from "../../data/names.js";
import { inputError, usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { decoded, type Element, FLOAT32, FLOAT64, shapeText } from "./elements.js";
import { layersInOrder } from "./layer-order.js";
import {
  type ActivationName,
  type ImportedNetwork,
  importedNetwork,
  type Layer,
  type LinearLayer,
  type OutputName,
} from "./network.js";
import type { SafeTensor } from "./safetensors.js";

export interface StackOptions {
  /** What stands between the linear layers; the file does not say. */
  readonly activation: ActivationName;
  /** Widths of the hidden layers that the file must have (`mlp:5` is [5]); default: whatever it has. */
  readonly hidden?: readonly number[];
  /** Default "identity". */
  readonly output?: OutputName;
  readonly labels?: readonly string[] | null;
  /** What messages call the file. */
  readonly source?: string;
}

const TYPES: ReadonlyMap<string, Element> = new Map([
  ["F32", FLOAT32],
  ["F64", FLOAT64],
]);

/**
 * A stack of linear layers as PyTorch saves one: `0.weight` [out, in], `0.bias` [out], `2.weight`, …, perhaps behind a
 * common name ("net.0.weight", "fc1.weight"); layers follow their numbers, or where they have none ("hidden.weight",
 * "out.weight") the only order that fits their shapes. x ↦ W_k act(… act(W_1 x + b_1) …) + b_k.
 *
 * @throws AifError "input" for tensors that are no part of such a stack (named), other types than F32 and F64, shapes
 *   that do not fit (expected and found), numbers that are not finite; "usage" for another stack than `hidden`
 */
export function stackOfLinears(tensors: ReadonlyMap<string, SafeTensor>, options: StackOptions): ImportedNetwork {
  const source = options.source ?? "the safetensors file";
  const { layers, by } = layersInOrder(tensors, source);
  const linear = layers.map(({ weight, bias }) => layerOf(weight, bias, source));
  checkHidden(linear, options.hidden, source);
  const between: Layer = { kind: "activation", name: options.activation };
  return importedNetwork({
    format: "safetensors",
    source,
    layers: linear.flatMap((layer, k): Layer[] => (k === 0 ? [layer] : [between, layer])),
    output: options.output ?? "identity",
    inputNames: null,
    labels: options.labels ?? null,
    scaler: null,
    notes: [
      `The layers are ${listed(linear.map((layer) => layer.weightName))}, in this order${by === "shapes" ? ", the only one that fits their shapes" : ""}.`,
    ],
  });
}

function layerOf(weight: SafeTensor, bias: SafeTensor | null, source: string): LinearLayer {
  if (weight.shape.length !== 2) {
    throw inputError(
      `${source}: ${quoted(weight.name)} has shape ${shapeText(weight.shape)}, expected [outputs, inputs]; only linear layers can be imported.`,
    );
  }
  const [out, inputs] = weight.shape;
  if (bias !== null && (bias.shape.length !== 1 || bias.shape[0] !== out)) {
    throw inputError(
      `${source}: ${quoted(bias.name)} has shape ${shapeText(bias.shape)}, expected [${out}], as many as ${quoted(weight.name)} has outputs.`,
    );
  }
  return {
    kind: "linear",
    weight: new Matrix(numbersOf(weight, source), out, inputs),
    bias: bias === null ? null : numbersOf(bias, source),
    weightName: weight.name,
    biasName: bias?.name ?? null,
  };
}

function numbersOf({ name, type, bytes }: SafeTensor, source: string): Float64Array {
  const element = TYPES.get(type);
  if (element !== undefined) return decoded(bytes, element);
  throw inputError(
    `${source}: ${quoted(name)} has the type ${type}, expected F32 or F64; save the model in full precision (model.float()).`,
  );
}

function checkHidden(layers: readonly LinearLayer[], hidden: readonly number[] | undefined, source: string): void {
  if (hidden === undefined) return;
  const found = layers.slice(0, -1).map(({ weight }) => weight.rows);
  if (found.length === hidden.length && found.every((width, k) => width === hidden[k])) return;
  throw usageError(
    `The model has hidden layers ${shapeText(hidden)}, but ${source} holds ${shapeText(found)}; ${found.length === 0 ? "it is a linear model" : `give --model mlp:${found.join(",")}`}.`,
  );
}
