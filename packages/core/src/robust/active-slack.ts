import type { RobustProblem } from "./optimum-problem.js";

/** Multipliers may exceed their bounds by this much before their corner is left. */
export const BOUND_SLACK = 1e-11;

/** Coefficients whose sizes differ by less than this share are tied: N is a mean of them, rounded. */
export const TIE_SLACK = 1e-13;

/** Coefficients below this share of N are 0 where p > 2: N|τ|^{p−1} can be too small for a number. */
export const NEGLIGIBLE = 1e-120;

/** Scores this close to a corner, relative to the largest score or target, are on it. */
export const cornerSlack = ({ cornerSize }: RobustProblem): number => 1e-12 * cornerSize;

/** The rounding of scores less targets. */
export const scoreRounding = ({ cornerSize }: RobustProblem): number => 2e-15 * cornerSize;
