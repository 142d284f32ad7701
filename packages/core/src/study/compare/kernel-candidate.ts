import { kernelTrust } from "../../influence/kernel/validity.js";
import type { Work } from "../../parallel/work.js";
import { evaluateKernel } from "../kernel-evaluation.js";
import { kernelGroundFlags } from "../kernel-flags.js";
import { kernelInferenceOf } from "../kernel-inference.js";
import { type PreparedKernel, prepareKernelOn } from "../kernel-prepare.js";
import { kernelRidgeAsL2, resolvedKernel } from "../kernel-study.js";
import { kernelLoss, searchSteps } from "../kernel-words.js";
import { type EvaluatedLocal, evaluatedSensitivity, naturalLosses } from "../local-evaluation.js";
import type { StudyInput } from "../prepare.js";
import type { Flag } from "../result.js";
import type { EvaluatedCandidate, PopulationCost, PopulationS, ReadyCandidate } from "./evaluated.js";
import type { Candidate } from "./family.js";
import type { ComparisonGround } from "./ground.js";
import { evaluatedLosses } from "./part-losses.js";
import { seenBy } from "./seen-rows.js";
import type { ComparedSizes } from "./sizes.js";

interface FittedKernel {
  readonly candidate: Candidate;
  readonly ground: ComparisonGround;
  readonly columns: readonly string[];
  readonly prepared: PreparedKernel;
  readonly evaluated: EvaluatedLocal;
  readonly trustRadius: number | null;
}

/** A kernel regression (Corollary 6.1) on the common rows, with one γ and one λ for all folds. */
export async function readyKernel(
  candidate: Candidate,
  ground: ComparisonGround,
  input: StudyInput,
  work: Work,
): Promise<ReadyCandidate> {
  const { columns, settings, training, evaluation } = await seenBy(candidate, ground, work);
  const prepared = await prepareKernelOn({ training, evaluation }, { ...input, settings }, work);
  const [evaluated] = await evaluateKernel(prepared, work);
  const [attack] = prepared.influences;
  const { radius: trustRadius } = await kernelTrust(attack, { ...work, tolerance: settings.trustTolerance });
  const fitted = { candidate, ground, columns, prepared, evaluated, trustRadius };
  return {
    scale: attack.scale,
    trustRadius,
    evaluate: (sizes, quiet) => evaluateKernelCandidate(fitted, sizes, quiet),
  };
}

async function evaluateKernelCandidate(
  { candidate, ground, columns, prepared, evaluated, trustRadius }: FittedKernel,
  sizes: ComparedSizes,
  work: Work,
): Promise<EvaluatedCandidate> {
  const { training, fit, influences, reach, input } = prepared;
  const [attack] = influences;
  const { judged, label, unit } = kernelLoss(training);
  const natural = await naturalLosses(evaluated, 0, work);
  const search = { loss: judged, searchSteps: searchSteps(training.rows) };
  const { seed } = input.settings;
  const { population, reason } = await populationOf(prepared, sizes, work);
  return {
    candidate,
    model: candidate.settings.model ?? "",
    loss: "squared",
    lossLabel: label,
    unit,
    l2: kernelRidgeAsL2(prepared),
    l1: 0,
    project: null,
    kernel: resolvedKernel(prepared),
    columns,
    stability: null,
    parameters: fit.theta.data.length,
    attacked: reach.attacked.length,
    scale: attack.scale,
    trainingLoss: fit.naturalLoss,
    losses: await evaluatedLosses({ evaluated, natural, judged: search, attack, seed }, sizes, work),
    sensitivity: await evaluatedSensitivity(evaluated, "hessian", ground.sampling.evaluation, work),
    population,
    populationReason: reason,
    trustRadius,
    degreesOfFreedom: null,
    seeds: null,
    flags: flagsOf(candidate.name, prepared),
  };
}

/** S by subsamples: shown, but not compared, since no row's part in it is known. */
async function populationOf(
  prepared: PreparedKernel,
  { epsilon, radius }: ComparedSizes,
  work: Work,
): Promise<{ population: PopulationS | null; reason: string | null }> {
  const [attack] = prepared.influences;
  const { population: found, reason } = await kernelInferenceOf(attack, prepared, work);
  if (found === null) return { population: null, reason };
  const at = (square: number): PopulationCost => ({
    predicted: square * found.debiased,
    interval: [square * found.interval[0], square * found.interval[1]],
    rows: null,
    draws: null,
  });
  return {
    population: {
      method: found.method,
      sensitivity: found.debiased,
      relative: at(epsilon ** 2),
      absolute: at((radius / attack.scale) ** 2),
    },
    reason: null,
  };
}

/** What is said of one kernel, not of the data that all share. */
const OWN: ReadonlySet<string> = new Set(["repeated-rows", "kernel-centres"]);

const flagsOf = (name: string, prepared: PreparedKernel): Flag[] =>
  kernelGroundFlags(prepared)
    .filter(({ code }) => OWN.has(code))
    .map((flag) => ({ ...flag, message: `${name}: ${flag.message}` }));
