import { boundRadius } from "../../influence/bound-radius.js";
import { collapseFrom, hasCollapse, unattacked } from "../../influence/collapse-radius.js";
import { naturalHessianTimes, rowContributions } from "../../influence/contributions.js";
import { kinkRadii, kinkRadius } from "../../influence/kink-radius.js";
import { type TrustRadius, validityBy } from "../../influence/trust-radius.js";
import { judgeFrom, type Validity } from "../../influence/validity.js";
import { Matrix } from "../../linalg/matrix.js";
import { EachRank, type Pass } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import { constantPoint, type Fit } from "../../solvers/fit.js";
import { minimise } from "../../solvers/newton.js";
import type { Threat } from "../../threats/threat.js";
import type { StudySettings } from "../settings.js";
import { type RowShare, sizesOfCurve, trainingCurvature } from "../threat-section.js";
import { onView, type StreamedAttack, shiftsOf } from "./attack-rows.js";
import { type FitGround, problemOf } from "./fit-rows.js";
import { judgedRows } from "./judge-rows.js";
import { LargestRows } from "./largest-rows.js";
import type { RowsView } from "./rows-view.js";

/** Σ wℓ'v and Σ w|ℓ'| where all attacked features are given up, for some threats that attack the same ones. */
export interface GivenUp {
  readonly pull: Float64Array;
  readonly slopeSizes: number;
}

/** What tells threats that give up the same features; null where nothing is known of giving up. */
export const givenUpBy = (fitted: Pick<Fit, "model">, threat: Threat): string | null =>
  hasCollapse(fitted, threat) ? unattacked(fitted, threat).join("") : null;

/** The fit on the intercept and the frozen features alone, and the slopes there. @param hessian of a squared loss, where it is known */
export async function giveUp(
  pass: Pass<RowsView>,
  ground: FitGround,
  threat: Threat,
  meanTarget: number,
  hessian: Matrix | undefined,
): Promise<GivenUp> {
  const { model } = ground;
  const problem = problemOf(pass, ground, unattacked(ground, threat));
  const { point } = await minimise(problem, constantPoint(model, meanTarget), { hessian });
  const pull = Matrix.zeros(model.map.count, 1);
  const slopeSizes = new Float64Array(1);
  await pass({
    sums: [pull.data, slopeSizes],
    visit(view) {
      const { x, y, weights } = view.data;
      const f = view.scores(model, point.theta);
      const slopes = y.map((target, i) => weights[i] * model.loss.first(f[i], target));
      for (const slope of slopes) slopeSizes[0] += Math.abs(slope);
      model.map.addPullback(x, new Matrix(slopes, slopes.length, 1), pull);
    },
  });
  return { pull: pull.data, slopeSizes: slopeSizes[0] };
}

export const collapseOf = ({ attack: { fit, threat, scale } }: StreamedAttack, given: GivenUp | null): number | null =>
  given && collapseFrom(fit, threat, scale, given.pull, given.slopeSizes);

/** The first ε at which a row's residual, coordinate or arg-max changes, and at which one meets a bound. */
export async function firstRadii(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  ranks: Ranks,
): Promise<{ kink: number | null; bound: number | null }> {
  const each = new EachRank(ranks, 2);
  each.own.fill(Number.POSITIVE_INFINITY);
  const sooner = (k: number, radius: number | null): void => {
    if (radius !== null && radius < each.own[k]) each.own[k] = radius;
  };
  await pass({
    sums: [each.all],
    async visit(view) {
      const attack = await onView(view, attacked);
      sooner(0, kinkRadius(await kinkRadii(attack, shiftsOf(view, attacked))));
      sooner(1, await boundRadius(attack));
    },
  });
  const found = (k: number): number | null => (Number.isFinite(each.smallest(k)) ? each.smallest(k) : null);
  return { kink: found(0), bound: found(1) };
}

export interface Trusted {
  readonly trust: TrustRadius;
  readonly epsilons: readonly number[];
  /** What the prediction is worth at the sizes above 0, which later passes tell. */
  checks(pass: Pass<RowsView>): Promise<Validity[]>;
}

/** The trust radius and the sizes of the curve. */
export async function trusted(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  collapse: number | null,
  settings: StudySettings,
): Promise<Trusted> {
  const { attack } = attacked;
  let asking = pass;
  const judge = judgeFrom(
    attack,
    judgedRows((collector) => asking(collector), attacked),
  );
  const { trust, at } = await validityBy(attack, () => judge, {
    tolerance: settings.trustTolerance,
    ceiling: collapse,
  });
  const epsilons = sizesOfCurve(settings, attack.scale, trust.radius, collapse);
  return {
    trust,
    epsilons,
    checks(later) {
      asking = later;
      return at(epsilons.filter((epsilon) => epsilon > 0));
    },
  };
}

/** The rows with the largest part in I'H_LI over all ranks; null where that is 0. */
export async function largestContributions(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  ranks: Ranks,
): Promise<RowShare[] | null> {
  const { attack } = attacked;
  if (!(trainingCurvature(attack) > 0)) return null;
  const gradient = naturalHessianTimes(attack.fit, attack.influence);
  const largest = new LargestRows(ranks);
  await pass({
    sums: largest.sums,
    async visit(view) {
      largest.see(await rowContributions(await onView(view, attacked), gradient), view.block.sourceRows);
    },
  });
  return largest.found();
}
