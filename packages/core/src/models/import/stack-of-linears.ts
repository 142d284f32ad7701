import { listed, quoted } from "../../data/names.js";
import { inputError, usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { decoded, type Element, FLOAT32, FLOAT64, shapeText } from "./elements.js";
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

const namePattern = /^(.*?)(\d+)\.(weight|bias)$/;

/**
 * A stack of linear layers as PyTorch saves one: `0.weight` [out, in], `0.bias` [out], `2.weight`, …, perhaps behind a
 * common prefix ("net.0.weight", "fc1.weight"); layers follow their numbers. x ↦ W_k act(… act(W_1 x + b_1) …) + b_k.
 *
 * @throws AifError "input" for tensors that are no part of such a stack (named), other types than F32 and F64, shapes
 *   that do not fit (expected and found), numbers that are not finite; "usage" for another stack than `hidden`
 */
export function stackOfLinears(tensors: ReadonlyMap<string, SafeTensor>, options: StackOptions): ImportedNetwork {
  const source = options.source ?? "the safetensors file";
  const linear = numbered(tensors, source).map(({ weight, bias }) => layerOf(weight, bias, source));
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
    notes: [`The layers are ${listed(linear.map((layer) => layer.weightName))}, in this order.`],
  });
}

interface Pair {
  readonly weight: SafeTensor;
  readonly bias: SafeTensor | null;
}

/** Weights and biases in the order of their numbers. */
function numbered(tensors: ReadonlyMap<string, SafeTensor>, source: string): Pair[] {
  const expected = "expected a stack of linear layers (0.weight, 0.bias, 2.weight, …)";
  const weights = new Map<bigint, SafeTensor>();
  const biases = new Map<bigint, SafeTensor>();
  let prefix: string | null = null;
  for (const tensor of tensors.values()) {
    const [, stem, digits, role] = namePattern.exec(tensor.name) ?? [];
    if (role === undefined || (prefix !== null && stem !== prefix) || digits.length > 9) {
      throw inputError(`${source} holds ${quoted(tensor.name)}, ${expected}; save the linear layers alone, numbered.`);
    }
    prefix = stem;
    const number = BigInt(digits);
    const list = role === "weight" ? weights : biases;
    const other = list.get(number);
    if (other !== undefined) {
      throw inputError(`${source} holds ${quoted(other.name)} and ${quoted(tensor.name)}, both layer ${number}.`);
    }
    list.set(number, tensor);
  }
  const orphan = [...biases].find(([number]) => !weights.has(number));
  if (orphan !== undefined)
    throw inputError(`${source} holds ${quoted(orphan[1].name)} without its weight; ${expected}.`);
  if (weights.size === 0) throw inputError(`${source} holds no tensors; ${expected}.`);
  return [...weights]
    .toSorted(([a], [b]) => Number(a - b))
    .map(([number, weight]) => ({ weight, bias: biases.get(number) ?? null }));
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
