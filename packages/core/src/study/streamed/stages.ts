import type { Sampling } from "../../influence/sampling.js";
import { type Pass, sideBySide } from "../../parallel/passes.js";
import type { Fit } from "../../solvers/fit.js";
import type { StudySettings } from "../settings.js";
import type { threatsOf } from "../threat-choice.js";
import { attackRows, type StreamedAttack } from "./attack-rows.js";
import { bootstrapRows } from "./bootstrap-rows.js";
import { crossFitRows, type FoldFits, foldSumsOf } from "./cross-fit-rows.js";
import { type FitGround, fitRows } from "./fit-rows.js";
import { collapseOf, firstRadii, givenUpBy, giveUp, largestContributions, trusted } from "./ground-rows.js";
import { covarianceRows, inferenceRows } from "./inference-rows.js";
import type { RowsView } from "./rows-view.js";
import { secondOrderRows } from "./second-order-rows.js";
import type { Summary } from "./summary.js";
import type { FirstLook } from "./warm-start.js";

interface Known {
  readonly ground: FitGround;
  readonly fit: Fit;
  readonly summary: Summary;
  readonly sampling: Sampling;
  readonly settings: StudySettings;
}

interface Asked extends Omit<Known, "fit" | "summary"> {
  readonly threats: ReturnType<typeof threatsOf>;
  readonly first: FirstLook;
}

/**
 * The fit, and what is asked at θ̂: the influences and the folds' sums; beside it the models that robust training collapses to.
 * @param onFit is told that θ̂ is known
 */
export async function begin(
  pass: Pass<RowsView>,
  { ground, first: { summary, start, hessian }, sampling, threats }: Asked,
  onFit: () => void,
) {
  const { ranks, model } = ground;
  const folds = summary.inside.length;
  const made = threats.map((threat) => threat(model.map.inputs));
  const keys = made.map((threat) => givenUpBy(ground, threat));
  const distinct = [...new Set(keys)].filter((key) => key !== null);
  const atFit = async (own: Pass<RowsView>) => {
    const fitted = await fitRows(own, ground, summary, start);
    onFit();
    const [attacks, foldSums] = await sideBySide<RowsView, unknown>(own, [
      (asking) => attackRows(asking, fitted, threats, summary, { ranks, sampling }),
      async (asking) => (folds > 0 ? foldSumsOf(asking, fitted.fit, folds) : null),
    ]);
    return {
      fit: fitted.fit,
      attacks: attacks as StreamedAttack[],
      foldSums: foldSums as Awaited<ReturnType<typeof foldSumsOf>> | null,
    };
  };
  const [found, ...given] = await sideBySide<RowsView, unknown>(pass, [
    atFit,
    ...distinct.map(
      (key) => (own: Pass<RowsView>) => giveUp(own, ground, made[keys.indexOf(key)], summary.meanTarget, hessian),
    ),
  ]);
  const givenUp = given as Awaited<ReturnType<typeof giveUp>>[];
  return {
    ...(found as Awaited<ReturnType<typeof atFit>>),
    givenUp: keys.map((key) => (key === null ? null : givenUp[distinct.indexOf(key)])),
  };
}

/** Questions that are asked of each threat. */
const ASKED = 5;

/** What is asked once the influences are known: the folds, intervals, radii and the rows that matter most, all side by side. */
export async function judgeAll(
  pass: Pass<RowsView>,
  {
    attacks,
    foldSums,
    givenUp,
    ground,
    fit,
    summary,
    sampling,
    settings,
    roomBytes,
    clusters,
  }: Known & Awaited<ReturnType<typeof begin>> & { readonly roomBytes: number; readonly clusters: number | null },
) {
  const { ranks } = ground;
  const collapses = attacks.map((attacked, t) => collapseOf(attacked, givenUp[t]));
  const isBootstrap = settings.inference === "bootstrap";
  const [folds, covariance, drawn, ...rest] = await sideBySide<RowsView, unknown>(pass, [
    async (own) =>
      summary.inside.length > 0 ? crossFitRows(own, { ground, fit, attacks, summary, sampling }, foldSums) : null,
    (own) => covarianceRows(own, fit, sampling, settings, clusters),
    async (own) => (isBootstrap ? bootstrapRows(own, attacks, { ground, sampling, settings, roomBytes }) : null),
    ...attacks.flatMap((attacked, t) => [
      (own: Pass<RowsView>) => firstRadii(own, attacked, ranks),
      (own: Pass<RowsView>) => trusted(own, attacked, collapses[t], settings),
      (own: Pass<RowsView>) =>
        isBootstrap ? Promise.resolve(null) : inferenceRows(own, attacked, sampling, settings, clusters),
      (own: Pass<RowsView>) => largestContributions(own, attacked, ranks),
      (own: Pass<RowsView>) => secondOrderRows(own, attacked, settings),
    ]),
  ]);
  const crossed = folds as FoldFits | null;
  const bootstrapped = drawn as Awaited<ReturnType<typeof bootstrapRows>> | null;
  return {
    folds: crossed,
    singularFolds: crossed?.singularFolds ?? 0,
    covariance: covariance as Awaited<ReturnType<typeof covarianceRows>>,
    threats: attacks.map((_, t) => ({
      collapse: collapses[t],
      radii: rest[ASKED * t] as Awaited<ReturnType<typeof firstRadii>>,
      trusted: rest[ASKED * t + 1] as Awaited<ReturnType<typeof trusted>>,
      inference: bootstrapped?.[t] ?? (rest[ASKED * t + 2] as Awaited<ReturnType<typeof inferenceRows>>),
      rows: rest[ASKED * t + 3] as Awaited<ReturnType<typeof largestContributions>>,
      bend: rest[ASKED * t + 4] as Awaited<ReturnType<typeof secondOrderRows>>,
    })),
  };
}
