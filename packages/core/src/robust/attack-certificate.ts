import type { Block } from "../data/dataset.js";
import type { Matrix } from "../linalg/matrix.js";
import type { ScoreModel } from "../models/score-model.js";
import { asColumn } from "../models/sweep.js";
import type { Threat } from "../threats/threat.js";
import type { Ascent } from "./attack-gradient.js";
import { PerturbationSet } from "./perturbation-set.js";
import { scoreCurvature } from "./score-curvature.js";

/** A found loss this close to its upper bound, relatively, is called exact. */
const CERTIFICATE_TOLERANCE = 1e-7;

/** 1 for every row of a block whose loss at x+δ (`moved`, r×m) is shown to be the worst there is. */
export type AttackCertifier = (block: Block, found: Ascent, moved: Matrix) => Uint8Array;

/**
 * Proof that an ascent has found the worst case, where there is a cheap one: scores that are concave or convex in x. One end of
 * such a score is a concave problem, so that its duality gap max_δ' ∇f(x+δ)·(δ'−δ) bounds how much further it goes; the other end
 * is bounded by the expansion at δ = 0 with the extreme eigenvalue of diag(b)∇²f diag(b). The loss is convex in the score and
 * so nowhere above its values at the two bounds. Null for other scores.
 */
export function attackCertifier(
  model: ScoreModel,
  threat: Threat,
  theta: Float64Array,
  radius: number,
): AttackCertifier | null {
  const { map, loss } = model;
  const range = curvatureRange(model, threat, theta);
  if (range === null || (range.least < 0 && range.most > 0)) return null;
  /** +1: the score is concave, and its maximum the concave problem; −1: its minimum. */
  const side = range.most <= 0 ? 1 : -1;
  const bend = Math.max(range.most, -range.least);
  const { p } = threat.settings;
  const attacked = threat.settings.budgets.reduce((count, b) => count + (b > 0 ? 1 : 0), 0);
  const longest = radius * (p > 2 ? attacked ** (0.5 - 1 / p) : 1);
  const set = new PerturbationSet(threat.settings, radius);
  const scratch = new Float64Array(map.inputs);
  return ({ x, y }, found, moved) => {
    const certified = new Uint8Array(y.length);
    const natural = map.scores(asColumn(theta), x).data;
    const gammaThere = map.inputGradients(theta, moved);
    const gammaHere = map.inputGradients(theta, x);
    const gain = (gamma: Matrix, i: number, sign: number): number =>
      set.furthest(
        gamma.row(gamma.rows === 1 ? 0 : i).map((value) => sign * value),
        x.row(i),
        scratch,
      );
    for (let i = 0; i < y.length; i++) {
      const there = gammaThere.row(gammaThere.rows === 1 ? 0 : i);
      const delta = found.delta.row(i);
      let along = 0;
      for (let k = 0; k < delta.length; k++) along += there[k] * delta[k];
      const gap = Math.max(0, gain(gammaThere, i, side) - side * along);
      const nearEnd = found.scores[i] + side * gap;
      const farEnd = natural[i] - side * (gain(gammaHere, i, -side) + 0.5 * bend * longest * longest);
      const bound = Math.max(loss.value(nearEnd, y[i]), loss.value(farEnd, y[i]));
      if (bound <= found.losses[i] + CERTIFICATE_TOLERANCE * Math.abs(found.losses[i])) certified[i] = 1;
    }
    return certified;
  };
}

/** The least and the largest eigenvalue of diag(b)∇²f diag(b), or null where it differs from row to row. */
function curvatureRange(
  model: ScoreModel,
  threat: Threat,
  theta: Float64Array,
): { least: number; most: number } | null {
  if (model.map.sharedGradient) return { least: 0, most: 0 };
  const curvature = scoreCurvature(model, threat, theta);
  if (!curvature) return null;
  const { eigenvalues } = curvature;
  return { least: eigenvalues[0], most: eigenvalues[eigenvalues.length - 1] };
}
