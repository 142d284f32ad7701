import { listed, quoted } from "../../data/names.js";
import { inputError } from "../../errors.js";
import { type ImportedNetwork, importedNetwork } from "./network.js";
import { ARITHMETIC } from "./onnx-arithmetic.js";
import { LINEAR_MODELS } from "./onnx-linear-models.js";
import { OPERATORS } from "./onnx-operators.js";
import { nodesInOrder } from "./onnx-order.js";
import { type OnnxInput, type OnnxModel, type OnnxNode, parseOnnx, STRING_TYPE } from "./onnx-proto.js";
import { lazily, SHAPE_OPERATORS } from "./onnx-shapes.js";
import { tensorNumbers, typeName } from "./onnx-tensors.js";
import { type Chain, nodeText, type Rule, type Step, type Value } from "./onnx-values.js";

const RULES: ReadonlyMap<string, ReadonlyMap<string, Rule>> = new Map([
  ["", new Map([...OPERATORS, ...SHAPE_OPERATORS, ...ARITHMETIC])],
  ["ai.onnx.ml", LINEAR_MODELS],
]);

/** Versions of the operators between which those above mean the same. */
const OPSETS: ReadonlyMap<string, readonly [number, number]> = new Map([
  ["", [7, 25]],
  ["ai.onnx.ml", [1, 5]],
]);

/** Types of data that a network can take: float, int32, int64, double; 0 = not told. */
const INPUT_TYPES = new Set([0, 1, 6, 7, 11]);

/**
 * Reads an ONNX file: a stack of Gemm, MatMul + Add, Relu, Tanh, Sigmoid, Softplus, Gelu, Softmax, with Flatten and Reshape to rows of
 * features, a scaler before the first layer, or a linear model of ai.onnx.ml. A softmax or sigmoid at the end becomes `output`. Nothing is run and no other
 * file is opened; whatever the bytes hold, the answer is a network or an error.
 *
 * @param name what messages call the file
 * @throws AifError "input" for a damaged file, an operator that is not supported (named, with its node), shapes that do
 *   not fit (expected and found), numbers that are not finite, data outside the file, cycles, missing values, opsets
 */
export function readOnnx(bytes: Uint8Array, name = "the ONNX file"): ImportedNetwork {
  const model = parseOnnx(bytes, name);
  const order = nodesInOrder(model);
  const values = startValues(model);
  const claims = new Map<string, string>();
  for (const node of order) {
    const inputs = node.inputs.map(
      (input): Value => (input === "" ? { kind: "absent" } : valueOf(values, input, model)),
    );
    const result = applied({ model, node, inputs, claims, opset: opsetOf(node, model) });
    node.outputs.forEach((output, k) => {
      const value = result[k];
      if (output !== "" && value !== undefined) values.set(output, value);
    });
  }
  return finished(outputChain(model, values), model);
}

function applied(step: Step): readonly Value[] {
  const { node, inputs, model } = step;
  const all = (value: Value): Value[] => node.outputs.map(() => value);
  const data = inputs.some((input) => input.kind === "chain" || input.kind === "complement");
  if (node.operator === "ArgMax" || (!data && inputs.some((input) => input.kind === "label"))) {
    return all({ kind: "label" });
  }
  const rules = RULES.get(node.domain);
  const rule = rules?.get(node.operator);
  if (rule === undefined) {
    const domain = node.domain === "" ? "" : ` of ${quoted(node.domain)}`;
    throw inputError(
      `${model.file}: ${nodeText(node)} uses the operator ${quoted(node.operator)}${domain}, which is not supported; networks of Gemm, MatMul, Add, Relu, Tanh, Sigmoid, Softplus, Gelu, Softmax, Flatten, Reshape and linear models of ai.onnx.ml can be imported.`,
    );
  }
  const result = rule(step);
  // Further outputs of a layer (the mask of Dropout) are of no use to a prediction.
  return "kind" in result ? [result] : result;
}

