import type { Block, Dataset } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import type { Model } from "../models/model.js";
import type { Work } from "../parallel/work.js";
import { eachBlock, type RiskPoint, type RiskProblem } from "../solvers/model-risk.js";
import { answerTo } from "../threats/answer.js";
import type { Threat } from "../threats/threat.js";
import { worstReweighting } from "./reweighting.js";

/** What an adversary that attacks all rows together does against one θ of any differentiable model. */
export interface JointModelAttack {
  /** Σ w losses, without the ridge: the worst case where rows are reweighted, else a lower bound of it. */
  readonly risk: number;
  /** n: what each row loses; rows that are reweighted count with w'_i/w_i. */
  readonly losses: Float64Array;
  /** n: what standard errors of the risk are made of (see `JointWorstCase`). */
  readonly terms: Float64Array;
  /** n: w' where rows are reweighted, else w. */
  readonly weights: Float64Array;
  /** n×m: δ; null where no row moves. */
  readonly perturbations: Matrix | null;
}

/** Linearisations at most, and what the risk must still rise by, relatively, to go on. */
const STEPS = 30;
const LEAST_RISE = 1e-12;
/** Parts of the way to the linear answer that are tried. */
const PARTS = [1, 0.5, 0.25, 0.125, 0.03];

/**
 * The exact worst weights, or for rows that share a budget (MATH 8) the search of Frank and Wolfe: the answer to the linearised
 * problem, δ_i = ρω_iφ_i with Hölder's ω, is gone to as far as the risk rises, which never leaves the (convex) set of allowed moves. Rows
 * in a box are cut off at it.
 * @param radius ρ ≥ 0.
 */
export async function jointModelAttack(
  model: Model,
  theta: Float64Array,
  threat: Threat,
  data: Dataset,
  radius: number,
  work: Work = {},
): Promise<JointModelAttack> {
  const { weights: w } = data;
  const still = new Float64Array(data.rows);
  await eachBlock(data, "attacking", work, (block) => still.set(model.losses(theta, block), block.firstRow));
  const { divergence } = threat.settings;
  if (divergence !== undefined) {
    const { value, weights, terms } = worstReweighting(divergence, still, w, radius);
    const losses = still.map((loss, i) => (w[i] > 0 ? (weights[i] / w[i]) * loss : loss));
    return { risk: value, losses, terms, weights, perturbations: null };
  }
  const risk = still.reduce((sum, loss, i) => sum + w[i] * loss, 0);
  const attacked = { model, theta, threat, data, work };
  let at: Moved = { delta: Matrix.zeros(data.rows, data.features.length), losses: still, risk };
  if (radius > 0) {
    const alone = (threat.settings.order ?? 2) < 2 ? await oneRow(attacked, at, radius) : null;
    at = await ascend(attacked, at, radius);
    const other = alone && (await ascend(attacked, alone, radius));
    if (other && other.risk > at.risk) at = other;
  }
  return { risk: at.risk, losses: at.losses, terms: at.losses, weights: w, perturbations: at.delta };
}

interface Attacked {
  readonly model: Model;
  readonly theta: Float64Array;
  readonly threat: Threat;
  readonly data: Dataset;
  readonly work: Work;
}

interface Moved {
  readonly delta: Matrix;
  readonly losses: Float64Array;
  readonly risk: number;
}

async function ascend(attacked: Attacked, start: Moved, radius: number): Promise<Moved> {
  let at = start;
  for (let step = 0; step < STEPS; step++) {
    const next = await climb(attacked, at, radius);
    if (next === null) break;
    const rise = next.risk - at.risk;
    at = next;
    if (rise <= LEAST_RISE * Math.abs(at.risk)) break;
  }
  return at;
}

/** At orders below 2 few rows may take nearly everything, where no gradient leads to: the row that gains most by all of the budget. */
async function oneRow(attacked: Attacked, { delta, losses }: Moved, radius: number): Promise<Moved> {
  const { data, threat } = attacked;
  const { weights: w } = data;
  const whole = w.map((weight) => (weight > 0 ? weight ** (-1 / (threat.settings.order ?? 1)) : 0));
  const answers = await answersAt(attacked, delta);
  let best = { row: 0, way: 1, gain: Number.NEGATIVE_INFINITY };
  // So far away the loss may be worse on the side on which it falls at first.
  for (const way of [1, -1]) {
    const moved = await movedTo(
      attacked,
      scaledRows(answers.directions, (i) => way * radius * whole[i]),
    );
    w.forEach((weight, row) => {
      const gain = weight * (moved.losses[row] - losses[row]);
      if (gain > best.gain) best = { row, way, gain };
    });
  }
  const { row, way } = best;
  return movedTo(
    attacked,
    scaledRows(answers.directions, (i) => (i === row ? way * radius * whole[i] : 0)),
  );
}

