import { Matrix } from "../linalg/matrix.js";
import type { Model } from "../models/model.js";
import type { SymmetricOperator } from "./operator.js";
import type { Preconditioner } from "./preconditioner.js";
import type { Evaluate } from "./wolfe-search.js";

/** Units no further apart than this cost a solver nothing that is worth another choice of variables. */
const NEAR = 16;

/**
 * u (d), powers of two: θ = u∘θ' makes the curvature of L alike in all parameters, whatever the units of the features: about the squares of
 * the sizes of ∇L's terms, and the ridge. One number for all parameters that are weights of a feature, so that what is least in length
 * stays so. null where units are near each other, or the model does not say what its parameters are weights of.
 * @param sizes d: Σ w|∂l/∂θ_j|. @param ridge d: P
 */
export function parameterUnits({ featureOf }: Model, sizes: Float64Array, ridge: Float64Array): Float64Array | null {
  if (!featureOf) return null;
  const roots = sizes.map((size, j) => Math.sqrt(size * size + ridge[j]));
  const largest = largestOfFeatures(featureOf, roots);
  const known = [...largest.values()].filter((size) => size > 0 && size < Number.POSITIVE_INFINITY);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  if (!(most > NEAR * least)) return null;
  const units = new Map([...largest].map(([k, size]) => [k, 2 ** -Math.round(Math.log2(size > 0 ? size : most))]));
  return Float64Array.from(featureOf, (k) => units.get(k) ?? 1);
}

/** The largest number among the parameters of each feature; −1: of those that are weights of none. */
export function largestOfFeatures(featureOf: Int32Array, sizes: Float64Array): Map<number, number> {
  const largest = new Map<number, number>();
  for (let j = 0; j < sizes.length; j++) largest.set(featureOf[j], Math.max(largest.get(featureOf[j]) ?? 0, sizes[j]));
  return largest;
}

/** u∘x, as a new vector. */
export const inUnits = (u: Float64Array, x: Float64Array): Float64Array => x.map((value, j) => u[j] * value);

/** The same of every column of a matrix (d×k). */
export function columnsInUnits(u: Float64Array, { data, rows, columns }: Matrix): Matrix {
  return new Matrix(
    data.map((value, at) => u[Math.floor(at / columns)] * value),
    rows,
    columns,
  );
}

/** f as a function of θ'. */
export const evaluatedInUnits =
  (u: Float64Array, evaluate: Evaluate): Evaluate =>
  async (theta) => {
    const { value, gradient } = await evaluate(inUnits(u, theta));
    return { value, gradient: inUnits(u, gradient) };
  };

/** UHU with U = diag(u). */
export const operatorInUnits = (u: Float64Array, operator: SymmetricOperator): SymmetricOperator => ({
  size: operator.size,
  product: async (vectors) => columnsInUnits(u, await operator.product(columnsInUnits(u, vectors))),
});

/** U⁻¹M⁻¹U⁻¹ */
export function preconditionerInUnits(u: Float64Array, { name, products, apply }: Preconditioner): Preconditioner {
  if (name === "none") return { name, products, apply };
  const inverse = u.map((value) => 1 / value);
  return { name, products, apply: (residuals) => columnsInUnits(inverse, apply(columnsInUnits(inverse, residuals))) };
}
