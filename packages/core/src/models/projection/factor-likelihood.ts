import { Matrix } from "../../linalg/matrix.js";
import { symmetricEigen } from "../../linalg/pseudo-inverse.js";

/** The likelihood of own variances ψ, with the loadings at their best for them; x = log ψ. */
export interface FactorLikelihood {
  /** x (m) */
  readonly logs: Float64Array;
  /** Eigenvalues λ of Ψ^{-1/2}SΨ^{-1/2}, descending (m). */
  readonly values: Float64Array;
  /** Their eigenvectors u, one a row (m×m). */
  readonly vectors: Matrix;
  /** How many factors the data know: eigenvalues above 1, at most k. */
  readonly known: number;
  /** −2/n · log likelihood, but for a constant: Σ_{i≤k} log λ_i + Σ_{i>k} λ_i + Σ x + k. */
  readonly deviance: number;
  /** Its slopes in x, Σ_{i>k} (1 − λ_i)u_ij² (m). */
  readonly gradient: Float64Array;
}

/** @param covariance S (m×m). @param logs x (m). @param k the number of factors. */
export function likelihoodAt({ data, rows: m }: Matrix, logs: Float64Array, k: number): FactorLikelihood {
  const scale = logs.map((x) => Math.exp(-x / 2));
  const scaled = Matrix.zeros(m, m);
  for (let j = 0; j < m; j++) {
    for (let l = 0; l < m; l++) scaled.data[j * m + l] = data[j * m + l] * scale[j] * scale[l];
  }
  const ascending = symmetricEigen(scaled);
  const values = ascending.values.toReversed();
  const vectors = Matrix.zeros(m, m);
  for (let i = 0; i < m; i++) vectors.data.set(ascending.vectors.row(m - 1 - i), i * m);
  const known = values.findIndex((value, i) => i >= k || !(value > 1));
  const kept = known < 0 ? m : known;
  let deviance = kept + logs.reduce((sum, x) => sum + x, 0);
  const gradient = new Float64Array(m);
  values.forEach((value, i) => {
    deviance += i < kept ? Math.log(value) : value;
    if (i < kept) return;
    vectors.row(i).forEach((entry, j) => {
      gradient[j] += (1 - value) * entry * entry;
    });
  });
  return { logs, values, vectors, known: kept, deviance, gradient };
}

/** No step moves a log ψ_j further than this. */
const LONGEST = 2;
/** Of the deviance, relative to the largest eigenvalue of each of its terms. */
const ROUNDING = 1e-15;
/** Curvatures count as at least this share of the largest. */
const LEAST_CURVATURE = 1e-10;

/**
 * A Newton step in x that does not raise the deviance; a coordinate at its lowest that would fall further stays.
 * @param lowest the least x (m). @param flat slopes up to here are 0.
 */
export function newtonStep(
  from: FactorLikelihood,
  lowest: Float64Array,
  flat: number,
  at: (logs: Float64Array) => FactorLikelihood,
): FactorLikelihood {
  const { logs, gradient, deviance } = from;
  const free = [...logs.keys()].filter((j) => logs[j] > lowest[j] || gradient[j] < 0);
  if (free.every((j) => Math.abs(gradient[j]) <= flat)) return from;
  const step = freeStep(from, free);
  const rounding = ROUNDING * logs.length * (1 + from.values[0]);
  for (let share = 1; share > 1e-9; share /= 2) {
    const trial = at(logs.map((x, j) => Math.max(lowest[j], x + share * step[j])));
    if (trial.deviance <= deviance + rounding) return trial;
  }
  return from;
}

/** −H⁻¹g on the free coordinates, 0 on the others; curvatures by their size, so that the deviance falls. */
function freeStep(from: FactorLikelihood, free: readonly number[]): Float64Array {
  const hessian = devianceHessian(from);
  const [m, size] = [from.logs.length, free.length];
  const part = Matrix.zeros(size, size);
  free.forEach((j, a) => {
    free.forEach((l, b) => {
      part.data[a * size + b] = hessian.data[j * m + l];
    });
  });
  const { values, vectors } = symmetricEigen(part);
  const least = LEAST_CURVATURE * values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const step = new Float64Array(m);
  values.forEach((value, e) => {
    const vector = vectors.row(e);
    const slope = free.reduce((sum, j, a) => sum + vector[a] * from.gradient[j], 0);
    const length = slope / (Math.max(Math.abs(value), least) || 1);
    free.forEach((j, a) => {
      step[j] -= length * vector[a];
    });
  });
  const longest = step.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  return longest > LONGEST ? step.map((value) => (value * LONGEST) / longest) : step;
}

/**
 * Second derivatives in x (m×m), K the known factors, R the rest:
 * (Σ_{i∈R} u_iju_il)(Σ_{i∈R} λ_iu_iju_il) + Σ_{t∈K} u_tju_tl Σ_{i∈R} (1 − λ_i)(λ_t + λ_i)/(λ_t − λ_i) u_iju_il.
 */
function devianceHessian({ values, vectors, known }: FactorLikelihood): Matrix {
  const m = values.length;
  const rest = Float64Array.from(values.subarray(known));
  const weighted = (weights: (value: number) => number): Matrix => {
    const sum = Matrix.zeros(m, m);
    rest.forEach((value, i) => {
      const vector = vectors.row(known + i);
      const weight = weights(value);
      for (let j = 0; j < m; j++) {
        const entry = weight * vector[j];
        for (let l = 0; l < m; l++) sum.data[j * m + l] += entry * vector[l];
      }
    });
    return sum;
  };
  const [plain, scaled] = [weighted(() => 1), weighted((value) => value)];
  const hessian = new Matrix(
    plain.data.map((value, a) => value * scaled.data[a]),
    m,
    m,
  );
  for (let t = 0; t < known; t++) {
    const [vector, top] = [vectors.row(t), values[t]];
    const turned = weighted((value) => ((1 - value) * (top + value)) / Math.max(top - value, 1e-9 * top));
    for (let j = 0; j < m; j++) {
      for (let l = 0; l < m; l++) hessian.data[j * m + l] += vector[j] * vector[l] * turned.data[j * m + l];
    }
  }
  return hessian;
}
