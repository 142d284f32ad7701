import type { CurvePoint, Suggestion, ThreatSection, Verdict } from "./result.js";
import { number, percent, short, signed, signedPercent } from "./words.js";

/** What a verdict rests on: one threat, before its verdict. */
export type Judged = Omit<ThreatSection, "verdict">;

/** What the verdict needs to know beside the threat. */
export interface VerdictGround {
  readonly level: number;
  readonly l2: number;
  readonly parametersPerRow: number;
  readonly inSample: boolean;
  readonly attackRate: number | null;
}

type Answer = Verdict["answer"];

/** The size at which one number is spoken of: the largest that can be trusted, else the smallest there is. */
export function referencePoint({ curve }: Pick<ThreatSection, "curve">): CurvePoint | null {
  const trusted = curve.filter(({ extrapolated, epsilon }) => !extrapolated && epsilon > 0);
  return trusted.at(-1) ?? curve.find(({ epsilon }) => epsilon > 0) ?? null;
}

/** Whether robust training is worth it at the reference size, up to where that can be said, and what to try instead. */
export function verdictOf(threat: Judged, ground: VerdictGround): Verdict | null {
  const point = referencePoint(threat);
  if (point === null) return null;
  const answer = answerAt(point);
  const upTo = reachOf(threat, answer, point);
  const instead = SUGGESTIONS.flatMap((rule) => rule(threat, point, answer, ground) ?? []);
  return { epsilon: point.epsilon, answer, upTo, instead, text: words(threat, point, answer, upTo, instead, ground) };
}

const holdsZero = (interval: readonly [number, number] | null | undefined): boolean =>
  interval != null && interval[0] <= 0 && interval[1] >= 0;

function answerAt({ cost, benefit, benefitInterval, heldOut }: CurvePoint): Answer {
  const sure = !holdsZero(heldOut?.interval);
  if (cost <= 0) return benefit >= 0 && !sure ? "worth-it" : "lowers-the-loss";
  if (benefit <= 0) return holdsZero(benefitInterval) ? "unclear" : "not-worth-it";
  return !sure && holdsZero(benefitInterval) ? "unclear" : "depends";
}

/** As far as the prediction can be trusted and every smaller size of the curve has the same answer. */
function reachOf({ trustRadius, curve }: Judged, answer: Answer, { extrapolated }: CurvePoint): number | null {
  if (trustRadius === null || extrapolated) return null;
  const trusted = curve.filter((point) => point.epsilon > 0 && !point.extrapolated);
  return trusted.every((point) => answerAt(point) === answer) ? trustRadius : (trusted.at(-1)?.epsilon ?? null);
}

const ANSWERS: Readonly<Record<Answer, string>> = {
  "worth-it": "Yes: it is predicted to cost nothing measurable without attack and to help under attack.",
  "lowers-the-loss": "Yes: it is predicted to lower the loss even without attack, since it also regularises.",
  "not-worth-it": "No: it is predicted to cost loss without attack and to gain nothing under attack.",
  depends: "That depends on how often you are attacked.",
  unclear: "These rows do not tell: neither the cost nor the gain is clearly different from 0.",
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
    ANSWERS[answer],
    costWords(point, ground),
    gainWords(point),
    mixedWords(point),
    groupWords(point),
    reachWords(threat, point, upTo, ground),
    instead.length > 0 ? `To try instead: ${instead.map(({ text }) => text).join("; ")}.` : "",
  ]
    .filter((sentence) => sentence !== "")
    .join(" ");
}

function costWords({ cost, costShare, heldOut, rowsShare }: CurvePoint, { level }: VerdictGround): string {
  const interval = heldOut?.interval;
  const range = interval
    ? ` (${short(100 * level)} % interval ${signed(interval[0])} to ${signed(interval[1])}${holdsZero(interval) ? ", so chance could explain it" : ""})`
    : "";
  const share = costShare === null ? "" : `, ${signedPercent(costShare)} of it`;
  const rows =
    rowsShare === null || rowsShare < 0.005
      ? ""
      : ` That is as much as training on ${percent(rowsShare)} of the rows would lose.`;
  return `The loss without attack changes by ${signed(cost)}${share}${range}.${rows}`;
}

