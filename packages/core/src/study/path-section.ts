import type { EncodedDataset } from "../data/encoded-dataset.js";
import { attackedScores, metricsOf } from "../influence/metrics.js";
import { asColumn, sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { RobustOptimum } from "../robust/optimum-result.js";
import { type RobustPath, robustPath } from "../robust/path.js";
import type { RobustPathPoint } from "../robust/path-walk.js";
import { dualNormOf } from "../robust/robust-loss.js";
import type { Fit } from "../solvers/fit.js";
import { exponentName } from "../threats/norms.js";
import { radiusScale } from "../threats/radius-scale.js";
import type { Threat } from "../threats/threat.js";
import type { PathPoint, PathSection } from "./path-result.js";

/** Evenly spaced points beside those that the path chooses. */
const EVEN_STEPS = 10;
/** Points closer than this, relative to the last radius, are one. */
const SAME_RADIUS = 1e-9;

/** What a point of the result is made of. */
type Optimum = Omit<RobustPathPoint, "velocity">;

/**
 * The path of one norm from 0 to `epsilonMax`, or to the collapse where that comes first, with losses and metrics on the
 * training rows (MATH 10a).
 * @param epsilonMax null: to the collapse.
 */
export async function pathSection(
  fit: Fit,
  data: EncodedDataset,
  threat: Threat,
  epsilonMax: number | null,
  work: Work,
): Promise<PathSection> {
  const scale = await radiusScale(fit.data, threat, work);
  const wanted = epsilonMax === null ? null : epsilonMax * scale;
  const path = await robustPath(fit, threat, { ...(wanted === null ? {} : { radiusMax: wanted }), ...work });
  const collapses = wanted === null || wanted >= path.collapseRadius;
  const last = collapses ? path.collapseRadius : wanted;
  const points: PathPoint[] = [];
  for (const optimum of await optimaUpTo(path, last, work)) {
    points.push(await pointOf(fit, data, threat, scale, optimum, work));
  }
  const { budgets, p } = threat.settings;
  return {
    norm: exponentName(p),
    attacked: data.features.filter((_, k) => budgets[k] > 0),
    frozen: data.features.filter((_, k) => budgets[k] === 0),
    scale,
    collapseRadius: path.collapseRadius / scale,
    end: collapses ? "collapse" : "epsilon-max",
    points,
    events: path.events
      .toSorted((a, b) => a.radius - b.radius)
      .map(({ radius, within, kind, row, feature }) => ({
        epsilon: radius / scale,
        within: within / scale,
        kind,
        row: row === undefined ? null : data.sourceRows[row],
        feature: feature === undefined ? null : data.features[feature],
      })),
  };
}

/** The path's own points up to the last radius and evenly spaced ones, in order. */
async function optimaUpTo(path: RobustPath, last: number, work: Work): Promise<Optimum[]> {
  const optima: Optimum[] = path.points.filter(({ radius }) => radius <= last);
  for (let k = 1; k <= EVEN_STEPS; k++) {
    const radius = (last * k) / EVEN_STEPS;
    if (optima.some((point) => Math.abs(point.radius - radius) <= SAME_RADIUS * last)) continue;
    optima.push(pointAt(await path.at(radius, work)));
  }
  return optima.toSorted((a, b) => a.radius - b.radius);
}

const pointAt = ({ active, ...optimum }: RobustOptimum): Optimum => ({
  ...optimum,
  stuck: active.stuckRows,
  zeros: active.zeroCoordinates,
  ties: active.tiedCoordinates,
});

async function pointOf(
  { model }: Fit,
  data: EncodedDataset,
  threat: Threat,
  scale: number,
  { radius, parameters, naturalLoss, robustLoss, residual, stuck, zeros, ties }: Optimum,
  work: Work,
): Promise<PathPoint> {
  const scores = new Float64Array(data.rows);
  await sweep(
    model.map,
    data,
    { theta: asColumn(parameters), phase: "path" },
    ({ block, scores: part }) => scores.set(part.data, block.firstRow),
    work,
  );
  const reach = radius * dualNormOf(model, threat, parameters).norm;
  const attacked = attackedScores(model.loss, data.y, scores, () => reach);
  const named = (features: readonly number[]): string[] =>
    features.toSorted((a, b) => a - b).map((k) => data.features[k]);
  return {
    epsilon: radius / scale,
    radius,
    parameters: [...parameters],
    naturalLoss,
    robustLoss,
    metrics: {
      natural: metricsOf(model.loss, data.y, data.evaluationWeights, scores),
      robust: metricsOf(model.loss, data.y, data.evaluationWeights, attacked),
    },
    stuckRows: stuck.length,
    zeroCoefficients: named(zeros),
    tiedCoefficients: named(ties),
    residual,
  };
}
