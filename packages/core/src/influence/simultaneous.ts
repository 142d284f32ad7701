import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetricEigen } from "../linalg/symmetric.js";
import { randomStream } from "../stats/random.js";

const DRAWS = 10_000;
const BATCH = 1000;

/**
 * The factor t with P(max_j |Z_j| ≤ t) = level for Z ~ N(0, corr V̂): estimate ± t·se covers all parameters at once
 * (sup-t, MATH 14.9), so it holds for those shown because they are large. By seeded simulation.
 */
export function supremumFactor(covariance: Matrix, level: number, seed: number): number {
  const d = covariance.rows;
  const deviations = Float64Array.from({ length: d }, (_, j) => Math.sqrt(Math.max(0, covariance.data[j * d + j])));
  const correlation = Matrix.zeros(d, d);
  for (let i = 0; i < d; i++) {
    for (let j = 0; j < d; j++) {
      const scale = deviations[i] * deviations[j];
      correlation.data[i * d + j] = scale > 0 ? covariance.data[i * d + j] / scale : 0;
    }
  }
  const { values, vectors } = symmetricEigen(correlation);
  for (let k = 0; k < d; k++) {
    const root = Math.sqrt(Math.max(0, values[k]));
    for (let j = 0; j < d; j++) vectors.data[k * d + j] *= root;
  }
  const random = randomStream(seed, 1);
  const largest = new Float64Array(DRAWS);
  const normals = new Float64Array(BATCH * d);
  const drawn = new Float64Array(BATCH * d);
  for (let from = 0; from < DRAWS; from += BATCH) {
    for (let at = 0; at < normals.length; at++) normals[at] = random.normal();
    blas().gemm(false, false, BATCH, d, d, 1, normals, d, vectors.data, d, 0, drawn, d);
    for (let i = 0; i < BATCH; i++) {
      for (let j = 0; j < d; j++) largest[from + i] = Math.max(largest[from + i], Math.abs(drawn[i * d + j]));
    }
  }
  return largest.sort()[Math.min(DRAWS - 1, Math.floor(level * DRAWS))];
}
