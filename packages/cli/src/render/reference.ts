import type { CurvePoint, ThreatSection } from "@aif/core";

/** "the largest size to trust" and the like: what the reference point is. */
export function referenceWords({ trustRadius }: ThreatSection, { extrapolated }: CurvePoint): string {
  if (!extrapolated) return "the largest in the table that can be trusted";
  return trustRadius === null
    ? "the smallest in the table, unchecked"
    : "the smallest in the table, yet beyond the trust radius";
}
