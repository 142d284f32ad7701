import type { EncodedDataset } from "../data/encoded-dataset.js";
import { type Influence, scoreShifts } from "../influence/aif.js";
import { boundRadius } from "../influence/bound-radius.js";
import { collapseRadius } from "../influence/collapse-radius.js";
import { naturalHessianTimes, parameterContributions, rowContributions } from "../influence/contributions.js";
import { type KinkRadii, kinkRadii, kinkRadius } from "../influence/kink-radius.js";
import { freeRadius, localSensitivity } from "../influence/moving-rows.js";
import { nearCorners } from "../influence/near-corners.js";
import { checkValidity, logarithmicGrid, type TrustRadius, type ValidityCheck } from "../influence/trust-radius.js";
import type { Matrix } from "../linalg/matrix.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import { curvePoints, type Judgement } from "./curve.js";
import { raise } from "./flags.js";
import { type Inference, inferenceFlags, missingInference, populationSensitivity } from "./inference.js";
import { influenceFields } from "./influence-fields.js";
import type { ExactPoints } from "./quick-optima.js";
import type { CurvePoint, Flag, ThreatSection } from "./result.js";
import type { StudySettings } from "./settings.js";
import { namedChange } from "./sparse-section.js";
import type { Reach } from "./threat-choice.js";
import { describeThreat } from "./threat-description.js";
import { threatFlags } from "./threat-flags.js";
import { type VerdictGround, verdictOf } from "./verdict.js";
import { threatLabel } from "./words.js";

/** Rows listed among the contributions. */
export const LISTED_ROWS = 20;
/** The default grid of MATH 14.3. */
const GRID_SIZE = 7;
const GRID_CEILING = 0.3;

/** What one threat's analysis rests on, before it is evaluated anywhere. */
export interface ThreatGround {
  readonly attack: Influence;
  readonly shifts: Float64Array;
  readonly kinks: KinkRadii;
  readonly collapse: number | null;
  readonly validity: ValidityCheck;
  readonly epsilons: readonly number[];
}

export async function threatGround(attack: Influence, settings: StudySettings, work: Work): Promise<ThreatGround> {
  const shifts = await scoreShifts(attack, work);
  const kinks = await kinkRadii(attack, shifts, work);
  const collapse = await collapseRadius(attack, work);
  const validity = await checkValidity(attack, shifts, {
    ...work,
    tolerance: settings.trustTolerance,
    ceiling: collapse,
  });
  const epsilons = sizesOfCurve(settings, attack.scale, validity.trust.radius, collapse);
  return { attack, shifts, kinks, collapse, validity, epsilons };
}

/** The sizes of `sizes` and those that conditions speak of. */
export function sizesOfCurve(settings: StudySettings, scale: number, trust: number | null, collapse: number | null) {
  const named = settings.failIf.flatMap(({ epsilon }) => (epsilon === null ? [] : [epsilon]));
  return ascending([...sizes(settings, scale, trust, collapse), ...named]);
}

export const ascending = (list: readonly number[]): number[] => [...new Set(list)].toSorted((a, b) => a - b);

/** --epsilon, --radius / c, the whole budget, or seven log-spaced sizes around the trust radius. */
export function sizes(
  { epsilons, radii, budgets }: StudySettings,
  scale: number,
  trust: number | null,
  collapse: number | null,
): readonly number[] {
  if (epsilons) return epsilons;
  if (radii) return radii.map((radius) => radius / scale);
  if (budgets) return [1 / scale];
  // Without any effect to give up, the collapse radius is 0 but for rounding, and says nothing about sizes.
  const top = collapse !== null && collapse > 1e-9 ? Math.min(GRID_CEILING, collapse / 2) : GRID_CEILING;
  const bottom = trust !== null && trust > 0 && 0.1 * trust < top ? 0.1 * trust : top / 100;
  return logarithmicGrid(bottom, top, GRID_SIZE).map((epsilon) => Number(epsilon.toPrecision(3)));
}

/** What is known of one threat beside its prediction. */
interface Known {
  readonly judgement: Judgement;
  readonly inference: Inference | null;
  readonly exact: ExactPoints;
}