function opsetOf(node: OnnxNode, { file, opsets }: OnnxModel): number {
  const version = opsets.get(node.domain);
  const known = OPSETS.get(node.domain);
  if (known === undefined) return version ?? 0; // the operator will be refused by its name
  const domain = node.domain === "" ? "ai.onnx" : node.domain;
  if (version === undefined) {
    throw inputError(`${file} does not say which version (opset) of ${domain} it uses; export it again.`);
  }
  if (version >= known[0] && version <= known[1]) return version;
  throw inputError(
    `${file} uses opset ${version} of ${domain}; versions ${known[0]} to ${known[1]} can be read, so export with one of them (opset_version=17).`,
  );
}

function startValues(model: OnnxModel): Map<string, Value> {
  const values = new Map<string, Value>();
  for (const [name, tensor] of model.initializers) {
    const read = lazily(() => tensorNumbers(tensor));
    values.set(name, { kind: "constant", name, transposed: false, read });
  }
  const data = model.inputs.filter(({ name }) => !model.initializers.has(name));
  if (data.length !== 1) {
    const found = data.length === 0 ? "none" : `${data.length} (${listed(data.map(({ name }) => name))})`;
    throw inputError(
      `${model.file} has ${found} as its inputs, expected one matrix of rows × features; export the model with a single input.`,
    );
  }
  values.set(data[0].name, startChain(data[0], model.file));
  return values;
}

function startChain({ name, type, shape }: OnnxInput, file: string): Chain {
  if (!INPUT_TYPES.has(type)) {
    const what = type === STRING_TYPE ? "text (a string tensor)" : typeName(type);
    throw inputError(
      `${file}: the input ${quoted(name)} takes ${what}; only networks of numbers (float, double) can be imported.`,
    );
  }
  // A model without declared columns may say so by 0, by −1 or by a symbol.
  const lengths = shape?.map((length) => (length !== null && length > 0 ? length : null)) ?? null;
  return { kind: "chain", shape: lengths, layers: [], end: null, labels: null, scaler: null, notes: [] };
}

function valueOf(values: ReadonlyMap<string, Value>, name: string, { file }: OnnxModel): Value {
  const value = values.get(name);
  if (value !== undefined) return value;
  throw inputError(
    `${file}: ${quoted(name)} is an output that its operator does not give to predictions; export again.`,
  );
}

/** The furthest of the computed outputs; the others must lie on the way to it. */
function outputChain(model: OnnxModel, values: ReadonlyMap<string, Value>): Chain {
  if (model.outputs.length === 0) throw inputError(`${model.file} names no output; export it again.`);
  const chains = model.outputs.map((name) => valueOf(values, name, model)).filter((value) => value.kind === "chain");
  const furthest = (best: Chain, chain: Chain): Chain =>
    chain.layers.length > best.layers.length || (chain.layers.length === best.layers.length && chain.end !== null)
      ? chain
      : best;
  const [first] = chains;
  if (first === undefined) {
    throw inputError(`${model.file} gives no scores, only ${listed(model.outputs)}; export it with its probabilities.`);
  }
  const chosen = chains.reduce(furthest, first);
  const stray = chains.some(({ layers }) => layers.some((layer, k) => layer !== chosen.layers[k]));
  if (stray) {
    throw inputError(
      `${model.file} gives several outputs (${listed(model.outputs)}) from layers of their own; export the model with one.`,
    );
  }
  return chosen;
}

/** A sigmoid at the end belongs to the loss. */
function finished(chain: Chain, model: OnnxModel): ImportedNetwork {
  const last = chain.layers[chain.layers.length - 1];
  const sigmoid = chain.end === null && last?.kind === "activation" && last.name === "sigmoid";
  return importedNetwork({
    format: "onnx",
    source: model.file,
    layers: sigmoid ? chain.layers.slice(0, -1) : chain.layers,
    output: sigmoid ? "sigmoid" : (chain.end ?? "identity"),
    inputNames: null,
    labels: chain.labels,
    scaler: chain.scaler,
    notes: chain.notes,
  });
}
