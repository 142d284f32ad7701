/** Softmax regression on all of MNIST: 7,850 parameters, 60,000 images (`AIF_LONG_TESTS=1`, minutes). */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { idxMatrix, readIdx } from "../../../src/data/idx.js";
import { type MatrixDataset, matrixDataset } from "../../../src/data/matrix-dataset.js";
import { classMetricRows } from "../../../src/influence/class-metrics.js";
import { localInfluences } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { Matrix } from "../../../src/linalg/matrix.js";
import { softmaxRegression } from "../../../src/models/softmax.js";
import { riskOperator } from "../../../src/solvers/risk-operator.js";
import { trainModel } from "../../../src/solvers/train.js";
import { lp } from "../../../src/threats/pointwise.js";
import { real } from "../../data/helpers.js";
import { drawsOf } from "../../long.js";
import { dot } from "../../models/naive.js";
import { expansionOf, rowChanges } from "./expansion.js";

const missing = existsSync(real("mnist")) ? null : "shared/data/mnist is not there";
const skip = missing ?? (drawsOf(0, 1) === 0 ? "long test" : null);
const L2 = 1e-3;
const MINUTES = 20;

async function digits(part: "train" | "t10k"): Promise<MatrixDataset> {
  const file = (kind: string) => readIdx(readFileSync(real(`mnist/${part}-${kind}-ubyte.gz`)));
  const x = idxMatrix(await file("images-idx3"));
  for (let at = 0; at < x.data.length; at++) x.data[at] /= 255;
  return matrixDataset(x, Float64Array.from((await file("labels-idx1")).data));
}

it.skipIf(skip !== null)(
  `MNIST${skip === null ? "" : ` (skipped: ${skip})`}`,
  async () => {
    const [training, test] = [await digits("train"), await digits("t10k")];
    const model = softmaxRegression({
      features: training.features,
      classes: Array.from({ length: 10 }, (_, digit) => String(digit)),
    });
    const seconds = stopwatch();
    const { parameters, ...fit } = await trainModel(model, training, { l2: L2 });
    seconds("training");
    expect(fit).toMatchObject({ end: "converged", converged: true });
    expect(fit.gradientNorm).toBeLessThan(1e-8);

    const [block] = test.blocks(test.rows);
    const { values } = classMetricRows(block.y, block.w, model.outputs(parameters, block.x));
    expect(values["accuracy"]).toBeGreaterThan(0.91);
    expect(values["accuracy"]).toBeLessThan(0.93);

    const point = await pointAt(model, training, parameters, { l2: L2 });
    const threats = [lp(2), lp(Number.POSITIVE_INFINITY)];
    const options = { solver: "cg", tolerance: 1e-8, eigenvalues: false } as const;
    const [euclidean, uniform] = await localInfluences(point, threats, options);
    seconds("influence");
    expect(euclidean.scale).toBeCloseTo(9.21, 2); // the mean length of an image, as the data's README states it
    const hessian = riskOperator({ ...point, parameters }, { curvature: "hessian", withRidge: true });
    for (const { influence, penaltyGradient, solver, scale, penalty } of [euclidean, uniform]) {
      expect(solver.relativeResidual).toBeLessThan(1e-8);
      const { data: image } = await hessian.product(new Matrix(influence, influence.length, 1));
      const residual = image.map((value, j) => value + penaltyGradient[j]);
      expect(Math.sqrt(dot(residual, residual) / dot(penaltyGradient, penaltyGradient))).toBeLessThan(1e-8);
      expect(scale * penalty).toBeGreaterThan(0);
    }

    // Φ'I by differences of A itself, which knows nothing of mixed products; p = 2 has no corners.
    const h = 1e-5 / Math.sqrt(dot(euclidean.influence, euclidean.influence));
    const growth = (step: number): number => {
      const moved = parameters.map((value, j) => value + step * euclidean.influence[j]);
      let sum = 0;
      for (const rows of training.blocks(1000)) {
        const gradients = model.inputGradients(moved, rows);
        for (let i = 0; i < gradients.rows; i++) sum += rows.w[i] * Math.sqrt(dot(gradients.row(i), gradients.row(i)));
      }
      return euclidean.scale * sum;
    };
    const slope = (growth(h) - growth(-h)) / (2 * h);
    expect(slope / dot(euclidean.penaltyGradient, euclidean.influence)).toBeCloseTo(1, 6);

    const step = 1e-6;
    for (const attack of [euclidean, uniform]) {
      const expansion = await expansionOf(attack, test);
      const [up, down] = [await rowChanges(attack, test, step), await rowChanges(attack, test, -step)];
      const slope = (dot(up, test.weights) - dot(down, test.weights)) / (2 * step);
      expect(slope / expansion.slope).toBeCloseTo(1, 4);
      seconds(`sensitivity, p = ${attack.threat.settings.p}: ${JSON.stringify(expansion)}`);
    }

    const data = [training, test].reduce((bytes, { x }) => bytes + x.data.byteLength, 0);
    const peak = process.resourceUsage().maxRSS * 1024;
    seconds(`peak ${(peak / 1e9).toFixed(2)} GB, data ${(data / 1e9).toFixed(2)} GB`);
    expect(peak - data).toBeLessThan(1e9);
  },
  MINUTES * 60_000,
);

function stopwatch(): (what: string) => void {
  let last = performance.now();
  return (what) => {
    const now = performance.now();
    console.log(`${what}: ${((now - last) / 1000).toFixed(1)} s`);
    last = now;
  };
}
