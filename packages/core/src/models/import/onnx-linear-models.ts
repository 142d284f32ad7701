/** The linear models of ai.onnx.ml, as scikit-learn's exporter writes them. Source: onnx.ai/onnx/operators, ai.onnx.ml. */
import { quoted } from "../../data/names.js";
import { Matrix } from "../../linalg/matrix.js";
import { labelNote } from "./network.js";
import {
  floatsAttribute,
  integerAttribute,
  integersAttribute,
  textAttribute,
  textsAttribute,
} from "./onnx-attributes.js";
import {
  type Chain,
  chainInput,
  type Rule,
  refusal,
  rowsChain,
  type Step,
  withLinear,
  withNote,
} from "./onnx-values.js";

function linearRegressor(step: Step): Chain {
  const { width, ...chain } = rowsChain(step);
  const targets = integerAttribute(step.node, "targets", 1);
  const transform = textAttribute(step.node, "post_transform", "NONE");
  if (transform !== "NONE")
    throw refusal(step, `has the output ${quoted(transform)}, which is not supported; expected NONE`);
  return { ...scores(step, chain, targets, width), end: "identity" };
}

/** Gives the predicted class and the scores. */
function linearClassifier(step: Step): ReturnType<Rule> {
  const { width, ...chain } = rowsChain(step);
  const labels = classLabels(step, "classlabels_ints", "classlabels_strings");
  if (labels === null) throw refusal(step, "names no classes");
  const rows = floatsAttribute(step.node, "intercepts").length || labels.length;
  if (rows !== labels.length && !(rows === 1 && labels.length === 2)) {
    throw refusal(step, `gives ${rows} scores for ${labels.length} classes; expected as many, or one for two classes`);
  }
  const transform = textAttribute(step.node, "post_transform", "NONE");
  const rule = TRANSFORMS.get(transform);
  if (rule === undefined) {
    throw refusal(
      step,
      `has the output ${quoted(transform)}, which is not supported; expected NONE, SOFTMAX or LOGISTIC`,
    );
  }
  const named: Chain = withNote({ ...scores(step, chain, rows, width), labels }, labelNote(labels));
  return [{ kind: "label" }, rule(named)];
}

const TRANSFORMS: ReadonlyMap<string, (chain: Chain) => Chain> = new Map<string, (chain: Chain) => Chain>([
  ["NONE", (chain) => withNote({ ...chain, end: "identity" }, "The file gives scores and no probabilities.")],
  // The exporter writes a binary logistic regression as the rows −w and w: σ(w·x), or softmax(−s, s) = σ(2s).
  ["LOGISTIC", (chain) => ({ ...(oneScore(chain, 1) ?? chain), end: "sigmoid" })],
  [
    "SOFTMAX",
    (chain) => {
      const one = oneScore(chain, 2);
      return one === null
        ? { ...chain, end: "softmax" }
        : withNote(
            { ...one, end: "sigmoid" },
            "The softmax of −s and s is the sigmoid of 2 s: parameters are twice the file's.",
          );
    },
  ],
]);

/** Two scores −s and s as the one score `factor`·s; null where they are not opposite. */
function oneScore(chain: Chain, factor: number): Chain | null {
  const layer = chain.layers[chain.layers.length - 1];
  if (layer?.kind !== "linear" || layer.weight.rows !== 2) return null;
  const { weight, bias } = layer;
  const opposite = weight.row(1).every((value, j) => value === -weight.data[j]);
  if (!opposite || (bias !== null && bias[0] !== -bias[1])) return null;
  const one = {
    ...layer,
    weight: new Matrix(
      weight.row(1).map((value) => factor * value),
      1,
      weight.columns,
    ),
    bias: bias === null ? null : Float64Array.of(factor * bias[1]),
  };
  return { ...chain, layers: [...chain.layers.slice(0, -1), one], shape: [chain.shape?.[0] ?? null, 1] };
}

function scores(step: Step, chain: Chain, rows: number, width: number | null): Chain {
  const coefficients = floatsAttribute(step.node, "coefficients");
  const intercepts = floatsAttribute(step.node, "intercepts");
  const columns = coefficients.length / rows;
  if (!Number.isInteger(columns) || columns < 1 || (width !== null && columns !== width)) {
    const features = width === null ? "a whole number of features" : `${width} features`;
    throw refusal(step, `has ${coefficients.length} coefficients, expected ${rows} scores × ${features}`);
  }
  if (intercepts.length !== 0 && intercepts.length !== rows) {
    throw refusal(step, `has ${intercepts.length} intercepts, expected ${rows}, one a score`);
  }
  return withLinear(step, chain, {
    kind: "linear",
    weight: new Matrix(coefficients, rows, columns),
    bias: intercepts.length === 0 ? null : intercepts,
    weightName: "coefficients",
    biasName: intercepts.length === 0 ? null : "intercepts",
  });
}

function classLabels({ node }: Step, integers: string, texts: string): string[] | null {
  const labels = [...integersAttribute(node, integers).map(String), ...textsAttribute(node, texts)];
  return labels.length === 0 ? null : labels;
}

/** (x − offset)·scale, kept as (x − mean) / scale. */
function scaler(step: Step): Chain {
  const { width, ...chain } = rowsChain(step);
  if (chain.layers.length > 0 || chain.scaler !== null) throw refusal(step, "scales what is not the model's input");
  const offset = floatsAttribute(step.node, "offset");
  const factor = floatsAttribute(step.node, "scale");
  const size = width ?? Math.max(offset.length, factor.length);
  const full = (numbers: Float64Array, what: string): Float64Array => {
    if (numbers.length === size) return numbers;
    if (numbers.length === 1) return new Float64Array(size).fill(numbers[0]);
    throw refusal(step, `has ${numbers.length} numbers as its ${what}, expected 1 or ${size}`);
  };
  const scale = full(factor, "scale");
  if (scale.includes(0)) throw refusal(step, "multiplies a feature by 0; leave that feature out of the model");
  const shape = [chain.shape?.[0] ?? null, size];
  return { ...chain, shape, scaler: { mean: full(offset, "offset"), scale: scale.map((value) => 1 / value) } };
}

/** Dividing by the sum changes nothing where probabilities sum to 1. */
function normalizer(step: Step): Chain {
  const chain = chainInput(step);
  const norm = textAttribute(step.node, "norm", "MAX");
  const sumsToOne = chain.end === "softmax" || (chain.end === "sigmoid" && chain.shape?.[1] === 1);
  if (norm === "L1" && sumsToOne) return chain;
  throw refusal(
    step,
    `divides by the norm ${quoted(norm)}; that can be imported only as L1 behind a softmax or a binary classifier`,
  );
}

/** Probabilities with their classes' names. */
function zipMap(step: Step): Chain {
  const chain = chainInput(step);
  const labels = classLabels(step, "classlabels_int64s", "classlabels_strings");
  if (labels === null || (chain.labels !== null && chain.labels.join("\0") === labels.join("\0"))) return chain;
  if (chain.labels !== null) throw refusal(step, "names other classes than the classifier before it");
  return withNote({ ...chain, labels }, labelNote(labels));
}

export const LINEAR_MODELS: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["LinearRegressor", linearRegressor],
  ["LinearClassifier", linearClassifier],
  ["Scaler", scaler],
  ["Normalizer", normalizer],
  ["ZipMap", zipMap],
]);
