import { rowLosses } from "../influence/local/changes.js";
import { asColumn } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import type { AdversarialTraining } from "../robust/adversarial-training.js";
import { modelAdversarialTraining } from "../robust/model-training.js";
import { dot } from "../solvers/inverse-hessian.js";
import { riskOperator } from "../solvers/risk-operator.js";
import { type PreparedLocal, prepareLocal } from "./local-prepare.js";
import type { LocalGround } from "./local-section.js";
import { localStudyOf } from "./local-study.js";
import { type StudyInput, stopwatch } from "./prepare.js";
import type { CurvePoint, ThreatSection } from "./result.js";
import { referencePoint } from "./verdict.js";
import { verificationOf } from "./verification-of.js";
import type { ErrorBudget, VerificationResult, VerifiedPoint, VerifiedThreat } from "./verify-result.js";
import { verificationVerdict } from "./verify-words.js";
import { threatLabel } from "./words.js";

/** A change of the loss below this share of the loss is rounding. */
const RESOLVABLE = 1e-9;
/** Steps of the search for the worst case of a row, and of training against it. */
const INNER_STEPS = 10;
const OUTER_STEPS = 200;
/** Of the robust risk's relative gradient, which is about ε at θ̃: a small part of that, but not what no search can reach. */
const toleranceAt = (epsilon: number): number => Math.max(1e-8, Math.min(1e-5, 2e-3 * epsilon));

interface Trained {
  readonly training: AdversarialTraining;
  readonly seconds: number;
}

/**
 * `verify` for models without a closed form: adversarial training by projected gradients from θ̃ beside the prediction. Where
 * θ̃ is no minimum, training goes on even without an adversary: then the change is that against the same training at ε = 0.
 */
export async function verifyLocal(input: StudyInput, work: Work): Promise<VerificationResult> {
  const prepared = await prepareLocal(input, work);
  const { study, grounds } = await localStudyOf(prepared, work);
  return verificationOf(study.result, "Adversarial training", (section, t) =>
    verifiedThreat(section, prepared, grounds[t], work),
  );
}

async function trainAgainst(
  { point, input }: PreparedLocal,
  { attack }: LocalGround,
  epsilon: number,
  work: Work,
): Promise<Trained> {
  const clock = stopwatch();
  const training = await modelAdversarialTraining(point, attack.threat, epsilon * attack.scale, {
    ...(work.signal && { signal: work.signal }),
    innerSteps: epsilon > 0 ? INNER_STEPS : 1,
    outerSteps: OUTER_STEPS,
    tolerance: toleranceAt(epsilon),
    seed: input.settings.seed,
  });
  return { training, seconds: clock.lap() };
}

async function verifiedThreat(
  section: ThreatSection,
  prepared: PreparedLocal,
  ground: LocalGround,
  work: Work,
): Promise<VerifiedThreat> {
  const stationary = section.local?.kind === "influence";
  const { point, influenceSeconds, influences } = prepared;
  const start = stationary
    ? { parameters: point.parameters, naturalLoss: point.trainingLoss }
    : (await trainAgainst(prepared, ground, 0, work)).training;
  const curve: VerifiedPoint[] = [];
  for (const [k, at] of section.curve.entries()) {
    const phase = `adversarial training, ${threatLabel(section.threat)}`;
    work.onProgress?.({ phase, done: k, total: section.curve.length });
    const found =
      at.epsilon > 0 ? await trainAgainst(prepared, ground, at.epsilon, work) : { training: null, seconds: 0 };
    const seconds = { prediction: influenceSeconds / influences.length, exact: found.seconds };
    curve.push(await compare(prepared, ground, at, { start, training: found.training, seconds }, work));
  }
  const verification = verificationVerdict(curve, null, "trained");
  return {
    ...section,
    curve,
    errorBudget: await errorBudget(prepared, ground, { ...section, curve }, start.parameters, work),
    verification: {
      ...verification,
      text: `Beside the prediction stands adversarial training by projected gradients from the same start, since the worst case has no closed form. ${verification.text}`,
    },
  };
}

type Start = Pick<AdversarialTraining, "parameters" | "naturalLoss">;

async function compare(
  prepared: PreparedLocal,
  { attack }: LocalGround,
  at: CurvePoint,
  found: {
    readonly start: Start;
    readonly training: AdversarialTraining | null;
    readonly seconds: VerifiedPoint["seconds"];
  },
  work: Work,
): Promise<VerifiedPoint> {
  const { start, training, seconds } = found;
  const { epsilon } = at;
  const theta = training?.parameters ?? start.parameters;
  const lengthOf = (x: Float64Array) => lengthIn(prepared, attack.curvature, x, work);
  const losses = await rowLosses(prepared.local.model, theta, prepared.training, work);
  const change = dot(prepared.training.weights, losses) - start.naturalLoss;
  const { predicted } = at.thisData;
  const error = await lengthOf(theta.map((value, j) => value - start.parameters[j] - epsilon * attack.influence[j]));
  const shift = epsilon * (await lengthOf(attack.influence));
  const isResolved = Math.abs(change) > RESOLVABLE * Math.abs(start.naturalLoss);
  return {
    ...at,
    thisData: { ...at.thisData, exact: change },
    robustParameters: [...theta],
    robustNaturalLoss: start.naturalLoss + change,
    lossError: predicted - change,
    lossRatio: isResolved ? predicted / change : null,
    parameterError: error,
    relativeParameterError: shift > 0 ? error / shift : null,
    errorNorm: "hessian",
    optimum: training && {
      method: "adversarial-training",
      residual: training.gradientNorm,
      iterations: training.iterations,
      converged: training.converged,
      collapsed: false,
    },
    failure: null,
    seconds,
  };
}

/** ‖x‖_H, ridge included; negative curvature counts as none. */
async function lengthIn(
  { point }: PreparedLocal,
  curvature: "hessian" | "gauss-newton",
  x: Float64Array,
  work: Work,
): Promise<number> {
  const operator = riskOperator(point, { curvature, withRidge: true }, work);
  return Math.sqrt(Math.max(0, dot(x, (await operator.product(asColumn(x))).data)));
}

/** At the size that the analysis speaks of. */
async function errorBudget(
  prepared: PreparedLocal,
  { attack }: LocalGround,
  section: Omit<VerifiedThreat, "errorBudget" | "verification">,
  start: Float64Array,
  work: Work,
): Promise<ErrorBudget | null> {
  const { influence: I, damping, local, solver } = attack;
  const reference = referencePoint(section);
  const at = section.curve.find(({ epsilon }) => epsilon === reference?.epsilon);
  const size = await lengthIn(prepared, attack.curvature, I, work);
  if (!at?.robustParameters || !(size > 0)) return null;
  const { epsilon, robustParameters } = at;
  const { population } = section.sensitivity;
  const error = I.map((value, j) => robustParameters[j] - start[j] - epsilon * value);
  return {
    epsilon,
    fit: Math.sqrt(Math.max(0, 2 * local.newtonDecrement)) / (epsilon * size),
    damping:
      damping === 0
        ? 0
        : (damping * Math.sqrt(dot(I, I))) / Math.sqrt(dot(attack.penaltyGradient, attack.penaltyGradient)),
    solver: solver.relativeResidual,
    linearisation: (await lengthIn(prepared, attack.curvature, error, work)) / (epsilon * size),
    sampling: population && population.curvature > 0 ? population.standardError / population.curvature : null,
  };
}
