import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Matrix } from "../../../src/linalg/matrix.js";
import type { ImportedNetwork } from "../../../src/models/import/network.js";
import { readOnnx } from "../../../src/models/import/onnx.js";
import { evaluateNetwork, networkScores } from "./evaluate.js";
import { affine, logistic, matrix, numbers, type Rows, softmax, transpose } from "./naive.js";
import { integers, type NodeSpec, onnxFile, type Storage, tensor, value } from "./onnx-writer.js";

const ACTIVATIONS = {
  Relu: (z: number) => (z > 0 ? z : 0),
  Tanh: Math.tanh,
  Sigmoid: logistic,
  Softplus: (z: number) => Math.log(1 + Math.exp(z)),
};
type ActivationOperator = keyof typeof ACTIVATIONS;

function expectPredictions(network: ImportedNetwork, x: Rows, truth: Rows, digits = 12): void {
  const found = evaluateNetwork(network, Matrix.fromRows([...x]));
  expect([found.rows, found.columns]).toEqual([truth.length, truth[0].length]);
  truth.forEach((row, i) => row.forEach((value, j) => expect(found.row(i)[j]).toBeCloseTo(value, digits)));
}

/** One linear layer written in one of the ways that exporters write it. */
interface LayerSpec {
  readonly form: "Gemm" | "Gemm transB" | "MatMul" | "MatMul Add" | "Add MatMul" | "Transpose MatMul";
  readonly alpha: number;
  readonly beta: number;
  readonly out: number;
  readonly activation: ActivationOperator;
  readonly storage: Storage;
}

function layerNodes(k: number, spec: LayerSpec, weight: Rows, bias: readonly number[], input: string) {
  const stored = spec.form === "Gemm transB" || spec.form === "Transpose MatMul" ? weight : transpose(weight);
  const tensors = [
    tensor(`w${k}`, [stored.length, stored[0].length], stored.flat(), spec.storage),
    tensor(`b${k}`, k % 2 === 0 ? [bias.length] : [1, bias.length], bias, spec.storage),
  ];
  const out = `z${k}`;
  const scaled = { alpha: { float: spec.alpha }, beta: { float: spec.beta } };
  const gemm = (transB: number): NodeSpec[] => [
    {
      operator: "Gemm",
      inputs: [input, `w${k}`, `b${k}`],
      outputs: [out],
      attributes: { ...scaled, transB: { integer: transB } },
    },
  ];
  const matMul = (weightName: string, result: string): NodeSpec => ({
    operator: "MatMul",
    inputs: [input, weightName],
    outputs: [result],
  });
  const forms: Record<LayerSpec["form"], () => NodeSpec[]> = {
    Gemm: () => gemm(0),
    "Gemm transB": () => gemm(1),
    MatMul: () => [matMul(`w${k}`, out)],
    "MatMul Add": () => [matMul(`w${k}`, `m${k}`), { operator: "Add", inputs: [`m${k}`, `b${k}`], outputs: [out] }],
    "Add MatMul": () => [matMul(`w${k}`, `m${k}`), { operator: "Add", inputs: [`b${k}`, `m${k}`], outputs: [out] }],
    "Transpose MatMul": () => [
      { operator: "Transpose", inputs: [`w${k}`], outputs: [`t${k}`], attributes: { perm: { integers: [1, 0] } } },
      matMul(`t${k}`, out),
    ],
  };
  return { nodes: forms[spec.form](), tensors };
}

const layerSpec = fc.record<LayerSpec>({
  form: fc.constantFrom("Gemm", "Gemm transB", "MatMul", "MatMul Add", "Add MatMul", "Transpose MatMul"),
  alpha: fc.constantFrom(1, 0.5, -2),
  beta: fc.constantFrom(1, 0.25),
  out: fc.integer({ min: 1, max: 5 }),
  activation: fc.constantFrom<ActivationOperator>("Relu", "Tanh", "Sigmoid", "Softplus"),
  storage: fc.constantFrom<Storage>("raw float", "raw double", "float_data", "double_data", "one by one"),
});

