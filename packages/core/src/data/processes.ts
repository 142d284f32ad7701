import { Matrix } from "../linalg/matrix.js";
import type { RandomStream } from "../stats/random.js";
import { type MatrixDataset, matrixDataset } from "./matrix-dataset.js";

/** A population that data sets are drawn from. */
export interface GeneratingProcess {
  /** For people: "y = 2x₁ − 3.4x₂ + 0.1η, …". */
  readonly formula: string;
  /** m */
  readonly features: number;
  /** n independent rows, all of the same weight. */
  draw(rows: number, random: RandomStream): MatrixDataset;
}

/** y = β'x + ση, x ~ N(0, I_m), η ~ N(0, 1). Row by row the stream gives x_1 … x_m, then η. */
function linearProcess(formula: string, beta: readonly number[], sigma: number): GeneratingProcess {
  const features = beta.length;
  return {
    formula,
    features,
    draw(rows, random) {
      const x = Matrix.zeros(rows, features);
      const y = new Float64Array(rows);
      for (let i = 0; i < rows; i++) {
        random.fillNormals(x.row(i));
        y[i] = x.row(i).reduce((sum, value, k) => sum + beta[k] * value, 0) + sigma * random.normal();
      }
      return matrixDataset(x, y);
    },
  };
}

/** The process of the paper's Figure 1. */
export const FIGURE1_PROCESS = linearProcess("y = 2x₁ − 3.4x₂ + 0.1η, x ~ N(0, I₂), η ~ N(0, 1)", [2, -3.4], 0.1);
