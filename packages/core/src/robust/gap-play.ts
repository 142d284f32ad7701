import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import type { Loss } from "../models/losses.js";
import { asColumn } from "../models/sweep.js";
import { timeSlices, type Work } from "../parallel/work.js";
import type { Threat } from "../threats/threat.js";
import { type AttackEnds, movedAlong } from "./attack-ends.js";
import type { TrainedRisk } from "./attacked-risk.js";

/** Robust training at one θ. */
export interface GapProblem {
  readonly risk: TrainedRisk;
  readonly threat: Threat;
  readonly radius: number;
  readonly theta: Float64Array;
  readonly ends: AttackEnds;
}

/** Every row at its worst end. */
export interface WorstPlay {
  readonly objective: number;
  /** n: the worse end, and the loss, slope and ℓ'' there; the same of the other end. */
  readonly sides: Int8Array;
  readonly losses: Float64Array;
  readonly slopes: Float64Array;
  readonly curvatures: Float64Array;
  readonly otherLosses: Float64Array;
  readonly otherSlopes: Float64Array;
  readonly otherCurvatures: Float64Array;
  /** Σ w s a, s the side: what ρz is multiplied by in the gradient, for a direction that all rows share. */
  readonly push: number;
}

export async function worstPlay({ risk, theta, ends }: GapProblem, work: Work): Promise<WorstPlay> {
  const { model, data, ridge } = risk;
  const { loss } = model;
  const numbers = (): Float64Array => new Float64Array(data.rows);
  const [losses, slopes, curvatures] = [numbers(), numbers(), numbers()];
  const [otherLosses, otherSlopes, otherCurvatures] = [numbers(), numbers(), numbers()];
  const sides = new Int8Array(data.rows);
  let objective = ridge.reduce((sum, P, j) => sum + 0.5 * P * theta[j] * theta[j], 0);
  let push = 0;
  const slices = timeSlices(work);
  for (const block of data.blocks()) {
    const { y, w, firstRow } = block;
    const { up, down } = ends.ends(block);
    for (let i = 0; i < y.length; i++) {
      const row = firstRow + i;
      const side = worseSide(loss, up[i], down[i], y[i]);
      const [worst, other] = side > 0 ? [up[i], down[i]] : [down[i], up[i]];
      sides[row] = side;
      losses[row] = loss.value(worst, y[i]);
      slopes[row] = loss.first(worst, y[i]);
      curvatures[row] = loss.second(worst, y[i]);
      otherLosses[row] = loss.value(other, y[i]);
      otherSlopes[row] = loss.first(other, y[i]);
      otherCurvatures[row] = loss.second(other, y[i]);
      objective += w[i] * losses[row];
      push += w[i] * side * slopes[row];
    }
    if (slices.due()) await slices.pause({ phase: "duality gap", done: firstRow + y.length, total: data.rows });
  }
  return {
    objective,
    sides,
    losses,
    slopes,
    curvatures,
    otherLosses,
    otherSlopes,
    otherCurvatures,
    push,
  };
}

/** Where an attack cannot move the score at all, the side to which it would. */
function worseSide(loss: Loss, up: number, down: number, y: number): 1 | -1 {
  if (up === down) return loss.first(up, y) >= 0 ? 1 : -1;
  return loss.value(up, y) >= loss.value(down, y) ? 1 : -1;
}

/** What the adversary plays instead of the worst end of every row. */
export interface Mixture {
  /** Row → the share of its other end. */
  readonly others: ReadonlyMap<number, number>;
  /** The direction z (m) of both ends, ‖z⊘b‖_p ≤ 1, in place of the one that is worst at θ. */
  readonly z: Float64Array | null;
  /** p = ∞: the share (m) of the way back that each coordinate goes to its other extreme. */
  readonly turns: Float64Array | null;
}

export const PURE: Mixture = { others: new Map(), z: null, turns: null };

interface Scenario {
  /** x+δ (k×m) and, of each of its rows, where it comes from. */
  readonly moved: Matrix;
  readonly rows: readonly number[];
  readonly isOther: boolean;
}

/** The perturbations of a block that a mixture plays: every row at its worst end, and the split ones at the other too. */
export function* scenarios(
  { ends, radius }: GapProblem,
  { sides }: WorstPlay,
  { others, z, turns }: Mixture,
  block: Block,
): Iterable<Scenario> {
  const { firstRow, y, x } = block;
  const all = Array.from(y.keys());
  const split = all.filter((i) => others.has(firstRow + i));
  const atEnd = ends.ends(block);
  for (const [rows, turn] of [
    [all, 1],
    [split, -1],
  ] as const) {
    if (rows.length === 0) continue;
    const side = (i: number): 1 | -1 => (turn * sides[firstRow + i] > 0 ? 1 : -1);
    const moved = z ? movedAlong(x, rows, side, radius, z) : atEnd.moved(rows, side, turns);
    yield { moved, rows, isOther: turn < 0 };
  }
}

export const shareOf = ({ others }: Mixture, row: number, isOther: boolean): number => {
  const other = others.get(row) ?? 0;
  return isOther ? other : 1 - other;
};

/** G = Σ wλ a v and H = Σ wλ ℓ'' vv' + P (lower triangle) of a mixture, with the slopes at θ. */
export async function sums(
  problem: GapProblem,
  play: WorstPlay,
  mixture: Mixture,
  work: Work,
): Promise<{ pull: Float64Array; gram: Matrix }> {
  const { model, data, ridge } = problem.risk;
  const { map } = model;
  const d = map.count;
  const pull = Matrix.zeros(d, 1);
  const gram = Matrix.zeros(d, d);
  const slices = timeSlices(work);
  for (const block of data.blocks()) {
    const { w, firstRow, y } = block;
    for (const { moved, rows, isOther } of scenarios(problem, play, mixture, block)) {
      const [slopes, curvatures] = isOther ? [play.otherSlopes, play.otherCurvatures] : [play.slopes, play.curvatures];
      const weights = Float64Array.from(rows, (i) => w[i] * shareOf(mixture, firstRow + i, isOther));
      map.addPullback(moved, asColumn(weights.map((weight, at) => weight * slopes[firstRow + rows[at]])), pull);
      map.addGram(
        moved,
        weights.map((weight, at) => weight * curvatures[firstRow + rows[at]]),
        gram,
      );
    }
    if (slices.due()) await slices.pause({ phase: "duality gap", done: firstRow + y.length, total: data.rows });
  }
  for (let j = 0; j < d; j++) gram.data[j * (d + 1)] += ridge[j];
  return { pull: pull.data, gram };
}

/** G + Pθ */
export const withRidge = (pull: Float64Array, { risk: { ridge }, theta }: GapProblem): Float64Array =>
  pull.map((value, j) => value + ridge[j] * theta[j]);
