import type { RestartedResponse } from "./local-result.js";

/** Objectives and curvatures closer than this, relatively, are those of one minimum found twice. */
const SAME = 1e-3;

/** How S differs between the minima that were found. */
export interface RestartSpread {
  /** Different minima, as far as their objective and curvature tell. */
  readonly minima: number;
  /** Smallest and largest ½I'H_LI. */
  readonly curvature: readonly [number, number];
}

/** How many minima several trainings found, and the range of ½I'H_LI over them. */
export function restartSpread(restarts: readonly RestartedResponse[]): RestartSpread {
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= SAME * Math.max(Math.abs(a), Math.abs(b));
  const minima = restarts.filter(
    (one, k) =>
      !restarts
        .slice(0, k)
        .some((other) => near(one.objective, other.objective) && near(one.curvature, other.curvature)),
  ).length;
  const curvatures = restarts.map(({ curvature }) => curvature);
  return { minima, curvature: [Math.min(...curvatures), Math.max(...curvatures)] };
}
