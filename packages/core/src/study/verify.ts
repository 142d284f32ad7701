import type { Influence } from "../influence/aif.js";
import type { Work } from "../parallel/work.js";
import { fitHessianTimes, stationaryGradient } from "../solvers/fit.js";
import { dot } from "../solvers/inverse-hessian.js";
import { studyOf } from "./analyze.js";
import { exactChange } from "./exact-change.js";
import { type ExactOutcome, exactOutcome, refuseInexact } from "./exact-optimum.js";
import { isKernelModel } from "./kernel-settings.js";
import { verifyKernel } from "./kernel-verify.js";
import { hasClosedForm } from "./local-settings.js";
import { verifyLocal } from "./local-verify.js";
import { type PreparedStudy, prepareStudy, type StudyInput, stopwatch } from "./prepare.js";
import type { CurvePoint, ThreatSection } from "./result.js";
import { describeThreat } from "./threat-description.js";
import type { ThreatGround } from "./threat-section.js";
import { referencePoint } from "./verdict.js";
import type { ErrorBudget, VerificationResult, VerifiedPoint, VerifiedThreat } from "./verify-result.js";
import { verificationVerdict } from "./verify-words.js";
import { threatLabel } from "./words.js";

/**
 * The analysis of `analyze` with the actual robust problem solved at each ε: argmin of R_ε on the training rows (MATH 10a) beside
 * the prediction θ̂ + εI. Held-out numbers stay predictions.
 * @throws as `analyze`; usage: a model or threat without an exact worst case.
 */
export async function verify(input: StudyInput, work: Work = {}): Promise<VerificationResult> {
  if (isKernelModel(input.settings.model)) return verifyKernel(input, work);
  if (!hasClosedForm(input.settings)) return verifyLocal(input, work);
  const prepared = await prepareStudy(input, work);
  for (const { attack } of prepared.grounds) refuseInexact(attack);
  const solved: SolvedSize[][] = [];
  const { training, reach } = prepared;
  for (const ground of prepared.grounds) {
    const { threat } = describeThreat(ground.attack.threat, training, reach, input.settings);
    solved.push(await solveSizes(ground, threat, work));
  }
  const exactSeconds = solved.flat().reduce((sum, { seconds }) => sum + seconds, 0);
  const exact = solved.map(
    (sizes) => new Map(sizes.flatMap(({ epsilon, outcome: { point } }) => (point ? [[epsilon, point] as const] : []))),
  );
  const { result } = await studyOf(prepared, { exact, exactSeconds }, work);
  const clock = stopwatch();
  const threats: VerifiedThreat[] = [];
  for (const [t, section] of result.threats.entries()) {
    threats.push(await verifiedThreat(section, prepared, t, solved[t], work));
  }
  const timings = { ...result.timings, total: result.timings.total + clock.lap() };
  return { ...result, schema: "aif.verification/1", threats, timings };
}

type ThreatName = ThreatSection["threat"];

interface SolvedSize {
  readonly epsilon: number;
  readonly outcome: ExactOutcome;
  /** Of this optimum alone, begun at θ̂. */
  readonly seconds: number;
}

async function solveSizes(
  { attack, epsilons }: ThreatGround,
  threat: ThreatName,
  { signal, onProgress }: Work,
): Promise<SolvedSize[]> {
  const solved: SolvedSize[] = [];
  for (const [k, epsilon] of epsilons.entries()) {
    const phase = `exact optima, ${threatLabel(threat)}`;
    onProgress?.({ phase, done: k, total: epsilons.length });
    const clock = stopwatch();
    const outcome = await exactOutcome(attack, epsilon, signal ? { signal } : {});
    solved.push({ epsilon, outcome, seconds: clock.lap() });
  }
  return solved;
}

