import type { VerificationVerdict, VerifiedPoint } from "./verify-result.js";
import { number, percent, short } from "./words.js";

/** The relative error of the cost up to which a prediction counts as right. */
const TOLERANCE = 0.05;

/** What stands beside the prediction: an optimum, or what adversarial training found. */
type Truth = "exact" | "trained";

const TRUTHS: Readonly<Record<Truth, string>> = { exact: "an exact", trained: "a trained" };

type Compared = VerifiedPoint & { readonly lossRatio: number };

/** Up to which ε the predicted cost on the training rows is within 5 % of the exact one, and what else was found. */
export function verificationVerdict(
  curve: readonly VerifiedPoint[],
  collapseRadius: number | null,
  truth: Truth = "exact",
  divergence = false,
): VerificationVerdict {
  const compared = curve.filter(
    (point): point is Compared => point.lossRatio !== null && point.optimum?.converged === true,
  );
  const broken = compared.findIndex(({ lossRatio }) => !(Math.abs(lossRatio - 1) <= TOLERANCE));
  const good = broken < 0 ? compared : compared.slice(0, broken);
  const upTo = good.at(-1)?.epsilon ?? null;
  const text = [
    comparison(
      compared,
      { good: good.length, unproven: curve.filter(({ lossRatio }) => lossRatio !== null).length },
      upTo,
      truth,
    ),
    ...collapse(curve, collapseRadius, divergence),
    ...doubts(curve),
  ].join(" ");
  return { tolerance: TOLERANCE, upTo, text };
}

/** @param unproven how many sizes have a change to compare, converged or not. */
function comparison(
  compared: readonly Compared[],
  { good, unproven }: { readonly good: number; readonly unproven: number },
  upTo: number | null,
  truth: Truth,
): string {
  const within = `within ${short(100 * TOLERANCE)} %`;
  if (compared.length === 0 && unproven > 0) {
    return "Nothing can be compared: the search for the robust optimum did not converge at any size that has a change to compare.";
  }
  if (compared.length === 0) {
    return `There is no cost to compare: at none of these sizes has ${TRUTHS[truth]} change of the training loss been found that is more than rounding.`;
  }
  const first = compared[good];
  if (upTo === null) {
    return `At ε = ${short(first.epsilon)} already, the smallest size compared, the predicted cost is ${deviation(first, truth)}: ask for smaller sizes with --epsilon or --radius, or use the ${truth} numbers${alternative(first)}.`;
  }
  if (first === undefined) {
    return `The AIF predicts the cost on the training rows ${within} up to ε = ${short(upTo)}, the largest size compared.`;
  }
  return `The AIF predicts the cost on the training rows ${within} up to ε = ${short(upTo)}; at ε = ${short(first.epsilon)} it is ${deviation(first, truth)}. Beyond, use the ${truth} numbers${alternative(first)}.`;
}

/** Where the exact optimum can be followed in ε. */
const alternative = ({ optimum }: Compared): string =>
  optimum?.method === "active-set" ? ", or follow the exact optimum with aif path" : "";

function deviation({ lossRatio }: Compared, truth: Truth): string {
  if (lossRatio <= 0) return "of the wrong sign";
  if (lossRatio > 2) return `${number(lossRatio)} times the ${truth} one`;
  return lossRatio > 1 ? `${percent(lossRatio - 1)} too high` : `${percent(1 - lossRatio)} too low`;
}

function collapse(curve: readonly VerifiedPoint[], collapseRadius: number | null, divergence: boolean): string[] {
  if (!curve.some(({ optimum }) => optimum?.collapsed)) return [];
  if (divergence) {
    return [
      `From ε = ${short(collapseRadius)} on exact robust training sets every parameter to 0, where all rows have the same loss, and its cost does not grow any more.`,
    ];
  }
  return [
    `From ε = ${short(collapseRadius)} on exact robust training gives up every attacked feature: the optimum is the best model without them, and its cost does not grow any more.`,
  ];
}

/** Optima that were not found, or not proven. */
function doubts(curve: readonly VerifiedPoint[]): string[] {
  const listed = (points: readonly VerifiedPoint[]): string => points.map(({ epsilon }) => short(epsilon)).join(", ");
  const missing = curve.filter(({ failure }) => failure !== null);
  const unproven = curve.filter(({ optimum }) => optimum?.converged === false);
  return [
    ...(missing.length > 0 ? [`No optimum was found at ε = ${listed(missing)}: ${missing[0].failure ?? ""}`] : []),
    ...(unproven.length > 0
      ? [
          `At ε = ${listed(unproven)} the search for the optimum did not converge: the numbers there are those of the best point found.`,
        ]
      : []),
  ];
}
