/** The paper's theorems as functions of population quantities, corrected; `printed` has them as they stand in the paper. */
export {
  type BasisBound,
  type BasisRegression,
  type BasisRows,
  basisBound,
  basisRegression,
} from "./basis-regression.js";
export { distributionalGrowth, distributionalShift, distributionalWeights } from "./distributional.js";
export {
  curvatureOverNoise,
  type LinearQuadraticPopulation,
  type LinearQuadraticSensitivities,
  linearCostsMore,
  linearQuadraticSensitivities,
} from "./linear-quadratic.js";
export { meanGaussianNorm, meanUniformLength } from "./normal-lengths.js";
export {
  generalLinearSensitivity,
  type IncludedFeatures,
  includedFeaturesSensitivity,
  type LinearPopulation,
  linearSensitivity,
  linearSensitivityBias,
} from "./number-of-features.js";
export * as printed from "./printed.js";
export {
  helpfulSmoothing,
  type SmoothedPopulation,
  type SmoothedSensitivity,
  smoothedSensitivity,
  smoothingRatio,
} from "./smoothing.js";
export {
  squareFeaturesBound,
  squareFeaturesEigenvalue,
  squareFeaturesJacobian,
  squareFeaturesResidual,
} from "./square-features.js";
export type { SquaredLoss } from "./squared-loss.js";
