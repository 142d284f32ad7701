/** Scalers before the first layer and GELU written out, against plain sums and the normal distribution's own table. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AifError } from "../../../src/errors.js";
import { Matrix } from "../../../src/linalg/matrix.js";
import { readOnnx } from "../../../src/models/import/onnx.js";
import { evaluateNetwork } from "./evaluate.js";
import { affine, transpose } from "./naive.js";
import { type ModelSpec, type NodeSpec, onnxFile, tensor, value } from "./onnx-writer.js";

const node = (operator: string, inputs: string[], output: string): NodeSpec => ({
  operator,
  name: output,
  inputs,
  outputs: [output],
});

const messageOf = (spec: ModelSpec): string => {
  try {
    readOnnx(onnxFile(spec), "m.onnx");
  } catch (error) {
    if (error instanceof AifError) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
};

describe("GELU written out", () => {
  /** x·P(Z ≤ x) for a standard normal Z, from tables of the distribution. */
  const table = new Map([
    [-2, -0.0455002638963584],
    [-1, -0.158655253931457],
    [0, 0],
    [1, 0.841344746068543],
    [2, 1.95449973610364],
  ]);
  const tensors = [
    tensor("w", [1, 1], [1]),
    tensor("v", [1, 1], [1]),
    tensor("root", [], [Math.SQRT2], "raw float"),
    tensor("inverse", [], [Math.SQRT1_2], "raw float"),
    tensor("one", [], [1], "raw float"),
    tensor("half", [], [0.5], "raw float"),
  ];
  const argument = {
    "x/√2": node("Div", ["z", "root"], "a"),
    "x·(1/√2)": node("Mul", ["inverse", "z"], "a"),
  };
  const middle = [node("Erf", ["a"], "e"), node("Add", ["e", "one"], "s")];
  const products = {
    "(x·s)·½": [node("Mul", ["z", "s"], "p"), node("Mul", ["p", "half"], "g")],
    "½·(s·x)": [node("Mul", ["s", "z"], "p"), node("Mul", ["half", "p"], "g")],
    "(½x)·s": [node("Mul", ["z", "half"], "p"), node("Mul", ["p", "s"], "g")],
    "s·(½x)": [node("Mul", ["z", "half"], "p"), node("Mul", ["s", "p"], "g")],
    "x·(½s)": [node("Mul", ["s", "half"], "p"), node("Mul", ["z", "p"], "g")],
  };
  const forms = Object.entries(argument).flatMap(([before, first]) =>
    Object.entries(products).map(([after, last]) => [`${before}, ${after}`, [first, ...middle, ...last]] as const),
  );

  test.each(forms)("as %s", (_name, nodes) => {
    const network = readOnnx(
      onnxFile({ nodes: [node("MatMul", ["x", "w"], "z"), ...nodes, node("MatMul", ["g", "v"], "y")], tensors }),
    );
    expect(network.layers.map((layer) => (layer.kind === "linear" ? "linear" : layer.name))).toEqual([
      "linear",
      "gelu",
      "linear",
    ]);
    for (const [x, truth] of table) {
      expect(evaluateNetwork(network, Matrix.fromRows([[x]])).data[0]).toBeCloseTo(truth, 12);
    }
  });

  test("but nothing like it: other numbers, and the erf of another value", () => {
    const of = (...nodes: NodeSpec[]) => ({
      nodes: [node("MatMul", ["x", "w"], "z"), ...nodes, node("MatMul", ["g", "v"], "y")],
      tensors,
    });
    const halved = of(node("Mul", ["z", "half"], "g"));
    expect(messageOf(halved)).toMatch(/^m\.onnx: node "y" \(MatMul\) takes data that were multiplied or divided/);
    expect(messageOf(of(node("Div", ["z", "half"], "a"), node("Erf", ["a"], "g")))).toMatch(/\(Erf\) is no part of/);
    expect(messageOf(of(node("Div", ["z", "root"], "a"), ...middle, node("Mul", ["z", "s"], "g")))).toMatch(
      /"y" \(MatMul\) takes data/,
    );
    const other = of(
      node("Tanh", ["z"], "t"),
      node("Div", ["t", "root"], "a"),
      ...middle,
      node("Mul", ["z", "s"], "p"),
      node("Mul", ["p", "half"], "g"),
    );
    expect(messageOf(other)).toMatch(/"p" \(Mul\) is no part of/);
    expect(messageOf(of(node("Sigmoid", ["z"], "t"), node("Mul", ["z", "t"], "g")))).toMatch(
      /"g" \(Mul\) is no part of/,
    );
  });
});

