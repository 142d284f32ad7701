import type { Dataset } from "../../data/dataset.js";
import { AifError, numericalError, usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { asColumns } from "../../models/sweep.js";
import { deal } from "../../parallel/deal.js";
import { ALONE } from "../../parallel/ranks.js";
import type { Work } from "../../parallel/work.js";
import { dot, hessianTimes } from "../../solvers/inverse-hessian.js";
import { riskOperator } from "../../solvers/risk-operator.js";
import { trainModel } from "../../solvers/train.js";
import type { BootstrapDraws, BootstrapOptions } from "../bootstrap.js";
import type { Drawn } from "../bootstrap-refit.js";
import { drawWeights } from "../bootstrap-weights.js";
import { reweighted } from "../reweighted.js";
import { naturalCurvatureTimes } from "./contributions.js";
import { type LocalInfluence, localInfluences } from "./influence.js";
import { pointAt } from "./point.js";
import { type LocalRefusal, localRefusal } from "./sandwich-refusal.js";

export interface LocalBootstrapOptions extends BootstrapOptions {
  /** Whether l is smooth in θ and x (default true): false for networks with ReLU units. */
  readonly smooth?: boolean;
}

const DRAWS = 200;
/** More draws without an estimate than this share, and those with one do not stand for all. */
const FAILED_SHARE = 0.1;
/** Of the refits' relative gradient: their errors are far below the noise of a bootstrap. */
const TOLERANCE = 1e-6;
/** A refit this many times as far from θ̃ as half of them are (squared, in the norm of H) has left for another minimum. */
const ELSEWHERE = 25;
/** What the sandwich asks for and the bootstrap does not. */
const NOT_NEEDED = ["third-derivatives", "too-large", "shared-budget"] as const;

/** The covariance over draws, and H of each draw, are formed whole. */
const MOST_PARAMETERS = 3000;

/** Why there can be no bootstrap: as for the sandwich, however many rows there are. */
export function bootstrapRefusal(
  attack: LocalInfluence,
  { smooth = true }: { readonly smooth?: boolean } = {},
): LocalRefusal | null {
  const d = attack.influence.length;
  if (d > MOST_PARAMETERS) return { code: "too-large", reason: `${d} parameters are too many for a bootstrap` };
  return localRefusal(attack, { smooth }, NOT_NEEDED);
}

/**
 * The bootstrap of the response of any smooth model at a minimum (MATH 3): in each draw rows get random weights, training goes on from
 * θ̃ to the minimum under them, and c, Φ, H and I are made anew there. Intervals are about that minimum: refits that leave it for
 * another, or end at none, count as failed.
 * @param attacks one or more, at the same point.
 * @throws usage: what `bootstrapRefusal` refuses, options that make no sense. numerical: more than a tenth of the draws failed; cancelled.
 */
export async function localBootstrap(
  attacks: readonly LocalInfluence[],
  options: LocalBootstrapOptions = {},
): Promise<BootstrapDraws[]> {
  const { draws = DRAWS, relativeRadius = true, signal, onProgress, ranks = ALONE } = options;
  if (!(Number.isInteger(draws) && draws >= 2))
    throw usageError(`A bootstrap needs a whole number of draws, 2 or more; got ${draws}.`);
  if (attacks.length === 0) return [];
  for (const attack of attacks) {
    const refused = bootstrapRefusal(attack, options);
    if (refused) throw usageError(`No bootstrap: ${refused.reason}.`);
  }
  const [{ point }] = attacks;
  if (attacks.some((attack) => attack.point !== point))
    throw usageError("All attacks of one bootstrap must be at the same point.");
  const quiet = signal ? { signal } : {};
  const weightsOf = drawWeights(point.data.weights, options);
  const weights = new Float64Array(point.data.rows);
  let lost = 0;
  const drawnAll = await deal(ranks, draws, async (draw) => {
    onProgress?.({ phase: "bootstrap", done: draw, total: draws });
    weightsOf(draw, weights);
    const drawn = await refit(attacks, weights, relativeRadius, quiet);
    if (drawn === null && ++lost > FAILED_SHARE * draws) throw numericalError(tooMany(lost, draw + 1));
    return drawn;
  });
  onProgress?.({ phase: "bootstrap", done: draws, total: draws });
  return localDraws(attacks, drawnAll, quiet);
}

/** What all draws gave, threat by threat. @throws numerical: more than a tenth of them have no estimate, or one elsewhere. */
export async function localDraws(
  attacks: readonly LocalInfluence[],
  all: readonly (Drawn | null)[],
  work: Work,
): Promise<BootstrapDraws[]> {
  const draws = all.length;
  const found = all.filter((drawn) => drawn !== null);
  const kept = attacks[0].point.model.convex === true ? found : await nearby(attacks[0], found, work);
  const failed = draws - kept.length;
  if (failed > FAILED_SHARE * draws) throw numericalError(tooMany(failed, draws));
  const parameters = Matrix.fromRows(kept.map((drawn) => drawn.parameters));
  return attacks.map((_, a) => ({
    parameters,
    influence: Matrix.fromRows(kept.map((drawn) => drawn.attacks[a].influence)),
    scale: Float64Array.from(kept, (drawn) => drawn.attacks[a].scale),
    sensitivity: Float64Array.from(kept, (drawn) => drawn.attacks[a].sensitivity),
    failed,
  }));
}

/** One draw, from θ̃ on; null where it ends at no minimum that determines an influence. @param weights n, summing to 1, or all 0. */
async function refit(
  attacks: readonly LocalInfluence[],
  weights: Float64Array,
  relativeRadius: boolean,
  work: Work,
): Promise<Drawn | null> {
  const { data } = attacks[0].point;
  const rows = Int32Array.from([...weights.keys()].filter((i) => weights[i] > 0));
  if (rows.length === 0) return null;
  const drawn = reweighted(
    data.select(rows),
    Float64Array.from(rows, (i) => weights[i]),
  );
  return refitLocal(attacks, drawn, relativeRadius, work);
}

/** The same on the rows that were drawn, under their weights. */
export async function refitLocal(
  attacks: readonly LocalInfluence[],
  drawn: Dataset,
  relativeRadius: boolean,
  work: Work,
): Promise<Drawn | null> {
  const [{ point, solver }] = attacks;
  const { model, l2 } = point;
  try {
    const trained = await trainModel(model, drawn, { l2, start: point.parameters, tolerance: TOLERANCE }, work);
    if (!trained.converged) return null;
    const there = await pointAt(model, drawn, trained.parameters, { l2 }, work);
    const own = await localInfluences(
      there,
      attacks.map((attack) => () => attack.threat),
      { damping: 0, curvature: "hessian", eigenvalues: false },
      work,
    );
    const found: Drawn["attacks"][number][] = [];
    for (const [a, again] of own.entries()) {
      if ((again.solver.rank ?? 0) < (solver.rank ?? 0) || !again.solver.converged) return null;
      const factor = relativeRadius || again.scale === 0 ? 1 : attacks[a].scale / again.scale;
      const I = again.influence.map((value) => factor * value);
      found.push({
        influence: I,
        scale: factor * again.scale,
        sensitivity: 0.5 * dot(I, await naturalTimes(again, I, work)),
      });
    }
    return { parameters: trained.parameters, attacks: found };
  } catch (error) {
    if (error instanceof AifError && error.code === "numerical") return null;
    throw error;
  }
}

/** H_L u (d), from the whole H where there is one. */
async function naturalTimes(attack: LocalInfluence, u: Float64Array, work: Work): Promise<Float64Array> {
  const { matrix } = attack.system;
  if (matrix === null) return naturalCurvatureTimes(attack, u, work);
  return hessianTimes(matrix, u).map((value, j) => value - attack.point.ridge[j] * u[j]);
}

/** Draws that stay at the minimum θ̃. */
export async function nearby(
  { point, curvature }: LocalInfluence,
  found: readonly Drawn[],
  work: Work,
): Promise<Drawn[]> {
  const operator = riskOperator(point, { curvature, withRidge: true }, work);
  const moves = found.map(({ parameters }) => parameters.map((value, j) => value - point.parameters[j]));
  if (moves.length === 0) return [];
  const images = await operator.product(asColumns(moves));
  const distances = Float64Array.from(moves, (move, k) => Math.abs(dot(move, images.column(k))));
  const median = distances.toSorted()[Math.floor(distances.length / 2)];
  return found.filter((_, k) => distances[k] <= ELSEWHERE * median);
}

const tooMany = (failed: number, tried: number): string =>
  `${failed} of ${tried} bootstrap draws end at no minimum, or at another one: add a ridge (--l2 0.01), or leave the bootstrap out.`;
