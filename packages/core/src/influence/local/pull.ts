import { rowsOfBlock } from "../../data/block-stretches.js";
import type { Block } from "../../data/dataset.js";
import { usageError } from "../../errors.js";
import type { Matrix } from "../../linalg/matrix.js";
import { borrowBuffers } from "../../models/idle-buffers.js";
import type { InputSpan, Model, WeightedDirections } from "../../models/model.js";
import type { Work } from "../../parallel/work.js";
import { eachBlock } from "../../solvers/model-risk.js";
import { answerTo } from "../../threats/answer.js";
import { lp, type ThreatDescription } from "../../threats/pointwise.js";
import type { RowShares, Threat } from "../../threats/threat.js";
import { KinkCounter, type KinkCounts } from "./gradient-kinks.js";
import type { ModelPoint } from "./point.js";

/** How an adversary pulls on the parameters at θ̃. */
export interface AdversarialPull {
  readonly threat: Threat;
  /** c = Σ w_i ‖x_i ⊘ b‖_p: the radius is ρ = ε c. */
  readonly scale: number;
  /** n: ‖x_i ⊘ b‖_p; none of rows that pass by block by block. */
  readonly rowScales: Float64Array;
  /** n: how far row i moves per unit of the radius: 1 unless the rows share a budget (MATH 8). Where rows are reweighted, a_i (MATH 13). None of rows that pass by. */
  readonly omega: Float64Array;
  /** A(θ̃) = c Σ w_i ω_i g_i·φ_i, or sd_w(l): the first-order growth of the risk per unit of ε. */
  readonly penalty: number;
  /** Φ = c Σ w_i ω_i ∇θ(∇x l_i·φ_i), or Σ w_i a_i ∇θ l_i (d) */
  readonly penaltyGradient: Float64Array;
  /** null of rows that pass by. */
  readonly kinks: KinkCounts | null;
}

/** The pulls of several adversaries. Input gradients are computed once for all of them (twice where rows share a budget). */
export async function adversarialPulls(
  point: ModelPoint,
  describe: readonly ThreatDescription[],
  work: Work = {},
): Promise<AdversarialPull[]> {
  const { data } = point;
  const threats = describe.map((description) => description(data.features.length));
  for (const { settings } of threats) {
    if (settings.budgets.length === data.features.length) continue;
    throw usageError(`The threat is of ${settings.budgets.length} features, the data have ${data.features.length}.`);
  }
  const moving = threats.filter(({ tilt }) => !tilt);
  const pulls = moving.length > 0 ? await movingPulls(point, moving, work) : [];
  const out: AdversarialPull[] = [];
  for (const threat of threats)
    out.push(threat.tilt ? await tiltedPull(point, threat, work) : pulls[moving.indexOf(threat)]);
  return out;
}

/** The pull of an adversary that reweights rows: Φ = Σ w_i a_i ∇θ l_i, c = 1 (MATH 13). */
async function tiltedPull(
  { model, data, parameters }: ModelPoint,
  threat: Threat,
  work: Work,
): Promise<AdversarialPull> {
  const losses = new Float64Array(data.rows);
  await eachBlock(data, "influence", work, (block) => losses.set(model.losses(parameters, block), block.firstRow));
  const { tilt, gain } = threat.tilt?.(losses, data.weights) ?? { tilt: losses, gain: 0 };
  const gradient = new Float64Array(parameters.length);
  await eachBlock(data, "influence", work, (block) => {
    const w = block.w.map((weight, i) => weight * tilt[block.firstRow + i]);
    const part = model.gradient(parameters, { ...block, w });
    for (let j = 0; j < part.length; j++) gradient[j] += part[j];
  });
  return {
    threat,
    scale: 1,
    rowScales: new Float64Array(data.rows).fill(1),
    omega: tilt,
    penalty: gain,
    penaltyGradient: gradient,
    kinks: { zeroGradients: gain === 0 ? data.rows : 0, zeroCoordinates: 0, ties: 0, tiedRows: 0 },
  };
}

