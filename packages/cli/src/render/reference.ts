import type { CurvePoint, ThreatSection } from "@aif/core";

/** The size at which a report speaks of one number: the largest that can be trusted, else the smallest there is. */
export function referencePoint({ curve }: ThreatSection): CurvePoint | null {
  const trusted = curve.filter(({ extrapolated, epsilon }) => !extrapolated && epsilon > 0);
  return trusted.at(-1) ?? curve.find(({ epsilon }) => epsilon > 0) ?? null;
}

/** "the largest size to trust" and the like: what the reference point is. */
export function referenceWords({ trustRadius }: ThreatSection, { extrapolated }: CurvePoint): string {
  if (!extrapolated) return "the largest in the table that can be trusted";
  return trustRadius === null
    ? "the smallest in the table, unchecked"
    : "the smallest in the table, yet beyond the trust radius";
}
