import { HIGHER_IS_BETTER } from "../influence/metrics.js";
import type { CurvePoint, Suggestion, ThreatSection, Verdict } from "./result.js";
import { SUGGESTIONS } from "./suggestions.js";
import { number, percent, short, signed, signedPercent } from "./words.js";

/** What a verdict rests on: one threat, before its verdict. */
export type Judged = Omit<ThreatSection, "verdict">;

/** What the verdict needs to know beside the threat. */
export interface VerdictGround {
  readonly level: number;
  readonly l2: number;
  /** Whether training has a penalty beside the loss, of whatever kind. */
  readonly penalised: boolean;
  /** Whether the parameters came from a file and were left as they are. */
  readonly trainedElsewhere: boolean;
  readonly parametersPerRow: number;
  readonly inSample: boolean;
  readonly attackRate: number | null;
  /** Of the loss. */
  readonly unit: string;
}

export type Answer = Verdict["answer"];

/** The size at which one number is spoken of: the largest that can be trusted, else the smallest there is. */
export function referencePoint({ curve }: Pick<ThreatSection, "curve">): CurvePoint | null {
  const trusted = curve.filter(({ extrapolated, epsilon }) => !extrapolated && epsilon > 0);
  return trusted.at(-1) ?? curve.find(({ epsilon }) => epsilon > 0) ?? null;
}

/** Whether robust training is worth it at the reference size, up to where that can be said, and what to try instead. */
export function verdictOf(threat: Judged, ground: VerdictGround): Verdict | null {
  const point = referencePoint(threat);
  if (point === null) return null;
  const answer = answerAt(point, threat);
  const alike = threat.curve
    .filter(({ epsilon, extrapolated }) => epsilon > 0 && !extrapolated)
    .every((other) => answerAt(other, threat) === answer);
  const upTo = threat.trustRadius === null || point.extrapolated || !alike ? null : threat.trustRadius;
  const instead = SUGGESTIONS.flatMap((rule) => rule(threat, point, answer, ground) ?? []);
  return { epsilon: point.epsilon, answer, upTo, instead, text: words(threat, point, answer, upTo, instead, ground) };
}

type Interval = readonly [number, number];

/** What a number with its interval says: −1 or 1 where it is clearly below or above 0, else 0. Without interval it is taken as it is. */
function clearSign(value: number, interval: Interval | null | undefined): -1 | 0 | 1 {
  if (!interval) return value > 0 ? 1 : value < 0 ? -1 : 0;
  if (interval[0] > 0) return 1;
  return interval[1] < 0 ? -1 : 0;
}

const costSign = ({ cost, heldOut }: CurvePoint): -1 | 0 | 1 => clearSign(cost, heldOut?.interval);
const benefitSign = ({ benefit, benefitInterval }: CurvePoint): -1 | 0 | 1 => clearSign(benefit, benefitInterval);

/** By the signs of the cost (rows: falls, open, rises) and of the benefit (columns: lost, open, gained). */
const ANSWERS: readonly (readonly Answer[])[] = [
  ["lowers-the-loss", "lowers-the-loss", "lowers-the-loss"],
  ["not-worth-it", "unclear", "worth-it"],
  ["not-worth-it", "not-worth-it", "depends"],
];

/** Without a closed form an unknown trust radius means that the prediction has been looked at and failed. */
function answerAt(point: CurvePoint, { trustRadius, local }: Judged): Answer {
  if (point.extrapolated && (trustRadius !== null || local !== null)) return "extrapolated";
  return ANSWERS[costSign(point) + 1][benefitSign(point) + 1];
}

const OPENINGS: Readonly<Record<Answer, string>> = {
  "worth-it": "Yes: it is predicted to help under attack, and to cost nothing measurable without.",
  "lowers-the-loss": "Yes: it is predicted to lower the loss even without attack, since it also regularises.",
  "not-worth-it": "No: no gain under attack is clear that would make up for what it costs.",
  depends: "That depends on how often you are attacked: it costs loss without attack and gains under attack.",
  unclear: "These rows do not tell: neither the cost nor the gain is clearly different from 0.",
  extrapolated: "That cannot be told: the size lies beyond what the prediction can be trusted for.",
};

function words(
  threat: Judged,
  point: CurvePoint,
  answer: Answer,
  upTo: number | null,
  instead: readonly Suggestion[],
  ground: VerdictGround,
): string {
  return [
    OPENINGS[answer],
    costWords(point, ground),
    gainWords(point, threat, ground),
    metricWords(point, answer),
    mixedWords(point),
    groupWords(point),
    reachWords(threat, point, upTo, ground),
    instead.length > 0 ? `To try instead: ${instead.map(({ text }) => text).join("; ")}.` : "",
  ]
    .filter((sentence) => sentence !== "")
    .join(" ");
}

const rangeWords = (interval: Interval | null | undefined, level: number): string =>
  interval
    ? `; ${short(100 * level)} % interval ${signed(interval[0])} to ${signed(interval[1])}${clearSign(0, interval) === 0 ? ", so chance could explain it" : ""}`
    : "";

/** Units longer than this have been given where the natural loss is. */
const LONGEST_UNIT = 24;

function costWords(point: CurvePoint, { level, unit }: VerdictGround): string {
  const { cost, costShare, heldOut, rowsShare } = point;
  const share = costShare === null ? "" : `${signedPercent(costShare)} of the natural loss`;
  const detail = `${share}${rangeWords(heldOut?.interval, level)}`.replace(/^; /, "");
  const said = `The loss without attack changes by ${signed(cost)}${Array.from(unit).length <= LONGEST_UNIT ? ` ${unit}` : ""}${detail === "" ? "" : ` (${detail})`}.`;
  if (costSign(point) <= 0 || rowsShare === null || rowsShare < 0.005) return said;
  return `${said} That is as much as training on ${percent(rowsShare)} of the rows would lose.`;
}

