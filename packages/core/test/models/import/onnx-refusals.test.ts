import { describe, expect, test } from "vitest";
import { AifError } from "../../../src/errors.js";
import { readOnnx } from "../../../src/models/import/onnx.js";
import {
  chunk,
  integer,
  integers,
  type ModelSpec,
  type NodeSpec,
  onnxFile,
  tensor,
  text,
  value,
  varint,
} from "./onnx-writer.js";

function messageOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    expect(error).toBeInstanceOf(AifError);
    if (error instanceof AifError) {
      expect(error.code).toBe("input");
      return error.message;
    }
  }
  throw new Error("nothing was refused");
}

const matMul: NodeSpec = { operator: "MatMul", name: "mm", inputs: ["x", "w"], outputs: ["z"] };
const weights = [tensor("w", [2, 3], [1, 2, 3, 4, 5, 6]), tensor("v", [2, 2], [1, 2, 3, 4])];
const then = (operator: string, extra: Partial<NodeSpec> = {}): NodeSpec[] => [
  matMul,
  { operator, name: "n", inputs: ["z"], outputs: ["y"], ...extra },
];

const refused: readonly (readonly [string, ModelSpec, string])[] = [
  [
    "an approximate activation",
    { nodes: then("Gelu", { attributes: { approximate: { text: "tanh" } } }), tensors: weights },
    'm.onnx: node "n" (Gelu) is the approximation "tanh" of GELU; only the exact one can be imported.',
  ],
  [
    "an operator",
    { nodes: then("Conv"), tensors: weights },
    'm.onnx: node "n" (Conv) uses the operator "Conv", which is not supported; networks of Gemm, MatMul, Add, Relu, Tanh, Sigmoid, Softplus, Gelu, Softmax, Flatten, Reshape and linear models of ai.onnx.ml can be imported.',
  ],
  [
    "an operator of a domain that is not known, on a node without a name",
    { nodes: then("Fancy", { name: "", domain: "com.example" }), tensors: weights },
    'm.onnx: the node (Fancy) that gives "y" uses the operator "Fancy" of "com.example", which is not supported; networks of Gemm, MatMul, Add, Relu, Tanh, Sigmoid, Softplus, Gelu, Softmax, Flatten, Reshape and linear models of ai.onnx.ml can be imported.',
  ],
  [
    "operators named like what every object has",
    { nodes: then("__proto__", { domain: "constructor" }), tensors: weights },
    'm.onnx: node "n" (__proto__) uses the operator "__proto__" of "constructor", which is not supported; networks of Gemm, MatMul, Add, Relu, Tanh, Sigmoid, Softplus, Gelu, Softmax, Flatten, Reshape and linear models of ai.onnx.ml can be imported.',
  ],
  [
    "names of several lines",
    { nodes: then("Re\nlu", { name: "a\nb" }), tensors: weights },
    'm.onnx: node "a\\nb" (Re\\nlu) uses the operator "Re\\nlu", which is not supported; networks of Gemm, MatMul, Add, Relu, Tanh, Sigmoid, Softplus, Gelu, Softmax, Flatten, Reshape and linear models of ai.onnx.ml can be imported.',
  ],
  [
    "a weight that does not fit",
    { nodes: then("MatMul", { inputs: ["z", "v"] }), tensors: weights },
    'm.onnx: node "n" (MatMul) has the weight "v" of shape [2, 2], expected [3, 2], since 3 numbers a row arrive.',
  ],
  [
    "a weight that does not fit the declared input",
    { nodes: then("Relu"), tensors: weights, inputs: [value("x", [1, 7])] },
    'm.onnx: node "mm" (MatMul) has the weight "w" of shape [2, 3], expected [7, 3], since 7 numbers a row arrive.',
  ],
  [
    "a bias that does not fit",
    { nodes: then("Add", { inputs: ["z", "b"] }), tensors: [...weights, tensor("b", [2], [1, 2])] },
    'm.onnx: node "n" (Add) has the bias "b" of shape [2], expected [3], one number an output.',
  ],
  [
    "fewer numbers than the shape needs",
    { nodes: then("Relu"), tensors: [tensor("w", [2, 3], [1, 2, 3, 4, 5])] },
    'm.onnx: tensor "w" of shape [2, 3] needs 6 numbers, found 5; the file is cut off or damaged.',
  ],
  [
    "a shape of more numbers than there are",
    { nodes: then("Relu"), tensors: [tensor("w", [2 ** 32, 2 ** 32], [1])] },
    'm.onnx: tensor "w" of shape [4294967296, 4294967296] needs 18446744073709551616 numbers, found 1; the file is cut off or damaged.',
  ],
  [
    "an empty side",
    { nodes: then("Relu"), tensors: [tensor("w", [0, 3_000_000_000], [])] },
    'm.onnx: "w" has shape [3000000000, 0]; no side of a weight may be 0.',
  ],
  [
    "a weight that is not a number",
    { nodes: then("Relu"), tensors: [tensor("w", [2, 3], [1, 2, 3, 4, Number.NaN, 6])] },
    'm.onnx: "w" holds NaN at [1,1]; every weight must be finite, so train again or export an earlier state.',
  ],
  [
    "text for weights",
    { nodes: then("Relu"), tensors: [[...integer(1, 1), ...integer(2, 8), ...text(8, "w"), ...text(6, "hello")]] },
    'm.onnx: tensor "w" holds string; weights must be float or double.',
  ],
  [
    "text as its input",
    { nodes: then("Relu"), tensors: weights, inputs: [value("x", ["N", 2], 8)] },
    'm.onnx: the input "x" takes text (a string tensor); only networks of numbers (float, double) can be imported.',
  ],
  [
    "numbers in another file",
    {
      nodes: then("Relu"),
      tensors: [
        [
          ...integer(1, 1),
          ...integer(2, 1),
          ...text(8, "w"),
          ...chunk(13, [...text(1, "location"), ...text(2, "../../etc/passwd")]),
          ...integer(14, 1),
        ],
      ],
    },
    'm.onnx: tensor "w" keeps its numbers in another file ("../../etc/passwd"), which is never opened; save the model as one file (onnx.save with save_as_external_data=False).',
  ],
  [
    "numbers said to be elsewhere",
    { nodes: then("Relu"), tensors: [[...tensor("w", [2, 3], [1, 2, 3, 4, 5, 6]), ...integer(14, 1)]] },
    'm.onnx: tensor "w" keeps its numbers in another file, which is never opened; save the model as one file (onnx.save with save_as_external_data=False).',
  ],
  [
    "a circle",
    {
      nodes: [
        { operator: "Add", name: "a", inputs: ["x", "c"], outputs: ["b"] },
        { operator: "Relu", name: "r", inputs: ["b"], outputs: ["c"] },
        { operator: "Relu", name: "end", inputs: ["c"], outputs: ["y"] },
      ],
    },
    'm.onnx: the graph runs in a circle through node "end" (Relu); only stacks of layers can be imported.',
  ],
  [
    "a value that nothing gives",
    { nodes: then("Relu", { inputs: ["ghost"] }), tensors: weights },
    'm.onnx: node "n" (Relu) needs "ghost", which nothing gives; the file is damaged.',
  ],
  [
    "two givers of one value",
    { nodes: [...then("Relu"), ...then("Tanh")], tensors: weights },
    'm.onnx: node "mm" (MatMul) gives "z", which is given already; export again.',
  ],
  [
    "an old opset",
    { nodes: then("Relu"), tensors: weights, opsets: { "": 6 } },
    "m.onnx uses opset 6 of ai.onnx; versions 7 to 25 can be read, so export with one of them (opset_version=17).",
  ],
  [
    "no opset",
    { nodes: then("Relu"), tensors: weights, opsets: {} },
    "m.onnx does not say which version (opset) of ai.onnx it uses; export it again.",
  ],
  [
    "a softmax in the middle",
    {
      nodes: [
        matMul,
        { operator: "Softmax", inputs: ["z"], outputs: ["s"] },
        { operator: "Relu", name: "r", inputs: ["s"], outputs: ["y"] },
      ],
      tensors: weights,
    },
    'm.onnx: node "r" (Relu) follows the softmax output, which only the end of a network may have.',
  ],
  [
    "a softmax over rows",
    { nodes: then("Softmax", { attributes: { axis: { integer: 0 } } }), tensors: weights },
    'm.onnx: node "n" (Softmax) runs over axis 0, expected the last one (1 or -1).',
  ],
  [
    "a branch",
    { nodes: then("Add", { inputs: ["z", "z"] }), tensors: weights },
    'm.onnx: node "n" (Add) adds two computed values; only stacks of layers can be imported, no branches.',
  ],
  [
    "a second bias",
    {
      nodes: [
        matMul,
        { operator: "Add", inputs: ["z", "b"], outputs: ["zb"] },
        { operator: "Add", name: "again", inputs: ["zb", "c"], outputs: ["y"] },
      ],
      tensors: [...weights, tensor("b", [3], [1, 2, 3]), tensor("c", [3], [1, 2, 3])],
    },
    'm.onnx: node "again" (Add) follows no MatMul without a bias; only a bias may be added.',
  ],
  [
    "an operator without its inputs",
    { nodes: then("Add", { inputs: ["z"] }), tensors: weights },
    'm.onnx: node "n" (Add) needs its bias (input 1) as numbers in the file; computed ones cannot be imported.',
  ],
  [
    "shared weights",
    { nodes: then("MatMul", { inputs: ["z", "w"] }), tensors: [tensor("w", [2, 2], [1, 2, 3, 4])] },
    'm.onnx: node "n" (MatMul) shares the tensor "w" with node "mm" (MatMul); shared weights cannot be imported.',
  ],
  [
    "a weight on the left",
    { nodes: [{ ...matMul, inputs: ["w", "x"], outputs: ["y"] }], tensors: weights },
    'm.onnx: node "mm" (MatMul) takes the data as its second input; only x·W with the weight second can be imported.',
  ],
  [
    "transposed data",
    {
      nodes: [
        { operator: "Gemm", name: "g", inputs: ["x", "w"], outputs: ["y"], attributes: { transA: { integer: 1 } } },
      ],
      tensors: weights,
    },
    'm.onnx: node "g" (Gemm) transposes the data (transA = 1), whose rows would no longer be rows.',
  ],
  [
    "a graph without an output",
    { nodes: then("Relu"), tensors: weights, outputs: [] },
    "m.onnx names no output; export it again.",
  ],
  [
    "images without a Flatten",
    { nodes: then("Relu"), tensors: weights, inputs: [value("x", [1, 2, 2])] },
    'm.onnx: node "mm" (MatMul) takes data of shape [1, 2, 2], expected [rows, features]; put a Flatten before it.',
  ],
  [
    "a reshape that mixes rows",
    {
      nodes: [
        { operator: "Reshape", name: "r", inputs: ["x", "s"], outputs: ["f"] },
        { ...matMul, inputs: ["f", "w"], outputs: ["y"] },
      ],
      tensors: [...weights, integers("s", [-1, 2])],
      inputs: [value("x", ["N", 4])],
    },
    'm.onnx: node "r" (Reshape) reshapes data of shape [?, 4] to [-1, 2]; expected [rows, 4].',
  ],
  [
    "a cast to whole numbers",
    { nodes: then("Cast", { attributes: { to: { integer: 7 } } }), tensors: weights },
    'm.onnx: node "n" (Cast) casts the data to int64; only float and double can be imported.',
  ],
  [
    "several inputs",
    { nodes: then("Relu"), tensors: weights, inputs: [value("x", ["N", 1]), value("x2", ["N", 1])] },
    'm.onnx has 2 ("x", "x2") as its inputs, expected one matrix of rows × features; export the model with a single input.',
  ],
  [
    "outputs of separate layers",
    {
      nodes: [matMul, { operator: "MatMul", inputs: ["x", "v"], outputs: ["y"] }],
      tensors: weights,
      outputs: ["z", "y"],
    },
    'm.onnx gives several outputs ("z", "y") from layers of their own; export the model with one.',
  ],
  [
    "no layer",
    { nodes: [{ operator: "Relu", inputs: ["x"], outputs: ["y"] }] },
    "m.onnx holds no linear layer; give a trained network of linear layers and activations.",
  ],
  [
    "two tensors of one name",
    { nodes: then("Relu"), tensors: [...weights, tensor("w", [1], [1])] },
    'a second tensor is called "w"; export or copy it again.',
  ],
];

