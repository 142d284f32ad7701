import type { StudyResult, VerificationResult } from "@aif/core";
import { attackKey } from "@aif/core";

/** Sizes of the attack at which some curve has no exact change yet. */
export const sizesWithoutExact = ({ threats }: StudyResult): number[] => [
  ...new Set(
    threats.flatMap(({ curve }) =>
      curve.flatMap(({ epsilon, thisData }) => (epsilon > 0 && thisData.exact === null ? [epsilon] : [])),
    ),
  ),
];

/** The result with the exact changes that verifications have found since, at equal sizes. */
export function withExact(result: StudyResult, verifications: readonly (VerificationResult | null)[]): StudyResult {
  const known = verifications.flatMap((verification) => verification?.threats ?? []);
  if (known.length === 0) return result;
  return {
    ...result,
    threats: result.threats.map((threat) => {
      const exact = new Map(
        known
          .filter((one) => attackKey(one.threat) === attackKey(threat.threat))
          .flatMap(({ curve }) => curve.map(({ epsilon, thisData }) => [epsilon, thisData.exact])),
      );
      return {
        ...threat,
        curve: threat.curve.map((point) => ({
          ...point,
          thisData: { ...point.thisData, exact: point.thisData.exact ?? exact.get(point.epsilon) ?? null },
        })),
      };
    }),
  };
}
