import { numericalError, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { randomStream } from "../stats/random.js";
import type { SymmetricOperator } from "./operator.js";
import type { Preconditioner } from "./preconditioner.js";

export interface JacobiOptions {
  /** Random signs for an estimate where H does not give its diagonal. Default 16. */
  readonly probes?: number;
  readonly seed?: number;
}

/** An estimated diagonal entry below this share of their mean is noise as likely as not. */
const SMALLEST_SHARE = 0.01;

/**
 * M = diag(H). Where H does not give its diagonal it is estimated by Hutchinson's method, Σ_s z_s∘Hz_s / S over S vectors of
 * random signs (Bekas, Kokiopoulou and Saad 2007); whatever is estimated, the preconditioned system has the same solution.
 * @throws numerical: a diagonal that is given has an entry that is not positive.
 */
export async function jacobiPreconditioner(
  operator: SymmetricOperator,
  { probes = 16, seed = 0 }: JacobiOptions = {},
): Promise<Preconditioner> {
  if (!(Number.isInteger(probes) && probes > 0)) {
    throw usageError(`The number of probes of a diagonal must be a whole number above 0, got ${probes}.`);
  }
  const given = await operator.diagonal?.();
  const diagonal = given ? checked(given) : await estimatedDiagonal(operator, probes, seed);
  return {
    name: "jacobi",
    products: given ? 0 : probes,
    apply: (residuals) => {
      const out = residuals.data.slice();
      const k = residuals.columns;
      for (let j = 0; j < diagonal.length; j++) {
        for (let at = j * k; at < (j + 1) * k; at++) out[at] /= diagonal[j];
      }
      return new Matrix(out, residuals.rows, k);
    },
  };
}

function checked(diagonal: Float64Array): Float64Array {
  const worst = diagonal.findIndex((value) => !(value > 0 && value < Infinity));
  if (worst < 0) return diagonal;
  throw numericalError(
    `Entry ${worst + 1} of the diagonal of H is ${diagonal[worst].toPrecision(3)}, so that H is not positive definite: use a damping above ${Math.max(0, -diagonal[worst]).toPrecision(3)}.`,
  );
}

async function estimatedDiagonal(operator: SymmetricOperator, probes: number, seed: number): Promise<Float64Array> {
  const signs = Matrix.zeros(operator.size, probes);
  const random = randomStream(seed);
  for (let at = 0; at < signs.data.length; at++) signs.data[at] = random.uniform() < 0.5 ? -1 : 1;
  const image = await operator.product(signs);
  const diagonal = new Float64Array(operator.size);
  for (let j = 0, at = 0; j < operator.size; j++) {
    for (let s = 0; s < probes; s++, at++) diagonal[j] += (signs.data[at] * image.data[at]) / probes;
  }
  const mean = diagonal.reduce((sum, value) => sum + Math.abs(value), 0) / Math.max(1, operator.size);
  return diagonal.map((value) => Math.max(value, SMALLEST_SHARE * mean) || 1);
}
