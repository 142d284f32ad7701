/** Influence of networks against PyTorch's double backward (fixtures/torch_influence.py). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { matrixDataset } from "../../../src/data/matrix-dataset.js";
import { localInfluences } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { Matrix } from "../../../src/linalg/matrix.js";
import { perceptron } from "../../../src/models/perceptron.js";
import { softmaxRegression } from "../../../src/models/softmax.js";
import { ridgeOf, riskAt } from "../../../src/solvers/model-risk.js";
import { riskOperator } from "../../../src/solvers/risk-operator.js";
import { trainModel } from "../../../src/solvers/train.js";
import { lp } from "../../../src/threats/pointwise.js";
import { relativeError } from "../../golden.js";
import { expansionOf } from "./expansion.js";

interface TorchThreat {
  p: string;
  scale: number;
  penalty: number;
  penaltyGradient: number[];
  influence: number[];
  curvature: number;
}

interface TorchStudy {
  name: string;
  widths: number[];
  loss: "squared" | "softmax";
  l2: number;
  damping: number;
  x: number[];
  y: number[];
  w: number[];
  theta: number[];
  v: number[];
  outputs: number[];
  risk: number;
  gradient: number[];
  hessianProduct: number[];
  gaussNewtonProduct: number[];
  threats: TorchThreat[];
}

const { studies }: { studies: TorchStudy[] } = JSON.parse(
  readFileSync(new URL("../../fixtures/torch-influence.json", import.meta.url), "utf8"),
);

const AGREEMENT = 1e-9;

describe.each(studies)("$name", (torch) => {
  const { widths, loss, l2, damping } = torch;
  const [m, n, K] = [widths[0], torch.y.length, widths.at(-1) ?? 0];
  const model = perceptron({
    inputs: m,
    hidden: widths.slice(1, -1),
    activation: "tanh",
    loss,
    ...(loss === "softmax" ? { classes: K } : {}),
  });
  const data = matrixDataset(new Matrix(Float64Array.from(torch.x), n, m), torch.y, { weights: torch.w });
  const theta = Float64Array.from(torch.theta);
  const problem = { model, data, ridge: ridgeOf(model, l2) };
  const vector = new Matrix(Float64Array.from(torch.v), theta.length, 1);
  const hessian = riskOperator({ ...problem, parameters: theta }, { curvature: "hessian", withRidge: true });

  it("has PyTorch's outputs, loss, gradient and products", async () => {
    const [block] = data.blocks();
    expect(relativeError(model.outputs(theta, block.x).data, torch.outputs)).toBeLessThan(AGREEMENT);
    const { risk, gradient } = await riskAt(problem, theta);
    expect(relativeError([risk], [torch.risk])).toBeLessThan(AGREEMENT);
    gradient.forEach((g, j) => expect(Math.abs(g - torch.gradient[j])).toBeLessThan(1e-12));
    expect(relativeError((await hessian.product(vector)).data, torch.hessianProduct)).toBeLessThan(AGREEMENT);
    const gaussNewton = model.gaussNewtonProduct(theta, block, vector).data;
    expect(relativeError(gaussNewton, torch.gaussNewtonProduct)).toBeLessThan(AGREEMENT);
  });

  it.each(["auto", "cg"] as const)("has PyTorch's influence under p = 1, 2, 3, inf by --solver %s", async (solver) => {
    const point = await pointAt(model, data, theta, { l2 });
    const threats = torch.threats.map(({ p }) => lp(p === "inf" ? Number.POSITIVE_INFINITY : Number(p)));
    const options = { damping, solver, tolerance: 1e-11, eigenvalues: false };
    const attacks = await localInfluences(point, threats, options);
    for (const [k, expected] of torch.threats.entries()) {
      const { scale, penalty, penaltyGradient, influence, solver: solved } = attacks[k];
      expect(relativeError([scale, penalty], [expected.scale, expected.penalty])).toBeLessThan(AGREEMENT);
      expect(relativeError(penaltyGradient, expected.penaltyGradient)).toBeLessThan(AGREEMENT);
      expect(solved.converged).toBe(true);
      expect(relativeError(influence, expected.influence)).toBeLessThan(1e-7);
      const { curvature } = await expansionOf(attacks[k], data);
      expect(relativeError([curvature], [expected.curvature])).toBeLessThan(1e-7);
    }
  });
});

it("trains a softmax regression to PyTorch's minimum", async () => {
  const torch = studies[2];
  const [m, K] = torch.widths;
  const x = new Matrix(Float64Array.from(torch.x), torch.y.length, m);
  const data = matrixDataset(x, torch.y, { weights: torch.w });
  const model = softmaxRegression({ features: data.features, classes: ["a", "b", "c"] });
  const training = await trainModel(model, data, { l2: torch.l2, tolerance: 1e-12 });
  expect(training).toMatchObject({ method: "newton", end: "converged", converged: true });
  const weights = torch.theta.slice(0, K * m);
  expect(relativeError(training.parameters, [...torch.theta.slice(K * m), ...weights])).toBeLessThan(1e-10);
  expect(relativeError([training.trainingLoss], [torch.risk])).toBeLessThan(1e-12);
});
