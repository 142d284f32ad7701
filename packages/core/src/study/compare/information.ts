import type { EncodedDataset } from "../../data/encoded-dataset.js";
import { isKernelModel } from "../kernel-settings.js";
import type { StudySettings } from "../settings.js";
import type { Information } from "./comparison-result.js";
import type { EvaluatedCandidate } from "./evaluated.js";
import { isSelection } from "./feature-rule.js";

/**
 * AIC = −2 log L + 2k and BIC = −2 log L + k log n, k = tr(H_L H⁻¹) and L the likelihood at the fit: normal errors of variance
 * RSS/n for squared losses (the variance is not counted in k), Bernoulli for the log loss, Poisson without its constant.
 */
export function informationOf(
  one: EvaluatedCandidate,
  training: EncodedDataset,
  settings: StudySettings,
): { information: Information | null; reason: string | null } {
  const { loss, trainingLoss, degreesOfFreedom: k, candidate } = one;
  const without = (reason: string) => ({ information: null, reason });
  if (one.l1 > 0) return without("an l1 penalty chooses its parameters");
  if (isKernelModel(candidate.settings.model)) return without("a kernel regression has a parameter for every row");
  if (candidate.settings.smoothing !== null && candidate.settings.smoothing.sigma > 0)
    return without("noisy copies of a row are no further rows of a likelihood");
  if (k === null) return without("the model has no likelihood with a known number of parameters");
  if (isSelection(candidate.features))
    return without("its columns were chosen by the target, which the criteria do not count");
  if (settings.cluster !== null) return without("rows of a cluster depend on each other");
  if (settings.classWeight !== null) return without("class weights make the loss no likelihood");
  if (settings.weights !== null && settings.weightsKind === "sampling") {
    return without("sampling weights make the loss no likelihood");
  }
  const n = training.weightTotal;
  const logLikelihood = n * meanLogLikelihood(loss, trainingLoss);
  return {
    information: {
      logLikelihood,
      degreesOfFreedom: k,
      aic: -2 * logLikelihood + 2 * k,
      bic: -2 * logLikelihood + k * Math.log(n),
    },
    reason: null,
  };
}

function meanLogLikelihood(loss: string, trainingLoss: number): number {
  if (loss !== "squared" && loss !== "half-squared") return -trainingLoss;
  const variance = loss === "squared" ? trainingLoss : 2 * trainingLoss;
  return -0.5 * (Math.log(2 * Math.PI * variance) + 1);
}
