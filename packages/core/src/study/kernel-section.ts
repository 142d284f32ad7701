import type { KernelInfluence } from "../influence/kernel/aif.js";
import {
  kernelParameterContributions,
  kernelRowContributions,
  kernelSensitivity,
} from "../influence/kernel/sensitivity.js";
import { type KernelTrust, kernelStationarity, kernelTrust } from "../influence/kernel/validity.js";
import { freeRadius } from "../influence/moving-rows.js";
import type { Sampling } from "../influence/sampling.js";
import { kernelPredictor } from "../models/kernel/kernel-predictor.js";
import type { Work } from "../parallel/work.js";
import type { Groups } from "./groups.js";
import { influenceFields } from "./influence-fields.js";
import { kernelThreatFlags } from "./kernel-flags.js";
import type { KernelInference } from "./kernel-inference.js";
import type { PreparedKernel } from "./kernel-prepare.js";
import { kernelLoss, searchSteps } from "./kernel-words.js";
import { localCurve } from "./local-curve.js";
import { type EvaluatedLocal, evaluatedSensitivity } from "./local-evaluation.js";
import type { Flag, ThreatSection } from "./result.js";
import { describeThreat } from "./threat-description.js";
import { ascending, LISTED_ROWS, sizes } from "./threat-section.js";
import { verdictOf } from "./verdict.js";

/** Parameters listed among the contributions. */
const LISTED_PARAMETERS = 20;

/** What one threat's section rests on beside its influence. */
export interface KernelGround {
  readonly attack: KernelInfluence;
  readonly evaluated: EvaluatedLocal;
  readonly trust: KernelTrust;
  readonly epsilons: readonly number[];
}

/** How far the prediction reaches, and the sizes that it is looked at. */
export async function kernelGround(
  attack: KernelInfluence,
  evaluated: EvaluatedLocal,
  { input: { settings } }: PreparedKernel,
  work: Work,
): Promise<KernelGround> {
  const trust = await kernelTrust(attack, { ...work, tolerance: settings.trustTolerance });
  const named = settings.failIf.flatMap(({ epsilon }) => (epsilon === null ? [] : [epsilon]));
  const epsilons = ascending([...sizes(settings, attack.scale, trust.radius, null), ...named]);
  return { attack, evaluated, trust, epsilons };
}

/** Everything that the result says of one threat. */
export async function kernelThreatSection(
  { attack, evaluated, trust, epsilons }: KernelGround,
  prepared: PreparedKernel,
  rows: { readonly sampling: Sampling; readonly groups: Groups | null },
  { population, reason }: KernelInference,
  work: Work,
): Promise<{ section: ThreatSection; flags: Flag[] }> {
  const { input, training, reach, fit, chosen, parameterNames } = prepared;
  const { settings } = input;
  const { influence, scale, penalty, penaltyGradient, relativeResidual, threat } = attack;
  const I = influence.data;
  const heldOut = settings.evaluation.kind !== "training";
  const { slope, curvature } = kernelSensitivity(attack);
  const sensitivity = heldOut ? await evaluatedSensitivity(evaluated, "hessian", rows.sampling, work) : null;
  const stationarity = new Map<number, number>();
  for (const epsilon of epsilons) {
    if (epsilon > 0) stationarity.set(epsilon, await kernelStationarity(attack, epsilon, { signal: work.signal }));
  }
  const loss = kernelLoss(training);
  const model = kernelPredictor(fit.kernel, fit.points, parameterNames);
  const curve = await localCurve(
    {
      local: { loss: loss.judged, searchSteps: searchSteps(training.rows) },
      attack: { threat, scale },
      flippedUnits: null,
      evaluated,
      heldOut,
      trainingRows: {
        y: training.y,
        w: training.weights,
        parts: [{ data: training, model, rows: null, parameters: fit.theta.data, influence: I, scale }],
      },
      ...rows,
      trust: trust.radius,
      // ε² times S alone is no change of the loss where that moves at first order.
      population: null,
      estimationLoss: null,
      stationarity,
    },
    epsilons,
    settings,
    work,
  );
  const judged = {
    ...describeThreat(threat, training, reach, settings),
    ...influenceFields({ scale, penalty, penaltyGradient: penaltyGradient.data, influence: I }, null),
    oneSided: false,
    multipliers: null,
    local: null,
    solver: {
      name: "cholesky",
      iterations: 0,
      products: null,
      sketchProducts: null,
      relativeResidual,
      converged: true,
      reason: null,
    },
    sensitivity: { training: { slope, curvature }, heldOut: sensitivity, population },
    smoothing: null,
    kinkRadius: null,
    trustRadius: trust.radius,
    trustMethod: trust.radius === null ? null : ("stationarity" as const),
    freeRadius: sensitivity && freeRadius(sensitivity),
    collapseRadius: null,
    boundRadius: null,
    errorNorm: null,
    supportChange: null,
    curve,
    contributions: await contributions(attack, prepared, curvature, work),
  } satisfies Omit<ThreatSection, "verdict">;
  const verdict = verdictOf(judged, {
    level: settings.confidence,
    l2: 2 * chosen.ridge,
    trainedElsewhere: false,
    penalised: chosen.ridge > 0,
    parametersPerRow: 0,
    inSample: !heldOut,
    attackRate: settings.attackRate,
    unit: loss.unit,
  });
  const section: ThreatSection = { ...judged, verdict };
  const given = settings.epsilons !== null || settings.radii !== null || settings.budgets !== null;
  return { section, flags: kernelThreatFlags(section, given, { trust: trust.reason, inference: reason }) };
}

/** Shares of Σw‖KI‖² (MATH 14.11): the rows and the parameters with the largest. */
async function contributions(
  attack: KernelInfluence,
  { training, parameterNames }: PreparedKernel,
  curvature: number,
  work: Work,
): Promise<ThreatSection["contributions"]> {
  if (!(curvature > 0)) return { rows: [], parameters: [] };
  const rows = await kernelRowContributions(attack, work);
  const parameters = kernelParameterContributions(attack);
  return {
    rows: largest(rows, LISTED_ROWS).map((i) => ({
      row: training.sourceRows[i],
      value: rows[i],
      share: rows[i] / curvature,
    })),
    parameters: largest(parameters, LISTED_PARAMETERS).map((j) => ({
      name: parameterNames[j],
      value: parameters[j],
      share: parameters[j] / curvature,
    })),
  };
}

const largest = (values: Float64Array, count: number): number[] =>
  [...values.keys()].toSorted((a, b) => Math.abs(values[b]) - Math.abs(values[a])).slice(0, count);
