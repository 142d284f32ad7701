import { type LeverageBias, leverageBias } from "../influence/leverage-bias.js";
import type { Sampling } from "../influence/sampling.js";
import { leverageFor, type Sandwich, sandwich } from "../influence/sandwich.js";
import { type SensitivityInterval, sensitivityInterval } from "../influence/sensitivity-interval.js";
import { supremumFactor } from "../influence/simultaneous.js";
import type { Work } from "../parallel/work.js";
import { normalQuantile } from "../stats/distributions.js";
import type { Interval, ThreatSection } from "./result.js";
import { hasAbsoluteSizes, type StudySettings } from "./settings.js";
import type { ThreatGround } from "./threat-section.js";

/** What inference adds to one threat. */
export interface Inference {
  readonly found: Sandwich;
  /** What the estimates are expected to be off by, which intervals are centred without; null where it is not known. */
  readonly bias: LeverageBias | null;
  readonly sensitivity: SensitivityInterval;
  /** Half widths in standard errors, for one parameter and for all at once. */
  readonly pointwise: number;
  readonly simultaneous: number;
  readonly level: number;
}

/** More parameters a row than this and the sandwich's intervals say nothing (MATH 14.5). */
const MOST_PARAMETERS_PER_ROW = 0.2;

/** null where none was asked for, or where it has no ground: a singular H, a corner exactly at the fit, too many parameters. */
export async function inferenceOf(
  ground: Pick<ThreatGround, "attack" | "shifts">,
  settings: StudySettings,
  sampling: Sampling,
  work: Work,
): Promise<Inference | null> {
  const { attack, shifts } = ground;
  const { confidence: level, inference, seed } = settings;
  const crowded = attack.influence.length > MOST_PARAMETERS_PER_ROW * attack.fit.data.rows;
  if (crowded || inference === "none" || attack.fit.inverse.method !== "cholesky" || attack.oneSided) return null;
  const options = { ...work, ...sampling, relativeRadius: !hasAbsoluteSizes(settings) };
  const bias = await leverageBias(attack, shifts, options);
  const leverage = leverageFor(attack.influence.length, attack.fit.data.rows);
  // "centred" allows for what the bias takes away; without that HC2 is what is left.
  const found = await sandwich(attack, shifts, {
    ...options,
    leverage: leverage === "centred" && bias === null ? "hc2" : leverage,
  });
  return {
    found,
    bias,
    sensitivity: sensitivityInterval(attack, found, level, bias),
    pointwise: normalQuantile(0.5 + level / 2),
    simultaneous: supremumFactor(found.covariance, level, seed),
    level,
  };
}

/** Î less its bias, ± factor·se. */
export function parameterInterval(
  I: Float64Array,
  { found, bias, level, ...factors }: Inference,
  kind: Interval["kind"],
): Interval {
  const factor = factors[kind];
  const centre = I.map((value, j) => value - (bias?.influence[j] ?? 0));
  return {
    level,
    kind,
    lower: Array.from(centre, (value, j) => value - factor * found.standardErrors[j]),
    upper: Array.from(centre, (value, j) => value + factor * found.standardErrors[j]),
  };
}

/** S in the population, per ε². */
export function populationSensitivity(
  S: number,
  inference: Inference | null,
): ThreatSection["sensitivity"]["population"] {
  if (inference === null) return null;
  const { found, sensitivity, bias } = inference;
  return {
    curvature: S,
    debiased: found.debiased - (bias?.sensitivity ?? 0),
    standardError: found.sensitivityStandardError,
    interval: [sensitivity.lower, sensitivity.upper],
    method: sensitivity.method,
  };
}