describe("ONNX files that cannot be imported", () => {
  test.each(refused)("%s", (_, spec, message) => {
    const found = messageOf(() => readOnnx(onnxFile(spec), "m.onnx"));
    if (message.startsWith("m.onnx")) expect(found).toBe(message);
    else expect(found.endsWith(message)).toBe(true);
  });

  const whole = onnxFile({ nodes: then("Relu"), tensors: weights });

  test("a file cut off anywhere", () => {
    expect(readOnnx(whole).outputSize).toBe(3);
    for (let length = 0; length < whole.length; length++) {
      expect(messageOf(() => readOnnx(whole.subarray(0, length), "m.onnx"))).toMatch(/^m\.onnx (is|does not say)/);
    }
    expect(messageOf(() => readOnnx(whole.subarray(0, 60), "m.onnx"))).toMatch(
      /^m\.onnx is cut off, damaged or no ONNX file: at byte \d+ a field of \d+ bytes starts where only \d+ are left; export or copy it again\.$/,
    );
  });

  test.each([
    ["an empty file", [], "m.onnx is empty; give an ONNX file."],
    ["no graph", [...integer(1, 8)], "m.onnx is no ONNX file or is cut off: it holds no graph; export it again."],
    ["a varint without end", Array(64).fill(0xff), "at byte 0 a number has more than 64 bits"],
    [
      "a varint of ten bytes beyond 64 bits",
      [0x08, ...Array<number>(9).fill(0xff), 0x7f],
      "a number has more than 64 bits",
    ],
    ["a varint that is cut off", [0x08, 0xff], "at byte 1 a number does not end"],
    [
      "a length of 2^50",
      [0x3a, ...varint(2n ** 50n)],
      "a field of 1125899906842624 bytes starts where only 0 are left",
    ],
    ["a group", [0x3b, 0x3b, 0x3b], "at byte 1 holds the wire type 3"],
    ["field number 0", [0x02, 0x00], "at byte 0 holds the impossible field number 0"],
    ["a graph that is a number", [...integer(7, 1)], "field 7 has wire type 0, expected 2"],
    [
      "a function in the place of an operator",
      chunk(25, [...text(1, "Gemm"), ...text(10, "ai.onnx")]),
      'm.onnx says by a function of its own what the standard operator "Gemm" does; export it without functions.',
    ],
    ["two graphs", [...chunk(7, []), ...chunk(7, [])], "a second graph begins"],
  ])("%s", (_, bytes, message) => {
    expect(messageOf(() => readOnnx(Uint8Array.from(bytes), "m.onnx"))).toContain(message);
  });

  test("functions of other domains, which no node here uses, do no harm", () => {
    const helper = chunk(25, [...text(1, "Rank"), ...text(10, "pkg.onnxscript.torch_lib.common")]);
    expect(readOnnx(Uint8Array.from([...whole, ...helper])).outputSize).toBe(3);
  });

  test("floods of nodes and of dimensions", () => {
    const nodes = Array.from({ length: 20_002 }, (_, k) => (k % 2 === 0 ? 0x0a : 0));
    expect(messageOf(() => readOnnx(Uint8Array.from(chunk(7, nodes)), "m.onnx"))).toContain(
      "there are more than 10000 nodes, the most that is read",
    );
    const dims = tensor("w", Array<number>(9).fill(1), [1]);
    expect(messageOf(() => readOnnx(onnxFile({ nodes: then("Relu"), tensors: [dims] }), "m.onnx"))).toContain(
      "there are more than 8 dimensions of a tensor, the most that is read",
    );
  });
});
