/**
 * Sums and products with numbers of the file, where they mean something for a network: a scaler before its first layer, and GELU
 * written out as x/2·(1 + erf(x/√2)), as exporters write it that target opsets below 20.
 */
import { shapeText } from "./elements.js";
import { addBias, featuresOf } from "./onnx-operators.js";
import { complement } from "./onnx-shapes.js";
import {
  type Chain,
  type Constant,
  openChain,
  type Rule,
  refusal,
  type Step,
  type Value,
  withActivation,
} from "./onnx-values.js";

type GeluPart = Extract<Value, { kind: "gelu-part" }>;

/** Constants may be kept as float32. */
const CLOSE = 1e-6;
const isClose = (value: number, wanted: number): boolean => Math.abs(value - wanted) <= CLOSE * Math.abs(wanted);

/** The one number that a constant holds, or null. */
function single(value: Value | undefined): number | null {
  if (value?.kind !== "constant") return null;
  const { numbers } = value.read();
  return numbers.length === 1 ? numbers[0] : null;
}

/** The data as it comes into the network, after nothing but a scaler. */
const isInput = (value: Value | undefined): value is Chain =>
  value?.kind === "chain" && value.layers.length === 0 && value.end === null;

/** x ↦ (x − shift)·factor before the first layer; both numbers for all features, or one a feature. */
function scaled(step: Step, chain: Chain, constant: Constant, part: "shift" | "factor" | "divisor"): Chain {
  const { shape, numbers } = constant.read();
  const [length, width] = numbers.length === 1 ? [null, featuresOf(chain)] : [numbers.length, chain.shape?.[1] ?? null];
  const row = shape.length <= 1 || (shape.length === 2 && shape[0] === 1);
  const size = width ?? length;
  const fits = length === null || (row && length === size && (chain.shape?.length ?? 2) === 2);
  if (size === null || !fits) {
    throw refusal(
      step,
      `scales the data by numbers of shape ${shapeText(shape)}, expected one${size === null ? ", for a known number of features" : `, or ${size}`}`,
    );
  }
  const at = (k: number): number => numbers[numbers.length === 1 ? 0 : k];
  const each = (next: (k: number) => number): Float64Array => Float64Array.from({ length: size }, (_, k) => next(k));
  const { mean, scale } = chain.scaler ?? { mean: each(() => 0), scale: each(() => 1) };
  const known = { ...chain, shape: chain.shape ?? [null, size] };
  if (part === "shift") return { ...known, scaler: { mean: each((k) => mean[k] + at(k) * scale[k]), scale } };
  const wider = each((k) => (part === "factor" ? scale[k] / at(k) : scale[k] * at(k)));
  if (wider.every((value) => value > 0 && value < Infinity)) return { ...known, scaler: { mean, scale: wider } };
  throw refusal(step, "scales a feature by a number that is not above 0; leave that feature out of the model");
}

/** What is known of GELU so far; the whole of it where x·(1 + erf(x/√2)) has the factor ½. */
function part(step: Step, of: Chain, stage: GeluPart["stage"], factor: number): Value {
  if (stage === "x(1+erf)" && isClose(factor, 0.5))
    return withActivation(step, openChain({ ...step, inputs: [of] }), "gelu");
  return { kind: "gelu-part", of, stage, factor };
}

function multiplied(step: Step): Value {
  const [a, b] = step.inputs;
  const [data, other] = a?.kind === "constant" ? [b, a] : [a, b];
  if (isInput(data) && other?.kind === "constant") return scaled(step, data, other, "factor");
  const factor = single(other);
  if (factor !== null) return timesNumber(step, data, factor);
  return product(step, data, other) ?? product(step, other, data) ?? strange(step);
}

function timesNumber(step: Step, data: Value | undefined, factor: number): Value {
  if (data?.kind === "chain") return part(step, data, "x", factor);
  if (data?.kind === "gelu-part" && data.stage !== "erf") return part(step, data.of, data.stage, data.factor * factor);
  return strange(step);
}

/** x, or a multiple of it, times 1 + erf of the same x. */
function product(step: Step, x: Value | undefined, y: Value | undefined): Value | null {
  if (y?.kind !== "gelu-part" || y.stage !== "1+erf") return null;
  if (x?.kind === "chain" && x === y.of) return part(step, y.of, "x(1+erf)", y.factor);
  if (x?.kind === "gelu-part" && x.stage === "x" && x.of === y.of) {
    return part(step, y.of, "x(1+erf)", x.factor * y.factor);
  }
  return null;
}

const divided: Rule = (step) => {
  const [data, by] = step.inputs;
  if (isInput(data) && by?.kind === "constant") return scaled(step, data, by, "divisor");
  const divisor = single(by);
  return divisor === null || divisor === 0 ? strange(step) : timesNumber(step, data, 1 / divisor);
};

const erf: Rule = (step) => {
  const [x] = step.inputs;
  if (x?.kind === "gelu-part" && x.stage === "x" && isClose(x.factor, Math.SQRT1_2)) {
    return { kind: "gelu-part", of: x.of, stage: "erf", factor: 1 };
  }
  return strange(step);
};

function added(step: Step): Value {
  const [a, b] = step.inputs;
  const [data, other] = a?.kind === "constant" ? [b, a] : [a, b];
  if (data?.kind === "gelu-part") {
    return data.stage === "erf" && single(other) === 1 ? part(step, data.of, "1+erf", 1) : strange(step);
  }
  if (isInput(data) && other?.kind === "constant") {
    const { shape, numbers } = other.read();
    const negative = { ...other, read: () => ({ shape, numbers: numbers.map((value) => -value) }) };
    return scaled(step, data, negative, "shift");
  }
  return addBias(step);
}

const subtracted: Rule = (step) => {
  const [data, other] = step.inputs;
  return isInput(data) && other?.kind === "constant" ? scaled(step, data, other, "shift") : complement(step);
};

function strange(step: Step): never {
  throw refusal(
    step,
    "is no part of what can be imported: a scaler before the first layer, or GELU written out; other products and quotients have no layer",
  );
}

export const ARITHMETIC: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["Add", added],
  ["Sub", subtracted],
  ["Mul", multiplied],
  ["Div", divided],
  ["Erf", erf],
]);
