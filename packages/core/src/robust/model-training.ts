import { shorter } from "../data/block-stretches.js";
import type { Block, Dataset } from "../data/dataset.js";
import { ensureBlas } from "../linalg/backend.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Model } from "../models/model.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { gradientTerms, relativeSize } from "../solvers/gradient-terms.js";
import { eachBlock, meanLoss, type RiskPoint, type RiskProblem, withPenalty } from "../solvers/model-risk.js";
import { exponentName } from "../threats/norms.js";
import type { Threat } from "../threats/threat.js";
import type { AdversarialTraining, AdversarialTrainingOptions } from "./adversarial-training.js";
import type { AttackSearch } from "./attack-result.js";
import { jointModelRisk } from "./joint-model-attack.js";
import { isJoint } from "./joint-worst-case.js";
import { attackBlockRows, type ModelAttacker, modelAttacker } from "./model-attack.js";
import { checkRun, runTraining } from "./training-run.js";
import { dataFingerprint } from "./training-state.js";

/** What is trained: a model, its rows, its ridge, and where training begins. */
export interface TrainedModel extends RiskProblem {
  readonly parameters: Float64Array;
}

/** The options of `adversarialTraining` that a model without a closed form has: no exact inner maxima, no duality gap. */
export type ModelTrainingOptions = Omit<AdversarialTrainingOptions, "exactInner" | "gap">;

/** Is shown losses (r) and x+δ (r×m) of the rows from `firstRow` on, block by block; valid until it returns. */
export type AttackObserver = (losses: Float64Array, moved: Matrix, firstRow: number) => void;

/** θ, an adversary against it, and who is shown its attacks. */
export interface AttackedPoint {
  readonly theta: Float64Array;
  readonly attacker: ModelAttacker;
  readonly onAttacked?: AttackObserver | undefined;
}

/**
 * R(θ) = Σ w l(x+δ) + ½ΣPθ² with rows moved by an adversary against θ, and its gradient with the moves held fixed: by Danskin's
 * theorem that of the robust risk where every δ is the only worst case. `risk` is without the ridge. One pass for all points.
 */
export async function attackedModelRisks(
  { model, data, ridge }: RiskProblem,
  points: readonly AttackedPoint[],
  work: Work = {},
): Promise<RiskPoint[]> {
  const sums = points.map(({ theta }) => ({ risk: new Float64Array(1), gradient: new Float64Array(theta.length) }));
  const rows = attackBlockRows(data.features.length);
  const visit = async (whole: Block): Promise<void> => {
    const slices = timeSlices(work);
    for (const block of shorter(whole, rows)) {
      for (const [k, { theta, attacker, onAttacked }] of points.entries()) {
        const { risk, gradient } = sums[k];
        const { losses, moved } = attacker(block);
        onAttacked?.(losses, moved, block.firstRow);
        const part = model.gradient(theta, { ...block, x: moved });
        for (let i = 0; i < losses.length; i++) risk[0] += block.w[i] * losses[i];
        for (let j = 0; j < part.length; j++) gradient[j] += part[j];
        const done = block.firstRow + losses.length;
        if (slices.due()) await slices.pause({ phase: "attacking", done, total: data.rows });
      }
    }
  };
  await eachBlock(
    data,
    "attacking",
    work,
    visit,
    sums.flatMap(({ risk, gradient }) => [risk, gradient]),
  );
  return sums.map(({ risk, gradient }, k) => withPenalty(ridge, points[k].theta, risk[0], gradient));
}

/**
 * Adversarial training of any differentiable model, min_θ Σ w max_{δ allowed} l(θ, x+δ) + ½ΣPθ²: the inner maximum by projected
 * gradient ascent (all rows together where they are attacked so: `jointModelAttack`), the outer minimum over all rows by gradient descent
 * or L-BFGS with Danskin's gradient.
 * @param radius ρ ≥ 0. @throws usage: options that make no sense, a checkpoint of other settings. input: one of other data.
 */
export async function modelAdversarialTraining(
  trained: TrainedModel,
  threat: Threat,
  radius: number,
  options: ModelTrainingOptions = {},
): Promise<AdversarialTraining> {
  await ensureBlas();
  const { model, data } = trained;
  const { signal, outer = "lbfgs" } = options;
  checkRun(options);
  const search = innerSearch(options);
  const start = Float64Array.from(options.start ?? trained.parameters);
  const attackedRisk = async (theta: Float64Array): Promise<RiskPoint> => {
    const attacker = modelAttacker(model, theta, threat, data.features.length, radius, search);
    const [found] = await attackedModelRisks(trained, [{ theta, attacker }], { signal });
    return found;
  };
  const { point, ...ended } = await runTraining(
    {
      start,
      evaluate: async (theta): Promise<TrainingPoint> => {
        const { value, risk, gradient } = isJoint(threat)
          ? await jointModelRisk(trained, theta, threat, radius, { signal })
          : await attackedRisk(theta);
        return { theta, objective: value, risk, gradient };
      },
      gradientNorm: async (at) => relativeSize(at.gradient, await gradientTerms(trained, at.theta, { signal })),
      outer,
      settings: settingsFingerprint(trained, threat, radius, start, { ...search, outer }),
      data: dataFingerprint(data),
    },
    options,
  );
  return {
    parameters: point.theta,
    robustLoss: point.risk,
    exactRobustLoss: null,
    innerGap: null,
    naturalLoss: await meanLoss(model, data, point.theta, { signal }),
    ...ended,
  };
}

interface TrainingPoint {
  readonly theta: Float64Array;
  readonly objective: number;
  readonly risk: number;
  readonly gradient: Float64Array;
}

const innerSearch = ({
  innerSteps = 10,
  innerStepSize = 0.5,
  restarts = 0,
  seed = 0,
}: ModelTrainingOptions): AttackSearch => ({
  steps: innerSteps,
  stepSize: innerStepSize,
  restarts,
  seed,
  firstOrderStarts: false,
});

/** Everything that decides the digits of an iteration; how long to go on may differ. A model is known by its parameters' names. */
function settingsFingerprint(
  { model, ridge }: { readonly model: Model; readonly data: Dataset; readonly ridge: Float64Array },
  { settings: { p, budgets, bounds, order, divergence } }: Threat,
  radius: number,
  start: Float64Array,
  search: AttackSearch & { readonly outer: string },
): string {
  return JSON.stringify({
    parameters: model.parameterNames,
    ridge: [...ridge],
    norm: exponentName(p),
    ...(order === undefined ? {} : { order }),
    ...(divergence === undefined ? {} : { divergence }),
    budgets: [...budgets],
    // JSON has no infinities.
    bounds: bounds && { lower: Array.from(bounds.lower, String), upper: Array.from(bounds.upper, String) },
    radius,
    start: [...start],
    ...search,
  });
}
