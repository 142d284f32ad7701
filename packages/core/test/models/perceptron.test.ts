import { describe, expect, it } from "vitest";
import { AifError } from "../../src/errors.js";
import { Matrix } from "../../src/linalg/matrix.js";
import { type NetworkLoss, type PerceptronOptions, perceptron } from "../../src/models/perceptron.js";
import { slopeAtZero } from "../autodiff/differences.js";
import { relativeError } from "../golden.js";
import { Random } from "./naive.js";

const ACTIVATIONS: PerceptronOptions["activation"][] = ["tanh", "relu", "softplus", "gelu", "sigmoid"];
const LOSSES: NetworkLoss[] = ["squared", "half-squared", "logistic", "softmax"];

const cases = ACTIVATIONS.flatMap((activation) => LOSSES.map((loss) => ({ activation, loss })));

/** ∫₀ᵇ f by Simpson's rule. */
function simpson(f: (t: number) => number, b: number): number {
  const h = b / 600;
  let total = f(0) + f(b);
  for (let k = 1; k < 600; k++) total += (k % 2 === 1 ? 4 : 2) * f(k * h);
  return (total * h) / 3;
}

/** One row of a network by plain loops. */
function rowLoss(
  theta: ArrayLike<number>,
  widths: number[],
  x: ArrayLike<number>,
  y: number,
  options: PerceptronOptions,
): number {
  const activate: Record<string, (z: number) => number> = {
    tanh: Math.tanh,
    relu: (z) => Math.max(z, 0),
    softplus: (z) => Math.log(1 + Math.exp(z)),
    sigmoid: (z) => 1 / (1 + Math.exp(-z)),
    gelu: (z) => z * (0.5 + simpson((t) => Math.exp(-0.5 * t * t) / Math.sqrt(2 * Math.PI), z)),
  };
  let h = Array.from(x);
  let at = 0;
  for (let layer = 1; layer < widths.length; layer++) {
    const [inputs, outputs] = [widths[layer - 1], widths[layer]];
    const start = at;
    const bias = start + inputs * outputs;
    const z = Array.from({ length: outputs }, (_, o) =>
      h.reduce((sum, value, i) => sum + theta[start + o * inputs + i] * value, theta[bias + o]),
    );
    at = bias + outputs;
    h = layer < widths.length - 1 ? z.map(activate[options.activation]) : z;
  }
  if (options.loss === "softmax") return Math.log(h.reduce((sum, f) => sum + Math.exp(f), 0)) - h[y];
  if (options.loss === "logistic") return Math.log(1 + Math.exp(-y * h[0]));
  return (options.loss === "squared" ? 1 : 0.5) * (h[0] - y) ** 2;
}

describe.each(cases)("two hidden layers of $activation, $loss loss", ({ activation, loss }) => {
  const options: PerceptronOptions = {
    inputs: 3,
    hidden: [5, 4],
    activation,
    loss,
    ...(loss === "softmax" ? { classes: 3 } : {}),
  };
  const model = perceptron(options);
  const widths = [3, 5, 4, options.classes ?? 1];
  const random = new Random(11);
  const [d, r] = [model.parameterNames.length, 7];
  const vector = (count: number): Float64Array => Float64Array.from(random.normals(count), (x) => 0.7 * x);
  const theta = vector(d);
  const target = (): number => (loss === "softmax" ? random.below(3) : random.below(2) * 2 - 1);
  const block = {
    x: new Matrix(vector(r * 3), r, 3),
    y: Float64Array.from({ length: r }, target),
    w: Float64Array.from({ length: r }, () => random.uniform()),
    firstRow: 0,
  };
  const phi = new Matrix(vector(r * 3), r, 3);
  const [u, v] = [vector(d), vector(d)];
  const along = (h: number, direction = u): Float64Array => theta.map((value, j) => value + h * direction[j]);
  const shiftedBlock = (h: number) => ({
    ...block,
    x: new Matrix(
      block.x.data.map((value, k) => value + h * phi.data[k]),
      r,
      3,
    ),
  });
  const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
    Array.from(a).reduce((sum, value, j) => sum + value * b[j], 0);
  // Steps small enough that no row of this draw crosses a kink of ReLU.
  const step = activation === "relu" ? 1e-5 : 1e-3;

  it("has the losses of plain loops", () => {
    const naive = Array.from({ length: r }, (_, i) => rowLoss(theta, widths, block.x.row(i), block.y[i], options));
    expect(relativeError(model.losses(theta, block), naive)).toBeLessThan(1e-11);
  });

  it("has the gradients of central differences", () => {
    const risk = (h: number): number[] => [dot(model.losses(along(h), block), block.w)];
    expect(relativeError([dot(model.gradient(theta, block), u)], slopeAtZero(risk, step))).toBeLessThan(1e-6);
    const g = model.inputGradients(theta, block);
    const rows = Array.from({ length: r }, (_, i) => dot(g.row(i), phi.row(i)));
    const numeric = slopeAtZero((h) => model.losses(theta, shiftedBlock(h)), step);
    expect(relativeError(rows, numeric)).toBeLessThan(1e-6);
  });

  it("has the second derivatives of central differences", () => {
    const hessian = slopeAtZero((h) => model.gradient(along(h, v), block), step);
    const products = model.hessianProduct(theta, block, new Matrix(v, d, 1));
    expect(relativeError(products.data, hessian)).toBeLessThan(1e-6);
    const mixed = slopeAtZero((h) => model.gradient(theta, shiftedBlock(h)), step);
    expect(relativeError(model.mixedProduct(theta, block, phi, block.w), mixed)).toBeLessThan(1e-6);
    const curved = slopeAtZero((h) => {
      const g = model.inputGradients(theta, shiftedBlock(h));
      return Array.from({ length: r }, (_, i) => dot(g.row(i), phi.row(i)));
    }, step);
    const curvature = model.inputCurvature(theta, block, phi);
    curvature.forEach((value, i) => expect(Math.abs(value - curved[i])).toBeLessThan(1e-6));
  });
});

describe("a perceptron's description", () => {
  it("names its parameters layer by layer, weight before bias, row-major; biases are not penalised", () => {
    const { parameterNames, penalised } = perceptron({ inputs: 2, hidden: [2], activation: "relu", loss: "squared" });
    expect(parameterNames).toEqual([
      "layer1.weight[0,0]",
      "layer1.weight[0,1]",
      "layer1.weight[1,0]",
      "layer1.weight[1,1]",
      "layer1.bias[0]",
      "layer1.bias[1]",
      "layer2.weight[0]",
      "layer2.weight[1]",
      "layer2.bias",
    ]);
    expect([...penalised]).toEqual([1, 1, 1, 1, 0, 0, 1, 1, 0]);
  });

  it.each<[string, Partial<PerceptronOptions>, RegExp]>([
    ["no classes", { loss: "softmax" }, /needs "classes", a whole number from 2, got undefined/],
    ["one class", { loss: "softmax", classes: 1 }, /from 2, got 1/],
    ["classes for one output", { loss: "logistic", classes: 2 }, /leave "classes" out/],
    ["a width of nothing", { hidden: [0] }, /"layer1.weight" need whole numbers of rows and columns/],
    ["an unknown loss", { loss: "hinge" as NetworkLoss }, /Unknown loss "hinge"/],
    ["an unknown activation", { activation: "swish" as "tanh" }, /Unknown activation "swish"/],
  ])("is refused with %s", (_, options, message) => {
    const build = (): unknown =>
      perceptron({ inputs: 2, hidden: [3], activation: "tanh", loss: "squared", ...options });
    expect(build).toThrow(AifError);
    expect(build).toThrow(message);
  });
});
