import { ensureBlas } from "../linalg/backend.js";
import type { Work } from "../parallel/work.js";
import type { Fit } from "../solvers/fit.js";
import { exponentName } from "../threats/norms.js";
import type { Threat } from "../threats/threat.js";
import { type AnyThreat, threatOn } from "../threats/threat-on.js";
import { attack, hasExactAttack, prepareAttack } from "./attack.js";
import { readParameters } from "./attack-checks.js";
import { type AttackedRisk, attackedRisk, featureSizes, relativeGradient, type TrainedRisk } from "./attacked-risk.js";
import type { DescentMethod } from "./descent.js";
import { type DualityGap, dualityGap } from "./duality-gap.js";
import { checkRun, runTraining } from "./training-run.js";
import { dataFingerprint, type TrainingState, type TrainingStep } from "./training-state.js";

/** How to train against attacks: the search for each row's worst case inside, the descent over θ outside, when to stop. */
export interface AdversarialTrainingOptions extends Work {
  /** Steps of the projected gradient of the inner maximum (default 10). */
  readonly innerSteps?: number;
  /** First inner step, relative to the first-order answer (default 0.5). */
  readonly innerStepSize?: number;
  /** Random starts of the inner maximum besides δ = 0 (default 0). */
  readonly restarts?: number;
  readonly seed?: number;
  /** Exact inner maxima where there are any, instead of the projected gradient (default false). */
  readonly exactInner?: boolean;
  /** Default "lbfgs". */
  readonly outer?: DescentMethod;
  /** Iterations at most, those before a checkpoint included (default 200). */
  readonly outerSteps?: number;
  /** The relative gradient to stop at (default 1e-8). */
  readonly tolerance?: number;
  /** d: where training begins (default: the parameters of the fit). */
  readonly start?: ArrayLike<number>;
  /** Measures the duality gap after every `every` iterations and at the end, and stops once it is `tolerance`, relative to R. */
  readonly gap?: { readonly every: number; readonly tolerance: number };
  /** Called with every iteration, the start included; one that is resumed from is not repeated. */
  readonly onStep?: ((step: TrainingStep) => void) | undefined;
  /** Called with the state after every `every` iterations and after the last. */
  readonly checkpoint?: { readonly every: number; readonly save: (state: TrainingState) => void | Promise<void> };
  /** A state to go on from: the run continues with the same digits. */
  readonly resume?: TrainingState;
  /** What errors call that state (default "The checkpoint"). */
  readonly resumeName?: string;
}

/**
 * Why training ended. "tolerance": the gradient is small. "gap": the duality gap is. "stalled": no lower point along the
 * direction, as at a corner of R. "steps": out of them.
 */
export type TrainingStop = "tolerance" | "gap" | "stalled" | "steps";

/**
 * A model trained against attacks of one radius ρ. Losses are in the unit of the model's loss, parameters in the model's
 * units.
 */
export interface AdversarialTraining {
  /** θ (d) */
  readonly parameters: Float64Array;
  /** Σ w l(x+δ) with the adversary that trained, without the ridge: a lower bound of the robust loss unless `exactInner` is. */
  readonly robustLoss: number;
  /** Σ w max_δ l at θ where it can be computed exactly, else null. */
  readonly exactRobustLoss: number | null;
  /** exactRobustLoss − robustLoss ≥ 0: by how much the inner search falls short at θ. */
  readonly innerGap: number | null;
  /** Σ w l on the rows as they are. */
  readonly naturalLoss: number;
  /** max_j |∇R_j| relative to the size of its terms. */
  readonly gradientNorm: number;
  readonly iterations: number;
  /** At θ; null where none was asked for, or none is known. */
  readonly gap: DualityGap | null;
  readonly stopped: TrainingStop;
  /** The gradient or the gap is small. */
  readonly converged: boolean;
  readonly history: readonly TrainingStep[];
}

type Resolved = Required<
  Pick<AdversarialTrainingOptions, "innerSteps" | "innerStepSize" | "restarts" | "seed" | "exactInner" | "outer">
>;