describe("a scaler before the first layer", () => {
  const weight = [
    [1, -2, 0.5],
    [0.3, 0.7, -1],
  ];
  const inputs = [value("x", ["N", 3])];
  const linear = [tensor("w", [3, 2], transpose(weight).flat())];
  const number = fc.double({ min: -3, max: 3, noNaN: true });
  const factor = fc.double({ min: 0.1, max: 10, noNaN: true });
  const step = fc.oneof(
    fc.record({ operator: fc.constantFrom("Sub", "Add"), numbers: fc.array(number, { minLength: 3, maxLength: 3 }) }),
    fc.record({ operator: fc.constantFrom("Mul", "Div"), numbers: fc.array(factor, { minLength: 3, maxLength: 3 }) }),
    fc.record({ operator: fc.constantFrom("Sub", "Add"), numbers: number.map((x) => [x]) }),
    fc.record({ operator: fc.constantFrom("Mul", "Div"), numbers: factor.map((x) => [x]) }),
  );
  const apply: Record<string, (x: number, by: number) => number> = {
    Sub: (x, by) => x - by,
    Add: (x, by) => x + by,
    Mul: (x, by) => x * by,
    Div: (x, by) => x / by,
  };

  test("of any sums and products is what they do one after another", () => {
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 4 }),
        fc.array(number, { minLength: 3, maxLength: 3 }),
        (steps, x) => {
          const nodes = steps.map(({ operator }, k) => node(operator, [k === 0 ? "x" : `s${k - 1}`, `c${k}`], `s${k}`));
          const constants = steps.map(({ numbers }, k) => tensor(`c${k}`, numbers.length === 1 ? [] : [1, 3], numbers));
          const file = {
            nodes: [...nodes, node("MatMul", [`s${steps.length - 1}`, "w"], "y")],
            tensors: [...linear, ...constants],
            inputs,
          };
          const network = readOnnx(onnxFile(file));
          const seen = steps.reduce(
            (row, { operator, numbers }) =>
              row.map((v, k) => apply[operator](v, numbers[numbers.length === 1 ? 0 : k])),
            x,
          );
          const truth = affine(weight, [], seen);
          const found = evaluateNetwork(network, Matrix.fromRows([x])).row(0);
          const size = Math.max(1, ...seen.map(Math.abs));
          truth.forEach((y, j) => expect(Math.abs(found[j] - y)).toBeLessThan(1e-9 * size));
        },
      ),
    );
  });

  test("is refused where a feature would vanish, turn round, or numbers do not fit", () => {
    const of = (operator: string, numbers: number[], shape = [numbers.length]) =>
      messageOf({
        nodes: [node(operator, ["x", "c"], "s"), node("MatMul", ["s", "w"], "y")],
        tensors: [...linear, tensor("c", shape, numbers)],
        inputs,
      });
    expect(of("Mul", [1, 0, 1])).toMatch(/\(Mul\) scales a feature by a number that is not above 0/);
    expect(of("Mul", [1, -1, 1])).toMatch(/not above 0/);
    expect(of("Div", [1, Number.NaN, 1])).toMatch(/not above 0/);
    expect(of("Sub", [1, 2])).toMatch(/scales the data by numbers of shape \[2\], expected one, or 3/);
    expect(of("Sub", [1, 2, 3], [3, 1])).toMatch(/shape \[3, 1\]/);
  });
});