/** Everything that the result says of one threat. */
export async function threatSection(
  ground: ThreatGround,
  { judgement, inference, exact }: Known,
  data: EncodedDataset,
  reach: Reach,
  settings: StudySettings,
  work: Work,
): Promise<{ section: ThreatSection; flags: Flag[] }> {
  const { attack, kinks } = ground;
  const { fit, influence: I } = attack;
  const { evaluated, sampling, covariance } = judgement;
  const heldOut = evaluated && localSensitivity(evaluated.rows, sampling);
  const curvature = trainingCurvature(attack);
  const population = populationSensitivity(curvature, inference);
  const { points: curve, missingSecondOrder } = await curvePoints(
    ground,
    judgement,
    { population, exact },
    settings,
    work,
  );
  const shares =
    curvature > 0 ? summed(await rowContributions(attack, naturalHessianTimes(fit, I), work), data.copies) : null;
  const rows = shares && largestRows(shares, (i) => data.sourceRows[i * data.copies]);
  return sectionFrom(
    { ...ground, trust: ground.validity.trust, kinkRadius: kinkRadius(kinks), support: kinks.support },
    {
      heldOut,
      population,
      curve,
      missingSecondOrder,
      inference,
      covariance,
      boundRadius: await boundRadius(attack, work),
      multipliers: namedMultipliers(attack, data),
      rows,
    },
    data,
    reach,
    settings,
  );
}

/** ½I'H_LI */
export const trainingCurvature = ({ fit, influence: I }: Influence): number =>
  0.5 * dot(I, naturalHessianTimes(fit, I));

/** What is known of one threat before it is evaluated, without anything of single rows. */
export interface SectionGround extends Pick<ThreatGround, "attack" | "collapse"> {
  readonly trust: TrustRadius;
  readonly kinkRadius: number | null;
  readonly support: KinkRadii["support"];
}

/** What a section is made of beside its ground. */
export interface SectionNumbers {
  readonly heldOut: ThreatSection["sensitivity"]["heldOut"];
  readonly population: ThreatSection["sensitivity"]["population"];
  readonly curve: readonly CurvePoint[];
  /** Why there is no second order though it was asked for; null: there is, or it was not. */
  readonly missingSecondOrder: string | null;
  readonly inference: Inference | null;
  /** Cov θ̂, or null. */
  readonly covariance: Matrix | null;
  readonly boundRadius: number | null;
  readonly multipliers: ThreatSection["multipliers"];
  /** Rows with the largest part in I'H_LI; null where that is 0. */
  readonly rows: readonly RowShare[] | null;
}

/** A row's part in I'H_LI. @see rowContributions */
export interface RowShare {
  /** 1-based, of the file. */
  readonly row: number;
  readonly value: number;
}

export function sectionFrom(
  { attack, collapse, trust, kinkRadius: kink, support }: SectionGround,
  numbers: SectionNumbers,
  data: Pick<EncodedDataset, "featureInfo" | "features">,
  reach: Reach,
  settings: StudySettings,
): { section: ThreatSection; flags: Flag[] } {
  const { fit } = attack;
  const { heldOut, inference, curve } = numbers;
  const curvature = trainingCurvature(attack);
  const judged = {
    ...describeThreat(attack.threat, data, reach, settings),
    ...influenceFields(attack, inference),
    oneSided: attack.oneSided,
    multipliers: numbers.multipliers,
    local: null,
    solver: {
      name: fit.inverse.method,
      iterations: 0,
      products: null,
      sketchProducts: null,
      relativeResidual: attack.relativeResidual,
      converged: true,
      reason: null,
    },
    sensitivity: {
      training: { slope: trainingSlope(attack), curvature },
      heldOut,
      population: numbers.population,
    },
    smoothing: null,
    kinkRadius: kink,
    supportChange: support && namedChange(support, fit.model.parameterNames),
    trustRadius: trust.radius,
    trustMethod: trust.method,
    freeRadius: heldOut && freeRadius(heldOut),
    collapseRadius: collapse,
    boundRadius: numbers.boundRadius,
    errorNorm: trust.errorNorm,
    curve,
    contributions: contributions(attack, numbers.rows, curvature),
  } satisfies Omit<ThreatSection, "verdict">;
  const section: ThreatSection = { ...judged, verdict: verdictOf(judged, verdictGround(fit, settings)) };
  const chosen =
    settings.epsilons !== null ||
    settings.radii !== null ||
    settings.budgets !== null ||
    settings.failIf.some(({ epsilon }) => epsilon !== null);
  const { missingSecondOrder, covariance } = numbers;
  return {
    section,
    flags: [
      ...threatFlags({ attack, collapse, trust }, section, chosen),
      ...(missingSecondOrder === null
        ? []
        : [raise("no-second-order", `${threatLabel(judged.threat)}: ${missingSecondOrder}.`)]),
      ...populationFlags({ attack, covariance, features: data.features }, section, inference, settings),
    ],
  };
}