async function movingPulls(point: ModelPoint, threats: readonly Threat[], work: Work): Promise<AdversarialPull[]> {
  const { model, data, parameters } = point;
  const passing = data.pass !== undefined;
  if (passing && threats.some((threat) => threat.shares)) {
    throw usageError("Rows that share a budget must all be in memory.");
  }
  const kept = passing ? 0 : data.rows;
  const shares = await sharesOf(point, threats, kept, work);
  const span = spanOf(point, threats);
  const buffers = borrowBuffers();
  const rooms = threats.map(() => buffers.one());
  const sums = threats.map((threat) => ({
    // c, and the gain
    scalars: new Float64Array(2),
    rowScales: new Float64Array(kept),
    gains: new Float64Array(kept),
    gradient: new Float64Array(parameters.length),
    kinks: new KinkCounter(kept, threat),
  }));
  const visit = (block: Block): void => {
    const answer = (gradients: Matrix, part: Block, t: number): WeightedDirections => {
      const [threat, sum] = [threats[t], sums[t]];
      const { w, firstRow } = part;
      const { directions, gain } = answerTo(gradients, span ? euclidean(span.size) : threat, part, rooms[t]);
      const sizes = threat.rowScales(part);
      const weights = passing ? w : w.map((value, i) => value * shares[t].omega[firstRow + i]);
      if (!passing) {
        sum.rowScales.set(sizes, firstRow);
        sum.gains.set(gain, firstRow);
        if (!span) sum.kinks.add(gradients, firstRow);
      }
      for (let i = 0; i < w.length; i++) {
        sum.scalars[0] += w[i] * sizes[i];
        sum.scalars[1] += weights[i] * gain[i];
      }
      return { directions, weights };
    };
    const answers = (gradients: Matrix, from: number): WeightedDirections[] => {
      const part = rowsOfBlock(block, from, from + gradients.rows);
      return threats.map((_, t) => answer(gradients, part, t));
    };
    const parts =
      span?.mixedProducts(block, answers) ??
      model.mixedProducts?.(parameters, block, answers) ??
      oneByOne(model, parameters, block, answers);
    parts.forEach((part, t) => {
      const { gradient } = sums[t];
      for (let j = 0; j < part.length; j++) gradient[j] += part[j];
    });
  };
  const shared = sums.flatMap(({ scalars, gradient }) => [scalars, gradient]);
  await eachBlock(data, "influence", work, visit, shared, 0, model.rowsAtOnce);
  buffers.giveBack();
  return threats.map((threat, t) => {
    const { scalars, rowScales, gains, gradient, kinks } = sums[t];
    const [scale, gain] = scalars;
    return {
      threat,
      scale,
      rowScales,
      omega: shares[t].omega,
      penalty: scale * gain,
      penaltyGradient: gradient.map((value) => scale * value),
      kinks: passing ? null : kinks.finish(gains, threat.shares ? shares[t] : null),
    };
  });
}

const euclidean = lp(2);

/** Where every adversary has the Euclidean norm and the same budgets, and nothing else binds them. */
function spanOf({ model, parameters }: ModelPoint, threats: readonly Threat[]): InputSpan | null {
  const [{ budgets }] = threats.map(({ settings }) => settings);
  const alike = threats.every(
    ({ settings }) =>
      settings.p === 2 && !settings.bounds && settings.budgets.every((budget, k) => budget === budgets[k]),
  );
  return (alike && model.inputSpan?.(parameters, budgets)) || null;
}

const oneByOne = (
  model: Model,
  theta: Float64Array,
  block: Block,
  answers: (gradients: Matrix, from: number) => WeightedDirections[],
): Float64Array[] =>
  answers(model.inputGradients(theta, block), 0).map(({ directions, weights }) =>
    model.mixedProduct(theta, block, directions, weights),
  );

/** ω (n) of every threat; a pass of its own where rows share a budget, since each row's share depends on all gains. */
async function sharesOf(
  { model, data, parameters }: ModelPoint,
  threats: readonly Threat[],
  rows: number,
  work: Work,
): Promise<RowShares[]> {
  const gains = threats.map(() => new Float64Array(rows));
  if (threats.some((threat) => threat.shares)) {
    await eachBlock(data, "influence", work, (block) => {
      const gradients = model.inputGradients(parameters, block);
      threats.forEach((threat, t) => {
        if (threat.shares) gains[t].set(answerTo(gradients, threat, block).gain, block.firstRow);
      });
    });
  }
  const whole = { omega: new Float64Array(rows).fill(1), tied: [] };
  return threats.map((threat, t) => threat.shares?.(gains[t], data.weights) ?? whole);
}
