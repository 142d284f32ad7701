/** Φ of several adversaries of a loss in tensors, from one pass through its input gradients. */
import { constant, full, pullback, scope, type Tensor } from "../autodiff/index.js";
import { Matrix } from "../linalg/matrix.js";
import { finite } from "./finite.js";
import type { WeightedDirections } from "./model.js";
import type { ParameterLayout } from "./parameter-layout.js";

/** The losses of a block of r rows (r×1) at θ, and their slopes by what the adversaries move. */
export interface MovedLosses {
  readonly layout: ParameterLayout<string>;
  /** The blocks of θ. */
  readonly theta: readonly Tensor[];
  readonly losses: Tensor;
  /** r×k: seed_i times the slope of l_i by what is moved of row i, as a function of θ. */
  readonly inputSlopes: (seed: Tensor) => Tensor;
}

/** Of every answer φ, ω to the slopes g_i: Σ ω_i ∇θ(g_i·φ_i), d numbers. @throws numerical: a result that is not finite. */
export function mixedSums(
  { layout, theta, losses, inputSlopes }: MovedLosses,
  answers: (gradients: Matrix, from: number) => readonly WeightedDirections[],
): Float64Array[] {
  const { rows } = losses;
  const slopes = inputSlopes(full(1, rows, 1));
  const found = answers(new Matrix(finite("input gradients", slopes.values), rows, slopes.columns), 0);
  return found.map(({ directions, weights }) =>
    scope(() => {
      const [weight] = weights;
      const even = weights.every((other) => other === weight);
      // Weights of losses rather than of directions: nothing r×k is multiplied. One weight of all rows is a factor of the sum.
      const weighted = even ? slopes : inputSlopes(constant(weights, rows, 1));
      const out = new Float64Array(layout.count);
      layout.write(pullback(weighted, constant(directions.data, rows, directions.columns), theta), out);
      if (even) for (let j = 0; j < out.length; j++) out[j] *= weight;
      return finite("mixed product", out);
    }),
  );
}
