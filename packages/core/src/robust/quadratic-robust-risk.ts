import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumn } from "../models/sweep.js";
import { timeSlices, type Work } from "../parallel/work.js";
import type { Threat } from "../threats/threat.js";
import type { TrainedRisk } from "./attacked-risk.js";
import { type ScoreCurvature, scoreCurvature } from "./score-curvature.js";
import { movedRows, type ScoreEnd, scoreEnds } from "./score-ends.js";

/** The robust risk of a score quadratic in x at one θ, its two ends joined smoothly, to first order. */
export interface SmoothedRisk {
  readonly theta: Float64Array;
  /** Σ w M(l⁺, l⁻) + ½ΣPθ², M(a, b) = (a+b)/2 + √((a−b)²/4 + width²) */
  readonly smoothed: number;
  /** Σ w max(l⁺, l⁻), without the ridge: exact. */
  readonly loss: number;
  readonly objective: number;
  /** ∇ of `smoothed` (d). */
  readonly gradient: Float64Array;
  /** √(Σ w ℓ'²) */
  readonly slopeSize: number;
}

/** What the risk is taken under. */
export interface SmoothedAttack {
  readonly threat: Threat;
  /** ρ */
  readonly radius: number;
  /** Of the smooth join of the two ends. */
  readonly width: number;
}

/** One of the two ends of the scores of r rows. */
export interface Side {
  readonly end: ScoreEnd;
  /** ℓ' there (r). */
  readonly first: Float64Array;
  /** w ∂M/∂f: w times the end's share in M times ℓ' (r). */
  readonly slope: Float64Array;
}

/** Both ends of the rows of a block, and how M joins them. */
export interface JoinedEnds {
  /** The upper end and the lower. */
  readonly sides: readonly [Side, Side];
  /** w times each end's share in M (r). */
  readonly shares: readonly [Float64Array, Float64Array];
  /** w times half the second derivative of M along l⁺ − l⁻ (r); 0 where the ends are not rounded. */
  readonly tied: Float64Array;
  /** Σ w M */
  readonly smoothed: number;
  /** Σ w max(l⁺, l⁻) */
  readonly loss: number;
  /** Σ w (shares of) ℓ'² */
  readonly slopeSquares: number;
}

/** @throws TypeError: a score that is not quadratic in x. */
export function curvatureOf(model: ScoreModel, threat: Threat, theta: Float64Array): ScoreCurvature {
  const curvature = scoreCurvature(model, threat, theta);
  if (curvature === null) throw new TypeError("The score is not quadratic in x.");
  return curvature;
}

/** The ends of f on ‖δ⊘b‖₂ ≤ ρ for the rows of a block. Losses that fall or rise throughout have one end. */
export function joinedEnds(
  model: ScoreModel,
  curvature: ScoreCurvature,
  theta: Float64Array,
  { radius, width }: Pick<SmoothedAttack, "radius" | "width">,
  { x, y, w }: Pick<Block, "x" | "y" | "w">,
): JoinedEnds {
  const { loss } = model;
  const { up, down } = scoreEnds(model, curvature, theta, radius, x);
  const r = y.length;
  const side = (end: ScoreEnd): Side => ({ end, first: new Float64Array(r), slope: new Float64Array(r) });
  const sides = [side(up), side(down)] as const;
  const shares = [new Float64Array(r), new Float64Array(r)] as const;
  const tied = new Float64Array(r);
  let [smoothed, exact, slopeSquares] = [0, 0, 0];
  for (let i = 0; i < r; i++) {
    const values = sides.map(({ end }) => loss.value(end.scores[i], y[i]));
    const half = 0.5 * (values[0] - values[1]);
    const round = Number.isNaN(loss.kink(y[i])) ? 0 : width;
    const root = Math.sqrt(half * half + round * round);
    const lean = root > 0 ? half / root : 1;
    exact += w[i] * Math.max(values[0], values[1]);
    smoothed += w[i] * (0.5 * (values[0] + values[1]) + root);
    tied[i] = root > 0 ? (0.25 * w[i] * round * round) / root ** 3 : 0;
    sides.forEach(({ end, first, slope }, at) => {
      shares[at][i] = w[i] * 0.5 * (at === 0 ? 1 + lean : 1 - lean);
      first[i] = loss.first(end.scores[i], y[i]);
      slope[i] = shares[at][i] * first[i];
      slopeSquares += slope[i] * first[i];
    });
  }
  return { sides, shares, tied, smoothed, loss: exact, slopeSquares };
}

/**
 * R(θ) = Σ w max(ℓ(f⁺), ℓ(f⁻)) + ½ΣPθ² for a score quadratic in x under ‖δ⊘b‖₂ ≤ ρ (MATH 10a, 13), with f^± the ends of the
 * score by the trust-region subproblem. f⁺ is convex in θ: ∇f⁺ = v(x+δ).
 */
export async function quadraticRobustRisk(
  { model, data, ridge }: TrainedRisk,
  attack: SmoothedAttack,
  theta: Float64Array,
  work?: Work,
): Promise<SmoothedRisk> {
  const { map } = model;
  const curvature = curvatureOf(model, attack.threat, theta);
  const gradient = Matrix.zeros(map.count, 1);
  let [smoothed, loss, slopeSquares] = [0, 0, 0];
  const slices = timeSlices(work);
  for (const block of data.blocks()) {
    const ends = joinedEnds(model, curvature, theta, attack, block);
    smoothed += ends.smoothed;
    loss += ends.loss;
    slopeSquares += ends.slopeSquares;
    for (const { end, slope } of ends.sides) {
      map.addPullback(movedRows(curvature, block.x, end.points), asColumn(slope), gradient);
    }
    const done = block.firstRow + block.y.length;
    if (slices.due()) await slices.pause({ phase: "robust optimum", done, total: data.rows });
  }
  let penalty = 0;
  for (let j = 0; j < theta.length; j++) {
    gradient.data[j] += ridge[j] * theta[j];
    penalty += 0.5 * ridge[j] * theta[j] * theta[j];
  }
  return {
    theta,
    smoothed: smoothed + penalty,
    loss,
    objective: loss + penalty,
    gradient: gradient.data,
    slopeSize: Math.sqrt(slopeSquares),
  };
}
