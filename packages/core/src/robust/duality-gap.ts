import { ensureBlas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { EquilibratedCholesky } from "../linalg/symmetric.js";
import { conjugateLoss } from "../models/conjugate-loss.js";
import { asColumn } from "../models/sweep.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { maximumMagnitude } from "../threats/norms.js";
import { type AnyThreat, threatOn } from "../threats/threat-on.js";
import { checkSearch, readParameters } from "./attack-checks.js";
import { attackEnds } from "./attack-ends.js";
import type { TrainedRisk } from "./attacked-risk.js";
import { directionDeviations, rowDeviations, turnDeviations, uselessDirection } from "./gap-deviations.js";
import { mixtureShares } from "./gap-mixture.js";
import {
  type GapProblem,
  type Mixture,
  PURE,
  scenarios,
  shareOf,
  sums,
  type WorstPlay,
  withRidge,
  worstPlay,
} from "./gap-play.js";

/** R(θ) and a lower bound of min R that no parameters can beat. */
export interface DualityGap {
  /** R(θ) = Σ w max_δ l + ½ΣPθ², with exact inner maxima. */
  readonly objective: number;
  /** A bound from below of min R; R(θ) less the gap. */
  readonly lowerBound: number;
  /** objective − lowerBound ≥ R(θ) − min R, ≥ 0. */
  readonly gap: number;
  /** gap / |objective| */
  readonly relative: number;
}

/** Σ w a v must vanish where there is no ridge; what is left may be rounding of its terms only. */
const FEASIBLE = 1e-11;

/**
 * The duality gap of robust training at θ. An adversary that spreads each row i over perturbations δ_is with shares λ_is ≥ 0, and
 * slopes a_is, bound the risk of every θ': since ℓ(f) ≥ a·f − ℓ*(a),
 *
 *   R(θ') ≥ G'θ' − Σ wλℓ*(a) + ½ΣPθ'²,  G = Σ wλ a v(x+δ),   so   min R ≥ −Σ wλℓ*(a) − Σ_{P_j>0} G_j²/(2P_j)
 *
 * where G_j = 0 wherever P_j = 0. Perturbations are the worst ones at θ, mixed with other ends and directions where R has a corner
 * (rows whose ends are about equally bad; p = ∞: coefficients near 0; p = 1: near ties); slopes are ℓ' less a Newton step, which
 * makes G feasible and the gap of second order in the gradient. Every choice gives a bound; none is used that is not checked.
 * @param radius ρ = ε·c, in units of δ ⊘ b; c is `influence.scale` or `radiusScale(data, threat)`.
 * @throws usage: a radius, θ or threat that makes no sense.
 * @returns null where inner maxima are not known exactly, scores are linear in components of x, or no feasible slopes are found (far from the optimum, singular H).
 */
export async function dualityGap(
  risk: TrainedRisk,
  described: AnyThreat,
  radius: number,
  parameters: ArrayLike<number>,
  work: Work = {},
): Promise<DualityGap | null> {
  await ensureBlas();
  const { count, inputs } = risk.model.map;
  const threat = threatOn(described, inputs);
  const theta = readParameters(parameters, count);
  checkSearch(radius, {});
  const { sharedGradient, ownCoefficients } = risk.model.map;
  if (sharedGradient && !ownCoefficients) return null;
  const ends = attackEnds(risk.model, threat, theta, radius);
  if (ends === null) return null;
  const problem = { risk, threat, radius, theta, ends };
  const play = await worstPlay(problem, work);
  const found: (number | null)[] = [];
  for (const mixture of await mixtures(problem, play, work)) found.push(await gapOf(problem, play, mixture, work));
  const gaps = found.filter((gap) => gap !== null).filter(Number.isFinite);
  if (gaps.length === 0) return null;
  const gap = Math.max(0, Math.min(...gaps));
  const { objective } = play;
  return { objective, lowerBound: objective - gap, gap, relative: gap / (Math.abs(objective) || Number.MIN_VALUE) };
}

/** The mixtures to try: one by a quadratic model of the gap, and one against which attacked features are of no use. */
async function mixtures(problem: GapProblem, play: WorstPlay, work: Work): Promise<Mixture[]> {
  const { risk, ends } = problem;
  const { pull, gram } = await sums(problem, play, PURE, work);
  const factor = EquilibratedCholesky.factor(gram);
  if (!(factor instanceof EquilibratedCholesky)) return [PURE];
  const gradient = withRidge(pull, problem);
  const rows = await rowDeviations(problem, play, factor, work);
  const turned = ends.turnable ? await turnDeviations(problem, play, factor, work) : [];
  const directions = ends.shared === null ? [] : directionDeviations(problem, play, ends.shared, factor);
  const shares = mixtureShares(factor.halfSolve(gradient), [
    ...rows.map(({ deviation }) => deviation),
    ...directions.map(({ deviation }) => deviation),
    ...turned.map(({ deviation }) => deviation),
  ]);
  const others = new Map(rows.flatMap(({ row }, j) => (shares[j] > 0 ? [[row, shares[j]] as const] : [])));
  const z = ends.shared?.slice() ?? null;
  directions.forEach(({ towards }, j) => {
    const share = shares[rows.length + j];
    if (z && share > 0) for (const [k, by] of towards) z[k] += share * by;
  });
  const turns = turned.length > 0 ? new Float64Array(risk.model.map.inputs) : null;
  turned.forEach(({ coordinate }, j) => {
    if (turns) turns[coordinate] = shares[rows.length + directions.length + j];
  });
  const useless = ends.shared === null ? null : uselessDirection(problem, play, pull, ends.shared);
  return [{ others, z, turns }, ...(useless ? [{ ...PURE, z: useless }] : [])];
}

/** The smaller gap of two choices of slopes: a whole Newton step, or one in the parameters without a ridge alone. */
async function gapOf(problem: GapProblem, play: WorstPlay, mixture: Mixture, work: Work): Promise<number | null> {
  const { ridge } = problem.risk;
  const { pull, gram } = await sums(problem, play, mixture, work);
  const gradient = withRidge(pull, problem);
  const free = [...ridge.keys()].filter((j) => ridge[j] === 0);
  const all = [...ridge.keys()];
  const whole = newtonStep(gram, gradient, all);
  const found = whole && (await gapWith(problem, play, mixture, whole, work));
  if (free.length === all.length) return found;
  const part = newtonStep(gram, pull, free);
  const other = part && (await gapWith(problem, play, mixture, part, work));
  const both = [found, other].filter((gap) => gap !== null);
  return both.length === 0 ? null : Math.min(...both);
}

/** H⁻¹g over some coordinates, 0 on the others; null where H is singular there. */
function newtonStep(gram: Matrix, gradient: Float64Array, kept: readonly number[]): Float64Array | null {
  const step = new Float64Array(gradient.length);
  if (kept.length === 0) return step;
  const part = Matrix.zeros(kept.length, kept.length);
  kept.forEach((a, i) => {
    for (let j = 0; j <= i; j++) part.data[i * kept.length + j] = gram.data[a * gram.columns + kept[j]];
  });
  const factor = EquilibratedCholesky.factor(part);
  if (!(factor instanceof EquilibratedCholesky)) return null;
  const values = factor.solve(Float64Array.from(kept, (j) => gradient[j]));
  kept.forEach((j, i) => {
    step[j] = values[i];
  });
  return step;
}

/**
 * R(θ) less the bound of the slopes a − ℓ''·c'v, as a sum of terms that are ≥ 0 each:
 * Σ wλ(l + ℓ*(a) − a·f) + Σ_{P>0} (G + Pθ)²/(2P); null where the slopes are not feasible.
 */
async function gapWith(
  problem: GapProblem,
  play: WorstPlay,
  mixture: Mixture,
  step: Float64Array,
  work: Work,
): Promise<number | null> {
  const { risk, theta } = problem;
  const { model, data, ridge } = risk;
  const { map, loss } = model;
  const d = map.count;
  const both = Matrix.zeros(d, 2);
  for (let j = 0; j < d; j++) both.data.set([theta[j], step[j]], 2 * j);
  const pull = Matrix.zeros(d, 1);
  const sizes = Matrix.zeros(d, 1);
  let gap = 0;
  const slices = timeSlices(work);
  for (const block of data.blocks()) {
    const { w, firstRow, y } = block;
    for (const { moved, rows, isOther } of scenarios(problem, play, mixture, block)) {
      const [slopes, curvatures] = isOther ? [play.otherSlopes, play.otherCurvatures] : [play.slopes, play.curvatures];
      const scores = map.scores(both, moved).data;
      const omega = new Float64Array(rows.length);
      rows.forEach((i, at) => {
        const row = firstRow + i;
        const weight = w[i] * shareOf(mixture, row, isOther);
        if (weight === 0) return;
        const slope = slopes[row] - curvatures[row] * scores[2 * at + 1];
        gap += weight * (play.losses[row] + conjugateLoss(loss.name, slope, y[i]) - slope * scores[2 * at]);
        omega[at] = weight * slope;
      });
      map.addPullback(moved, asColumn(omega), pull);
      map.addPullback(absolute(moved), asColumn(omega.map(Math.abs)), sizes);
    }
    if (slices.due()) await slices.pause({ phase: "duality gap", done: firstRow + y.length, total: data.rows });
    if (!Number.isFinite(gap)) return null;
  }
  const G = pull.data;
  const span = maximumMagnitude(theta);
  for (let j = 0; j < d; j++) {
    if (ridge[j] > 0) gap += (G[j] + ridge[j] * theta[j]) ** 2 / (2 * ridge[j]);
    else if (Math.abs(G[j]) > FEASIBLE * sizes.data[j]) return null;
    else gap += Math.abs(G[j]) * span;
  }
  return gap;
}

const absolute = ({ data, rows, columns }: Matrix): Matrix => new Matrix(data.map(Math.abs), rows, columns);
