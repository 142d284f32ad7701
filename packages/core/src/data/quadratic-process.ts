import { normalInputs } from "./linear-process.js";
import { type GeneratingProcess, process } from "./processes.js";

/** The process of Theorem 5.1: y = β₁'x + (β₂'x)² + ξ, x ~ N(0, σ²I_m), ξ ~ N(0, σ_ξ²). */
export function quadraticProcess({
  beta1,
  beta2,
  sigmaX,
  sigmaXi,
}: {
  readonly beta1: readonly number[];
  readonly beta2: readonly number[];
  readonly sigmaX: number;
  readonly sigmaXi: number;
}): GeneratingProcess {
  const along = (beta: readonly number[], x: Float64Array): number =>
    x.reduce((sum, value, k) => sum + beta[k] * value, 0);
  return process("y = β₁'x + (β₂'x)² + ξ, x ~ N(0, σ²I), ξ ~ N(0, σ_ξ²)", beta1.length, {
    inputs: normalInputs(sigmaX),
    mean: (x) => along(beta1, x) + along(beta2, x) ** 2,
    noise: (random) => sigmaXi * random.normal(),
  });
}
