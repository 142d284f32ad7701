import type { Matrix } from "../../src/linalg/matrix.js";
import { symmetricEigen } from "../../src/linalg/symmetric.js";

export { Matrix } from "../../src/linalg/matrix.js";
export * as theory from "../../src/theory/index.js";

export const symmetricEigenvalues = (matrix: Matrix): Float64Array => symmetricEigen(matrix).values;
