import { describe, expect, test } from "vitest";
import { Matrix } from "../../../src/linalg/matrix.js";
import type { ImportedNetwork } from "../../../src/models/import/network.js";
import { readOnnx } from "../../../src/models/import/onnx.js";
import { expectFailure } from "../../data/helpers.js";
import { evaluateNetwork } from "./evaluate.js";
import { logistic, softmax } from "./naive.js";
import { type Attribute, type NodeSpec, onnxFile, value } from "./onnx-writer.js";

const x = [0.5, -2];
const predicted = (network: ImportedNetwork): number[] => [...evaluateNetwork(network, Matrix.fromRows([x])).data];

const ml = (
  operator: string,
  inputs: string[],
  outputs: string[],
  attributes: Readonly<Record<string, Attribute>>,
): NodeSpec => ({ operator, name: operator, domain: "ai.onnx.ml", inputs, outputs, attributes });

const file = (nodes: NodeSpec[], outputs: string[]): Uint8Array =>
  onnxFile({ nodes, outputs, inputs: [value("x", ["N", 2])], opsets: { "": 13, "ai.onnx.ml": 1 } });

function classifier(coefficients: number[], intercepts: number[], classes: string[], transform: string): NodeSpec {
  return ml("LinearClassifier", ["x"], ["label", "scores"], {
    coefficients: { floats: coefficients },
    intercepts: { floats: intercepts },
    classlabels_strings: { texts: classes },
    post_transform: { text: transform },
  });
}

describe("ai.onnx.ml", () => {
  test("LinearRegressor behind a Scaler", () => {
    const network = readOnnx(
      file(
        [
          ml("Scaler", ["x"], ["s"], { offset: { floats: [1, 2] }, scale: { floats: [0.5, 4] } }),
          ml("LinearRegressor", ["s"], ["y"], { coefficients: { floats: [3, -1] }, intercepts: { floats: [0.25] } }),
        ],
        ["y"],
      ),
    );
    expect(predicted(network)).toEqual([3 * (0.5 - 1) * 0.5 - (-2 - 2) * 4 + 0.25]);
    expect(network.scaler).toEqual({ mean: Float64Array.of(1, 2), scale: Float64Array.of(2, 0.25) });
    expect(network.output).toBe("identity");
  });

  test("a classifier of three classes with its normaliser and map of names", () => {
    const network = readOnnx(
      file(
        [
          classifier([1, 2, 3, 4, 5, 6], [0.5, 0, -0.5], ["a", "b", "c"], "SOFTMAX"),
          ml("Normalizer", ["scores"], ["p"], { norm: { text: "L1" } }),
          ml("ZipMap", ["p"], ["map"], { classlabels_strings: { texts: ["a", "b", "c"] } }),
          { operator: "Cast", inputs: ["label"], outputs: ["named"], attributes: { to: { integer: 7 } } },
        ],
        ["named", "map"],
      ),
    );
    const truth = softmax([0.5 - 4 + 0.5, 1.5 - 8, 2.5 - 12 - 0.5]);
    predicted(network).forEach((p, k) => expect(p).toBeCloseTo(truth[k], 14));
    expect([network.labels, network.output]).toEqual([["a", "b", "c"], "softmax"]);
    expect(network.notes.join()).toContain('in the order of the classes "a", "b", "c"');
  });

  test.each([
    ["LOGISTIC", 1],
    ["SOFTMAX", 2],
  ])("two opposite rows with %s are one score", (transform, factor) => {
    const network = readOnnx(file([classifier([-1, -2, 1, 2], [-0.5, 0.5], ["no", "yes"], transform)], ["scores"]));
    expect([network.output, network.outputSize, network.labels]).toEqual(["sigmoid", 1, ["no", "yes"]]);
    expect(predicted(network)[0]).toBeCloseTo(logistic(factor * (0.5 - 4 + 0.5)), 14);
  });

  test("a classifier without probabilities, with one row", () => {
    const network = readOnnx(file([classifier([1, 2], [0.5], ["no", "yes"], "NONE")], ["scores"]));
    expect([network.output, predicted(network)]).toEqual(["identity", [0.5 - 4 + 0.5]]);
  });

  test.each([
    [
      [classifier([1, 2, 3], [1, 2], ["a", "b"], "SOFTMAX")],
      'LinearClassifier" (LinearClassifier) has 3 coefficients, expected 2 scores × 2 features.',
    ],
    [
      [classifier([1, 2, 3, 4], [1, 2], ["a", "b", "c"], "SOFTMAX")],
      "gives 2 scores for 3 classes; expected as many, or one for two classes.",
    ],
    [
      [classifier([1, 2, 3, 4], [1, 2], ["a", "b"], "PROBIT")],
      'has the output "PROBIT", which is not supported; expected NONE, SOFTMAX or LOGISTIC.',
    ],
    [
      [classifier([1, 2, 3, 4], [1, 2], ["a", "a"], "SOFTMAX")],
      'names the class "a" twice; every class needs a name of its own.',
    ],
    [[classifier([1, 2, 3, 4], [1, 2], [], "SOFTMAX")], "names no classes."],
    [
      [
        classifier([1, 2, 3, 4], [1, 2], ["a", "b"], "LOGISTIC"),
        ml("Normalizer", ["scores"], ["y"], { norm: { text: "L1" } }),
      ],
      'divides by the norm "L1"; that can be imported only as L1 behind a softmax or a binary classifier.',
    ],
    [
      [ml("Scaler", ["x"], ["y"], { offset: { floats: [1, 2, 3] }, scale: { floats: [1, 1] } })],
      "has 3 numbers as its offset, expected 1 or 2.",
    ],
    [
      [ml("Scaler", ["x"], ["y"], { offset: { floats: [1, 2] }, scale: { floats: [1, 0] } })],
      "multiplies a feature by 0; leave that feature out of the model.",
    ],
    [
      [ml("TreeEnsembleClassifier", ["x"], ["y"], {})],
      'uses the operator "TreeEnsembleClassifier" of "ai.onnx.ml", which is not supported',
    ],
  ])("refuses what it cannot show: case %#", async (nodes, message) => {
    const last = nodes[nodes.length - 1].outputs;
    await expectFailure(
      () => readOnnx(file(nodes, [last[last.length - 1]])),
      "input",
      new RegExp(message.replace(/[()]/g, "\\$&")),
    );
  });
});
