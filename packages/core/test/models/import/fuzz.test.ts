import { describe, expect, test } from "vitest";
import { idxMatrix, readIdx } from "../../../src/data/idx.js";
import type { Scaler } from "../../../src/data/scaler.js";
import { Matrix } from "../../../src/linalg/matrix.js";
import { readCoefficients } from "../../../src/models/import/coefficients.js";
import type { ImportedNetwork } from "../../../src/models/import/network.js";
import { readOnnx } from "../../../src/models/import/onnx.js";
import { readSafetensors } from "../../../src/models/import/safetensors.js";
import { stackOfLinears } from "../../../src/models/import/stack-of-linears.js";
import { readScaler } from "../../../src/study/local-import.js";
import { utf8 } from "../../data/helpers.js";
import { type Draw, FUZZ_TIME, fuzz, oneOf } from "../../fuzz.js";
import { evaluateNetwork } from "./evaluate.js";
import { integers, type NodeSpec, onnxFile, tensor, value } from "./onnx-writer.js";
import { savedTensors } from "./safetensors-writer.js";

/** A network that was accepted is whole: it has as many finite numbers as it says, and can predict. */
function isWhole(network: ImportedNetwork): void {
  let width = network.inputSize;
  let count = 0;
  for (const layer of network.layers) {
    if (layer.kind !== "linear") continue;
    expect(layer.weight.columns).toBe(width);
    width = layer.weight.rows;
    count += layer.weight.data.length + (layer.bias?.length ?? 0);
    for (const numbers of [layer.weight.data, layer.bias ?? []]) expect(numbers.every(Number.isFinite)).toBe(true);
  }
  expect([width, count]).toEqual([network.outputSize, network.parameterNames.length]);
  const predictions = evaluateNetwork(network, Matrix.zeros(2, network.inputSize));
  expect([predictions.rows, predictions.columns]).toEqual([2, network.outputSize]);
}

const network = onnxFile({
  nodes: [
    { operator: "Reshape", name: "r", inputs: ["x", "s"], outputs: ["f"] },
    {
      operator: "Gemm",
      name: "g",
      inputs: ["f", "w", "b"],
      outputs: ["z"],
      attributes: { transB: { integer: 1 }, alpha: { float: 0.5 } },
    },
    { operator: "Relu", name: "", inputs: ["z"], outputs: ["a"] },
    { operator: "MatMul", name: "m", inputs: ["a", "v"], outputs: ["t"] },
    { operator: "Add", name: "p", inputs: ["t", "c"], outputs: ["u"] },
    { operator: "Softmax", name: "e", inputs: ["u"], outputs: ["y"] },
  ],
  tensors: [
    integers("s", [-1, 2]),
    tensor("w", [3, 2], [1, 2, 3, 4, 5, 6], "raw float"),
    tensor("b", [3], [1, 2, 3], "one by one"),
    tensor("v", [3, 2], [1, 2, 3, 4, 5, 6], "float_data"),
    tensor("c", [2], [1, 2]),
  ],
  inputs: [value("x", ["N", 1, 2])],
});

const classifier = onnxFile({
  nodes: [
    {
      operator: "Scaler",
      domain: "ai.onnx.ml",
      inputs: ["x"],
      outputs: ["s"],
      attributes: { offset: { floats: [1, 2] }, scale: { floats: [3, 4] } },
    },
    {
      operator: "LinearClassifier",
      domain: "ai.onnx.ml",
      inputs: ["s"],
      outputs: ["label", "p"],
      attributes: {
        coefficients: { floats: [1, 2, 3, 4] },
        intercepts: { floats: [1, 2] },
        classlabels_ints: { integers: [0, 1] },
        post_transform: { text: "SOFTMAX" },
      },
    },
    {
      operator: "ZipMap",
      domain: "ai.onnx.ml",
      inputs: ["p"],
      outputs: ["y"],
      attributes: { classlabels_int64s: { integers: [0, 1] } },
    },
  ],
  outputs: ["label", "y"],
  opsets: { "": 9, "ai.onnx.ml": 1 },
});

