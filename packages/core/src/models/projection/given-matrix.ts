import type { RowBlocks } from "../../data/dataset.js";
import { inputError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { explainedShares, momentsOf } from "./moments.js";
import { checkComponents, type Projection } from "./projection.js";

/**
 * z = P'x with a P that was given: nothing is learned, and the explained shares are those on these rows.
 * @param matrix m×k, for the features as the model sees them.
 * @throws usage: more columns than rows. input: not m rows, an entry that is no number, columns that repeat each other.
 */
export async function givenProjection(data: RowBlocks, matrix: Matrix, names?: readonly string[]): Promise<Projection> {
  const m = data.features.length;
  if (matrix.rows !== m) {
    throw inputError(
      `The projection has ${matrix.rows} rows, but the model sees ${m} features: give one row a feature.`,
    );
  }
  checkComponents(matrix.columns, m);
  const bad = matrix.data.findIndex((value) => !Number.isFinite(value));
  if (bad >= 0) {
    throw inputError(
      `Row ${Math.floor(bad / matrix.columns) + 1}, column ${(bad % matrix.columns) + 1} of the projection is no number.`,
    );
  }
  const { covariance } = await momentsOf(data);
  const explained = explainedShares(covariance, matrix);
  const idle = explained.indexOf(0);
  if (idle >= 0) {
    throw inputError(
      `Column ${idle + 1} of the projection adds nothing to the columns before it on these rows: leave it out.`,
    );
  }
  return {
    kind: "matrix",
    names: names ?? Array.from({ length: matrix.columns }, (_, c) => `z${c + 1}`),
    centre: new Float64Array(m),
    matrix: new Matrix(matrix.data.slice(), matrix.rows, matrix.columns),
    explained,
  };
}