/**
 * Adversarial training, min_θ Σ w max_{δ allowed} l(θ, x+δ) + ½ΣPθ²: the inner maximum by projected gradient ascent (any basis,
 * norm and box), the outer minimum over all rows by gradient descent or L-BFGS with Danskin's gradient. What the closed forms of
 * the paper are compared with.
 * @param radius ρ = ε·c, in units of δ ⊘ b; c is `influence.scale` or `radiusScale(data, threat)`. @throws usage: options that make no sense, a checkpoint of other settings. input: one of other data.
 */
export async function adversarialTraining(
  trained: TrainedRisk & Pick<Fit, "parameters">,
  described: AnyThreat,
  radius: number,
  options: AdversarialTrainingOptions = {},
): Promise<AdversarialTraining> {
  const threat = threatOn(described, trained.model.map.inputs);
  await ensureBlas();
  const { signal } = options;
  checkRun(options);
  const resolved = resolve(options);
  const start = readParameters(options.start ?? trained.parameters, trained.model.map.count, "The start");
  const sizes = featureSizes(trained);
  const { point, ...ended } = await runTraining(
    {
      start,
      evaluate: async (theta): Promise<TrainingPoint> => {
        const attacker = prepareAttack(trained.model, threat, theta, radius, innerSearch(resolved));
        return { ...(await attackedRisk(trained, theta, attacker, { signal })), theta };
      },
      gradientNorm: (at) => relativeGradient(at, at.theta, trained.ridge, sizes),
      gap: (theta) => dualityGap(trained, threat, radius, theta, { signal }),
      outer: resolved.outer,
      settings: settingsFingerprint(trained, threat, radius, options.start ? start : null, resolved),
      data: dataFingerprint(trained.data),
    },
    options,
  );
  const losses = await finalLosses(trained, threat, radius, point.theta, { signal });
  return {
    parameters: point.theta,
    robustLoss: point.loss,
    ...losses,
    innerGap: losses.exactRobustLoss === null ? null : losses.exactRobustLoss - point.loss,
    ...ended,
  };
}

interface TrainingPoint extends AttackedRisk {
  readonly theta: Float64Array;
}

const innerSearch = ({ innerSteps, innerStepSize, restarts, seed, exactInner }: Resolved) =>
  ({
    steps: innerSteps,
    stepSize: innerStepSize,
    restarts,
    seed,
    firstOrderStarts: false,
    certify: false,
    method: exactInner ? "auto" : "projected-gradient",
  }) as const;

async function finalLosses(
  { model, data }: TrainedRisk,
  threat: Threat,
  radius: number,
  theta: Float64Array,
  work: Work,
): Promise<{ exactRobustLoss: number | null; naturalLoss: number }> {
  const exact = hasExactAttack(model, threat) ? await attack({ model }, theta, threat, data, radius, work) : null;
  const still = await attack({ model }, theta, threat, data, 0, { ...work, steps: 1, restarts: 0 });
  return { exactRobustLoss: exact?.robustLoss ?? null, naturalLoss: still.robustLoss };
}

const resolve = ({
  innerSteps = 10,
  innerStepSize = 0.5,
  restarts = 0,
  seed = 0,
  exactInner = false,
  outer = "lbfgs",
}: AdversarialTrainingOptions): Resolved => ({ innerSteps, innerStepSize, restarts, seed, exactInner, outer });

/** Everything that decides the digits of an iteration; how long to go on may differ. */
function settingsFingerprint(
  { model, ridge }: TrainedRisk,
  { settings: { p, budgets, bounds } }: Threat,
  radius: number,
  start: Float64Array | null,
  search: Resolved,
): string {
  return JSON.stringify({
    model: model.kind,
    loss: model.loss.name,
    parameters: model.parameterNames,
    ridge: [...ridge],
    norm: exponentName(p),
    budgets: [...budgets],
    // JSON has no infinities.
    bounds: bounds && { lower: Array.from(bounds.lower, String), upper: Array.from(bounds.upper, String) },
    radius,
    start: start ? [...start] : "fit",
    ...search,
  });
}
