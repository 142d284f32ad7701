import { AifError, usageError } from "../errors.js";
import type { Influence } from "../influence/aif.js";
import type { Work } from "../parallel/work.js";
import { hasExactAttack } from "../robust/attack.js";
import { generalRobustOptimum } from "../robust/general-optimum.js";
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

/** @throws usage: a model or threat whose inner maxima cannot be solved exactly, so that there is nothing to verify against. */
export function refuseInexact({ fit: { model, sparse }, threat }: Influence): void {
  if (sparse && !hasClosedForm(model, threat)) {
    throw usageError(
      "The robust optimum with --l1 is known for linear, logistic and poisson models without --bounds only.",
    );
  }
  if (hasExactAttack(model, threat)) return;
  const where = threat.settings.bounds === null ? `p = ${exponentName(threat.settings.p)}` : "--bounds";
  throw usageError(
    `The worst case of a ${model.kind} model under ${where} is not known exactly, so there is nothing to verify against: verify linear, logistic and poisson models, or quadratic ones under --norm 2 without --bounds.`,
  );
}

/** argmin R_ρ at ρ = εc, begun at `start` (default θ̂). An optimum that is not found is an outcome, not an error. */
export async function exactOutcome(
  { fit, threat, scale }: Influence,
  epsilon: number,
  work: Work,
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
  options: Work & { readonly start: Float64Array },
) => Promise<ExactPoint>;

function solverOf(fit: Influence["fit"], threat: Influence["threat"]): Solve {
  if (fit.sparse) return solveSparse;
  if (hasProjectedOptimum(fit, threat)) return solvePiecewise(projectedRobustOptimum);
  const direct = hasClosedForm(fit.model, threat) && fit.model.map.ownCoefficients;
  return direct ? solvePiecewise(robustOptimum) : solveGeneral;
}

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
