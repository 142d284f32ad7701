import type { RandomStream } from "../stats/random.js";
import { type GeneratingProcess, process } from "./processes.js";

export interface LinearProcess {
  /** β (m) */
  readonly beta: ArrayLike<number>;
  /** σ_x (default 1) */
  readonly sigmaX?: number;
  /** σ of the noise */
  readonly sigma: number;
  readonly formula?: string;
}

/** y = β'x + ση, x ~ N(0, σ_x²I_m), η ~ N(0, 1). */
export function linearProcess({ beta, sigmaX = 1, sigma, formula }: LinearProcess): GeneratingProcess {
  const name = formula ?? `y = β'x + ${sigma}η, x ~ N(0, ${sigmaX ** 2}·I), η ~ N(0, 1)`;
  return process(name, beta.length, {
    inputs: normalInputs(sigmaX),
    mean: (x) => x.reduce((sum, value, k) => sum + beta[k] * value, 0),
    noise: (random) => sigma * random.normal(),
  });
}

/** x ~ N(0, σ²I) */
export const normalInputs =
  (sigma: number) =>
  (random: RandomStream, x: Float64Array): void => {
    random.fillNormals(x);
    if (sigma !== 1) for (let k = 0; k < x.length; k++) x[k] *= sigma;
  };

/** The process of the paper's Figure 1. */
export const FIGURE1_PROCESS = linearProcess({
  beta: [2, -3.4],
  sigma: 0.1,
  formula: "y = 2x₁ − 3.4x₂ + 0.1η, x ~ N(0, I₂), η ~ N(0, 1)",
});
