import type { Dataset } from "../../data/dataset.js";
import { inputError, numericalError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { symmetricEigen } from "../../linalg/pseudo-inverse.js";
import { explainedShares, momentsOf } from "./moments.js";
import { checkComponents, type Projection } from "./projection.js";

/** The largest change of any log ψ_j over one step at which the iteration ends. */
const TOLERANCE = 1e-8;
const MAXIMUM_STEPS = 20_000;
/** A feature's own variance is at least this share of its variance: a maximum at 0 (a Heywood case) has no scores. */
const LEAST_UNIQUE = 1e-6;

/** The likelihood's maximum in the loadings for given own variances ψ, and where that puts ψ. */
interface Step {
  /** W (m×k) */
  readonly loadings: Matrix;
  /** ψ after the step (m). */
  readonly unique: Float64Array;
  /** −2/n · log likelihood, but for a constant. */
  readonly deviance: number;
  /** The k-th eigenvalue of Ψ^{-1/2}SΨ^{-1/2}: above 1 where the data know k factors. */
  readonly lastEigenvalue: number;
}

/**
 * Factor analysis x = μ + Wz + e, z ~ N(0, I), e ~ N(0, diag ψ), by maximum likelihood: for given ψ the best W is known from the
 * eigenvectors of Ψ^{-1/2}SΨ^{-1/2}, then ψ = diag(S − WW'), until no log ψ_j changes by more than 1e-8; steps are extrapolated
 * where that raises the likelihood. The inputs are the regression scores z = (I + W'Ψ⁻¹W)⁻¹W'Ψ⁻¹(x − μ) = E[z | x].
 * @throws usage: k not a whole number from 1 to m. input: fewer than k factors. numerical: no convergence.
 */
export async function factorAnalysis(data: Dataset, components: number): Promise<Projection> {
  const m = data.features.length;
  checkComponents(components, m);
  const { mean, covariance } = await momentsOf(data);
  const variances = Float64Array.from({ length: m }, (_, j) => covariance.data[j * (m + 1)]);
  const limits = variances.map((variance) => LEAST_UNIQUE * variance || 1);
  const step = (unique: Float64Array): Step => stepFrom(covariance, unique, limits, components);
  let current = step(variances.map((variance) => variance || 1));
  let [iterations, change] = [0, Number.POSITIVE_INFINITY];
  while (change > TOLERANCE) {
    if (iterations >= MAXIMUM_STEPS) {
      throw numericalError(
        `The factor analysis with ${components} factors did not converge (own variances still change by ${change.toExponential(1)}): ask for fewer factors, or use principal components.`,
      );
    }
    const first = step(current.unique);
    change = largestChange(current.unique, first.unique);
    iterations++;
    current = change > TOLERANCE ? extrapolated(current, first, step, limits) : first;
  }
  if (!(current.lastEigenvalue > 1 + 1e-7)) {
    throw inputError(`The features share fewer than ${components} factors: ask for fewer.`);
  }
  const matrix = scoreMatrix(current);
  return {
    kind: "factors",
    names: Array.from({ length: components }, (_, c) => `factor${c + 1}`),
    centre: mean,
    matrix,
    explained: explainedShares(covariance, matrix),
    relearn: (rows) => factorAnalysis(rows, components),
    convergence: { iterations, change },
    atLimit: [...variances.keys()].filter((j) => variances[j] > 0 && current.unique[j] <= limits[j] * (1 + 1e-9)),
  };
}

/** W = Ψ^{1/2}U√(λ − 1) for the k largest eigenvalues; −2/n log likelihood = Σ_{i≤k} log λ_i + Σ_{i>k} λ_i + Σ log ψ + k. */
function stepFrom({ data, rows: m }: Matrix, unique: Float64Array, limits: Float64Array, k: number): Step {
  const scaled = Matrix.zeros(m, m);
  for (let j = 0; j < m; j++) {
    for (let l = 0; l < m; l++) scaled.data[j * m + l] = data[j * m + l] / Math.sqrt(unique[j] * unique[l]);
  }
  const { values, vectors } = symmetricEigen(scaled);
  const loadings = Matrix.zeros(m, k);
  let deviance = unique.reduce((sum, value) => sum + Math.log(value), 0);
  for (let i = 0; i < m; i++) {
    const value = values[m - 1 - i];
    if (i >= k) deviance += value;
    else {
      deviance += Math.log(Math.max(value, 1)) + Math.min(value, 1);
      const vector = vectors.row(m - 1 - i);
      const sign = Math.sign(vector.reduce((most, entry) => (Math.abs(entry) > Math.abs(most) ? entry : most), 0));
      const size = sign * Math.sqrt(Math.max(0, value - 1));
      for (let j = 0; j < m; j++) loadings.data[j * k + i] = size * Math.sqrt(unique[j]) * vector[j];
    }
  }
  const next = unique.map((_, j) => {
    const row = loadings.row(j);
    return Math.max(limits[j], data[j * (m + 1)] - row.reduce((sum, value) => sum + value * value, 0));
  });
  return { loadings, unique: next, deviance, lastEigenvalue: values[m - k] };
}

/** Two steps r = x₁ − x₀ and v = (x₂ − x₁) − r in log ψ point to x₀ + 2ar + a²v, a = ‖r‖/‖v‖; taken where the likelihood is no lower. */
function extrapolated(from: Step, first: Step, step: (unique: Float64Array) => Step, limits: Float64Array): Step {
  const second = step(first.unique);
  const logs = [from, first, second].map(({ unique }) => unique.map(Math.log));
  const r = logs[1].map((value, j) => value - logs[0][j]);
  const v = logs[2].map((value, j) => value - logs[1][j] - r[j]);
  const size = (list: Float64Array): number => Math.hypot(...list);
  const a = Math.min(1000, Math.max(1, size(r) / (size(v) || 1)));
  const far = logs[0].map((value, j) => Math.max(limits[j], Math.exp(value + 2 * a * r[j] + a * a * v[j])));
  if (!far.every(Number.isFinite)) return second;
  const trial = step(far);
  return trial.deviance <= second.deviance ? trial : second;
}

const largestChange = (before: Float64Array, after: Float64Array): number =>
  before.reduce((most, value, j) => Math.max(most, Math.abs(Math.log(after[j] / value))), 0);

/** Ψ⁻¹W(I + W'Ψ⁻¹W)⁻¹, m×k; W'Ψ⁻¹W is diagonal for the loadings above once the iteration has converged. */
function scoreMatrix({ loadings, unique }: Step): Matrix {
  const [m, k] = [loadings.rows, loadings.columns];
  const inner = Matrix.zeros(k, k);
  for (let j = 0; j < m; j++) {
    const row = loadings.row(j);
    for (let a = 0; a < k; a++) for (let b = 0; b < k; b++) inner.data[a * k + b] += (row[a] * row[b]) / unique[j];
  }
  for (let a = 0; a < k; a++) inner.data[a * (k + 1)] += 1;
  const { values, vectors } = symmetricEigen(inner);
  const matrix = Matrix.zeros(m, k);
  for (let j = 0; j < m; j++) {
    const row = loadings.row(j);
    for (let e = 0; e < k; e++) {
      const vector = vectors.row(e);
      const along = row.reduce((sum, value, a) => sum + value * vector[a], 0) / (values[e] * unique[j]);
      for (let a = 0; a < k; a++) matrix.data[j * k + a] += along * vector[a];
    }
  }
  return matrix;
}
