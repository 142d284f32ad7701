import { Matrix } from "../linalg/matrix.js";
import { combined } from "../linalg/products.js";
import type { Work } from "../parallel/work.js";
import { type KernelOptimum, kernelRobustOptimum } from "../robust/kernel/optimum.js";
import { kernelLength } from "../robust/kernel/robust-gradient.js";
import { type PreparedKernel, prepareKernel } from "./kernel-prepare.js";
import type { KernelGround } from "./kernel-section.js";
import { kernelStudyOf } from "./kernel-study.js";
import { type StudyInput, stopwatch } from "./prepare.js";
import type { CurvePoint, ThreatSection } from "./result.js";
import { referencePoint } from "./verdict.js";
import { verificationOf } from "./verification-of.js";
import type { ErrorBudget, VerificationResult, VerifiedPoint, VerifiedThreat } from "./verify-result.js";
import { verificationVerdict } from "./verify-words.js";

/** A change of the loss below this share of the loss is rounding. */
const RESOLVABLE = 1e-9;
/** Of the robust optimum's residual, the share of the way to it that is left. */
const TOLERANCE = 1e-3;
/** Steps of both searches: each costs as much as a kernel matrix. */
const searchOf = (rows: number) =>
  rows > 500 ? { maximumIterations: 12, innerSteps: 5 } : { maximumIterations: 25, innerSteps: 10 };

/**
 * `verify` for kernel regressions: beside the prediction the robust optimum, the attack on all rows jointly (or, where centres
 * stay, row by row) found by search from the same start.
 */
export async function verifyKernel(input: StudyInput, work: Work): Promise<VerificationResult> {
  const prepared = await prepareKernel(input, work);
  const { study, grounds } = await kernelStudyOf(prepared, work);
  return verificationOf(study.result, "Robust training", (section, t) =>
    verifiedThreat(section, prepared, grounds[t], work),
  );
}

async function verifiedThreat(
  section: ThreatSection,
  prepared: PreparedKernel,
  { attack }: KernelGround,
  work: Work,
): Promise<VerifiedThreat> {
  const { fit, influences, influenceSeconds, chosen } = prepared;
  const curve: VerifiedPoint[] = [];
  for (const [k, at] of section.curve.entries()) {
    const { norm } = section.threat;
    work.onProgress?.({ phase: `robust optima, p = ${norm}`, done: k, total: section.curve.length });
    const clock = stopwatch();
    const found =
      at.epsilon > 0
        ? await kernelRobustOptimum(fit, attack.threat, at.epsilon * attack.scale, {
            signal: work.signal,
            surface: attack.surface,
            tolerance: TOLERANCE,
            ...searchOf(prepared.training.rows),
          })
        : null;
    const seconds = { prediction: influenceSeconds / influences.length, exact: clock.lap() };
    curve.push(compared(prepared, attack.influence, at, found, seconds));
  }
  const verification = verificationVerdict(curve, null, "trained");
  const rows =
    chosen.centres === "move" ? "all rows jointly, whose centres move with them," : "each row, centres fixed,";
  return {
    ...section,
    curve,
    errorBudget: errorBudget(prepared, attack.relativeResidual, attack.influence, { ...section, curve }),
    verification: {
      ...verification,
      text: `Beside the prediction stands robust training against attacks on ${rows} found by gradient ascent from the same start: the worst case has no closed form. ${verification.text}`,
    },
  };
}

function compared(
  { fit }: PreparedKernel,
  I: Matrix,
  at: CurvePoint,
  found: KernelOptimum | null,
  seconds: VerifiedPoint["seconds"],
): VerifiedPoint {
  const { epsilon } = at;
  const theta = found?.theta ?? fit.theta;
  const naturalLoss = found?.naturalLoss ?? fit.naturalLoss;
  const change = naturalLoss - fit.naturalLoss;
  const { predicted } = at.thisData;
  const error = kernelLength(fit, combined(1, combined(1, theta, -1, fit.theta), -epsilon, I));
  const shift = epsilon * kernelLength(fit, I);
  return {
    ...at,
    thisData: { ...at.thisData, exact: change },
    robustParameters: [...theta.data],
    robustNaturalLoss: naturalLoss,
    lossError: predicted - change,
    lossRatio: Math.abs(change) > RESOLVABLE * fit.naturalLoss ? predicted / change : null,
    parameterError: error,
    relativeParameterError: shift > 0 ? error / shift : null,
    errorNorm: "hessian",
    optimum: found && {
      method: "joint-search",
      residual: found.residual,
      iterations: found.iterations,
      converged: found.converged,
      collapsed: false,
    },
    failure: null,
    seconds,
  };
}

/** At the size that the analysis speaks of. */
function errorBudget(
  { fit }: PreparedKernel,
  solver: number,
  I: Matrix,
  section: Omit<VerifiedThreat, "errorBudget" | "verification">,
): ErrorBudget | null {
  const reference = referencePoint(section);
  const at = section.curve.find(({ epsilon }) => epsilon === reference?.epsilon);
  const size = kernelLength(fit, I);
  if (!at?.robustParameters || !(size > 0)) return null;
  const { epsilon, robustParameters } = at;
  const { population } = section.sensitivity;
  const theta = new Matrix(Float64Array.from(robustParameters), I.rows, I.columns);
  const error = combined(1, combined(1, theta, -1, fit.theta), -epsilon, I);
  return {
    epsilon,
    fit: fit.gradientNorm,
    damping: 0,
    solver,
    linearisation: kernelLength(fit, error) / (epsilon * size),
    sampling: population && population.curvature > 0 ? population.standardError / population.curvature : null,
  };
}