const verdictGround = (
  { l2, model, parameters, data, sparse }: Influence["fit"],
  settings: StudySettings,
): VerdictGround => ({
  unit: model.loss.unit(settings.target),
  level: settings.confidence,
  l2,
  trainedElsewhere: false,
  penalised: l2 > 0 || sparse !== undefined,
  parametersPerRow: ((sparse?.support ?? parameters).length * (data.copies ?? 1)) / data.rows,
  inSample: settings.evaluation.kind === "training",
  attackRate: settings.attackRate,
});

/**
 * At a minimum the slope of the natural loss on the training rows is −(Pθ̂)'I exactly (MATH 14.11): 0 without a ridge. With an l1
 * penalty it is (∇L − Pθ̂)'I, where ∇L = −λ sgn θ̂ on the coefficients that are not 0.
 */
function trainingSlope({ fit: { ridge, parameters, gradient, sparse }, influence: I }: Influence): number {
  let slope = 0;
  for (let j = 0; j < I.length; j++) slope += ((sparse ? gradient[j] : 0) - ridge[j] * parameters[j]) * I[j];
  return slope;
}

function namedMultipliers({ multipliers }: Influence, data: EncodedDataset): ThreatSection["multipliers"] {
  if (multipliers === null) return null;
  const named = ({ feature, value }: { feature: number; value: number }) => ({
    feature: data.features[feature],
    value,
  });
  return {
    residuals: multipliers.residuals.map(({ row, value }) => ({ row: data.sourceRows[row], value })),
    coordinates: multipliers.coordinates.map(named),
    ties: multipliers.ties.map(named),
  };
}

/** The rows with the largest values, largest first. @param rowOf the file's row */
export function largestRows(values: Float64Array, rowOf: (i: number) => number): RowShare[] {
  const largest = [...values.keys()].toSorted((a, b) => Math.abs(values[b]) - Math.abs(values[a]));
  return largest.slice(0, LISTED_ROWS).map((i) => ({ row: rowOf(i), value: values[i] }));
}

/** Shares of the curvature ½I'H_LI (MATH 14.11): the rows with the largest, and all parameters. */
function contributions(
  attack: Influence,
  rows: readonly RowShare[] | null,
  curvature: number,
): ThreatSection["contributions"] {
  if (!(curvature > 0)) return { rows: [], parameters: [] };
  const { fit, influence: I } = attack;
  // Contributions add up to I'H_LI; values and shares are of its half.
  const part = (value: number) => ({ value: value / 2, share: value / (2 * curvature) });
  const parameters = parameterContributions(attack);
  return {
    rows: (rows ?? []).map(({ row, value }) => ({ row, ...part(value) })),
    parameters: fit.model.parameterNames.flatMap((name, j) =>
      fit.sparse && I[j] === 0 ? [] : [{ name, ...part(parameters[j]) }],
    ),
  };
}

/** Sums over the noisy copies of every row. */
function summed(values: Float64Array, copies: number): Float64Array {
  if (copies === 1) return values;
  const out = new Float64Array(values.length / copies);
  for (let at = 0; at < values.length; at++) out[Math.floor(at / copies)] += values[at];
  return out;
}

/** What intervals for the population leave open. */
function populationFlags(
  {
    attack,
    covariance,
    features,
  }: { readonly attack: Influence; readonly covariance: Matrix | null; readonly features: readonly string[] },
  { threat }: ThreatSection,
  inference: Inference | null,
  settings: StudySettings,
): Flag[] {
  const label = threatLabel(threat);
  const reason = inference === null ? missingInference(attack.threat, settings) : null;
  if (reason !== null) return [raise("no-inference", `${label}: no interval for the population, since ${reason}.`)];
  const corners = inference && covariance ? nearCorners(attack, covariance) : [];
  const names = corners.map((k) => features[k]);
  const flags = inferenceFlags(label, inference, names, settings);
  if (inference?.sensitivity === null && settings.inference !== "bootstrap") {
    flags.push(raise("no-inference", `${label}: no interval for the sensitivity in the population, since ${SPENT}.`));
  }
  return flags;
}

const SPENT =
  "the bias that few rows a parameter give it is larger than itself: use a ridge such as --l2 0.01, more rows or fewer features";
