import { usageError } from "../errors.js";
import { HIGHER_IS_BETTER } from "../influence/metrics.js";
import type { ConditionOutcome, CurvePoint, ThreatSection } from "./result.js";

/** "accuracyDrop>0.01@0.05": a quantity, a limit, and the size ε at which it is looked at (none: at every size). */
export interface Condition {
  readonly text: string;
  readonly quantity: string;
  readonly operator: Operator;
  readonly limit: number;
  readonly epsilon: number | null;
}

type Operator = keyof typeof OPERATORS;

const OPERATORS = {
  ">=": (value: number, limit: number) => value >= limit,
  "<=": (value: number, limit: number) => value <= limit,
  ">": (value: number, limit: number) => value > limit,
  "<": (value: number, limit: number) => value < limit,
};

/** Quantities of one size, null where they do not apply. */
const POINT_QUANTITIES: Readonly<Record<string, (point: CurvePoint) => number | null>> = {
  cost: ({ cost }) => cost,
  costShare: ({ costShare }) => costShare,
  benefit: ({ benefit }) => benefit,
  benefitShare: ({ benefitShare }) => benefitShare,
  breakEvenRate: ({ breakEvenRate }) => breakEvenRate,
  // Where nothing is lost all rows are as good as before.
  rowsShare: ({ rowsShare, cost }) => rowsShare ?? (cost <= 0 ? 1 : null),
  robustLoss: ({ robustLoss }) => robustLoss,
  kinkFraction: ({ kinkFraction }) => kinkFraction,
  ...metricQuantities(),
};

/** Quantities of the whole threat, which take no ε. */
const THREAT_QUANTITIES: Readonly<Record<string, (threat: ThreatSection) => number | null>> = {
  trustRadius: ({ trustRadius }) => trustRadius,
  freeRadius: ({ freeRadius }) => freeRadius,
  collapseRadius: ({ collapseRadius }) => collapseRadius,
};

/** accuracyDrop, robustAccuracyDrop, rmseRise, …: by how much a metric falls or rises through robust training. */
function metricQuantities(): Record<string, (point: CurvePoint) => number | null> {
  const quantities: Record<string, (point: CurvePoint) => number | null> = {};
  for (const metric of Object.keys(HIGHER_IS_BETTER)) {
    const robust = `robust${metric.charAt(0).toUpperCase()}${metric.slice(1)}`;
    for (const [name, pick] of [
      [metric, ({ metrics }: CurvePoint) => metrics.changes.natural],
      [robust, ({ metrics }: CurvePoint) => metrics.changes.robust],
    ] as const) {
      quantities[`${name}Drop`] = (point) => negated(pick(point)[metric]?.change);
      quantities[`${name}Rise`] = (point) => pick(point)[metric]?.change ?? null;
    }
  }
  return quantities;
}

const negated = (value: number | undefined): number | null => (value === undefined ? null : -value);

const form = /^\s*([A-Za-z0-9]+)\s*(>=|<=|>|<)\s*([^@\s]+)\s*(?:@\s*(\S+))?\s*$/;

/** A condition as `--fail-if` takes it: "accuracyDrop>0.01@0.05". @throws usage: what cannot be read, or a quantity that does not exist. */
export function parseCondition(text: string): Condition {
  const found = form.exec(text);
  if (!found) {
    throw usageError(
      `--fail-if "${text}" cannot be read: write a quantity, a limit and ε, such as "accuracyDrop>0.01@0.05".`,
    );
  }
  const [, quantity, sign, bound, at] = found;
  const operator = Object.keys(OPERATORS).find((known): known is Operator => known === sign) ?? ">";
  const ofThreat = Object.hasOwn(THREAT_QUANTITIES, quantity);
  if (!ofThreat && !Object.hasOwn(POINT_QUANTITIES, quantity)) {
    const known = [...Object.keys(POINT_QUANTITIES), ...Object.keys(THREAT_QUANTITIES)];
    throw usageError(`--fail-if "${text}": there is no quantity ${quantity}; use one of ${known.join(", ")}.`);
  }
  const limit = numberOf(bound.endsWith("%") ? bound.slice(0, -1) : bound) / (bound.endsWith("%") ? 100 : 1);
  const epsilon = at === undefined ? null : numberOf(at);
  if (Number.isNaN(limit)) throw usageError(`--fail-if "${text}": the limit "${bound}" is not a number.`);
  if (epsilon !== null && !(epsilon > 0 && epsilon < Infinity)) {
    throw usageError(`--fail-if "${text}": the size "${at}" after @ must be an ε above 0.`);
  }
  if (ofThreat && epsilon !== null) throw usageError(`--fail-if "${text}": ${quantity} takes no @ε.`);
  return { text: text.trim(), quantity, operator, limit, epsilon };
}

const numberOf = (text: string): number => (/^[+-]?(?:\d|\.\d)/.test(text) ? Number(text) : Number.NaN);

/** What became of a condition under one threat; `holds` is null where the quantity does not exist there. */
export function judge(condition: Condition, threat: ThreatSection): ConditionOutcome[] {
  const { text, quantity, operator, limit, epsilon } = condition;
  const outcome = (value: number | null, at: number | null): ConditionOutcome => ({
    condition: text,
    norm: threat.threat.norm,
    epsilon: at,
    value,
    holds: value === null ? null : OPERATORS[operator](value, limit),
  });
  const ofThreat = Object.hasOwn(THREAT_QUANTITIES, quantity) ? THREAT_QUANTITIES[quantity] : null;
  if (ofThreat) return [outcome(ofThreat(threat), null)];
  return threat.curve
    .filter((point) => epsilon === null || Math.abs(point.epsilon - epsilon) <= 1e-12 * epsilon)
    .map((point) => outcome(POINT_QUANTITIES[quantity](point), point.epsilon));
}
