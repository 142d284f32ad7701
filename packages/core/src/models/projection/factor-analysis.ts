import type { RowBlocks } from "../../data/dataset.js";
import { inputError, numericalError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { symmetricEigen } from "../../linalg/pseudo-inverse.js";
import { type FactorLikelihood, likelihoodAt, newtonStep } from "./factor-likelihood.js";
import { explainedShares, momentsOf } from "./moments.js";
import { checkComponents, type Projection } from "./projection.js";

/** The largest change of any log ψ_j over one step at which the iteration ends. */
const TOLERANCE = 1e-8;
/** Or the largest slope of the deviance in a log ψ_j: where the likelihood is flat, any ψ along it is as good. */
const FLAT = 1e-12;
const MAXIMUM_STEPS = 500;
/** A feature's own variance is at least this share of its variance: a maximum at 0 (a Heywood case) has no scores. */
const LEAST_UNIQUE = 1e-6;

/**
 * Factor analysis x = μ + Wz + e, z ~ N(0, I), e ~ N(0, diag ψ), by maximum likelihood: for given ψ the best W is known from the
 * eigenvectors of Ψ^{-1/2}SΨ^{-1/2}, and ψ follows by Newton's method in log ψ on what is left, until no log ψ_j changes by more
 * than 1e-8. The inputs are the regression scores z = (I + W'Ψ⁻¹W)⁻¹W'Ψ⁻¹(x − μ) = E[z | x].
 * @throws usage: k not a whole number from 1 to m. input: more factors than the covariances determine, or than there are. numerical: no convergence.
 */
export async function factorAnalysis(data: RowBlocks, components: number): Promise<Projection> {
  const m = data.features.length;
  checkComponents(components, m);
  const { mean, covariance } = await momentsOf(data);
  const variances = Float64Array.from({ length: m }, (_, j) => covariance.data[j * (m + 1)]);
  checkDetermined(variances.filter((variance) => variance > 0).length, components);
  const limits = variances.map((variance) => LEAST_UNIQUE * variance || 1);
  const at = (logs: Float64Array): FactorLikelihood => likelihoodAt(covariance, logs, components);
  const lowest = limits.map(Math.log);
  let current = at(variances.map((variance) => Math.log(variance || 1)));
  let [iterations, change] = [0, Number.POSITIVE_INFINITY];
  while (change > TOLERANCE) {
    if (iterations >= MAXIMUM_STEPS) {
      throw numericalError(
        `The factor analysis with ${components} factors did not converge (own variances still change by ${change.toExponential(1)}): ask for fewer factors, or use principal components.`,
      );
    }
    const next = newtonStep(current, lowest, FLAT, at);
    change = largestChange(current.logs, next.logs);
    current = next;
    iterations++;
  }
  if (!(current.values[components - 1] > 1 + 1e-7)) {
    throw inputError(
      `The features share fewer than ${components} ${components === 1 ? "factor" : "factors"}: ask for fewer.`,
    );
  }
  const unique = current.logs.map(Math.exp);
  const matrix = scoreMatrix(loadingsOf(current, unique, components), unique);
  return {
    kind: "factors",
    names: Array.from({ length: components }, (_, c) => `factor${c + 1}`),
    centre: mean,
    matrix,
    explained: explainedShares(covariance, matrix),
    relearn: (rows) => factorAnalysis(rows, components),
    convergence: { iterations, change },
    atLimit: [...variances.keys()].filter((j) => variances[j] > 0 && unique[j] <= limits[j] * (1 + 1e-9)),
  };
}

/** k factors have mk − k(k − 1)/2 + m parameters, and m features m(m + 1)/2 covariances: with more parameters ψ is anything. */
function checkDetermined(m: number, k: number): void {
  const determined = (factors: number): boolean => (m - factors) ** 2 >= m + factors;
  if (determined(k)) return;
  let most = k;
  while (most > 0 && !determined(most)) most--;
  throw inputError(
    `The covariances of ${m} features that vary do not determine ${k} ${k === 1 ? "factor" : "factors"}: ${most > 0 ? `ask for ${most} at most, or use` : "use"} principal components.`,
  );
}

/** W = Ψ^{1/2}U√(λ − 1) for the k largest eigenvalues (m×k); the largest entry of each u is positive. */
function loadingsOf({ values, vectors }: FactorLikelihood, unique: Float64Array, k: number): Matrix {
  const m = unique.length;
  const loadings = Matrix.zeros(m, k);
  for (let i = 0; i < k; i++) {
    const vector = vectors.row(i);
    const sign = Math.sign(vector.reduce((most, entry) => (Math.abs(entry) > Math.abs(most) ? entry : most), 0));
    const size = sign * Math.sqrt(Math.max(0, values[i] - 1));
    for (let j = 0; j < m; j++) loadings.data[j * k + i] = size * Math.sqrt(unique[j]) * vector[j];
  }
  return loadings;
}

const largestChange = (before: Float64Array, after: Float64Array): number =>
  before.reduce((most, value, j) => Math.max(most, Math.abs(after[j] - value)), 0);

/** Ψ⁻¹W(I + W'Ψ⁻¹W)⁻¹, m×k; W'Ψ⁻¹W is diagonal for the loadings above once the iteration has converged. */
function scoreMatrix(loadings: Matrix, unique: Float64Array): Matrix {
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
