/** What each operator of ai.onnx does to the data, as a table. Source: onnx.ai/onnx/operators. */
import { quoted } from "../../data/names.js";
import { Matrix } from "../../linalg/matrix.js";
import { shapeText } from "./elements.js";
import type { ActivationName, LinearLayer } from "./network.js";
import { floatAttribute, integerAttribute, textAttribute } from "./onnx-attributes.js";
import { typeName } from "./onnx-tensors.js";
import {
  type Chain,
  chainInput,
  claimed,
  constantInput,
  openChain,
  type Rule,
  refusal,
  rowsChain,
  type Step,
  withActivation,
  withLinear,
  withNote,
} from "./onnx-values.js";

/** alpha·x·op(W) + beta·C */
function gemm(step: Step): Chain {
  const { width, ...chain } = rowsChain(step);
  if (integerAttribute(step.node, "transA", 0) !== 0) {
    throw refusal(step, "transposes the data (transA = 1), whose rows would no longer be rows");
  }
  const alpha = floatAttribute(step.node, "alpha", 1);
  const beta = floatAttribute(step.node, "beta", 1);
  const { weight, name } = weightInput(step, integerAttribute(step.node, "transB", 0) !== 0, width);
  const withBias = step.inputs.length > 2 && step.inputs[2].kind !== "absent";
  const bias = withBias ? biasInput(step, 2, weight.rows) : null;
  scale(weight.data, alpha);
  if (bias !== null) scale(bias.numbers, beta);
  const next = withLinear(step, chain, {
    kind: "linear",
    weight,
    bias: bias?.numbers ?? null,
    weightName: name,
    biasName: bias?.name ?? null,
  });
  const factors = [
    ...(alpha === 1 ? [] : [`${quoted(name)} times ${alpha}`]),
    ...(beta === 1 || bias === null ? [] : [`${quoted(bias.name)} times ${beta}`]),
  ];
  return factors.length === 0
    ? next
    : withNote(next, `The parameters are ${factors.join(" and ")}, as Gemm uses them.`);
}

function matMul(step: Step): Chain {
  const { width, ...chain } = rowsChain(step);
  const { weight, name } = weightInput(step, false, width);
  return withLinear(step, chain, { kind: "linear", weight, bias: null, weightName: name, biasName: null });
}

/** The bias of the MatMul before it. */
export function addBias(step: Step): Chain {
  const [first, second] = step.inputs;
  if (first?.kind === "chain" && second?.kind === "chain") {
    throw refusal(step, "adds two computed values; only stacks of layers can be imported, no branches");
  }
  const place = first?.kind === "chain" ? 1 : 0;
  const chain = openChain({ ...step, inputs: [step.inputs[1 - place] ?? { kind: "absent" }] });
  const layer = chain.layers[chain.layers.length - 1];
  if (layer?.kind !== "linear" || layer.bias !== null) {
    throw refusal(step, "follows no MatMul without a bias; only a bias may be added");
  }
  const { name, numbers } = biasInput(step, place, layer.weight.rows);
  const completed: LinearLayer = { ...layer, bias: numbers, biasName: name };
  return { ...chain, layers: [...chain.layers.slice(0, -1), completed] };
}

/** The weight (input 1) as out×in. */
function weightInput(step: Step, outFirst: boolean, width: number | null): { weight: Matrix; name: string } {
  const constant = constantInput(step, 1, "weight");
  const { shape, numbers } = claimed(step, constant);
  if (shape.length !== 2) {
    throw refusal(
      step,
      `has the weight ${quoted(constant.name)} of shape ${shapeText(shape)}, expected two dimensions`,
    );
  }
  const [out, inputs] = outFirst ? shape : [shape[1], shape[0]];
  if (width !== null && inputs !== width) {
    const expected = outFirst ? [out, width] : [width, out];
    throw refusal(
      step,
      `has the weight ${quoted(constant.name)} of shape ${shapeText(shape)}, expected ${shapeText(expected)}, since ${width} numbers a row arrive`,
    );
  }
  // A copy: alpha is multiplied in place, and the tensor's own numbers stay as they are.
  const weight = outFirst ? new Matrix(numbers.slice(), out, inputs) : transposed(numbers, inputs, out);
  return { weight, name: constant.name };
}

function biasInput(step: Step, k: number, out: number): { name: string; numbers: Float64Array } {
  const constant = constantInput(step, k, "bias");
  const { shape, numbers } = claimed(step, constant);
  const fits = numbers.length === out && (shape.length === 1 || (shape.length === 2 && shape[0] === 1) || out === 1);
  if (fits) return { name: constant.name, numbers: numbers.slice() };
  throw refusal(
    step,
    `has the bias ${quoted(constant.name)} of shape ${shapeText(shape)}, expected [${out}], one number an output`,
  );
}

export function transposed(numbers: Float64Array, rows: number, columns: number): Matrix {
  const out = Matrix.zeros(columns, rows);
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out.data[j * rows + i] = numbers[i * columns + j];
  return out;
}