async function climb(attacked: Attacked, at: Moved, radius: number): Promise<Moved | null> {
  const target = await linearAnswer(attacked, at.delta, radius);
  for (const part of PARTS) {
    const delta = new Matrix(
      at.delta.data.map((value, k) => value + part * (target.data[k] - value)),
      at.delta.rows,
      at.delta.columns,
    );
    const moved = await movedTo(attacked, delta);
    if (moved.risk > at.risk) return moved;
  }
  return null;
}

/** ρω_iφ_i (n×m) for the gradients at x+δ. */
async function linearAnswer(attacked: Attacked, delta: Matrix, radius: number): Promise<Matrix> {
  const { directions, gains } = await answersAt(attacked, delta);
  const omega = attacked.threat.shares?.(gains, attacked.data.weights).omega;
  return scaledRows(directions, (i) => radius * (omega ? omega[i] : 1));
}

/** φ_i (n×m) and what each row gains per unit of its move (n), at x+δ. */
async function answersAt(
  { model, theta, threat, data, work }: Attacked,
  delta: Matrix,
): Promise<{ directions: Matrix; gains: Float64Array }> {
  const directions = Matrix.zeros(data.rows, data.features.length);
  const gains = new Float64Array(data.rows);
  await eachBlock(data, "attacking", work, (block) => {
    const there = movedBlock(block, delta, threat);
    const answer = answerTo(model.inputGradients(theta, there), threat, there);
    gains.set(answer.gain, block.firstRow);
    directions.data.set(answer.directions.data, block.firstRow * directions.columns);
  });
  return { directions, gains };
}

function scaledRows({ data, rows, columns }: Matrix, factor: (row: number) => number): Matrix {
  const out = new Matrix(data.slice(), rows, columns);
  for (let i = 0; i < rows; i++) {
    const row = out.row(i);
    const times = factor(i);
    for (let k = 0; k < columns; k++) row[k] *= times;
  }
  return out;
}

async function movedTo({ model, theta, threat, data, work }: Attacked, delta: Matrix): Promise<Moved> {
  const losses = new Float64Array(data.rows);
  await eachBlock(data, "attacking", work, (block) =>
    losses.set(model.losses(theta, movedBlock(block, delta, threat)), block.firstRow),
  );
  return { delta, losses, risk: losses.reduce((sum, loss, i) => sum + data.weights[i] * loss, 0) };
}

/** The block at x+δ, cut off at the threat's box. */
export function movedBlock(block: Block, delta: Matrix, { settings: { bounds } }: Threat): Block {
  const { x, firstRow } = block;
  const m = x.columns;
  const moved = x.data.slice(0, x.rows * m);
  for (let at = 0; at < moved.length; at++) {
    const step = delta.data[firstRow * m + at];
    moved[at] += step;
    if (!bounds || step === 0) continue;
    const k = at % m;
    moved[at] =
      step > 0
        ? Math.min(moved[at], Math.max(x.data[at], bounds.upper[k]))
        : Math.max(moved[at], Math.min(x.data[at], bounds.lower[k]));
  }
  return { ...block, x: new Matrix(moved, x.rows, m) };
}

/** R(θ), ridge included, and ∇R(θ) with the worst case held fixed (Danskin). */
export async function jointModelRisk(
  { model, data, ridge }: RiskProblem,
  theta: Float64Array,
  threat: Threat,
  radius: number,
  work: Work = {},
): Promise<RiskPoint> {
  const { risk, weights, perturbations } = await jointModelAttack(model, theta, threat, data, radius, work);
  const gradient = ridge.map((penalty, j) => penalty * theta[j]);
  await eachBlock(data, "attacking", work, (block) => {
    const { firstRow, w } = block;
    const there = perturbations ? movedBlock(block, perturbations, threat) : block;
    const part = model.gradient(theta, { ...there, w: weights.subarray(firstRow, firstRow + w.length) });
    for (let j = 0; j < part.length; j++) gradient[j] += part[j];
  });
  const penalty = ridge.reduce((sum, p, j) => sum + 0.5 * p * theta[j] ** 2, 0);
  return { value: risk + penalty, risk, gradient };
}
