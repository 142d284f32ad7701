import { listed } from "../data/names.js";
import type { Influence } from "../influence/aif.js";
import { bootstrap } from "../influence/bootstrap.js";
import { bootstrapSummary } from "../influence/bootstrap-summary.js";
import { type LeverageBias, leverageBias } from "../influence/leverage-bias.js";
import type { Sampling } from "../influence/sampling.js";
import { type Leverage, leverageFor, type Sandwich, sandwich, sandwichParts } from "../influence/sandwich.js";
import { type SensitivityInterval, sensitivityInterval } from "../influence/sensitivity-interval.js";
import { supremumFactor } from "../influence/simultaneous.js";
import type { Work } from "../parallel/work.js";
import { isJoint } from "../robust/joint-worst-case.js";
import type { Fit } from "../solvers/fit.js";
import { normalQuantile } from "../stats/distributions.js";
import type { Threat } from "../threats/threat.js";
import { raise } from "./flags.js";
import type { Flag, Interval, ThreatSection } from "./result.js";
import { hasAbsoluteSizes, type StudySettings } from "./settings.js";
import type { ThreatGround } from "./threat-section.js";

/** What inference adds to one threat. */
export interface Inference {
  readonly level: number;
  /** d */
  readonly standardErrors: Float64Array;
  /** Of I in the population, for one parameter and for all at once. */
  readonly pointwise: Bounds;
  readonly simultaneous: Bounds;
  /** Ŝ without its bias, and its standard error. */
  readonly debiased: number;
  readonly sensitivityStandardError: number;
  /** null where the draws of a bootstrap are too few for it. */
  readonly sensitivity: SensitivityInterval | null;
  /** Draws of a bootstrap that have no estimate. */
  readonly failedDraws: number;
  /** n: IFs_i of the sandwich; null: from a bootstrap. */
  readonly sensitivityRows: Float64Array | null;
  /** B: S_b of the bootstrap's draws, the same for every model on the same rows; null: from the sandwich. */
  readonly sensitivityDraws: Float64Array | null;
}

