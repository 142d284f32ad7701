import { inputError, usageError } from "../errors.js";
import { influence, scoreShifts } from "../influence/aif.js";
import { naturalHessianTimes } from "../influence/contributions.js";
import { trainingRows } from "../influence/evaluated-rows.js";
import { localSensitivity, naturalLoss, predictedChange } from "../influence/moving-rows.js";
import { supportChange } from "../influence/support-change.js";
import type { Work } from "../parallel/work.js";
import { type Fit, fit as fitModel } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import { lasso, lassoPath } from "../solvers/lasso/lasso.js";
import { exponentName } from "../threats/norms.js";
import { evaluateAttacks } from "./evaluate-attacks.js";
import type { LassoPathPoint, LassoPathSection } from "./lasso-result.js";
import type { StudyGround } from "./prepare.js";
import { namedChange, selectedNames } from "./sparse-section.js";
import { threatOf } from "./threat-choice.js";
import { short } from "./words.js";

/** λ on a path without a list. */
const PATH_POINTS = 20;
const PATH_RATIO = 0.001;
/** The size that costs are compared at, unless one is asked for. */
const COMPARED_EPSILON = 0.05;

/** A fit, and the path that it was chosen from. */
export interface ChosenFit {
  readonly fit: Fit;
  readonly path: LassoPathSection | null;
}

/**
 * The fit of a study: with one λ, or none, the one that is asked for; of several the one with the smallest natural loss on the
 * evaluation rows, with what the others would cost beside it.
 * @throws usage: a λ that leaves no feature. input: too few rows.
 */
export async function chosenFit(ground: StudyGround, work: Work): Promise<ChosenFit> {
  const { model, training, penalties } = ground;
  const { l1, l2 } = penalties;
  if (l1 === null) return { fit: await fitModel(model.describe, training, { l2, ...work }), path: null };
  if (training.rows < 3) throw inputError(`${training.rows} rows are too few to select features by: use 3 or more.`);
  if (l1 !== "path" && l1.length === 1) {
    const fit = await lasso(model.describe, training, { l1: l1[0], l2, ...work });
    refuseEmpty(fit);
    return { fit, path: null };
  }
  const { fits, largestL1 } = await lassoPath(model.describe, training, {
    ...(l1 === "path" ? { points: PATH_POINTS, ratio: PATH_RATIO } : { l1 }),
    l2,
    ...work,
  });
  const points: LassoPathPoint[] = [];
  for (const [k, fit] of fits.entries()) {
    work.onProgress?.({ phase: "lasso path", done: k, total: fits.length });
    points.push(await pathPoint(fit, ground, { signal: work.signal }));
  }
  const best = bestOf(points);
  if (best === null) refuseEmpty(fits[fits.length - 1]);
  const chosen = best ?? 0;
  return { fit: fits[chosen], path: { largestL1, chosen, epsilon: comparedEpsilon(ground), points } };
}

/** With all coefficients 0 there is nothing to attack. */
function refuseEmpty({ sparse }: Fit): void {
  if (!sparse || sparse.selected.length > 0) return;
  throw usageError(
    `--l1 ${short(sparse.l1)} leaves no feature in the model, which then predicts a constant that no attack can move: from ${short(sparse.largestL1)} on all coefficients are 0; use a smaller λ, or --l1 path to see some.`,
  );
}

/** Index of the smallest natural loss among the points that select anything; null where none does. */
function bestOf(points: readonly LassoPathPoint[]): number | null {
  const candidates = [...points.keys()].filter((k) => points[k].selected.length > 0);
  const loss = (k: number): number => points[k].heldOutLoss ?? points[k].trainingLoss;
  return candidates.toSorted((a, b) => loss(a) - loss(b))[0] ?? null;
}

const comparedEpsilon = ({ input: { settings } }: StudyGround): number => settings.epsilons?.[0] ?? COMPARED_EPSILON;

async function pathPoint(fit: Fit, ground: StudyGround, work: Work): Promise<LassoPathPoint> {
  const { training, evaluation, reach, input } = ground;
  const { settings } = input;
  const attacks = [];
  for (const p of settings.norms) attacks.push(await influence(fit, threatOf(p, reach), work));
  const { evaluated } = await evaluateAttacks(attacks, training, evaluation, settings, work);
  const threats: LassoPathPoint["threats"][number][] = [];
  for (const [t, attack] of attacks.entries()) {
    const shifts = await scoreShifts(attack, work);
    const rows = evaluated[t];
    const judged = rows ?? trainingRows(attack, shifts);
    const change = await supportChange(attack, shifts, work);
    const heldOut = rows && localSensitivity(rows.rows);
    threats.push({
      norm: exponentName(settings.norms[t]),
      curvature: 0.5 * dot(attack.influence, naturalHessianTimes(attack.fit, attack.influence)),
      heldOut: heldOut && { slope: heldOut.slope, curvature: heldOut.curvature },
      cost: predictedChange(judged.rows, comparedEpsilon(ground)),
      supportChange: change && namedChange(change, fit.model.parameterNames),
    });
  }
  return {
    l1: fit.sparse?.l1 ?? 0,
    selected: selectedNames(fit),
    trainingLoss: fit.trainingLoss,
    heldOutLoss: evaluated[0] ? naturalLoss(evaluated[0].rows, 0) : null,
    threats,
  };
}
