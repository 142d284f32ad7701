import { type Inference, parameterInterval } from "./inference.js";
import type { ThreatSection } from "./result.js";

/** What is asked of an influence, whatever model it is of. */
interface Attack {
  /** c */
  readonly scale: number;
  readonly penalty: number;
  /** Φ and I, per unit of ε. */
  readonly penaltyGradient: Float64Array;
  readonly influence: Float64Array;
}

type Fields =
  | "scale"
  | "penalty"
  | "penaltyGradient"
  | "influence"
  | "influencePerRadius"
  | "standardErrors"
  | "interval"
  | "simultaneous";

/** A(θ̂), Φ and I with its intervals, as a result has them. */
export const influenceFields = (
  { scale, penalty, penaltyGradient, influence }: Attack,
  inference: Inference | null,
): Pick<ThreatSection, Fields> => ({
  scale,
  penalty,
  penaltyGradient: [...penaltyGradient],
  influence: [...influence],
  influencePerRadius: Array.from(influence, (value) => value / scale),
  standardErrors: inference && [...inference.standardErrors],
  interval: inference && parameterInterval(inference, "pointwise"),
  simultaneous: inference && parameterInterval(inference, "simultaneous"),
});
