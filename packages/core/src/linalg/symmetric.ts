/**
 * What the solvers ask of symmetric matrices, on top of `Blas`. A symmetric argument is read in its lower triangle;
 * nothing that is passed in is changed unless its description says so.
 */
export { EquilibratedCholesky } from "./equilibrated-cholesky.js";
export { type EquilibratedPseudoInverse, equilibratedPseudoInverse } from "./equilibrated-pseudo-inverse.js";
export {
  type PseudoInverseSolver,
  pseudoInverseSolver,
  type SymmetricEigen,
  symmetricEigen,
} from "./pseudo-inverse.js";
export { symmetrise } from "./square.js";
