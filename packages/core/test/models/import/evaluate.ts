import { FUNCTIONS } from "../../../src/autodiff/functions.js";
import { usageError } from "../../../src/errors.js";
import { blas } from "../../../src/linalg/backend.js";
import { Matrix } from "../../../src/linalg/matrix.js";
import type { ImportedNetwork, LinearLayer, OutputName } from "../../../src/models/import/network.js";

const rowsPerBlock = 1024;

/**
 * The predictions of an imported network: its scores through softmax, sigmoid or exp where it has one.
 *
 * @param x n×m in the units of the file's own input (the network's scaler is applied here)
 * @returns n×outputSize; for one sigmoid score the probability of the second label
 * @throws AifError "usage" where x has another number of columns than the network has inputs
 */
export function evaluateNetwork(network: ImportedNetwork, x: Matrix): Matrix {
  const scores = networkScores(network, x);
  for (let i = 0; i < scores.rows; i++) OUTPUTS[network.output](scores.row(i));
  return scores;
}

/** The scores (logits) n×outputSize: z ← act(W z + b) layer by layer, without the output's softmax, sigmoid or exp. */
export function networkScores(network: ImportedNetwork, x: Matrix): Matrix {
  if (x.columns !== network.inputSize) {
    throw usageError(
      `${network.source} takes ${network.inputSize} features, the matrix has ${x.columns} columns; give the network's own.`,
    );
  }
  const out = Matrix.zeros(x.rows, network.outputSize);
  for (let from = 0; from < x.rows; from += rowsPerBlock) {
    const rows = Math.min(rowsPerBlock, x.rows - from);
    let z = scaled(network, x.rowRange(from, from + rows));
    for (const layer of network.layers) {
      if (layer.kind === "linear") z = afterLinear(layer, z);
      else z = new Matrix(z.data.map(FUNCTIONS[layer.name].value), z.rows, z.columns);
    }
    const { outputScaler: scaler } = network;
    const outputs = scaler ? z.data.map((value) => scaler.mean + scaler.scale * value) : z.data;
    out.data.set(outputs, from * network.outputSize);
  }
  return out;
}

function scaled({ scaler }: ImportedNetwork, x: Matrix): Matrix {
  if (scaler === null) return x;
  const { mean, scale } = scaler;
  return new Matrix(
    x.data.map((value, k) => (value - mean[k % x.columns]) / scale[k % x.columns]),
    x.rows,
    x.columns,
  );
}

function afterLinear({ weight, bias }: LinearLayer, z: Matrix): Matrix {
  const out = Matrix.zeros(z.rows, weight.rows);
  if (bias !== null) for (let i = 0; i < z.rows; i++) out.row(i).set(bias);
  blas().gemm(
    false,
    true,
    z.rows,
    weight.rows,
    z.columns,
    1,
    z.data,
    z.columns,
    weight.data,
    weight.columns,
    1,
    out.data,
    weight.rows,
  );
  return out;
}

/** In place, on one row of scores. */
const OUTPUTS: Readonly<Record<OutputName, (scores: Float64Array) => void>> = {
  identity: () => {},
  exp: (scores) => scores.forEach((z, k) => (scores[k] = Math.exp(z))),
  sigmoid: (scores) => scores.forEach((z, k) => (scores[k] = FUNCTIONS.sigmoid.value(z))),
  softmax: (scores) => {
    const largest = scores.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
    let sum = 0;
    for (let k = 0; k < scores.length; k++) sum += scores[k] = Math.exp(scores[k] - largest);
    for (let k = 0; k < scores.length; k++) scores[k] /= sum;
  },
};