interface Bounds {
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

type Judged = Pick<ThreatGround, "attack" | "shifts">;

/** More parameters a row than this and no interval for the population is worth its name (MATH 14.5). */
const MOST_PARAMETERS_PER_ROW = 0.2;

/** One entry a threat; null where none was asked for, or where it has no ground: a singular H, a corner exactly at the fit, too many parameters. */
export async function inferencesOf(
  grounds: readonly Judged[],
  settings: StudySettings,
  sampling: Sampling,
  work: Work,
): Promise<(Inference | null)[]> {
  const sound = grounds.filter(
    ({ attack }) =>
      settings.inference !== "none" && hasGround(attack) && missingInference(attack.threat, settings) === null,
  );
  const found =
    settings.inference === "bootstrap"
      ? await fromBootstrap(sound, settings, sampling, work)
      : await fromSandwich(sound, settings, sampling, work);
  const of = new Map(sound.map((ground, k) => [ground, found[k]]));
  return grounds.map((ground) => of.get(ground) ?? null);
}

export const hasGround = ({ fit, influence, oneSided }: Influence): boolean =>
  !fit.sparse &&
  influence.length <= MOST_PARAMETERS_PER_ROW * rowsOf(fit) &&
  fit.inverse.method !== "pseudo-inverse" &&
  !oneSided;

/** Noisy copies of a row are no further rows. */
const rowsOf = ({ data }: Fit): number => data.rows / (data.copies ?? 1);

/** Why an adversary that attacks all rows together has no interval for the population; null: it has one, as far as that goes. */
export function missingInference(threat: Threat, { inference }: Pick<StudySettings, "inference">): string | null {
  if (!isJoint(threat) || inference === "none") return null;
  if (threat.settings.order === 1)
    return "at u = 1 one row takes everything, so that the influence has no distribution";
  return inference === "bootstrap"
    ? null
    : "rows are attacked together, which has no closed form: ask for --inference bootstrap";
}

async function fromSandwich(
  grounds: readonly Judged[],
  settings: StudySettings,
  sampling: Sampling,
  work: Work,
): Promise<Inference[]> {
  const { confidence: level, seed } = settings;
  const options = { ...work, ...sampling, relativeRadius: !hasAbsoluteSizes(settings) };
  const out: Inference[] = [];
  for (const { attack, shifts } of grounds) {
    const parts = await sandwichParts(attack, shifts, options);
    const bias = await leverageBias(attack, shifts, options, parts);
    const leverage = leverageFor(attack.influence.length, rowsOf(attack.fit));
    const corrected = { ...options, leverage: correctionOf(leverage, bias !== null) };
    const found = await sandwich(attack, shifts, corrected, parts);
    out.push(inferenceOf(attack, found, bias, leverage, { level, seed }));
  }
  return out;
}

/** "centred" allows for what the bias takes away; without that HC2 is what is left. */
export const correctionOf = (leverage: Leverage, hasBias: boolean): Leverage =>
  leverage === "centred" && !hasBias ? "hc2" : leverage;

/** Intervals from V̂ and the bias. */
export function inferenceOf(
  attack: Influence,
  found: SandwichSpread,
  bias: LeverageBias | null,
  leverage: Leverage,
  options: { readonly level: number; readonly seed: number },
): Inference {
  // With few parameters a row the bias of Î is small against its spread, and taking it off adds noise; that of Ŝ is not.
  const off = leverage === "none" ? null : bias;
  const centre = attack.influence.map((value, j) => value - (off?.influence[j] ?? 0));
  const interval = sensitivityInterval(attack, found, options.level, bias);
  const freed = { ...found, debiased: found.debiased - (bias?.sensitivity ?? 0) };
  // S is not negative: an interval below 0 says that the expansion in d/n, which the bias is the first term of, does not hold here.
  return inferenceFrom(freed, centre, interval.upper < 0 ? null : interval, options);
}

/** The sandwich, with the rows' influences on Ŝ where they are kept. */
export type SandwichSpread = Omit<Sandwich, "sensitivityRows"> & { readonly sensitivityRows: Float64Array | null };

/** Normal intervals for I around `centre`, one at a time and all at once. */
export function inferenceFrom(
  { covariance, standardErrors, debiased, sensitivityStandardError, sensitivityRows }: SandwichSpread,
  centre: Float64Array,
  sensitivity: SensitivityInterval | null,
  { level, seed }: { readonly level: number; readonly seed: number },
): Inference {
  const around = (factor: number): Bounds => ({
    lower: centre.map((value, j) => value - factor * standardErrors[j]),
    upper: centre.map((value, j) => value + factor * standardErrors[j]),
  });
  return {
    level,
    standardErrors,
    pointwise: around(normalQuantile(0.5 + level / 2)),
    // A factor of many parameters takes an eigen-decomposition, and not everybody asks for it.
    get simultaneous() {
      return around(supremumFactor(covariance, level, seed));
    },
    debiased,
    sensitivityStandardError,
    sensitivity,
    failedDraws: 0,
    sensitivityRows,
    sensitivityDraws: null,
  };
}

async function fromBootstrap(
  grounds: readonly Judged[],
  settings: StudySettings,
  sampling: Sampling,
  work: Work,
): Promise<Inference[]> {
  const { confidence: level, seed, draws } = settings;
  const attacks = grounds.map(({ attack }) => attack);
  const drawn = await bootstrap(attacks, {
    ...work,
    ...sampling,
    draws,
    seed,
    relativeRadius: !hasAbsoluteSizes(settings),
  });
  return attacks.map((attack, a) => ({
    level,
    ...bootstrapSummary(attack, drawn[a], level),
    failedDraws: drawn[a].failed,
    sensitivityRows: null,
    sensitivityDraws: drawn[a].sensitivity,
  }));
}

export function parameterInterval(inference: Inference, kind: Interval["kind"]): Interval {
  const { lower, upper } = inference[kind];
  return { level: inference.level, kind, lower: [...lower], upper: [...upper] };
}

/** S in the population, per ε². */
export function populationSensitivity(
  S: number,
  inference: Inference | null,
): ThreatSection["sensitivity"]["population"] {
  if (!inference?.sensitivity) return null;
  const { debiased, sensitivityStandardError, sensitivity } = inference;
  return {
    curvature: S,
    debiased,
    standardError: sensitivityStandardError,
    interval: [sensitivity.lower, sensitivity.upper],
    method: sensitivity.method,
  };
}

/** What intervals for the population leave open. @param corners features whose corner of the penalty is within chance. */
export function inferenceFlags(
  label: string,
  inference: Inference | null,
  corners: readonly string[],
  { draws, inference: kind }: StudySettings,
): Flag[] {
  if (inference === null) return [];
  const { failedDraws, sensitivity, standardErrors } = inference;
  const flags: Flag[] = [];
  if (corners.length > 0) {
    const where = `chance may put the coefficients of ${listed(corners, 5)} on the other side of a corner`;
    flags.push(raise("near-corner", `${label}: ${where}.`));
  }
  if (failedDraws > 0) {
    const share = `${failedDraws} of ${draws} draws have no estimate and are left out`;
    flags.push(raise("bootstrap-failures", `${label}: ${share}.`));
  }
  if (sensitivity === null && kind === "bootstrap") {
    flags.push(raise("few-draws", `${label}: ${draws} draws for ${standardErrors.length} parameters.`));
  }
  return flags;
}
