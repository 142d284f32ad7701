import { AifError } from "../errors.js";
import {
  type LocalInfluence,
  type LocalInfluenceOptions,
  localInfluences,
  smallestOf,
} from "../influence/local/influence.js";
import type { ModelPoint } from "../influence/local/point.js";
import { curvatureExtremes } from "../influence/local/system.js";
import type { Work } from "../parallel/work.js";
import { type ExtremeEigenvalues, proposedDamping } from "../solvers/lanczos.js";
import type { SymmetricOperator } from "../solvers/operator.js";
import type { Preconditioner } from "../solvers/preconditioner.js";
import { riskOperator } from "../solvers/risk-operator.js";
import { isLarge } from "./attack-sample.js";
import { type DampingChoice, isStationary } from "./local-damping.js";
import type { LocalModel } from "./local-model.js";
import type { StudySettings } from "./settings.js";
import { type Reach, threatsOf } from "./threat-choice.js";

/** λ of a network beside the largest eigenvalue of H, where none is asked for. */
const NETWORK_DAMPING = 1e-3;

/** Residuals of conjugate gradients where rows times parameters are many, with and without a damping: far below what λ and linearisation leave. */
const LARGE_TOLERANCE = { damped: 1e-6, undamped: 1e-8 } as const;

/** The responses to all norms, and by which λ and second derivatives. */
export interface Response {
  readonly damping: DampingChoice;
  readonly influences: LocalInfluence[];
}

/**
 * At a minimum nothing is damped: for a convex risk, and for a network whose gradient is small and whose Hessian is not
 * indefinite. Elsewhere H may have no inverse, or one that flat directions rule: there Gauss–Newton is taken, and λ is a
 * thousandth of its largest eigenvalue.
 * @throws numerical: the λ that the user chose is too small.
 */
export async function respondAt(
  point: ModelPoint,
  { convex }: LocalModel,
  reach: Reach,
  settings: StudySettings,
  work: Work,
  eigenvalues = true,
): Promise<Response> {
  const { curvature: asked, damping: given } = settings.local;
  const respond = async (curvature: DampingChoice["curvature"], damping: number): Promise<Response> => {
    const choice = { curvature, damping, automatic: given === null };
    return { damping: choice, influences: await influencesAt(point, choice, reach, settings, work, { eigenvalues }) };
  };
  if (convex) return respond(asked ?? "hessian", given ?? 0);
  if (asked === null && isStationary(point.gradientNorm)) {
    const found = await respond("hessian", given ?? 0).catch(refusalToNull);
    if (found) return found;
  }
  const curvature = asked ?? "gauss-newton";
  if (given !== null) return respond(curvature, given);
  // Eigenvalues of a large H take as long as the response: those that λ came from are not sought again.
  const operator = riskOperator(point, { curvature, withRidge: true, seed: settings.seed }, work);
  const { extremes, damping } = await networkDamping(operator, point, curvature, settings, work);
  const choice = { curvature, damping, automatic: true };
  const influences = await influencesAt(point, choice, reach, settings, work, { eigenvalues: false, operator });
  const known = {
    smallestEigenvalue: smallestOf(extremes),
    largestEigenvalue: extremes.largest.value,
    proposedDamping: proposedDamping(extremes).proposed,
  };
  return {
    damping: choice,
    influences: influences.map((attack) => ({ ...attack, local: { ...attack.local, ...known } })),
  };
}

/** A saddle of the training risk has no influence, but still a damped response. */
function refusalToNull(error: unknown): null {
  if (error instanceof AifError && error.code === "numerical") return null;
  throw error;
}

async function networkDamping(
  operator: SymmetricOperator,
  point: ModelPoint,
  curvature: DampingChoice["curvature"],
  { seed }: StudySettings,
  work: Work,
): Promise<{ damping: number; extremes: ExtremeEigenvalues }> {
  const extremes = await curvatureExtremes(operator, point, curvature, { ...work, seed });
  // Twice what makes H+λI positive definite: the most negative direction is then damped as much as it bends, not blown up.
  const damping = 2 * proposedDamping(extremes).smallest + NETWORK_DAMPING * extremes.largest.value;
  return { damping: Number(damping.toPrecision(2)), extremes };
}

/** The responses to all norms, by one solver. */
export const influencesAt = (
  point: ModelPoint,
  { damping, curvature }: Pick<DampingChoice, "damping" | "curvature">,
  reach: Reach,
  settings: StudySettings,
  work: Work,
  given: Pick<LocalInfluenceOptions, "eigenvalues" | "operator" | "preconditioner"> = {},
): Promise<LocalInfluence[]> =>
  localInfluences(
    point,
    threatsOf(settings, reach),
    {
      damping,
      curvature,
      solver: settings.local.solver,
      seed: settings.seed,
      allowUnconverged: settings.local.allowUnconverged,
      ...(isLarge(point.data.rows, point.parameters.length) && {
        cgTolerance: damping > 0 ? LARGE_TOLERANCE.damped : LARGE_TOLERANCE.undamped,
      }),
      ...given,
      ...(settings.local.memoryBytes === null ? {} : { memoryBytes: settings.local.memoryBytes }),
    },
    work,
  );

/**
 * The preconditioner that a response was solved with, for responses on most of the same rows: its products were counted there. Undefined where H
 * was factorised, or nothing precedes conjugate gradients.
 */
export async function preconditionerOf({ system }: LocalInfluence, work: Work): Promise<Preconditioner | undefined> {
  if (system.matrix !== null || system.choice.name !== "cg") return undefined;
  const made = await system.preconditioner(work);
  return made === null || made.name === "none" ? undefined : { ...made, products: 0 };
}