function gainWords({ benefit, benefitShare, breakEvenRate }: CurvePoint): string {
  const share = benefitShare === null ? "" : `, ${percent(Math.abs(benefitShare))} of the natural loss`;
  const gain = `The loss under attack ${benefit >= 0 ? "falls" : "rises"} by ${number(Math.abs(benefit))}${share}.`;
  if (breakEvenRate === null || breakEvenRate === 0) return gain;
  return `${gain} It pays if more than ${percent(breakEvenRate)} of the inputs are attacked.`;
}

function mixedWords({ mixed }: CurvePoint): string {
  if (mixed === null) return "";
  const { attackRate, cost, expectedGain, expectedGainFull } = mixed;
  const full = expectedGainFull < 0 ? "would lose" : "would gain";
  return `With ${percent(attackRate)} of the inputs attacked the best training gives the attacked loss that weight: it changes the loss without attack by ${signed(cost)} and ${expectedGain >= 0 ? "gains" : "loses"} ${number(Math.abs(expectedGain))} in expectation, where full robust training ${full} ${number(Math.abs(expectedGainFull))}.`;
}

function groupWords({ groups, worstGroup }: CurvePoint): string {
  const worst = groups?.find(({ name }) => name === worstGroup);
  if (!worst || worst.cost === null) return "";
  const range = worst.costInterval ? ` (${signed(worst.costInterval[0])} to ${signed(worst.costInterval[1])})` : "";
  return `Of the groups "${worst.name}" fares worst without attack: ${signed(worst.cost)}${range}.`;
}

function reachWords(
  { trustRadius }: Judged,
  { extrapolated }: CurvePoint,
  upTo: number | null,
  { inSample }: VerdictGround,
): string {
  const sample = inSample ? " These are the rows that the model was fitted on: new ones may fare differently." : "";
  if (upTo !== null) return `This can be said up to ε = ${short(upTo)}.${sample}`;
  if (extrapolated && trustRadius !== null) {
    return `This is EXTRAPOLATED: the size lies beyond what the prediction can be trusted for (ε = ${short(trustRadius)}).${sample}`;
  }
  return `How far this prediction reaches is not known.${sample}`;
}

type SuggestionRule = (threat: Judged, point: CurvePoint, answer: Answer, ground: VerdictGround) => Suggestion | null;

/** From this share of the cost on, one parameter is worth naming. */
const LARGE_SHARE = 0.4;
const MANY_PARAMETERS = 0.05;

const SUGGESTIONS: readonly SuggestionRule[] = [
  ({ sensitivity: { heldOut } }, _point, _answer, { l2, parametersPerRow }) => {
    if (l2 > 0) return null;
    const regularises = heldOut !== null && heldOut.slope < -2 * heldOut.slopeStandardError;
    if (!regularises && parametersPerRow <= MANY_PARAMETERS) return null;
    const why = regularises ? "part of the effect is mere regularisation" : "there are many parameters for these rows";
    return { code: "ridge", text: `a ridge, such as --l2 0.01 (${why})` };
  },
  ({ contributions: { parameters }, threat: { attacked } }, { cost }) => {
    const [top] = parameters.toSorted((a, b) => b.share - a.share);
    if (cost <= 0 || attacked.length < 2 || !top || top.share < LARGE_SHARE || !attacked.includes(top.name))
      return null;
    const column = JSON.stringify(top.name);
    return {
      code: "fewer-features",
      text: `fewer features: ${column} alone carries ${percent(Math.min(1, top.share))} of the training cost, so freeze it if no adversary can touch it, or leave it out`,
    };
  },
  ({ threat: { norm } }, _point, answer) =>
    norm === "inf" && (answer === "depends" || answer === "not-worth-it")
      ? {
          code: "another-norm",
          text: "another norm: p = ∞ moves every feature at once, so if your adversary moves few of them compare --norm 2 or 1",
        }
      : null,
  ({ freeRadius }, { epsilon, cost }) =>
    cost > 0 && freeRadius !== null && freeRadius < epsilon
      ? {
          code: "smaller-epsilon",
          text: `a smaller attack: up to about ε = ${short(freeRadius)} it is expected to cost nothing`,
        }
      : null,
  (_threat, _point, answer, { attackRate }) =>
    answer === "depends" && attackRate === null
      ? {
          code: "mixed-training",
          text: "a mixture of natural and robust training: --attack-rate says how much it would cost",
        }
      : null,
];
