import type { CurvePoint, StudyResult } from "@aif/core";

const STEPS = 40;

/** Sizes for the slider: evenly spaced logarithms from the smallest to the largest of the result, its own among them. */
export function sizesBetween({ threats }: Pick<StudyResult, "threats">): number[] {
  const own = threats.flatMap(({ curve }) => curve.map(({ epsilon }) => epsilon)).filter((epsilon) => epsilon > 0);
  const [least, most] = [Math.min(...own), Math.max(...own)];
  const between = Array.from({ length: STEPS }, (_, k) =>
    Number((least * (most / least) ** (k / (STEPS - 1))).toPrecision(3)),
  );
  return [...new Set([...own, ...between])].sort((a, b) => a - b);
}

/** The point of a curve whose size is nearest, by the ratio. */
export function nearest<Point extends Pick<CurvePoint, "epsilon">>(
  curve: readonly Point[],
  epsilon: number,
): Point | null {
  const positive = curve.filter((point) => point.epsilon > 0);
  return positive.reduce<Point | null>(
    (best, point) =>
      best === null || Math.abs(Math.log(point.epsilon / epsilon)) < Math.abs(Math.log(best.epsilon / epsilon))
        ? point
        : best,
    null,
  );
}
