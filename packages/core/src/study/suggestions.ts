import type { CurvePoint, Suggestion } from "./result.js";
import type { Answer, Judged, VerdictGround } from "./verdict.js";
import { percent, short } from "./words.js";

/** What a user might try instead of robust training, or beside it; null where it does not apply. */
export type SuggestionRule = (
  threat: Judged,
  point: CurvePoint,
  answer: Answer,
  ground: VerdictGround,
) => Suggestion | null;

/** From this share of the cost on, one parameter is worth naming. */
const LARGE_SHARE = 0.4;
const MANY_PARAMETERS = 0.05;

export const SUGGESTIONS: readonly SuggestionRule[] = [
  ({ sensitivity: { heldOut } }, _point, _answer, { l2, parametersPerRow, trainedElsewhere }) => {
    if (l2 > 0 || trainedElsewhere) return null;
    const regularises = heldOut !== null && heldOut.slope < -2 * heldOut.slopeStandardError;
    if (!regularises && parametersPerRow <= MANY_PARAMETERS) return null;
    const why = regularises ? "part of the effect is mere regularisation" : "there are many parameters for these rows";
    return { code: "ridge", text: `a ridge, such as --l2 0.01 (${why})` };
  },
  ({ contributions: { parameters }, threat: { attacked } }, { cost }) => {
    const [top] = parameters.toSorted((a, b) => b.share - a.share);
    if (cost <= 0 || attacked.length < 2 || !top || top.share < LARGE_SHARE || !attacked.includes(top.name))
      return null;
    return {
      code: "fewer-features",
      text: `fewer features under attack: ${JSON.stringify(top.name)} alone carries ${percent(Math.min(1, top.share))} of the training cost, so --freeze it if no adversary can touch it`,
    };
  },
  ({ threat: { norm } }, _point, answer) =>
    norm === "inf" && (answer === "depends" || answer === "not-worth-it")
      ? {
          code: "another-norm",
          text: "another norm: p = ∞ moves every feature at once, so if your adversary moves few of them compare --norm 2 or 1",
        }
      : null,
  ({ freeRadius, trustRadius, threat: { divergence } }, { epsilon, cost }, answer) => {
    if (answer === "extrapolated" && trustRadius !== null) {
      return {
        code: "smaller-epsilon",
        text: `a smaller attack: ${divergence === null ? "--epsilon" : "--radius"} ${short(trustRadius)} is within what can be trusted`,
      };
    }
    return cost > 0 && freeRadius !== null && freeRadius < epsilon
      ? {
          code: "smaller-epsilon",
          text: `a smaller attack: up to about ε = ${short(freeRadius)} it is expected to cost nothing`,
        }
      : null;
  },
  (_threat, _point, answer, { attackRate }) =>
    answer === "depends" && attackRate === null
      ? {
          code: "mixed-training",
          text: "a mixture of natural and robust training: --attack-rate says how much it would cost",
        }
      : null,
];
