import { describe, expect, test } from "vitest";
import { Matrix } from "../../../src/linalg/matrix.js";
import { readSafetensors } from "../../../src/models/import/safetensors.js";
import { type StackOptions, stackOfLinears } from "../../../src/models/import/stack-of-linears.js";
import { expectFailure } from "../../data/helpers.js";
import { evaluateNetwork } from "./evaluate.js";
import { affine, matrix, numbers } from "./naive.js";
import { safetensorsFile, savedTensors, type TensorSpec } from "./safetensors-writer.js";

const f32 = (shape: number[], values: number[]): TensorSpec => ({ type: "F32", shape, numbers: values });
const stack = (tensors: Readonly<Record<string, TensorSpec>>, options: Partial<StackOptions> = {}) =>
  stackOfLinears(readSafetensors(savedTensors(tensors), "w.safetensors"), {
    activation: "tanh",
    source: "w.safetensors",
    ...options,
  });

const exact = (text: string): RegExp => new RegExp(`^${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`);

describe("a stack of linear layers", () => {
  const next = numbers(3);
  const [w0, w2, w10] = [matrix(4, 3, next), matrix(5, 4, next), matrix(2, 5, next)];
  const [b0, b2, b10] = [matrix(1, 4, next)[0], matrix(1, 5, next)[0], matrix(1, 2, next)[0]];
  // In the order of their names, as PyTorch saves them: 10 comes before 2.
  const tensors: Record<string, TensorSpec> = {
    "0.bias": { type: "F64", shape: [4], numbers: b0 },
    "0.weight": { type: "F64", shape: [4, 3], numbers: w0.flat() },
    "10.bias": { type: "F64", shape: [2], numbers: b10 },
    "10.weight": { type: "F64", shape: [2, 5], numbers: w10.flat() },
    "2.bias": { type: "F64", shape: [5], numbers: b2 },
    "2.weight": { type: "F64", shape: [5, 4], numbers: w2.flat() },
  };

  test("follows the layers' numbers and predicts what loops predict", () => {
    const network = stack(tensors, { hidden: [4, 5] });
    const x = matrix(3, 3, next);
    const found = evaluateNetwork(network, Matrix.fromRows(x));
    x.forEach((row, i) => {
      const truth = affine(w10, b10, affine(w2, b2, affine(w0, b0, row).map(Math.tanh)).map(Math.tanh));
      truth.forEach((value, k) => expect(found.row(i)[k]).toBeCloseTo(value, 13));
    });
    expect(network.parameterNames).toHaveLength(12 + 4 + 20 + 5 + 10 + 2);
    expect(network.parameterNames.slice(11, 17)).toEqual([
      "0.weight[3,2]",
      "0.bias[0]",
      "0.bias[1]",
      "0.bias[2]",
      "0.bias[3]",
      "2.weight[0,0]",
    ]);
    expect(network.notes.join()).toContain('"0.weight", "2.weight", "10.weight"');
  });

  test("may be one layer, saved by itself", () => {
    const network = stack({ bias: f32([1], [0.25]), weight: f32([1, 2], [0.5, -2]) });
    expect(network.parameterNames).toEqual(["weight[0,0]", "weight[0,1]", "bias[0]"]);
    expect([...evaluateNetwork(network, Matrix.fromRows([[1, 1]])).data]).toEqual([-1.25]);
  });

  test("may have a prefix, no bias, and float32", () => {
    const network = stack({ "net.0.weight": f32([1, 2], [0.5, -2]) });
    expect([network.inputSize, network.outputSize]).toEqual([2, 1]);
    expect(network.parameterNames).toEqual(["net.0.weight[0,0]", "net.0.weight[0,1]"]);
    expect([...evaluateNetwork(network, Matrix.fromRows([[1, 1]])).data]).toEqual([-1.5]);
  });

  test("a single relu between, and only between", () => {
    const network = stack({ "0.weight": f32([1, 1], [-1]), "1.weight": f32([1, 1], [-1]) }, { activation: "relu" });
    expect(evaluateNetwork(network, Matrix.fromRows([[2], [-2]])).data.map((v) => v + 0)).toEqual(
      Float64Array.of(0, -2),
    );
  });

  const w = f32([2, 2], [1, 2, 3, 4]);

  test("layers without numbers follow the only order that fits their shapes", () => {
    // As PyTorch saves them, by name: the last layer first.
    const network = stack({
      "decoder.bias": f32([1], [0.25]),
      "decoder.weight": f32([1, 2], [1, -1]),
      "encoder.weight": f32([2, 3], [1, 0, 0, 0, 2, 0]),
    });
    expect(network.parameterNames.map((name) => name.replace(/\[.*/, ""))).toEqual([
      ...Array.from({ length: 6 }, () => "encoder.weight"),
      "decoder.weight",
      "decoder.weight",
      "decoder.bias",
    ]);
    const [found] = evaluateNetwork(network, Matrix.fromRows([[0.3, 0.2, 9]])).data;
    expect(found).toBeCloseTo(Math.tanh(0.3) - Math.tanh(0.4) + 0.25, 14);
    expect(network.notes.join()).toContain("the only one that fits their shapes");
  });

  test.each(["layers.0.linear", "blocks.0.fc"])("numbers may stand inside a name, as in %s", (first) => {
    const second = first.replace("0", "1");
    const network = stack({ [`${second}.weight`]: f32([2, 2], [0, 1, 1, 0]), [`${first}.weight`]: w });
    expect(network.parameterNames[0]).toBe(`${first}.weight[0,0]`);
  });

  // torch.nn.functional at 1 and −2, in float64.
  test.each([
    ["gelu", 0.8413447460685429, -0.04550026389635842],
    ["softplus", 1.3132616875182228, 0.1269280110429725],
    ["sigmoid", 0.7310585786300049, 0.11920292202211755],
  ] as const)("%s as PyTorch has it", (activation, one, two) => {
    const network = stack({ "0.weight": f32([1, 1], [1]), "1.weight": f32([1, 1], [1]) }, { activation });
    const [a, b] = evaluateNetwork(network, Matrix.fromRows([[1], [-2]])).data;
    expect(a).toBeCloseTo(one, 14);
    expect(b).toBeCloseTo(two, 14);
  });

  test.each<[Record<string, TensorSpec>, Partial<StackOptions>, "input" | "usage", string]>([
    [
      { "0.weight": w, "2.weight": f32([1, 3], [1, 2, 3]) },
      {},
      "input",
      'w.safetensors: "2.weight" has shape [1, 3] (outputs, inputs), expected [1, 2], since the layer before it, "0.weight", gives 2 numbers; check that all layers come from one network.',
    ],
    [
      { "0.weight": w, "0.bias": f32([3], [1, 2, 3]) },
      {},
      "input",
      'w.safetensors: "0.bias" has shape [3], expected [2], as many as "0.weight" has outputs.',
    ],
    [
      { "0.weight": f32([2, 2, 1], [1, 2, 3, 4]) },
      {},
      "input",
      'w.safetensors: "0.weight" has shape [2, 2, 1], expected [outputs, inputs]; only linear layers can be imported.',
    ],
    [
      { "0.weight": f32([1, 2], [1, Number.NaN]) },
      {},
      "input",
      'w.safetensors: "0.weight" holds NaN at [0,1]; every weight must be finite, so train again or export an earlier state.',
    ],
    [
      { "0.weight": w, "1.running_mean": f32([1], [1]) },
      {},
      "input",
      'w.safetensors holds "1.running_mean", expected a stack of linear layers (0.weight, 0.bias, 2.weight, …); save the linear layers alone.',
    ],
    [
      { "0.weight": w, "0.bias": f32([2], [1, 2]), "1.bias": f32([1], [1]) },
      {},
      "input",
      'w.safetensors holds "1.bias" without its weight; expected a stack of linear layers (0.weight, 0.bias, 2.weight, …).',
    ],
    [
      { "a1.weight": w, "b2.weight": w },
      {},
      "input",
      'w.safetensors holds the layers "a1", "b2", which no numbers put in order, and more than one order fits their shapes; name them 0, 1, 2, … in the order of the network.',
    ],
    [
      { "hidden.weight": f32([3, 2], [1, 2, 3, 4, 5, 6]), "out.weight": f32([1, 4], [1, 2, 3, 4]) },
      {},
      "input",
      'w.safetensors holds the layers "hidden", "out", which no numbers put in order, and no order of them fits their shapes; name them 0, 1, 2, … in the order of the network.',
    ],
    [{ "01.weight": w, "1.weight": w }, {}, "input", 'w.safetensors holds "01.weight" and "1.weight", both layer 1.'],
    [
      {},
      {},
      "input",
      "w.safetensors holds no tensors; expected a stack of linear layers (0.weight, 0.bias, 2.weight, …).",
    ],
    [
      { "0.weight": w, "2.weight": w },
      { hidden: [5] },
      "usage",
      "The model has hidden layers [5], but w.safetensors holds [2]; give --model mlp:2.",
    ],
    [
      { "0.weight": w },
      { labels: ["a", "b", "c"] },
      "input",
      "w.safetensors names 3 classes, expected 2, since it gives 2 scores.",
    ],
  ])("refusals, case %#", async (saved, options, code, message) => {
    await expectFailure(() => stack(saved, options), code, exact(message));
  });

  test("refuses half precision", async () => {
    const file = safetensorsFile(
      { "0.weight": { dtype: "F16", shape: [1, 1], data_offsets: [0, 2] } },
      new Uint8Array(2),
    );
    await expectFailure(
      () => stackOfLinears(readSafetensors(file), { activation: "relu" }),
      "input",
      /"0\.weight" has the type F16, expected F32 or F64/,
    );
  });
});

describe("safetensors files", () => {
  const at = (begin: number, end: number, length = (end - begin) / 4) => ({
    dtype: "F32",
    shape: [length],
    data_offsets: [begin, end],
  });

  test("tensors keep the names that every object has", () => {
    const file = safetensorsFile(
      '{"__proto__":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"constructor":{"dtype":"U8","shape":[],"data_offsets":[1,2]}}',
      Uint8Array.of(7, 8),
    );
    const tensors = readSafetensors(file);
    expect([...tensors.keys()]).toEqual(["__proto__", "constructor"]);
    expect(tensors.get("__proto__")?.bytes).toEqual(Uint8Array.of(7));
  });

  test.each<[object | string, number, string]>([
    [{ a: at(0, 8), b: at(4, 12) }, 12, 'tensor "b" overlaps the one before it'],
    [{ a: at(0, 4), b: at(8, 12) }, 12, "bytes 4 to 8 belong to no tensor"],
    [{ a: at(4, 8) }, 8, "bytes 0 to 4 belong to no tensor"],
    [{ a: at(0, 4) }, 8, "bytes 4 to 8 belong to no tensor"],
    [{ a: at(0, 8) }, 4, 'tensor "a" lies at bytes 0 to 8 of 4'],
    [{ a: at(4, 0, 1) }, 4, 'tensor "a" lies at bytes 4 to 0 of 4'],
    [{ a: at(0, 4, 2) }, 4, 'tensor "a" of type F32 and shape [2] needs 8 bytes, found 4'],
    [
      { a: { dtype: "F32", shape: [2 ** 52, 2 ** 52], data_offsets: [0, 4] } },
      4,
      'tensor "a" of type F32 and shape [4503599627370496, 4503599627370496] needs 81129638414606681695789005144064 bytes, found 4',
    ],
    [{ a: { dtype: "F7", shape: [1], data_offsets: [0, 4] } }, 4, 'tensor "a" has the type "F7", which is not known'],
    [
      { a: { dtype: "F32", shape: [-1], data_offsets: [0, 4] } },
      4,
      'tensor "a" lacks a dtype, a shape or two data_offsets of whole numbers',
    ],
    [
      { a: { dtype: "F32", shape: [1], data_offsets: [0, 4, 8] } },
      4,
      'tensor "a" lacks a dtype, a shape or two data_offsets of whole numbers',
    ],
    [{ a: 1 }, 0, 'tensor "a" has no entry'],
    ["[1]", 0, "its header is no JSON object"],
  ])("refusals, case %#", async (header, bytes, message) => {
    await expectFailure(
      () => readSafetensors(safetensorsFile(header, new Uint8Array(bytes)), "w.safetensors"),
      "input",
      exact(`w.safetensors is cut off, damaged or no safetensors file: ${message}; save or copy it again.`),
    );
  });

  test.each([
    ['{"a":1,"a":2}', /at character 10 it holds the key "a" twice/],
    ['{"a":1,"\\u0061":2}', /holds the key "a" twice/],
    ["[".repeat(50), /nested deeper than 32 levels/],
    ['{"a":NaN}', /holds NaN, which is no number of JSON/],
    ['{"a":1', /has its end where "," belongs/],
    ['{"a', /begins text that does not end/],
    ['{"a" 1}', /has "1" where ":" belongs/],
    ["{} x", /has "x" where the end belongs/],
  ])("headers that are no JSON: %s", async (header, message) => {
    await expectFailure(() => readSafetensors(safetensorsFile(header, new Uint8Array(0))), "input", message);
  });

  test("a header that is longer than the file", async () => {
    const file = safetensorsFile({ a: at(0, 4) }, new Uint8Array(4));
    new DataView(file.buffer).setBigUint64(0, 2n ** 63n, true);
    await expectFailure(
      () => readSafetensors(file, "w.safetensors"),
      "input",
      new RegExp(`its header claims 9223372036854775808 bytes, at most ${file.length - 8} are possible`),
    );
    await expectFailure(() => readSafetensors(new Uint8Array(5)), "input", /it has 5 bytes, too few for a header/);
  });
});
