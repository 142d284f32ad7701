import { AifError, usageError } from "../errors.js";
import type { Influence } from "../influence/aif.js";
import type { Work } from "../parallel/work.js";
import { hasExactAttack } from "../robust/attack.js";
import { divergenceRobustOptimum } from "../robust/divergence-optimum.js";
import { empRobustOptimum } from "../robust/emp-optimum.js";
import { generalRobustOptimum } from "../robust/general-optimum.js";
import { hasJointWorstCase, isJoint } from "../robust/joint-worst-case.js";
import { robustOptimum } from "../robust/optimum.js";
import { hasProjectedOptimum, projectedRobustOptimum } from "../robust/projected-optimum.js";
import { hasClosedForm } from "../robust/robust-loss.js";
import { sparseRobustOptimum } from "../robust/sparse-optimum.js";
import { exponentName } from "../threats/norms.js";
import type { OptimumEvidence } from "./verify-result.js";

/** θ_ε (d) and its natural loss on the training rows. */
export interface ExactPoint {
  readonly parameters: Float64Array;
  readonly naturalLoss: number;
  readonly evidence: OptimumEvidence;
}

/** What solving at one ε came to. */
export type ExactOutcome = { readonly point: ExactPoint | null; readonly failure: string | null };

/** Whether the worst case is known exactly, so that the robust problem can be solved. */
export function hasExactOptimum({ model, sparse }: Influence["fit"], threat: Influence["threat"]): boolean {
  if (sparse) return !isJoint(threat) && hasClosedForm(model, threat);
  if (!isJoint(threat)) return hasExactAttack(model, threat);
  return (
    hasJointWorstCase(model.map.sharedGradient, threat) && (threat.tilt !== undefined || model.map.ownCoefficients)
  );
}

/** @throws usage: a model or threat whose inner maxima cannot be solved exactly, so that there is nothing to verify against. */
export function refuseInexact({ fit, threat }: Influence): void {
  const { model, sparse } = fit;
  if (sparse && (isJoint(threat) || !hasClosedForm(model, threat))) {
    throw usageError(
      "The robust optimum with --l1 is known for linear, logistic and poisson models without --bounds, --wasserstein and --divergence only.",
    );
  }
  if (hasExactOptimum(fit, threat)) return;
  if (threat.shares) {
    const kind = model.map.sharedGradient ? "a projected model" : `a ${model.kind} model`;
    const why = threat.settings.bounds === null ? kind : "--bounds";
    throw usageError(
      `The worst case of rows that share a budget is not known exactly for ${why}, so there is nothing to verify against: verify linear, logistic and poisson models without --bounds.`,
    );
  }
  const where = threat.settings.bounds === null ? `p = ${exponentName(threat.settings.p)}` : "--bounds";
  throw usageError(
    `The worst case of a ${model.kind} model under ${where} is not known exactly, so there is nothing to verify against: train it with aif adversarial-train, or verify linear, logistic and poisson models, or quadratic ones under --norm 2 without --bounds.`,
  );
}

/** What a search may take: `evaluations` limits that of rows that share a budget, whose inner maximum is itself a search. */
export type ExactWork = Work & { readonly evaluations?: number };

/** argmin R_ρ at ρ = εc, begun at `start` (default θ̂). An optimum that is not found is an outcome, not an error. */
export async function exactOutcome(
  { fit, threat, scale }: Influence,
  epsilon: number,
  work: ExactWork,
  start: Float64Array = fit.parameters,
): Promise<ExactOutcome> {
  const solve = solverOf(fit, threat);
  try {
    return { point: await solve(fit, threat, epsilon * scale, { ...work, start }), failure: null };
  } catch (error) {
    if (error instanceof AifError && error.code === "numerical") return { point: null, failure: error.message };
    throw error;
  }
}

type Solve = (
  fit: Influence["fit"],
  threat: Influence["threat"],
  radius: number,
  options: ExactWork & { readonly start: Float64Array },
) => Promise<ExactPoint>;

function solverOf(fit: Influence["fit"], threat: Influence["threat"]): Solve {
  if (fit.sparse) return solveSparse;
  if (threat.tilt) return solveReweighted;
  if (threat.shares) return solveShared;
  if (hasProjectedOptimum(fit, threat)) return solvePiecewise(projectedRobustOptimum);
  const direct = hasClosedForm(fit.model, threat) && fit.model.map.ownCoefficients;
  return direct ? solvePiecewise(robustOptimum) : solveGeneral;
}

/** Rows that share a budget of order u. */
const solveShared: Solve = async (fit, threat, radius, options) => {
  const { rowwise = threat, settings } = threat;
  const found = await empRobustOptimum(fit, rowwise, settings.order ?? Number.POSITIVE_INFINITY, radius, options);
  const { parameters, naturalLoss, residual, iterations, converged, exactInner, collapsed } = found;
  return {
    parameters,
    naturalLoss,
    evidence: { method: "newton", residual, iterations, converged: converged && exactInner, collapsed },
  };
};

/** Rows that are reweighted. */
const solveReweighted: Solve = async (fit, { settings: { divergence = "chi2" } }, radius, options) => {
  const found = await divergenceRobustOptimum(fit, divergence, radius, options);
  const { parameters, naturalLoss, residual, iterations, converged, collapsed } = found;
  return {
    parameters,
    naturalLoss,
    evidence: { method: "newton", residual, iterations, converged, collapsed },
  };
};

/** Scores linear in x, no box. */
const solvePiecewise =
  (optimum: typeof projectedRobustOptimum): Solve =>
  async (fit, threat, radius, options) => {
    const found = await optimum(fit, threat, radius, options);
    const { parameters, naturalLoss, residual, iterations, collapsed } = found;
    return {
      parameters,
      naturalLoss,
      evidence: { method: "active-set", residual, iterations, converged: true, collapsed },
    };
  };

/** Scores linear in x, an l1 penalty. */
const solveSparse: Solve = async (fit, threat, radius, options) => {
  const found = await sparseRobustOptimum(fit, threat, radius, options);
  const { parameters, naturalLoss, residual, iterations, collapsed } = found;
  return {
    parameters,
    naturalLoss,
    evidence: { method: "lasso", residual, iterations, converged: true, collapsed },
  };
};

/** Scores quadratic in x with p = 2, or linear ones in a box. */
const solveGeneral: Solve = async (fit, threat, radius, options) => {
  const found = await generalRobustOptimum(fit, threat, radius, options);
  const { parameters, naturalLoss, method, gradientNorm: residual, iterations, converged } = found;
  return {
    parameters,
    naturalLoss,
    evidence: {
      method: method === "trust-region" ? "newton" : "descent",
      residual,
      iterations,
      converged,
      collapsed: false,
    },
  };
};