function scale(numbers: Float64Array, factor: number): void {
  if (factor !== 1) for (let k = 0; k < numbers.length; k++) numbers[k] *= factor;
}

function softmax(step: Step): Chain {
  const { width: _, ...chain } = rowsChain(step);
  const axis = integerAttribute(step.node, "axis", step.opset >= 13 ? -1 : 1);
  if (axis !== 1 && axis !== -1) throw refusal(step, `runs over axis ${axis}, expected the last one (1 or -1)`);
  return { ...chain, end: "softmax" };
}

const logSoftmax: Rule = (step) =>
  withNote(softmax(step), "The file gives logarithms of probabilities; here the output gives the probabilities.");

function flatten(step: Step): Chain {
  const chain = openChain(step);
  const axis = integerAttribute(step.node, "axis", 1);
  const rank = chain.shape?.length ?? null;
  if (axis !== 1 && (rank === null || axis !== 1 - rank)) {
    throw refusal(step, `flattens from axis ${axis}, expected 1, which keeps rows apart`);
  }
  return { ...chain, shape: [chain.shape?.[0] ?? null, featuresOf(chain)] };
}

/** The product of all lengths but the first; null where one is not known. */
export const featuresOf = ({ shape }: Chain): number | null =>
  shape
    ?.slice(1)
    .reduce<number | null>((product, length) => (product === null || length === null ? null : product * length), 1) ??
  null;

/** Reshape to (rows, features), or to (rows) where there is one feature. */
function reshape(step: Step): Chain {
  const chain = chainInput(step);
  if (integerAttribute(step.node, "allowzero", 0) !== 0)
    throw refusal(step, "has allowzero = 1, which is not supported");
  const wanted = sizesInput(step);
  const features = featuresOf(chain);
  const rows = chain.shape?.[0] ?? null;
  const keepsRows = (length: number | "rows"): boolean =>
    length === "rows" || length === 0 || length === -1 || length === 1 || length === rows;
  const [first, second] = wanted;
  const free = second === -1 || (second === 0 && chain.shape?.length === 2);
  const flat =
    wanted.length === 2 && keepsRows(first) && (free ? first !== -1 || features !== null : second === features);
  const column = wanted.length === 1 && features === 1 && first !== 0 && keepsRows(first);
  if (flat && !(first === -1 && second === -1)) return { ...chain, shape: [rows, features] };
  if (column) return { ...chain, shape: [rows] };
  const given = chain.shape === null ? "unknown shape" : `shape ${shapeText(chain.shape)}`;
  const target = shapeText(wanted.map((length) => (length === "rows" ? null : length)));
  throw refusal(step, `reshapes data of ${given} to ${target}; expected [rows, ${features ?? "features"}]`);
}

function sizesInput(step: Step): readonly (number | "rows")[] {
  const value = step.inputs[1];
  if (value?.kind === "sizes") return value.entries;
  const { shape, numbers } = constantInput(step, 1, "shape").read();
  if (shape.length > 1 || numbers.length > 8) throw refusal(step, `has a shape of shape ${shapeText(shape)}`);
  return [...numbers];
}

/** The data as it is: what the operator does happens in training only, or to shapes that a row of features does not have. */
const unchanged: Rule = (step) => (step.inputs[0]?.kind === "constant" ? step.inputs[0] : chainInput(step));

const FLOATING = new Set([1, 11]);

function cast(step: Step): ReturnType<Rule> {
  const to = integerAttribute(step.node, "to", 0);
  const [value] = step.inputs;
  if (value?.kind === "sizes") return value;
  if (!FLOATING.has(to))
    throw refusal(step, `casts the data to ${typeName(to)}; only float and double can be imported`);
  return unchanged(step);
}

function squeeze(step: Step): Chain {
  const chain = chainInput(step);
  const { shape } = chain;
  if (shape?.length === 2 && shape[1] === 1) return { ...chain, shape: [shape[0]] };
  throw refusal(step, `squeezes data of shape ${shape === null ? "[?]" : shapeText(shape)}, expected [rows, 1]`);
}

const activation =
  (name: ActivationName): Rule =>
  (step) =>
    withActivation(step, openChain(step), name);

/** PyTorch writes it as one operator from opset 20 on. */
const gelu: Rule = (step) => {
  const form = textAttribute(step.node, "approximate", "none");
  if (form === "none") return activation("gelu")(step);
  throw refusal(step, `is the approximation ${quoted(form)} of GELU; only the exact one can be imported`);
};

export const OPERATORS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["Gemm", gemm],
  ["MatMul", matMul],
  ["Relu", activation("relu")],
  ["Tanh", activation("tanh")],
  ["Sigmoid", activation("sigmoid")],
  ["Softplus", activation("softplus")],
  ["Gelu", gelu],
  ["Softmax", softmax],
  ["LogSoftmax", logSoftmax],
  ["Flatten", flatten],
  ["Reshape", reshape],
  ["Identity", unchanged],
  ["Dropout", unchanged],
  ["Cast", cast],
  ["Squeeze", squeeze],
]);
