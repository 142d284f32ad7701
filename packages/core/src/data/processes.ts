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

/** A population by its parts. Row by row the stream gives x_1 … x_m, then the noise. */
export function process(
  formula: string,
  features: number,
  parts: {
    /** Writes a row of inputs. */
    readonly inputs: (random: RandomStream, x: Float64Array) => void;
    /** E[y | x] */
    readonly mean: (x: Float64Array) => number;
    readonly noise: (random: RandomStream) => number;
  },
): GeneratingProcess {
  return {
    formula,
    features,
    draw(rows, random) {
      const x = Matrix.zeros(rows, features);
      const y = new Float64Array(rows);
      for (let i = 0; i < rows; i++) {
        const row = x.row(i);
        parts.inputs(random, row);
        y[i] = parts.mean(row) + parts.noise(random);
      }
      return matrixDataset(x, y);
    },
  };
}

/** The same rows with the first m features only. */
export function withFirstFeatures(data: MatrixDataset, m: number): MatrixDataset {
  const { x, y } = data;
  const kept = Matrix.zeros(x.rows, m);
  for (let i = 0; i < x.rows; i++) kept.row(i).set(x.row(i).subarray(0, m));
  return matrixDataset(kept, y);
}
