import type { Work } from "../parallel/work.js";
import type { AdversarialTraining, TrainingStop } from "../robust/adversarial-training.js";
import { isCollapsed } from "../robust/optimum.js";
import { robustProblem } from "../robust/optimum-problem.js";
import { nullOptimum } from "../robust/optimum-result.js";
import { hasClosedForm } from "../robust/robust-loss.js";
import type { Fit } from "../solvers/fit.js";
import type { Threat } from "../threats/threat.js";

/** What training came to; "collapse": nothing was trained, since the best model without the attacked features is optimal. */
export interface TrainingRun extends Omit<AdversarialTraining, "stopped"> {
  readonly stopped: TrainingStop | "collapse";
}

/** The robust optimum beyond the collapse radius, which needs no training; null below it, or where that radius is not known. */
export async function collapsedTraining(
  fit: Fit,
  threat: Threat,
  radius: number,
  work: Work,
): Promise<{ run: TrainingRun; collapseRadius: number } | null> {
  if (!hasClosedForm(fit.model, threat) || !fit.model.map.ownCoefficients) return null;
  const problem = await robustProblem(fit, threat, work);
  if (!isCollapsed(problem, radius)) return null;
  const { parameters, robustLoss, naturalLoss, residual } = await nullOptimum(problem, radius, work);
  return {
    collapseRadius: problem.collapseRadius,
    run: {
      parameters,
      robustLoss,
      exactRobustLoss: robustLoss,
      innerGap: 0,
      gap: null,
      naturalLoss,
      gradientNorm: residual,
      iterations: 0,
      stopped: "collapse",
      converged: true,
      history: [],
    },
  };
}