/** A graph of operators that exist, put together without sense: by chance, and so that most of it is reached. */
function senseless(below: Draw): Uint8Array {
  const pick = <T>(list: readonly T[]): T => list[below(list.length)];
  const names = ["x", "w", "v", "b", "c", "s", "one", ""];
  const attributes: NonNullable<NodeSpec["attributes"]>[] = [
    {},
    { axis: { integer: below(4) - 2 }, transA: { integer: below(2) }, transB: { integer: below(2) } },
    { alpha: { float: below(3) }, to: { integer: below(17) }, norm: { text: pick(["L1", "L2"]) } },
    { value: { tensor: tensor("", [2, 2], [1, 2, 3, 4]) } },
    { value_ints: { integers: [-1, 2] } },
    { coefficients: { floats: [1, 2, 3, 4] }, intercepts: { floats: [1, 2] }, classlabels_ints: { integers: [0, 1] } },
    { offset: { floats: [1] }, scale: { floats: [below(3)] }, classlabels_strings: { texts: ["a", "b"] } },
  ];
  const nodes = Array.from({ length: 1 + below(5) }, (_, k): NodeSpec => {
    const last = k === 0 ? "x" : `y${k - 1}`;
    const others = Array.from({ length: below(4) }, () => pick([...names, last, `y${below(7)}`]));
    const [operator, domain] = pick(OPERATORS);
    const fitting = FITTING.get(operator);
    if (fitting !== undefined && below(4) > 0) others.unshift(pick(fitting));
    return {
      operator,
      domain,
      name: pick(["", `n${k}`]),
      inputs: below(5) > 0 ? [last, ...others] : [...others, last].slice(below(2)),
      outputs: below(4) > 0 ? [`y${k}`] : [`l${k}`, `y${k}`],
      attributes: pick(attributes),
    };
  });
  return onnxFile({
    nodes,
    tensors: [
      tensor("w", [2, 2], [1, 2, 3, 4]),
      tensor("v", [2, 2], [1, 2, 3, 4]),
      tensor("b", [2], [1, 2]),
      tensor("c", [2], [1, 2]),
      tensor("one", [], [1]),
      integers("s", [-1, 2]),
    ],
    inputs: [value("x", pick([["N", 2], ["N", 2], ["N", 2], [1, 2, 1], [2], ["N", "M"], null]), below(9) > 0 ? 1 : 8)],
    outputs: below(4) > 0 ? [`y${nodes.length - 1}`] : [`y${nodes.length - 1}`, pick(["y0", "l0", "x", "w"])],
    opsets: { "": pick([9, 13, 21]), "ai.onnx.ml": 3 },
  });
}

/** Second inputs that make sense. */
const FITTING: ReadonlyMap<string, readonly string[]> = new Map([
  ["Gemm", ["w", "v"]],
  ["MatMul", ["w", "v"]],
  ["Add", ["b", "c"]],
  ["Reshape", ["s"]],
]);

const OPERATORS: readonly (readonly [string, string])[] = [
  ..."Gemm MatMul Add Relu Tanh Sigmoid Softmax LogSoftmax Flatten Reshape Identity Dropout Cast Squeeze Constant Transpose Shape Gather Unsqueeze Concat Sub ArgMax Gemm MatMul Add MatMul Add Relu"
    .split(" ")
    .map((name) => [name, ""] as const),
  ..."LinearRegressor LinearClassifier Scaler Normalizer ZipMap"
    .split(" ")
    .map((name) => [name, "ai.onnx.ml"] as const),
];

const saved = savedTensors({
  "0.weight": { type: "F32", shape: [3, 2], numbers: [1, 2, 3, 4, 5, 6] },
  "0.bias": { type: "F64", shape: [3], numbers: [1, 2, 3] },
  "2.weight": { type: "F32", shape: [1, 3], numbers: [1, 2, 3] },
});

const coefficients = [
  '{"intercept": 0.5, "coefficients": {"age": 2, "income": -1e-3}}',
  '{"coef_": [[1, 2], [3, 4], [5, 6]], "intercept_": [1, 2, 3], "feature_names_in_": ["a", "b"], "classes_": [0, 1, 2]}',
  "name,value\nage,2\nincome,-1\nintercept,0.5\n",
].map(utf8);

const images = Uint8Array.of(
  0,
  0,
  8,
  3,
  0,
  0,
  0,
  2,
  0,
  0,
  0,
  2,
  0,
  0,
  0,
  3,
  ...Array.from({ length: 12 }, (_, k) => k),
);

const scalers = [
  '{"mean": [1, 2], "scale": [3, 4.5e-1]}',
  '{"model": {"scaler": {"mean_": [1, 2], "scale_": [3, 4]}}, "with_mean": true}',
].map(utf8);

function isScaler({ mean, scale }: Scaler): void {
  expect([mean.length, scale.length]).toEqual([2, 2]);
}

describe("damaged files give an error in one sentence or a whole result, soon", () => {
  test("ONNX", () => fuzz(oneOf(network, classifier), (bytes) => readOnnx(bytes), isWhole), FUZZ_TIME);

  test("ONNX, senseless graphs", () => fuzz(senseless, (bytes) => readOnnx(bytes), isWhole), FUZZ_TIME);

  test("what is damaged below can be read", async () => {
    for (const bytes of [network, classifier]) isWhole(readOnnx(bytes));
    for (const bytes of coefficients) isWhole(await readCoefficients(bytes));
    isWhole(stackOfLinears(readSafetensors(saved), { activation: "relu" }));
  });

  test(
    "safetensors",
    () => fuzz(oneOf(saved), (bytes) => stackOfLinears(readSafetensors(bytes), { activation: "relu" }), isWhole),
    FUZZ_TIME,
  );

  test(
    "scalers",
    () => fuzz(oneOf(...scalers), (bytes) => readScaler(bytes, "s.json", 2), isScaler, { accepted: 5 }),
    FUZZ_TIME,
  );

  test("coefficients", () => fuzz(oneOf(...coefficients), (bytes) => readCoefficients(bytes), isWhole), FUZZ_TIME);

  test(
    "IDX",
    () =>
      fuzz(
        oneOf(images),
        (bytes) => readIdx(bytes),
        (array) => {
          expect(idxMatrix(array).data).toHaveLength(array.shape.reduce((product, side) => product * side, 1));
        },
      ),
    FUZZ_TIME,
  );
});
