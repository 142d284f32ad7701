import { type CurvePoint, referencePoint, type StudyResult, type ThreatSection } from "@aif/core";
import { adversaryTitle, adversaryWords } from "./adversary.js";
import { clean } from "./clean.js";
import { curveLines } from "./curve.js";
import { glue, widthOf, wrap } from "./layout.js";
import { localLines } from "./local.js";
import { parameterLines, rowLines } from "./movers.js";
import { equation, number, short, signed, signedPercent } from "./numbers.js";
import type { Paint } from "./page.js";
import { reachOfTrustLines } from "./radii.js";
import { referenceWords } from "./reference.js";
import { smoothingSentences } from "./smoothing.js";
import { verdictLines } from "./verdict.js";

const longestUnit = 24;

/** All that is said of one adversary; `explain` adds the words on columns that are the same under every norm. */
export function threatLines(result: StudyResult, threat: ThreatSection, paint: Paint, explain: boolean): string[] {
  return [
    ...wrap(adversaryTitle(threat.threat)).map(paint.heading),
    ...wrap(adversaryWords(threat), { indent: 2 }),
    ...costLines(result, threat),
    "",
    ...curveLines(result, threat, paint, explain),
    "",
    ...verdictLines(result, threat, paint),
    "",
    paint.heading("How far the prediction reaches"),
    ...reachOfTrustLines(threat, result.settings),
    ...localLines(threat, paint),
    "",
    ...parameterLines(result, threat, paint),
    "",
    ...rowLines(threat, paint, explain),
  ];
}

/** The headline: what robustness costs at one size, and what it buys. */
const costLines = (result: StudyResult, threat: ThreatSection): string[] =>
  costSentences(result, threat).flatMap((sentence) => wrap(sentence, { indent: 2 }));

/** The same, a sentence each; none where the curve has no size above 0. */
export function costSentences(result: StudyResult, threat: ThreatSection): string[] {
  const point = referencePoint(threat);
  if (point === null) return [];
  const heldOut = result.fit.heldOutLoss !== null && point.heldOut !== null;
  const change = point.heldOut?.predicted ?? point.thisData.predicted;
  const before = heldOut ? result.fit.heldOutLoss : result.fit.trainingLoss;
  const rows = heldOut ? "held-out" : "training";
  // A Poisson loss lacks a constant, so that its size means nothing.
  const relative = before && result.model.loss !== "poisson" ? ` (${signedPercent(change / before)})` : "";
  return [
    `Cost of robustness (model sensitivity S): training against attacks of ${equation("ε", point.epsilon)} (${referenceWords(threat, point)}) is predicted to change the ${rows} loss by ${signed(change)}${unitOf(result)}${relative}${heldOutInterval(result, point)}, and the loss under such an attack from ${number(point.robustLossNatural, 4)} to ${number(point.robustLoss, 4)}.`,
    `S(ε) ≈ slope·ε + curvature·ε²: ${expansions(threat)}.`,
    ...populationSentences(result, threat),
    ...smoothingSentences(threat),
  ];
}

/** What the paired differences of the held-out rows leave open, given the fits. */
function heldOutInterval({ settings }: StudyResult, { heldOut, extrapolated }: CurvePoint): string {
  if (!heldOut?.interval) return "";
  const [lower, upper] = heldOut.interval;
  return ` (${short(100 * settings.confidence)}${glue}% interval given the fit: ${signed(lower)} to ${signed(upper)}${extrapolated ? ", EXTRAPOLATED" : ""})`;
}

/** S in the population: the curvature without the bias of noise, for a fit on another training set of this size. */
function populationSentences({ settings }: StudyResult, { sensitivity: { population } }: ThreatSection): string[] {
  if (population === null) return [];
  const [lower, upper] = population.interval.map((end) => number(end));
  const caution = population.method === "projection" ? "; the shift is not clear of its noise, so this is wide" : "";
  return [
    `In the population the curvature is ${number(Math.max(0, population.debiased))} (${short(100 * settings.confidence)}${glue}% interval ${lower} to ${upper}${caution}).`,
  ];
}

/** A unit that is a sentence of its own has been given where the natural loss is. */
function unitOf({ model }: StudyResult): string {
  const unit = clean(model.unit);
  return widthOf(unit) <= longestUnit ? ` ${unit}` : "";
}

function expansions({ sensitivity: { training, heldOut } }: ThreatSection): string {
  const inSample = `training ${polynomial(training)}`;
  if (heldOut === null) return inSample;
  return `held-out ${polynomial(heldOut)} (slope ±${number(heldOut.slopeStandardError, 2)}), ${inSample}`;
}

/** A slope below this share of the curvature is 0 but for rounding. */
const rounding = 1e-9;

function polynomial({ slope, curvature }: { slope: number; curvature: number }): string {
  const square = `${number(Math.abs(curvature))}·ε²`;
  if (Math.abs(slope) <= rounding * Math.abs(curvature)) return `${curvature < 0 ? "-" : ""}${square}`;
  return `${number(slope)}·ε${glue}${curvature < 0 ? "-" : "+"}${glue}${square}`;
}
