/** What is known of each value while a graph is walked: not its numbers, but which part of the network it is. */
import { quoted } from "../../data/names.js";
import type { Scaler } from "../../data/scaler.js";
import { type AifError, inputError } from "../../errors.js";
import { shapeText } from "./elements.js";
import type { ActivationName, Layer, LinearLayer, OutputName } from "./network.js";
import type { OnnxModel, OnnxNode } from "./onnx-proto.js";

/** The data after some layers. */
export interface Chain {
  readonly kind: "chain";
  /** The first length is that of the rows; null = not known. */
  readonly shape: readonly (number | null)[] | null;
  readonly layers: readonly Layer[];
  /** Set once the model's output was seen; no layer may follow. */
  readonly end: OutputName | null;
  readonly labels: readonly string[] | null;
  readonly scaler: Scaler | null;
  readonly notes: readonly string[];
}

/** A tensor of the file, read (once) when it is needed. */
export interface Constant {
  readonly kind: "constant";
  readonly name: string;
  readonly transposed: boolean;
  readonly read: () => { readonly shape: readonly number[]; readonly numbers: Float64Array };
}

export type Value =
  | Chain
  | Constant
  /** Predicted classes and whatever is computed from them. */
  | { readonly kind: "label" }
  /** Lengths of the data's shape; "rows" for the first. */
  | { readonly kind: "sizes"; readonly entries: readonly (number | "rows")[] }
  /** 1 − the probability that `of` ends in. */
  | { readonly kind: "complement"; readonly of: Chain }
  /** On the way to GELU: `factor` times what `stage` says of the data x after `of`; "erf" is that of x/√2. */
  | {
      readonly kind: "gelu-part";
      readonly of: Chain;
      readonly stage: "x" | "erf" | "1+erf" | "x(1+erf)";
      readonly factor: number;
    }
  /** An optional input that is left out. */
  | { readonly kind: "absent" };

/** One node at its turn. */
export interface Step {
  readonly model: OnnxModel;
  readonly node: OnnxNode;
  readonly opset: number;
  readonly inputs: readonly Value[];
  /** Which node holds a tensor as its parameters. */
  readonly claims: Map<string, string>;
}

/** What a node gives: one value, or one for each of its outputs. */
export type Rule = (step: Step) => Value | readonly Value[];

const mostLayers = 1000;

export function nodeText({ name, operator, outputs }: OnnxNode): string {
  const shown = quoted(operator).slice(1, -1); // on one line, whatever the file calls it
  return name === "" ? `the node (${shown}) that gives ${quoted(outputs[0] ?? "")}` : `node ${quoted(name)} (${shown})`;
}

export const refusal = ({ model, node }: Step, what: string): AifError =>
  inputError(`${model.file}: ${nodeText(node)} ${what}.`);

/** The data, which must be the node's first input. */
export function chainInput(step: Step): Chain {
  const value = step.inputs[0];
  if (value?.kind === "chain") return value;
  if (step.inputs.some((input) => input.kind === "gelu-part")) {
    throw refusal(
      step,
      "takes data that were multiplied or divided behind a layer; that can be imported only as a part of GELU",
    );
  }
  if (step.inputs.some((input) => input.kind === "chain")) {
    throw refusal(step, "takes the data as its second input; only x·W with the weight second can be imported");
  }
  throw refusal(step, "takes nothing that the network computes from its input; only stacks of layers can be imported");
}

/** The data, where the model's output has not been reached: a softmax ends a network. */
export function openChain(step: Step): Chain {
  const chain = chainInput(step);
  if (chain.end === null) return chain;
  throw refusal(step, `follows the ${chain.end} output, which only the end of a network may have`);
}

/** The data as a matrix of rows × features, and the number of features where it is known. */
export function rowsChain(step: Step): Chain & { readonly width: number | null } {
  const chain = openChain(step);
  if (chain.shape !== null && chain.shape.length !== 2) {
    throw refusal(
      step,
      `takes data of shape ${shapeText(chain.shape)}, expected [rows, features]; put a Flatten before it`,
    );
  }
  return { ...chain, width: chain.shape?.[1] ?? null };
}

export function withLinear(step: Step, chain: Chain, layer: LinearLayer): Chain {
  return { ...chain, layers: appended(step, chain, layer), shape: [chain.shape?.[0] ?? null, layer.weight.rows] };
}

export const withActivation = (step: Step, chain: Chain, name: ActivationName): Chain => ({
  ...chain,
  layers: appended(step, chain, { kind: "activation", name }),
});

function appended(step: Step, chain: Chain, layer: Layer): Layer[] {
  if (chain.layers.length >= mostLayers)
    throw refusal(step, `is layer ${mostLayers + 1}; at most ${mostLayers} are read`);
  return [...chain.layers, layer];
}

export const withNote = (chain: Chain, note: string): Chain => ({ ...chain, notes: [...chain.notes, note] });

/** Input k as numbers of the file. */
export function constantInput(step: Step, k: number, role: string): Constant {
  const value = step.inputs[k];
  if (value?.kind === "constant") return value;
  throw refusal(step, `needs its ${role} (input ${k}) as numbers in the file; computed ones cannot be imported`);
}

/** A constant as parameters of this node. Parameters that two nodes share are not independent, which no result could show. */
export function claimed(step: Step, constant: Constant): ReturnType<Constant["read"]> {
  const holder = step.claims.get(constant.name);
  if (holder !== undefined) {
    throw refusal(step, `shares the tensor ${quoted(constant.name)} with ${holder}; shared weights cannot be imported`);
  }
  step.claims.set(constant.name, nodeText(step.node));
  return constant.read();
}