describe("stacks of layers", () => {
  test("predict what loops over the same weights predict, however they are written", () => {
    fc.assert(
      fc.property(
        fc.array(layerSpec, { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        fc.nat(),
        (layers, inputs, withSoftmax, seed) => {
          const next = numbers(seed);
          const x = matrix(3, inputs, next);
          const nodes: NodeSpec[] = [];
          const tensors: (readonly number[])[] = [];
          let [truth, width, name]: [Rows, number, string] = [x, inputs, "x"];
          layers.forEach((spec, k) => {
            // float32 keeps these numbers exactly
            const weight = matrix(spec.out, width, next).map((row) => row.map(Math.fround));
            const bias = matrix(1, spec.out, next)[0].map(Math.fround);
            const written = layerNodes(k, spec, weight, bias, name);
            nodes.push(...written.nodes);
            tensors.push(...written.tensors);
            const [alpha, beta] = spec.form.startsWith("Gemm") ? [spec.alpha, spec.beta] : [1, 1];
            const plain = spec.form === "MatMul" || spec.form === "Transpose MatMul";
            const effective = weight.map((row) => row.map((w) => alpha * w));
            truth = truth.map((row) => affine(effective, plain ? [] : bias.map((b) => beta * b), row));
            name = `z${k}`;
            if (k < layers.length - 1) {
              nodes.push({ operator: spec.activation, inputs: [name], outputs: [`a${k}`] });
              truth = truth.map((row) => row.map(ACTIVATIONS[spec.activation]));
              name = `a${k}`;
            }
            width = spec.out;
          });
          nodes.push({ operator: withSoftmax ? "Softmax" : "Identity", inputs: [name], outputs: ["y"] });
          const network = readOnnx(onnxFile({ nodes: nodes.toReversed(), tensors }));
          expectPredictions(network, x, withSoftmax ? truth.map(softmax) : truth);
          expect([network.inputSize, network.outputSize, network.output]).toEqual([
            inputs,
            width,
            withSoftmax ? "softmax" : "identity",
          ]);
          const count = network.layers.reduce(
            (sum, layer) => sum + (layer.kind === "linear" ? layer.weight.data.length + (layer.bias?.length ?? 0) : 0),
            0,
          );
          expect(network.parameterNames).toHaveLength(count);
        },
      ),
      { numRuns: 150 },
    );
  });

  const weight = [
    [1, 2],
    [3, 4],
    [5, 6],
  ];
  const gemm = (input: string, output: string): NodeSpec => ({
    operator: "Gemm",
    name: "fc",
    inputs: [input, "fc.weight", "fc.bias"],
    outputs: [output],
    attributes: { transB: { integer: 1 } },
  });
  const tensors = [tensor("fc.weight", [3, 2], weight.flat()), tensor("fc.bias", [3], [7, 8, 9])];

  test("parameters carry the file's names, weight by output and input before bias", () => {
    const network = readOnnx(onnxFile({ nodes: [gemm("x", "y")], tensors }));
    expect(network.parameterNames).toEqual([
      "fc.weight[0,0]",
      "fc.weight[0,1]",
      "fc.weight[1,0]",
      "fc.weight[1,1]",
      "fc.weight[2,0]",
      "fc.weight[2,1]",
      "fc.bias[0]",
      "fc.bias[1]",
      "fc.bias[2]",
    ]);
    expect(network.layers[0]).toMatchObject({ weight: { data: Float64Array.of(1, 2, 3, 4, 5, 6) } });
  });

  test("a sigmoid at the end is the output, one in the middle a layer", () => {
    const last = readOnnx(
      onnxFile({ nodes: [gemm("x", "z"), { operator: "Sigmoid", inputs: ["z"], outputs: ["y"] }], tensors }),
    );
    expect([last.output, last.layers.length]).toEqual(["sigmoid", 1]);
    expectPredictions(last, [[0.1, -2]], [affine(weight, [7, 8, 9], [0.1, -2]).map(logistic)]);
    const scores = networkScores(last, Matrix.fromRows([[0.1, -2]]));
    affine(weight, [7, 8, 9], [0.1, -2]).forEach((score, k) => expect(scores.data[k]).toBeCloseTo(score, 12));
  });

  test("a softmax of large scores does not overflow", () => {
    const file = onnxFile({ nodes: [gemm("x", "z"), { operator: "Softmax", inputs: ["z"], outputs: ["y"] }], tensors });
    const found = evaluateNetwork(readOnnx(file), Matrix.fromRows([[1e5, -1e5]]));
    const shifted = softmax([0, 1, 2]); // the scores are −1e5 + 7, 8, 9
    shifted.forEach((value, k) => expect(found.data[k]).toBeCloseTo(value, 9));
  });

  test("images are flattened, whether the shape is written down or computed at run time", () => {
    const image = [value("x", ["N", 1, 2, 1])];
    const flat: NodeSpec[][] = [
      [{ operator: "Flatten", inputs: ["x"], outputs: ["f"] }],
      [{ operator: "Reshape", inputs: ["x", "shape"], outputs: ["f"] }],
      [
        { operator: "Shape", inputs: ["x"], outputs: ["s"] },
        { operator: "Gather", inputs: ["s", "zero"], outputs: ["n"] },
        { operator: "Unsqueeze", inputs: ["n", "zero"], outputs: ["n1"] },
        { operator: "Concat", inputs: ["n1", "minus"], outputs: ["ns"] },
        { operator: "Reshape", inputs: ["x", "ns"], outputs: ["f"] },
      ],
    ];
    const helpers = [integers("shape", [0, 2]), integers("zero", [0]), integers("minus", [-1])];
    for (const nodes of flat) {
      const network = readOnnx(
        onnxFile({ nodes: [...nodes, gemm("f", "y")], tensors: [...tensors, ...helpers], inputs: image }),
      );
      expectPredictions(network, [[1, -1]], [affine(weight, [7, 8, 9], [1, -1])]);
    }
  });

  test("constants in nodes, dropout and casts to float change nothing; labels beside the scores are left out", () => {
    const network = readOnnx(
      onnxFile({
        nodes: [
          {
            operator: "Constant",
            inputs: [],
            outputs: ["w"],
            attributes: { value: { tensor: tensor("", [2, 3], transpose(weight).flat()) } },
          },
          { operator: "Cast", inputs: ["x"], outputs: ["c"], attributes: { to: { integer: 1 } } },
          { operator: "MatMul", inputs: ["c", "w"], outputs: ["m"] },
          { operator: "Dropout", inputs: ["m"], outputs: ["d", "mask"] },
          { operator: "Softmax", inputs: ["d"], outputs: ["y"], attributes: { axis: { integer: -1 } } },
          { operator: "ArgMax", inputs: ["y"], outputs: ["class"] },
        ],
        outputs: ["class", "y"],
      }),
    );
    expect(network.output).toBe("softmax");
    expectPredictions(network, [[1, -1]], [softmax(affine(weight, [], [1, -1]))]);
  });

  test("the two columns 1 − p and p of scikit-learn's exporter are one sigmoid", () => {
    const network = readOnnx(
      onnxFile({
        nodes: [
          { operator: "MatMul", inputs: ["x", "w"], outputs: ["m"] },
          { operator: "Sigmoid", inputs: ["m"], outputs: ["p"] },
          { operator: "Sub", inputs: ["one", "p"], outputs: ["q"] },
          { operator: "Concat", inputs: ["q", "p"], outputs: ["y"], attributes: { axis: { integer: 1 } } },
        ],
        tensors: [tensor("w", [2, 1], [1, 2]), tensor("one", [], [1], "raw float")],
      }),
    );
    expect(network.output).toBe("sigmoid");
    expectPredictions(network, [[0.3, 0.2]], [[logistic(0.7)]]);
  });

  test("half floats, raw and as bits", () => {
    const bits = [0x3c00, 0xc000, 0x3555, 0x0001]; // 1, −2, 0.333251953125, 2^-24
    const half = [1, -2, 0.333251953125, 2 ** -24];
    const raw = bits.flatMap((b) => [b & 255, b >> 8]);
    const dims = [8, 2, 8, 2];
    const file = onnxFile({
      nodes: [{ operator: "MatMul", inputs: ["x", "w"], outputs: ["y"] }],
      tensors: [[...dims, 16, 10, 0x42, 1, 0x77, 0x4a, raw.length, ...raw]],
    });
    expectPredictions(readOnnx(file), [[1, 3]], [[half[0] + 3 * half[2], half[1] + 3 * half[3]]], 15);
  });
});
