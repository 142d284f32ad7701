import type { PowerProduct } from "../linalg/row-kernels.js";

/** coefficient · Π_k x_k^power, powers whole numbers ≥ 1 of distinct inputs. No factors: the constant. */
export type Monomial = PowerProduct;

/** ∂/∂x_j, a monomial itself; null where x_j is no factor. */
export function derivativeOf({ coefficient, factors }: Monomial, j: number): Monomial | null {
  const power = factors.find(({ input }) => input === j)?.power;
  if (power === undefined) return null;
  return {
    coefficient: coefficient * power,
    factors: factors.flatMap((factor) => {
      if (factor.input !== j) return [factor];
      return power === 1 ? [] : [{ input: j, power: power - 1 }];
    }),
  };
}
