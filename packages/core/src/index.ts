export * as autodiff from "./autodiff/index.js";
export { attackName } from "./charts/captions.js";
export { attackKey, type ChartedResult, chartsOf, type NamedChart } from "./charts/catalogue.js";
export { type Coverage, type CoverageFrame, coverageChart } from "./charts/coverage-chart.js";
export { type ChartOptions, MARKED_SIZE } from "./charts/figure.js";
export { type ChartSpec, COLOURS as CHART_COLOURS, onDarkPaper } from "./charts/theme.js";
export { type Digits, drawnDigits } from "./data/drawn-digits.js";
export * from "./data/index.js";
export { readDigits } from "./data/mnist.js";
export { AifError, type ErrorCode } from "./errors.js";
export type {
  Experiment,
  ExperimentRun,
  ExperimentSettings,
  Repetition,
  Verdict as ExperimentVerdict,
} from "./experiments/experiment.js";
export { type DigitSource, digitsOf, figure2bOn } from "./experiments/figure2b.js";
export { EXPERIMENTS, experimentsNamed } from "./experiments/registry.js";
export { checkedSettings, type Repeat, type RunOptions, repeatHere, runExperiment } from "./experiments/run.js";
export { type Influence, influence, type RowPull, scoreShifts } from "./influence/aif.js";
export { type BootstrapDraws, type BootstrapOptions, bootstrap } from "./influence/bootstrap.js";
export { type BootstrapSummary, bootstrapSummary } from "./influence/bootstrap-summary.js";
export { type Certificate, certificateNorm, certifier, type ErrorNorm } from "./influence/certificate.js";
export { collapseRadius } from "./influence/collapse-radius.js";
export { metricSlope, parameterContributions, rowContributions } from "./influence/contributions.js";
export { type CrossFit, crossFit, type FoldInfluence } from "./influence/cross-fit.js";
export { estimationLoss, parameterCovariance, rowsShare } from "./influence/estimation-loss.js";
export { type KernelInfluence, type KernelInfluenceOptions, kernelInfluence } from "./influence/kernel/aif.js";
export {
  type KernelSensitivity,
  kernelParameterContributions,
  kernelRowContributions,
  kernelSensitivity,
  predictionChanges,
} from "./influence/kernel/sensitivity.js";
export {
  kernelSubsampling,
  type SubsampledEstimate,
  type Subsampling,
  type SubsamplingOptions,
} from "./influence/kernel/subsampling.js";
export { type KernelTrust, kernelStationarity, kernelTrust } from "./influence/kernel/validity.js";
export { type KinkRadii, kinkFraction, kinkRadii, kinkRadius, residualFraction } from "./influence/kink-radius.js";
export { type LeverageBias, leverageBias } from "./influence/leverage-bias.js";
export {
  type LocalInfluence,
  type LocalInfluenceOptions,
  localInfluence,
  localInfluences,
} from "./influence/local/influence.js";
export { type ModelPoint, pointAt } from "./influence/local/point.js";
export { localSandwich } from "./influence/local/sandwich.js";
export { type MetricChange, type MetricPair, metricChanges } from "./influence/metric-changes.js";
export { type MetricRows, type Metrics, metricRows, metricsOf } from "./influence/metrics.js";
export {
  freeRadius,
  type LocalSensitivity,
  localSensitivity,
  type MovingRows,
  naturalLoss,
  predictedChange,
} from "./influence/moving-rows.js";
export type { Multipliers } from "./influence/one-sided.js";
export { independentRows, meanStandardError, type Sampling } from "./influence/sampling.js";
export {
  type Leverage,
  leverageFor,
  type Sandwich,
  type SandwichOptions,
  type SandwichParts,
  sandwich,
  sandwichParts,
} from "./influence/sandwich.js";
export { type SecondOrder, type SecondOrderOptions, secondOrder } from "./influence/second-order.js";
export {
  bentChange,
  type ChangeExpansion,
  changeAt,
  objectiveChange,
  secondOrderChange,
} from "./influence/second-order-change.js";
export { type Sensitivity, type SensitivityOptions, sensitivity } from "./influence/sensitivity.js";
export { type SensitivityInterval, sensitivityInterval } from "./influence/sensitivity-interval.js";
export { supremumFactor } from "./influence/simultaneous.js";
export {
  type NoiseSensitivity,
  type SmoothedLinear,
  type SmoothedLinearOptions,
  smoothedLinear,
} from "./influence/smoothed-linear.js";
export { type SupportChange, supportChange } from "./influence/support-change.js";
export {
  checkValidity,
  type TrustOptions,
  type TrustRadius,
  type ValidityCheck,
} from "./influence/trust-radius.js";
export type { Validity } from "./influence/validity.js";
export { blas, describeBackend, ensureBlas, useBlas } from "./linalg/backend.js";
export type { Blas } from "./linalg/blas.js";
export { Matrix } from "./linalg/matrix.js";
export { type LossDescription, modelOf } from "./models/autodiff-model.js";
export { KERNEL_NAMES, type KernelName, type KernelOptions, kernel } from "./models/kernel/choose-kernel.js";
export { customKernel, type KernelDescription } from "./models/kernel/custom-kernel.js";
export { gramOf, type Kernel, type KernelPoints, kernelPoints } from "./models/kernel/kernel.js";
export { kernelPredictor } from "./models/kernel/kernel-predictor.js";
export {
  type KernelRidgeSettings,
  type KernelRows,
  kernelMemory,
  kernelSum,
  kernelTargets,
} from "./models/kernel/kernel-ridge.js";
export { medianGamma } from "./models/kernel/median-width.js";
export type { AttackSurface } from "./models/kernel/sphere.js";
export { LOSSES, type Loss, type LossName } from "./models/losses.js";
export type { Model, Predictor } from "./models/model.js";
export { type PerceptronOptions, perceptron } from "./models/perceptron.js";
export { type OutputDescription, type PredictiveModel, predictiveModel } from "./models/predictive-model.js";
export { factorAnalysis } from "./models/projection/factor-analysis.js";
export { givenProjection } from "./models/projection/given-matrix.js";
export { principalComponents } from "./models/projection/principal-components.js";
export { projectedModel } from "./models/projection/projected-model.js";
export { projected } from "./models/projection/projected-score.js";
export type { Projection } from "./models/projection/projection.js";
export {
  basis,
  linear,
  logistic,
  type ModelDescription,
  type ModelKind,
  type ModelOptions,
  poisson,
  type QuadraticOptions,
  quadratic,
  type ScoreModel,
} from "./models/score-model.js";
export { affineModel, smoothedSquares } from "./models/smoothing/affine-model.js";
export { type ModelNoise, smoothedModel } from "./models/smoothing/smoothed-model.js";
export { type SoftmaxOptions, softmaxRegression } from "./models/softmax.js";
export { agree, differenceOf, type Facts, plainFacts } from "./parallel/agreement.js";
export type { Checkpoint } from "./parallel/checkpoint.js";
export { deal, exchange } from "./parallel/deal.js";
export { ALONE, RankError, type Ranks } from "./parallel/ranks.js";
export type { Progress, Work } from "./parallel/work.js";
export {
  type AdversarialTraining,
  type AdversarialTrainingOptions,
  adversarialTraining,
  type TrainingStop,
} from "./robust/adversarial-training.js";
export { type AttackOptions, type AttackResult, attack } from "./robust/attack.js";
export type { AttackMethod, AttackSearch } from "./robust/attack-result.js";
export type { DescentMethod } from "./robust/descent.js";
export { type DivergenceOptimum, divergenceRobustOptimum } from "./robust/divergence-optimum.js";
export { type DualityGap, dualityGap } from "./robust/duality-gap.js";
export type { EmpiricalWorstCase } from "./robust/emp.js";
export { empiricalWorstCase } from "./robust/emp.js";
export type { EmpOptimum, EmpOptimumOptions } from "./robust/emp-optimum.js";
export { empRobustOptimum } from "./robust/emp-optimum.js";
export { type GeneralOptimum, generalRobustOptimum } from "./robust/general-optimum.js";
export { type JointModelAttack, jointModelAttack } from "./robust/joint-model-attack.js";
export { type KernelOptimum, kernelRobustOptimum } from "./robust/kernel/optimum.js";
export { type KernelWorstCase, kernelWorstCase } from "./robust/kernel/worst-case.js";
export { modelAttack } from "./robust/model-attack.js";
export { modelAdversarialTraining } from "./robust/model-training.js";
export { type RobustOptimumOptions, robustOptimum } from "./robust/optimum.js";
export type { ActiveCorners, RobustOptimum } from "./robust/optimum-result.js";
export { type RobustPath, type RobustPathOptions, robustPath } from "./robust/path.js";
export type { RobustPathEvent } from "./robust/path-events.js";
export type { RobustPathPoint } from "./robust/path-walk.js";
export { type Reweighting, worstReweighting } from "./robust/reweighting.js";
export { expandedRobustLoss, type RobustLossMethod, worstLoss } from "./robust/robust-loss.js";
export { type SparseRobustOptimum, sparseRobustOptimum } from "./robust/sparse-optimum.js";
export type { DataFingerprint, TrainingState, TrainingStep } from "./robust/training-state.js";
export { type WorstPerturbations, worstPerturbations } from "./robust/worst-perturbations.js";
export { type Fit, type FitOptions, fit, fitAt, type Sparsity } from "./solvers/fit.js";
export { type KernelFit, type KernelFitOptions, kernelFit } from "./solvers/kernel-fit.js";
export { type LassoOptions, type LassoPath, type LassoPathOptions, lasso, lassoPath } from "./solvers/lasso/lasso.js";
export { type RidgePathOptions, type RidgePoint, ridgePath } from "./solvers/ridge-path.js";
export { type Training, type TrainingOptions, trainModel } from "./solvers/train.js";
export { analyze, type Study } from "./study/analyze.js";
export { compare } from "./study/compare/comparison.js";
export type { ComparisonInput } from "./study/compare/comparison-input.js";
export type * from "./study/compare/comparison-result.js";
export { sameAttack } from "./study/compare/comparison-words.js";
export { type ComparisonFamily, comparisonEvaluation, familySize, parseProjects } from "./study/compare/family.js";
export { type FeatureRule, parseFeatureRule } from "./study/compare/feature-rule.js";
export { type Condition, parseCondition } from "./study/conditions.js";
export { FLAGS, type FlagCode, type FlagLevel, type FlagRule } from "./study/flags.js";
export type * from "./study/kernel-result.js";
export { type KernelSettings } from "./study/kernel-settings.js";
export type * from "./study/lasso-result.js";
export type * from "./study/local-result.js";
export { defaultEvaluation, type LocalSettings } from "./study/local-settings.js";
export { type RestartSpread, restartSpread } from "./study/local-spread.js";
export type { PathEvent, PathPoint, PathResult, PathSection, PathSettings } from "./study/path-result.js";
export { type PathInput, pathStudy } from "./study/path-study.js";
export type { PredictedChanges, PredictedRow, Predictions } from "./study/predictions.js";
export { encodingOptions, type StudyInput } from "./study/prepare.js";
export { type ProjectSetting, parseProject, projectName } from "./study/project-settings.js";
export type { ProjectionSection } from "./study/projection-section.js";
export { type Redacted, redacted } from "./study/redacted.js";
export type * from "./study/result.js";
export { scalingOf } from "./study/scaling.js";
export {
  checkSettings,
  DEFAULT_SETTINGS,
  type EvaluationPlan,
  evaluationName,
  MODEL_KINDS,
  parseEvaluation,
  parseModel,
  type StudySettings,
} from "./study/settings.js";
export type { SmoothingSection } from "./study/smoothing-section.js";
export { DEFAULT_SMOOTHING, type SmoothingSettings } from "./study/smoothing-settings.js";
export { analyzeStreamed, type StreamedInput } from "./study/streamed/analyze.js";
export { checkHead } from "./study/streamed/check-head.js";
export { refuseUnstreamed } from "./study/streamed/refuse.js";
export type { StreamedWork } from "./study/streamed/work.js";
export type * from "./study/training-result.js";
export { DEFAULT_TRAINING, type TrainingSettings } from "./study/training-settings.js";
export { type TrainingInput, type TrainingWork, trainingStudy } from "./study/training-study.js";
export { referencePoint } from "./study/verdict.js";
export { verify } from "./study/verify.js";
export type * from "./study/verify-result.js";
export * as words from "./study/words.js";
export type { WorstCase, WorstCases, WorstRow } from "./study/worst-cases.js";
export * as theory from "./theory/index.js";
export { divergence, divergenceName } from "./threats/divergence.js";
export { dualDirection, dualExponent, type Exponent, exponentName, norm } from "./threats/norms.js";
export { lp, type PointwiseOptions, type ThreatDescription } from "./threats/pointwise.js";
export { radiusScale } from "./threats/radius-scale.js";
export type { DivergenceName, InputGradients, Response, Threat, ThreatSettings } from "./threats/threat.js";
export type { AnyThreat } from "./threats/threat-on.js";
export { transportShares, wasserstein } from "./threats/wasserstein.js";
