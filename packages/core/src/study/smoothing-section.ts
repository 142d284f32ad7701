import type { Influence } from "../influence/aif.js";
import { type SmoothedLinear, smoothedLinear } from "../influence/smoothed-linear.js";
import type { Work } from "../parallel/work.js";
import type { PreparedStudy } from "./prepare.js";
import type { ThreatSection } from "./result.js";
import type { SmoothingSettings } from "./smoothing-settings.js";

/** What the result says of noise on the inputs (MATH 6). */
export interface SmoothingSection {
  readonly sigma: number;
  readonly attack: SmoothingSettings["attack"];
  readonly evaluation: SmoothingSettings["evaluation"];
  readonly budget: SmoothingSettings["budget"];
  /** "closed-form": every number is exact; "draws": numbers are means over draws. */
  readonly method: "closed-form" | "draws";
  /** Noisy copies of every row; null in closed form. */
  readonly draws: number | null;
  /** Monte-Carlo standard errors of this section's numbers, from independent batches of the draws; null in closed form. */
  readonly standardErrors: {
    readonly batches: number;
    readonly scale: number;
    readonly penalty: number;
    readonly slope: number;
    readonly curvature: number;
    /** null without rows apart from those trained on. */
    readonly heldOutSlope: number | null;
    readonly heldOutCurvature: number | null;
    /** Of `curve[].cost` and `curve[].benefit`. */
    readonly costs: readonly number[];
    readonly benefits: readonly number[];
  } | null;
  /** The training rows' numbers without any draw, for squared losses of scores linear in the features; else null. */
  readonly exact: {
    readonly penalty: number;
    readonly noisy: SmoothedLinear["noisy"];
    readonly clean: SmoothedLinear["clean"];
  } | null;
}

/** What the closed form says of the training rows; null where there is none. */
export async function exactNoise(
  { fit, training }: Pick<PreparedStudy, "fit" | "training">,
  smoothing: SmoothingSettings,
  { threat, scale }: Pick<Influence, "threat" | "scale">,
  work: Work,
): Promise<SmoothingSection["exact"]> {
  const { loss, kind, map } = fit.model;
  if (kind !== "linear" || !map.ownCoefficients || fit.sparse) return null;
  if (threat.settings.order !== undefined) return null;
  if (loss.name !== "squared" && loss.name !== "half-squared") return null;
  const { sigma, attack } = smoothing;
  const options = { sigma, attack, loss: loss.name, l2: fit.l2, intercept: map.intercept, scale, ...work };
  const { penalty, noisy, clean } = await smoothedLinear(training.original, threat, options);
  return { penalty, noisy, clean };
}

/** The section, still without standard errors. */
export const smoothingSection = (
  { sigma, attack, evaluation, budget, draws }: SmoothingSettings,
  isExact: boolean,
  exact: SmoothingSection["exact"],
): SmoothingSection => ({
  sigma,
  attack,
  evaluation,
  budget,
  method: isExact ? "closed-form" : "draws",
  draws: isExact ? null : draws,
  standardErrors: null,
  exact,
});

/** Standard deviations of means over batches that are independent: √(Σ(v − v̄)²/(G − 1)/G) of G values. */
function batchError(values: readonly number[]): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return Math.sqrt(square / ((values.length - 1) * values.length));
}

/** The section with the spread between the same threat's sections of each batch. */
export function withErrors(section: ThreatSection, batches: readonly ThreatSection[]): ThreatSection {
  if (section.smoothing === null) return section;
  const of = (value: (batch: ThreatSection) => number): number => batchError(batches.map(value));
  const ofHeldOut = (value: (heldOut: NonNullable<ThreatSection["sensitivity"]["heldOut"]>) => number) => {
    const values = batches.flatMap(({ sensitivity: { heldOut } }) => (heldOut ? [value(heldOut)] : []));
    return values.length === batches.length ? batchError(values) : null;
  };
  const standardErrors = {
    batches: batches.length,
    scale: of(({ scale }) => scale),
    penalty: of(({ penalty }) => penalty),
    slope: of(({ sensitivity }) => sensitivity.training.slope),
    curvature: of(({ sensitivity }) => sensitivity.training.curvature),
    heldOutSlope: ofHeldOut(({ slope }) => slope),
    heldOutCurvature: ofHeldOut(({ curvature }) => curvature),
    costs: section.curve.map((_, k) => of(({ curve }) => curve[k].cost)),
    benefits: section.curve.map((_, k) => of(({ curve }) => curve[k].benefit)),
  };
  return { ...section, smoothing: { ...section.smoothing, standardErrors } };
}
