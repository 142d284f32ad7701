import type { RowBlocks } from "../../data/dataset.js";
import { inputError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { symmetricEigen } from "../../linalg/pseudo-inverse.js";
import { type Moments, momentsOf } from "./moments.js";
import { checkComponents, type Projection } from "./projection.js";

/** Eigenvalues below this share of the largest are rounding. */
const RANK_TOLERANCE = 1e-12;

/**
 * The first k principal components of the features: P holds the eigenvectors of S = Σ w (x − μ)(x − μ)' with the largest
 * eigenvalues, each with its largest entry positive.
 * @throws usage: k not a whole number from 1 to m. input: features that span fewer than k dimensions.
 */
export async function principalComponents(data: RowBlocks, components: number): Promise<Projection> {
  const m = data.features.length;
  checkComponents(components, m);
  const { mean, covariance }: Moments = await momentsOf(data);
  const { values, vectors } = symmetricEigen(covariance);
  const largest = Math.max(0, values[m - 1]);
  const rank = values.reduce((count, value) => count + (value > RANK_TOLERANCE * largest ? 1 : 0), 0);
  if (components > rank) {
    throw inputError(
      `The features span ${rank} dimensions, fewer than ${components} components: ask for ${rank} at most.`,
    );
  }
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0);
  const matrix = Matrix.zeros(m, components);
  for (let c = 0; c < components; c++) {
    const vector = vectors.row(m - 1 - c);
    const sign = Math.sign(vector.reduce((most, value) => (Math.abs(value) > Math.abs(most) ? value : most), 0));
    for (let j = 0; j < m; j++) matrix.data[j * components + c] = sign * vector[j];
  }
  return {
    kind: "pca",
    names: Array.from({ length: components }, (_, c) => `pc${c + 1}`),
    centre: mean,
    matrix,
    explained: Float64Array.from({ length: components }, (_, c) => values[m - 1 - c] / total),
    relearn: (rows) => principalComponents(rows, components),
  };
}