/**
 * Robust training must lower the loss under attack only from a minimum without a penalty, and on the rows trained on: elsewhere a rise
 * is no contradiction.
 */
function gainWords(point: CurvePoint, { local }: Judged, { level, penalised, inSample }: VerdictGround): string {
  const { benefit, benefitShare, benefitInterval, breakEvenRate } = point;
  if (point.extrapolated && benefit < 0 && !penalised && local?.kind !== "damped") {
    return inSample
      ? "The prediction has broken down here: it has robust training raise the loss under attack, which it is made to lower."
      : "The prediction has most likely broken down here: it has robust training raise the loss under attack, which it lowers on the rows trained on.";
  }
  const share = benefitShare === null ? "" : `${percent(Math.abs(benefitShare))} of the natural loss`;
  // The interval is of what is said: of a rise, where the loss rises.
  const said = benefit < 0 && benefitInterval ? ([-benefitInterval[1], -benefitInterval[0]] as const) : benefitInterval;
  const detail = `${share}${rangeWords(said, level)}`.replace(/^; /, "");
  const gain = `The loss under attack ${benefit >= 0 ? "falls" : "rises"} by ${number(Math.abs(benefit))}${detail === "" ? "" : ` (${detail})`}.`;
  if (benefit < 0 && penalised) {
    return `${gain} That can be: what robust training lowers is the sum of this loss and the penalty, on the rows trained on.`;
  }
  if (benefit < 0 && !inSample) {
    return `${gain} That can be: what robust training lowers is this loss on the rows trained on.`;
  }
  const known = costSign(point) > 0 && benefitSign(point) > 0 && breakEvenRate !== null;
  return known ? `${gain} It pays if more than about ${percent(breakEvenRate)} of the inputs are attacked.` : gain;
}

/** Metrics that clearly get worse although the losses do not speak against robust training. */
function metricWords({ metrics: { changes } }: CurvePoint, answer: Answer): string {
  if (answer === "depends" || answer === "not-worth-it" || answer === "extrapolated") return "";
  const worse = (
    side: Readonly<Record<string, { change: number; interval: Interval | null }>>,
    where: string,
  ): string[] =>
    Object.entries(side).flatMap(([name, { change, interval }]) =>
      interval && clearSign(change, interval) === (HIGHER_IS_BETTER[name] ? -1 : 1)
        ? [`${METRIC_WORDS[name] ?? name} ${where}`]
        : [],
    );
  const list = [...worse(changes.natural, "without attack"), ...worse(changes.robust, "under attack")];
  return list.length === 0 ? "" : `But some metrics clearly get worse: ${list.join(", ")}.`;
}

const METRIC_WORDS: Readonly<Record<string, string>> = {
  balancedAccuracy: "balanced accuracy",
  auc: "AUC",
  logLoss: "log loss",
  brier: "Brier score",
  rmse: "RMSE",
  mae: "MAE",
  r2: "R²",
};

function mixedWords({ mixed }: CurvePoint): string {
  if (mixed === null) return "";
  const { attackRate, cost, expectedGain, expectedGainFull } = mixed;
  const change = (gain: number): string => `${gain >= 0 ? "gains" : "loses"} ${number(Math.abs(gain))}`;
  const best =
    Math.max(expectedGain, expectedGainFull) <= 0
      ? "so natural training does best"
      : expectedGain >= expectedGainFull
        ? "so the mixture does best"
        : "so full robust training does best on these rows";
  return `With ${percent(attackRate)} of the inputs attacked, training that gives the attacked loss this weight changes the loss without attack by ${signed(cost)} and ${change(expectedGain)} in expectation; full robust training ${change(expectedGainFull)}, ${best}.`;
}

function groupWords({ groups, worstGroup }: CurvePoint): string {
  const known = groups?.filter(({ cost }) => cost !== null) ?? [];
  const worst = known.find(({ name }) => name === worstGroup);
  if (!worst || worst.cost === null || known.length < 2) return "";
  if (worst.cost <= 0) return `None of the ${known.length} groups loses without attack.`;
  const range = worst.costInterval
    ? ` (${signed(worst.costInterval[0])} to ${signed(worst.costInterval[1])}, for this group alone)`
    : "";
  const attacked = worst.benefit !== null && worst.benefit < 0 ? ", and under attack it loses too" : "";
  return `Of ${known.length} groups "${worst.name}" loses most without attack: ${signed(worst.cost)}${range}${attacked}.`;
}

function reachWords(
  { trustRadius, originalUnits, threat }: Judged,
  { extrapolated, radius }: CurvePoint,
  upTo: number | null,
  { inSample }: VerdictGround,
): string {
  const widest = originalUnits.toSorted((a, b) => b.perRadius - a.perRadius)[0];
  const shared = threat.wasserstein !== null && threat.wasserstein !== "inf";
  const moves = shared ? "is worth a move of" : "moves by at most";
  const size = widest
    ? ` At this size ${shared ? "the budget in " : ""}"${widest.feature}" ${moves} ${number(widest.perRadius * radius)}${shared ? " a row" : ""}.`
    : "";
  const sample = inSample ? " These are the rows that the model was fitted on: new ones may fare differently." : "";
  if (upTo !== null) return `This can be said up to ε = ${short(upTo)}.${size}${sample}`;
  if (extrapolated && trustRadius !== null) {
    return `All of this is EXTRAPOLATED: the prediction can be trusted up to ε = ${short(trustRadius)}.${size}${sample}`;
  }
  if (trustRadius === null) return `How far this prediction reaches is not known.${size}${sample}`;
  return `This is for this size alone: the answer at smaller ones differs.${size}${sample}`;
}
