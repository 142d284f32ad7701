import { existsSync, readFileSync } from "node:fs";
import { unzipSync } from "fflate";
import { describe, expect, test } from "vitest";
import { idxMatrix, readIdx } from "../../../src/data/idx.js";
import { readTable } from "../../../src/data/read.js";
import { Matrix } from "../../../src/linalg/matrix.js";
import { readOnnx } from "../../../src/models/import/onnx.js";
import { columnOf, real } from "../../data/helpers.js";
import { evaluateNetwork } from "./evaluate.js";

const present = existsSync(real("onnx")) && existsSync(real("mnist"));

const imported = (name: string) => readOnnx(readFileSync(real(`onnx/${name}`)), name);

/** onnxruntime's outputs for the first rows. */
async function referenceOutputs(name: string): Promise<Matrix> {
  const table = await readTable(unzipSync(readFileSync(real("onnx/reference_outputs.npz")))[`${name}.npy`]);
  const columns = table.columns.map((column) => (column.kind === "numeric" ? column.values : new Float64Array(0)));
  return Matrix.fromRows(Array.from({ length: table.rows }, (_, i) => columns.map((values) => values[i])));
}

function expectNear(found: Matrix, reference: Matrix): void {
  reference.data.forEach((value, k) =>
    expect(Math.abs(found.data[k] - value)).toBeLessThan(2e-5 * (1 + Math.abs(value))),
  );
}

const largest = (row: Float64Array): number => row.indexOf(row.reduce((a, b) => Math.max(a, b)));

describe.skipIf(!present)("models of other people (shared/data/onnx, shared/data/mnist)", () => {
  test.each([
    ["mnist-net_256x2.onnx", "identity", 269_322, 0.9808],
    ["netkit_mnist_mlp.onnx", "softmax", 101_770, 0.979],
  ])("%s: outputs and accuracy of onnxruntime", async (name, output, parameters, accuracy) => {
    const network = imported(name);
    expect([network.output, network.parameterNames.length, network.inputSize]).toEqual([output, parameters, 784]);
    const x = idxMatrix(await readIdx(readFileSync(real("mnist/t10k-images-idx3-ubyte.gz"))));
    const pixels = new Matrix(
      x.data.map((value) => value / 255),
      x.rows,
      x.columns,
    );
    const labels = await readIdx(readFileSync(real("mnist/t10k-labels-idx1-ubyte.gz")));
    const predictions = evaluateNetwork(network, pixels);
    expectNear(predictions.rowRange(0, 100), await referenceOutputs(name));
    const right = labels.data.reduce((sum, label, i) => sum + (largest(predictions.row(i)) === label ? 1 : 0), 0);
    expect(right / x.rows).toBeCloseTo(accuracy, 10);
  });

  test("logreg_iris.onnx: outputs and accuracy of onnxruntime", async () => {
    const network = imported("logreg_iris.onnx");
    expect([network.output, network.labels]).toEqual(["softmax", ["0", "1", "2"]]);
    const table = await readTable(real("onnx/iris.csv"), { header: false });
    const features = table.columns.flatMap((column) => (column.kind === "numeric" ? [column.values] : []));
    const x = Matrix.fromRows(Array.from({ length: table.rows }, (_, i) => features.map((values) => values[i])));
    const predictions = evaluateNetwork(network, x);
    expectNear(predictions, await referenceOutputs("logreg_iris.onnx"));
    const species = columnOf(table, "column5");
    const codes = species.kind === "categorical" ? species.codes : new Int32Array(0);
    expect(codes.filter((code, i) => largest(predictions.row(i)) === code)).toHaveLength(147);
  });
});
