import { raise } from "./flags.js";
import { stopwatch } from "./prepare.js";
import type { StudyResult, ThreatSection } from "./result.js";
import type { VerificationResult, VerifiedThreat } from "./verify-result.js";

/**
 * An analysis with robust training beside each prediction, for models whose optimum is sought rather than known.
 * @param training what it is called, as it begins a sentence. @param verified the t-th threat with its optima.
 */
export async function verificationOf(
  result: StudyResult,
  training: string,
  verified: (section: ThreatSection, t: number) => Promise<VerifiedThreat>,
): Promise<VerificationResult> {
  const clock = stopwatch();
  const threats: VerifiedThreat[] = [];
  for (const [t, section] of result.threats.entries()) threats.push(await verified(section, t));
  const exact = clock.lap();
  const unproven = threats.flatMap(({ curve }) => curve).filter(({ optimum }) => optimum?.converged === false).length;
  const message = `${training} ended before its gradient was small at ${unproven} size${unproven === 1 ? "" : "s"}.`;
  return {
    ...result,
    schema: "aif.verification/1",
    threats,
    flags: [...result.flags, ...(unproven > 0 ? [raise("training-not-converged", message)] : [])],
    timings: { ...result.timings, exact, total: result.timings.total + exact },
  };
}
