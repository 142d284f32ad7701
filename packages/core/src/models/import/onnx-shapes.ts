/** Operators of ai.onnx around a network: constants, shapes computed at run time, the two columns of a binary classifier. */
import {
  floatAttribute,
  floatsAttribute,
  integerAttribute,
  integersAttribute,
  tensorAttribute,
} from "./onnx-attributes.js";
import { transposed } from "./onnx-operators.js";
import { parseTensor } from "./onnx-proto.js";
import { tensorNumbers } from "./onnx-tensors.js";
import { type Constant, chainInput, constantInput, type Rule, refusal, type Step, type Value } from "./onnx-values.js";

/** Reads once, however often it is asked. */
export function lazily<T>(read: () => T): () => T {
  let kept: { readonly value: T } | null = null;
  return () => (kept ??= { value: read() }).value;
}

function constant(step: Step): Constant {
  const { node } = step;
  const name = node.outputs[0] ?? "";
  const tensor = tensorAttribute(node, "value");
  const make = (shape: number[], numbers: Float64Array): Constant => ({
    kind: "constant",
    name,
    transposed: false,
    read: () => ({ shape, numbers }),
  });
  if (tensor !== null) {
    const parsed = parseTensor(tensor);
    return { kind: "constant", name, transposed: false, read: lazily(() => tensorNumbers({ ...parsed, name })) };
  }
  const lists: [string, () => Constant][] = [
    ["value_int", () => make([], Float64Array.of(integerAttribute(node, "value_int", 0)))],
    ["value_float", () => make([], Float64Array.of(floatAttribute(node, "value_float", 0)))],
    ["value_ints", () => listOf(Float64Array.from(integersAttribute(node, "value_ints"), Number))],
    ["value_floats", () => listOf(floatsAttribute(node, "value_floats"))],
  ];
  const listOf = (numbers: Float64Array): Constant => make([numbers.length], numbers);
  const found = lists.find(([attribute]) => node.attributes.has(attribute));
  if (found === undefined) throw refusal(step, "holds no numbers; text and sparse constants cannot be imported");
  return found[1]();
}

/** A stored matrix the other way round. */
function transpose(step: Step): Constant {
  if (step.inputs[0]?.kind === "chain") throw refusal(step, "transposes the data, whose rows would no longer be rows");
  const stored = constantInput(step, 0, "matrix");
  if (stored.transposed) throw refusal(step, "transposes a matrix twice");
  return {
    ...stored,
    transposed: true,
    read: lazily(() => {
      const { shape, numbers } = stored.read();
      if (shape.length !== 2) throw refusal(step, `transposes ${shape.length} dimensions, expected two`);
      return { shape: [shape[1], shape[0]], numbers: transposed(numbers, shape[0], shape[1]).data };
    }),
  };
}

const sizes = (entries: readonly (number | "rows")[]): Value => ({ kind: "sizes", entries });

function shape(step: Step): Value {
  const lengths = chainInput(step).shape;
  if (lengths === null) throw refusal(step, "asks for a shape that the file does not tell; export with fixed features");
  return sizes(lengths.map((length, k) => (k === 0 ? "rows" : (length ?? -1))));
}

function gather(step: Step): Value {
  const [from] = step.inputs;
  if (from?.kind !== "sizes") throw refusal(step, "picks columns of the data; only whole rows can be imported");
  const { numbers } = constantInput(step, 1, "index").read();
  const entry = from.entries.at(numbers.length === 1 ? numbers[0] : Number.NaN);
  if (numbers.length !== 1 || entry === undefined) throw refusal(step, "picks a length that the shape does not have");
  return sizes([entry]);
}

function unsqueeze(step: Step): Value {
  const [value] = step.inputs;
  if (value?.kind === "sizes" || value?.kind === "constant") return value;
  throw refusal(step, "adds a dimension to the data, expected [rows, features]");
}

/** Lengths side by side, or [1 − p, p]. */
function concat(step: Step): Value {
  const [first, second] = step.inputs;
  if (first?.kind === "complement" && first.of === second && step.inputs.length === 2) return second;
  if (step.inputs.length > 8) throw refusal(step, "joins more than 8 values");
  return sizes(
    step.inputs.flatMap((input): readonly (number | "rows")[] => {
      if (input.kind === "sizes") return input.entries;
      if (input.kind === "constant") {
        const { numbers } = input.read();
        if (numbers.length <= 8) return [...numbers];
      }
      throw refusal(step, "joins computed values; only stacks of layers can be imported, no branches");
    }),
  );
}

/** 1 − p of a binary classifier. */
export function complement(step: Step): Value {
  const [one, chain] = step.inputs;
  const isOne = one?.kind === "constant" && one.read().numbers.length === 1 && one.read().numbers[0] === 1;
  const last = chain?.kind === "chain" ? chain.layers[chain.layers.length - 1] : undefined;
  if (isOne && chain?.kind === "chain" && last?.kind === "activation" && last.name === "sigmoid") {
    if (chain.shape?.[1] === 1) return { kind: "complement", of: chain };
  }
  throw refusal(step, "subtracts; that can be imported only as 1 − p behind one sigmoid");
}

export const SHAPE_OPERATORS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["Constant", constant],
  ["Transpose", transpose],
  ["Shape", shape],
  ["Gather", gather],
  ["Unsqueeze", unsqueeze],
  ["Concat", concat],
]);