async function verifiedThreat(
  section: ThreatSection,
  { grounds, predictionSeconds }: PreparedStudy,
  t: number,
  solved: readonly SolvedSize[],
  work: Work,
): Promise<VerifiedThreat> {
  const ground = grounds[t];
  const lengths = await errorLengths(ground, section, work);
  const curve: VerifiedPoint[] = [];
  for (const [k, point] of section.curve.entries()) {
    const { outcome, seconds: exact } = solved[k];
    const seconds = { prediction: predictionSeconds[t], exact };
    const length = lengths.get(point.epsilon) ?? null;
    curve.push(compare(ground.attack, point, { outcome, seconds, length }));
  }
  return {
    ...section,
    curve,
    errorBudget: errorBudget(ground.attack, { ...section, curve }),
    verification: verificationVerdict(curve, section.collapseRadius, "exact", section.threat.divergence !== null),
  };
}

type Length = (x: Float64Array) => number;

/** The norm of each bound that is not in the nominal Hessian's. */
async function errorLengths(
  { validity }: ThreatGround,
  { curve, errorNorm }: ThreatSection,
  work: Work,
): Promise<Map<number, Length>> {
  const bounded = curve.filter(({ errorBound, epsilon }) => errorBound !== null && epsilon > 0);
  if (errorNorm !== "robust-hessian") return new Map();
  const checks = await validity.at(
    bounded.map(({ epsilon }) => epsilon),
    work,
  );
  return new Map(checks.flatMap(({ epsilon, errorLength }) => (errorLength ? [[epsilon, errorLength] as const] : [])));
}

interface Solved {
  readonly outcome: ExactOutcome;
  readonly seconds: VerifiedPoint["seconds"];
  /** The norm of the bound; null: the Hessian's. */
  readonly length: Length | null;
}

function compare(
  { fit, influence: I }: Influence,
  point: CurvePoint,
  { outcome: { point: exact, failure }, seconds, length }: Solved,
): VerifiedPoint {
  const { epsilon } = point;
  const { predicted } = point.thisData;
  const change = exact && exactChange(fit, exact);
  const lengthOf = length ?? ((x: Float64Array) => lengthIn(fit, x));
  const error = exact && lengthOf(difference(fit.parameters, I, epsilon, exact.parameters));
  const shift = epsilon * lengthOf(I);
  const isResolved = change !== null && change !== 0;
  return {
    ...point,
    thisData: { ...point.thisData, exact: change },
    robustParameters: exact && [...exact.parameters],
    robustNaturalLoss: exact && exact.naturalLoss,
    lossError: change === null ? null : predicted - change,
    lossRatio: isResolved ? predicted / change : null,
    parameterError: error,
    relativeParameterError: error !== null && shift > 0 ? error / shift : null,
    errorNorm: length === null ? "hessian" : "robust-hessian",
    optimum: exact && exact.evidence,
    failure,
    seconds,
  };
}

/** θ_ε − (θ̂ + εI) */
const difference = (theta: Float64Array, I: Float64Array, epsilon: number, exact: ArrayLike<number>): Float64Array =>
  theta.map((value, j) => exact[j] - (value + epsilon * I[j]));

const lengthIn = (fit: Influence["fit"], x: Float64Array): number =>
  Math.sqrt(Math.max(0, dot(x, fitHessianTimes(fit, x))));

/** At the size that the analysis speaks of, if its optimum is known. */
function errorBudget(attack: Influence, section: Omit<VerifiedThreat, "errorBudget" | "verification">) {
  const { fit, influence: I, penaltyGradient: Phi } = attack;
  const reference = referencePoint(section);
  const point = section.curve.find(({ epsilon }) => epsilon === reference?.epsilon);
  const size = lengthIn(fit, I);
  if (!point?.robustParameters || !(size > 0)) return null;
  const { epsilon, robustParameters } = point;
  const { population } = section.sensitivity;
  const residual = fitHessianTimes(fit, I).map((value, j) => value + Phi[j]);
  return {
    epsilon,
    fit: fit.inverse.dualLength(stationaryGradient(fit)) / (epsilon * size),
    damping: 0,
    solver: fit.inverse.dualLength(residual) / size,
    linearisation: lengthIn(fit, difference(fit.parameters, I, epsilon, robustParameters)) / (epsilon * size),
    sampling: population && population.curvature > 0 ? population.standardError / population.curvature : null,
  } satisfies ErrorBudget;
}
