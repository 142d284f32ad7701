/** Every operation and whole networks against PyTorch (fixtures/torch_autodiff.py). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { constant, gradient, hessianProducts, mul, sum, type Tensor } from "../../src/autodiff/index.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { type NetworkLoss, type PerceptronOptions, perceptron } from "../../src/models/perceptron.js";
import { relativeError } from "../golden.js";
import { CASES, type Shape } from "./cases.js";
import { distance } from "./differences.js";

interface TorchCase {
  name: string;
  inputs: number[][];
  directions: number[][];
  weights: number[];
  value: number[];
  gradient: number[][];
  hessianProduct: number[][];
}

interface TorchNetwork {
  activation: PerceptronOptions["activation"];
  loss: NetworkLoss;
  classes: number;
  widths: number[];
  x: number[];
  y: number[];
  w: number[];
  phi: number[];
  theta: number[];
  v: number[];
  losses: number[];
  gradient: number[];
  inputGradients: number[];
  hessianProduct: number[];
  mixedProduct: number[];
}

const fixture: { cases: TorchCase[]; networks: TorchNetwork[] } = JSON.parse(
  readFileSync(new URL("../fixtures/torch-autodiff.json", import.meta.url), "utf8"),
);

const tensors = (values: number[][], shapes: readonly Shape[]): Tensor[] =>
  shapes.map((shape, k) => constant(Float64Array.from(values[k]), ...shape));

it("covers every operation", () => {
  expect(fixture.cases.map(({ name }) => name).sort()).toEqual(Object.keys(CASES).sort());
});

it.each(fixture.cases)("$name agrees with PyTorch", ({ name, ...torch }) => {
  const { f, shapes } = CASES[name];
  const x = tensors(torch.inputs, shapes);
  const value = f(...x);
  expect(distance(value.values, torch.value)).toBeLessThan(1e-13);
  const y = sum(mul(constant(Float64Array.from(torch.weights), value.rows, value.columns), value));
  gradient(y, x).forEach((g, k) => expect(distance(g.values, torch.gradient[k])).toBeLessThan(1e-13));
  const [product] = hessianProducts(y, x, [tensors(torch.directions, shapes)]);
  product.forEach((h, k) => expect(distance(h.values, torch.hessianProduct[k])).toBeLessThan(1e-12));
});

describe.each(fixture.networks)("a network with $activation and $loss", (torch) => {
  const [inputs, ...hidden] = torch.widths.slice(0, -1);
  const model = perceptron({
    inputs,
    hidden,
    activation: torch.activation,
    loss: torch.loss,
    ...(torch.loss === "softmax" ? { classes: torch.classes } : {}),
  });
  const [theta, w] = [Float64Array.from(torch.theta), Float64Array.from(torch.w)];
  const matrix = (values: number[], columns: number): Matrix =>
    new Matrix(Float64Array.from(values), values.length / columns, columns);
  const block = { x: matrix(torch.x, inputs), y: Float64Array.from(torch.y), w, firstRow: 0 };

  it("has PyTorch's losses, gradients, mixed and Hessian products", () => {
    expect(relativeError(model.losses(theta, block), torch.losses)).toBeLessThan(1e-13);
    expect(relativeError(model.gradient(theta, block), torch.gradient)).toBeLessThan(1e-13);
    expect(relativeError(model.inputGradients(theta, block).data, torch.inputGradients)).toBeLessThan(1e-13);
    const phi = matrix(torch.phi, inputs);
    expect(relativeError(model.mixedProduct(theta, block, phi, w), torch.mixedProduct)).toBeLessThan(1e-12);
    const product = model.hessianProduct(theta, block, matrix(torch.v, 1));
    expect(relativeError(product.data, torch.hessianProduct)).toBeLessThan(1e-12);
  });
});
