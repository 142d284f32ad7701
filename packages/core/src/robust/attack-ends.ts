import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumn } from "../models/sweep.js";
import type { Threat } from "../threats/threat.js";
import { hasExactAttack } from "./attack.js";
import { PerturbationSet } from "./perturbation-set.js";
import { dualNormOf } from "./robust-loss.js";
import { scoreCurvature } from "./score-curvature.js";
import { movedRows, scoreEnds } from "./score-ends.js";

/** The largest and the smallest score that an adversary can give each of r rows. */
export interface BlockEnds {
  /** r */
  readonly up: Float64Array;
  readonly down: Float64Array;
  /**
   * x+δ (k×m) of some rows of the block, each at the end that its side names (+1: up). `turns` (m), for `turnable` ends: the
   * share of the way back that each coordinate goes to its other extreme.
   */
  moved(rows: readonly number[], side: (row: number) => 1 | -1, turns?: Float64Array | null): Matrix;
}

/** Both ends of every row of a block, at one θ. */
export interface AttackEnds {
  ends(block: Block): BlockEnds;
  /** b⊙φ (m): both ends are x ± ρ times this, whatever the row. Null where each row has its own. */
  readonly shared: Float64Array | null;
  /** Whether every coordinate goes to an extreme of its own (p = ∞), and can be turned round by itself. */
  readonly turnable: boolean;
}

/** The exact ends where they are known: scores linear in x, or quadratic ones with p = 2 and no box. Null elsewhere. */
export function attackEnds(model: ScoreModel, threat: Threat, theta: Float64Array, radius: number): AttackEnds | null {
  if (!hasExactAttack(model, threat)) return null;
  if (!model.map.sharedGradient) return quadraticEnds(model, threat, theta, radius);
  if (threat.settings.p === Number.POSITIVE_INFINITY) return coordinateEnds(model, threat, theta, radius);
  return threat.settings.bounds ? boxedEnds(model, threat, theta, radius) : ballEnds(model, threat, theta, radius);
}

function ballEnds(model: ScoreModel, threat: Threat, theta: Float64Array, radius: number): AttackEnds {
  const { norm, direction } = dualNormOf(model, threat, theta);
  const reach = radius * norm;
  return {
    shared: direction.slice(),
    turnable: false,
    ends({ x }) {
      const natural = model.map.scores(asColumn(theta), x).data;
      return {
        up: natural.map((f) => f + reach),
        down: natural.map((f) => f - reach),
        moved: (rows, side) => movedAlong(x, rows, side, radius, direction),
      };
    },
  };
}

/** x ± ρz of some rows (k×m). */
export function movedAlong(
  x: Matrix,
  rows: readonly number[],
  side: (row: number) => 1 | -1,
  radius: number,
  z: Float64Array,
): Matrix {
  const moved = Matrix.zeros(rows.length, x.columns);
  rows.forEach((row, i) => {
    const [from, to, step] = [x.row(row), moved.row(i), side(row) * radius];
    for (let k = 0; k < to.length; k++) to[k] = from[k] + step * z[k];
  });
  return moved;
}

/** p = ∞: δ_k between −ρb_k and ρb_k and within the box, whatever the others do. */
function coordinateEnds({ map }: ScoreModel, threat: Threat, theta: Float64Array, radius: number): AttackEnds {
  const { budgets, bounds } = threat.settings;
  const beta = map.inputGradients(theta, Matrix.zeros(0, map.inputs)).data;
  /** How far coordinate k of row x goes at most, upwards or downwards. */
  const room = (x: Float64Array, k: number, sign: number): number => {
    const free = bounds ? Math.max(0, sign > 0 ? bounds.upper[k] - x[k] : x[k] - bounds.lower[k]) : Infinity;
    return sign * Math.min(radius * budgets[k], free);
  };
  const upwards = beta.map((value) => (value < 0 ? -1 : 1));
  const reach = (x: Float64Array, side: number): number =>
    beta.reduce((sum, value, k) => sum + value * room(x, k, side * upwards[k]), 0);
  return {
    shared: null,
    turnable: true,
    ends({ x }) {
      const natural = map.scores(asColumn(theta), x).data;
      return {
        up: natural.map((f, i) => f + reach(x.row(i), 1)),
        down: natural.map((f, i) => f + reach(x.row(i), -1)),
        moved(rows, side, turns) {
          const moved = Matrix.zeros(rows.length, x.columns);
          rows.forEach((row, i) => {
            const [from, to, towards] = [x.row(row), moved.row(i), side(row)];
            for (let k = 0; k < to.length; k++) {
              const turn = turns?.[k] ?? 0;
              const there = room(from, k, towards * upwards[k]);
              const back = turn === 0 ? 0 : turn * room(from, k, -towards * upwards[k]);
              to[k] = from[k] + (1 - turn) * there + back;
            }
          });
          return moved;
        },
      };
    },
  };
}

function boxedEnds({ map }: ScoreModel, threat: Threat, theta: Float64Array, radius: number): AttackEnds {
  const set = new PerturbationSet(threat.settings, radius);
  const beta = map.inputGradients(theta, Matrix.zeros(0, map.inputs)).data;
  const opposite = beta.map((value) => -value);
  const delta = new Float64Array(map.inputs);
  return {
    shared: null,
    turnable: false,
    ends({ x }) {
      const natural = map.scores(asColumn(theta), x).data;
      return {
        up: natural.map((f, i) => f + set.furthest(beta, x.row(i), delta)),
        down: natural.map((f, i) => f - set.furthest(opposite, x.row(i), delta)),
        moved(rows, side) {
          const moved = Matrix.zeros(rows.length, x.columns);
          rows.forEach((row, i) => {
            set.furthest(side(row) > 0 ? beta : opposite, x.row(row), delta);
            set.moveRow(x.row(row), delta, moved.row(i));
          });
          return moved;
        },
      };
    },
  };
}

function quadraticEnds(model: ScoreModel, threat: Threat, theta: Float64Array, radius: number): AttackEnds | null {
  const curvature = scoreCurvature(model, threat, theta);
  if (curvature === null) return null;
  return {
    shared: null,
    turnable: false,
    ends({ x }) {
      const { up, down } = scoreEnds(model, curvature, theta, radius, x);
      return {
        up: up.scores,
        down: down.scores,
        moved(rows, side) {
          const chosen = Matrix.zeros(rows.length, x.columns);
          const points = Matrix.zeros(rows.length, up.points.columns);
          rows.forEach((row, i) => {
            chosen.row(i).set(x.row(row));
            points.row(i).set((side(row) > 0 ? up : down).points.row(row));
          });
          return movedRows(curvature, chosen, points);
        },
      };
    },
  };
}
