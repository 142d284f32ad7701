import { numericalError, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { SymmetricOperator } from "./operator.js";
import type { Preconditioner } from "./preconditioner.js";

/**
 * M = diag(H), as H gives it. A diagonal estimated from products is no substitute: where most entries are small beside what
 * lies next to them in their rows, its noise makes conjugate gradients longer than none.
 * @throws usage: H does not give its diagonal. numerical: an entry of it is not positive.
 */
export async function jacobiPreconditioner(operator: SymmetricOperator): Promise<Preconditioner> {
  const given = await operator.diagonal?.();
  if (!given) {
    throw usageError(
      "The Jacobi preconditioner needs the diagonal of H, which this operator does not give: use a Nyström sketch, or none.",
    );
  }
  const diagonal = checked(given);
  return {
    name: "jacobi",
    products: 0,
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
    `Entry ${worst + 1} of the diagonal of H is ${diagonal[worst].toPrecision(3)}, so that H is not positive definite: use a --damping above ${Math.max(0, -diagonal[worst]).toPrecision(3)}.`,
  );
}
