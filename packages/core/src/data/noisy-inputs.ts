import { Matrix } from "../linalg/matrix.js";
import type { RandomStream } from "../stats/random.js";
import { type MatrixDataset, matrixDataset } from "./matrix-dataset.js";

/** Randomised smoothing as in Theorem 5.4: every row once, with x̃ = x + N(0, σ_r²I) for x. */
export function withNoisyInputs({ x, y }: MatrixDataset, sigmaR: number, random: RandomStream): MatrixDataset {
  const noise = new Float64Array(x.data.length);
  random.fillNormals(noise);
  return matrixDataset(
    new Matrix(
      noise.map((value, at) => x.data[at] + sigmaR * value),
      x.rows,
      x.columns,
    ),
    y,
  );
}
