import type { EncodedDataset } from "../../data/encoded-dataset.js";
import type { Work } from "../../parallel/work.js";
import { radiusScale } from "../../threats/radius-scale.js";
import type { StudySettings } from "../settings.js";
import { resolveReach, threatsOf } from "../threat-choice.js";

/** The size of the attack, in both conventions (MATH 5): ε times the mean norm of what a model sees, or one ρ for all models. */
export interface ComparedSizes {
  readonly epsilon: number;
  readonly radius: number;
  /** c of all columns that can be attacked: radius = epsilon · referenceScale. */
  readonly referenceScale: number;
  /** Which of the two was given; "none": the size is the largest that every model's trust radius allows. */
  readonly given: "epsilon" | "radius" | "none";
}

/** c of all columns that can be attacked. @throws as `resolveReach` */
export function referenceScaleOf(settings: StudySettings, training: EncodedDataset, work: Work): Promise<number> {
  const [threat] = threatsOf(
    settings,
    resolveReach(settings, training, () => true),
  );
  return radiusScale(training, threat, work);
}

/** The sizes that were asked for; null: none was. */
export function givenSizes({ epsilons, radii, budgets }: StudySettings, referenceScale: number): ComparedSizes | null {
  const radius = radii?.[0] ?? (budgets && !epsilons ? 1 : null);
  if (radius !== null) return { epsilon: radius / referenceScale, radius, referenceScale, given: "radius" };
  if (!epsilons) return null;
  const [epsilon] = epsilons;
  return { epsilon, radius: epsilon * referenceScale, referenceScale, given: "epsilon" };
}

/** Where no model has a trust radius. */
const UNTRUSTED_EPSILON = 0.01;
const LARGEST_EPSILON = 0.3;

/** What is known of how far a model's prediction reaches. */
export interface TrustedModel {
  /** c; 0 where nothing can be attacked. */
  readonly scale: number;
  /** In ε; null: not known. */
  readonly trustRadius: number | null;
}

/**
 * The largest size, to two digits, whose ε and whose ρ = ε·c of all columns lie within the trust radius of every model: ρ is
 * ρ/c_k of a model with the scale c_k. A trust radius of 0 allows no size, and is passed over.
 */
export function trustedSizes(models: readonly TrustedModel[], referenceScale: number): ComparedSizes {
  const allowed = models.flatMap(({ scale, trustRadius }) =>
    trustRadius !== null && trustRadius > 0 && scale > 0 ? [trustRadius * Math.min(1, scale / referenceScale)] : [],
  );
  const epsilon = allowed.length === 0 ? UNTRUSTED_EPSILON : twoDigitsBelow(Math.min(LARGEST_EPSILON, ...allowed));
  return { epsilon, radius: epsilon * referenceScale, referenceScale, given: "none" };
}

function twoDigitsBelow(value: number): number {
  const unit = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Number((Math.floor((value / unit) * (1 + 1e-12)) * unit).toPrecision(2));
}
