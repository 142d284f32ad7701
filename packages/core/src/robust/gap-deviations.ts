import { Matrix } from "../linalg/matrix.js";
import type { EquilibratedCholesky } from "../linalg/symmetric.js";
import { asColumn } from "../models/sweep.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { norm } from "../threats/norms.js";
import type { Deviation } from "./gap-mixture.js";
import type { GapProblem, WorstPlay } from "./gap-play.js";

/** Rows that may be split between their two ends, at most. */
const mostSplitRows = (parameters: number): number => Math.min(256, 2 * parameters + 32);

/** The rows whose two ends pull in opposite ways and are nearest to being equally bad. */
export async function rowDeviations(
  { risk: { model, data }, ends }: GapProblem,
  play: WorstPlay,
  factor: EquilibratedCholesky,
  work: Work,
): Promise<{ row: number; deviation: Deviation }[]> {
  const { map } = model;
  const { slopes, otherSlopes, losses, otherLosses, sides } = play;
  const distance = (row: number): number =>
    (losses[row] - otherLosses[row]) / (slopes[row] - otherSlopes[row]) ** 2 || 0;
  const chosen = [...slopes.keys()]
    .filter((row) => slopes[row] * otherSlopes[row] < 0 && data.weights[row] > 0)
    .sort((a, b) => distance(a) - distance(b))
    .slice(0, mostSplitRows(map.count));
  if (chosen.length === 0) return [];
  const wanted = new Set(chosen);
  const found: { row: number; deviation: Deviation }[] = [];
  const slices = timeSlices(work);
  for (const block of data.blocks()) {
    const { w, firstRow, y } = block;
    const local = Array.from(y.keys()).filter((i) => wanted.has(firstRow + i));
    if (local.length > 0) {
      const both = ends.ends(block);
      const [worst, other] = [1, -1].map((turn) =>
        map.features(both.moved(local, (i) => (turn * sides[firstRow + i] > 0 ? 1 : -1))),
      );
      local.forEach((i, at) => {
        const row = firstRow + i;
        const [v, u] = [worst.row(at), other.row(at)];
        const change = v.map((value, j) => w[i] * (slopes[row] * value - otherSlopes[row] * u[j]));
        const cost = w[i] * (losses[row] - otherLosses[row]);
        found.push({ row, deviation: { cost, change: factor.halfSolve(change), group: null } });
      });
    }
    if (slices.due()) await slices.pause({ phase: "duality gap", done: firstRow + y.length, total: data.rows });
  }
  return found;
}

export interface DirectionDeviation {
  readonly deviation: Deviation;
  /** What taking all of it adds to z: entries and amounts. */
  readonly towards: readonly (readonly [number, number])[];
}

/** p = 1: going along another feature than the largest. Balls of p > 1 have no corners, but for those that are turnable. */
export function directionDeviations(
  { risk: { model }, threat: { settings }, radius, theta }: GapProblem,
  { push }: WorstPlay,
  z: Float64Array,
  factor: EquilibratedCholesky,
): DirectionDeviation[] {
  const { p, budgets } = settings;
  const first = model.map.intercept ? 1 : 0;
  const attacked = [...budgets.keys()].filter((k) => budgets[k] > 0);
  if (p !== 1) return [];
  const made = (towards: readonly (readonly [number, number])[]): DirectionDeviation => {
    const change = new Float64Array(theta.length);
    let cost = 0;
    for (const [k, by] of towards) {
      change[first + k] = -radius * push * by;
      cost -= radius * push * by * theta[first + k];
    }
    return { deviation: { cost: Math.max(0, cost), change: factor.halfSolve(change), group: 0 }, towards };
  };
  const largest = attacked.find((k) => z[k] !== 0);
  return attacked
    .filter((k) => k !== largest)
    .flatMap((k) =>
      [1, -1]
        .filter((sign) => sign * theta[first + k] >= 0)
        .map((sign) =>
          made([...(largest === undefined ? [] : [[largest, -z[largest]] as const]), [k, sign * budgets[k]]]),
        ),
    );
}

/** p = ∞: every attacked coordinate turned round in all rows, one after the other. */
export async function turnDeviations(
  { risk: { model, data }, ends, threat, theta }: GapProblem,
  { sides, slopes }: WorstPlay,
  factor: EquilibratedCholesky,
  work: Work,
): Promise<{ coordinate: number; deviation: Deviation }[]> {
  const { map } = model;
  const { budgets } = threat.settings;
  const there = Matrix.zeros(map.count, 1);
  const back = Matrix.zeros(map.count, 1);
  const turned = new Float64Array(map.inputs).fill(1);
  const slices = timeSlices(work);
  for (const block of data.blocks()) {
    const { w, firstRow, y } = block;
    const rows = Array.from(y.keys());
    const both = ends.ends(block);
    const side = (i: number): 1 | -1 => (sides[firstRow + i] > 0 ? 1 : -1);
    const omega = asColumn(w.map((weight, i) => weight * slopes[firstRow + i]));
    map.addPullback(both.moved(rows, side), omega, there);
    map.addPullback(both.moved(rows, side, turned), omega, back);
    if (slices.due()) await slices.pause({ phase: "duality gap", done: firstRow + y.length, total: data.rows });
  }
  const first = map.intercept ? 1 : 0;
  return [...budgets.keys()].flatMap((k) => {
    if (budgets[k] === 0) return [];
    const change = new Float64Array(map.count);
    change[first + k] = there.data[first + k] - back.data[first + k];
    const cost = Math.max(0, change[first + k] * theta[first + k]);
    return [{ coordinate: k, deviation: { cost, change: factor.halfSolve(change), group: null } }];
  });
}

/** The direction against which no attacked feature helps, where it is within the ball. */
export function uselessDirection(
  { risk: { model }, threat: { settings }, radius }: GapProblem,
  { push }: WorstPlay,
  pull: Float64Array,
  z: Float64Array,
): Float64Array | null {
  const { p, budgets } = settings;
  const strength = radius * push;
  if (!(strength > 0)) return null;
  const first = model.map.intercept ? 1 : 0;
  const wanted = z.map((value, k) => (budgets[k] > 0 ? value - pull[first + k] / strength : 0));
  const length = norm(
    wanted.map((value, k) => (budgets[k] > 0 ? value / budgets[k] : 0)),
    p,
  );
  return length <= 1 ? wanted : null;
}
