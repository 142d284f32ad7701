/**
 * Networks trained elsewhere on MNIST, analysed as they came: 101,770 and 269,322 parameters. Both on 10,000 images with
 * `AIF_LONG_TESTS=1` (minutes), the first on a few always.
 */
import { existsSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { idxMatrix, readIdx } from "../../../src/data/idx.js";
import { matrixDataset } from "../../../src/data/matrix-dataset.js";
import { classMetricRows } from "../../../src/influence/class-metrics.js";
import { localInfluence } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { curvatureExtremes } from "../../../src/influence/local/system.js";
import { stationarityLimit } from "../../../src/influence/local/validity.js";
import { Matrix } from "../../../src/linalg/matrix.js";
import { readOnnx } from "../../../src/models/import/onnx.js";
import { proposedDamping } from "../../../src/solvers/lanczos.js";
import { riskOperator } from "../../../src/solvers/risk-operator.js";
import { modelOfNetwork } from "../../../src/study/local-model.js";
import { lp } from "../../../src/threats/pointwise.js";
import { real } from "../../data/helpers.js";
import { drawsOf } from "../../long.js";
import { relativeError } from "../../models/naive.js";

const missing = ["mnist", "onnx"].find((name) => !existsSync(real(name)));
const IMAGES = drawsOf(40, 10_000);

async function digits(count: number) {
  const file = (kind: string) => readIdx(readFileSync(real(`mnist/t10k-${kind}-ubyte.gz`)));
  const all = idxMatrix(await file("images-idx3"));
  const x = new Matrix(
    all.data.slice(0, count * all.columns).map((value) => value / 255),
    count,
    all.columns,
  );
  return matrixDataset(x, Float64Array.from((await file("labels-idx1")).data.subarray(0, count)));
}

const NETWORKS: [string, number][] = [["netkit_mnist_mlp.onnx", 0.979]];
if (IMAGES === 10_000) NETWORKS.push(["mnist-net_256x2.onnx", 0.9808]);

it.skipIf(missing !== undefined).each(NETWORKS)(
  `%s: accuracy, a λ, and the local response by CG with its residual${missing ? ` (skipped: shared/data/${missing} is not there)` : ""}`,
  { timeout: 1_200_000 },
  async (name, accuracy) => {
    const data = await digits(IMAGES);
    const { model, imported } = modelOfNetwork(readOnnx(readFileSync(real(`onnx/${name}`))), "softmax", "label");
    const theta = imported ?? new Float64Array(0);
    const [block] = data.blocks(data.rows);
    const { values } = classMetricRows(block.y, block.w, model.outputs(theta, block.x));
    expect(Math.abs(values["accuracy"] - accuracy)).toBeLessThan(IMAGES === 10_000 ? 5e-4 : 0.1);

    const point = await pointAt(model, data, theta);
    const operator = riskOperator(point, { curvature: "gauss-newton", withRidge: true });
    const extremes = await curvatureExtremes(operator, point, "gauss-newton", {});
    // The Gauss–Newton part of so many parameters is singular, and a millionth of its largest eigenvalue makes up for it.
    expect(proposedDamping(extremes).proposed).toBeCloseTo(1e-6 * extremes.largest.value, 12);
    const damping = 1e-3 * extremes.largest.value;
    const settings = { curvature: "gauss-newton", damping, solver: "cg", cgTolerance: 1e-8, operator } as const;
    const attack = await localInfluence(point, lp(2), { ...settings, eigenvalues: false });
    expect(attack.solver).toMatchObject({ name: "cg", converged: true });
    expect(attack.solver.relativeResidual).toBeLessThan(1e-8);
    const { data: image } = await operator.product(new Matrix(attack.influence, theta.length, 1));
    const left = image.map((value, j) => -(value + damping * attack.influence[j]));
    expect(relativeError(left, attack.penaltyGradient)).toBeLessThan(1e-6);
    if (IMAGES === 10_000) expect(attack.scale).toBeCloseTo(9.3, 1);
    // Neither was trained to a minimum of the risk on these rows, and Gauss–Newton is not the whole Hessian of a sure softmax.
    expect((await stationarityLimit(attack)).stationarity).toBeGreaterThan(0.1);
  },
);
