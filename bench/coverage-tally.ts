/** Sums over the repetitions of one cell; tallies of different stretches of seeds add up. */
import type { Outcome } from "./coverage-repetition.js";

/** Plain numbers, so that it goes through JSON. */
export interface Tally {
  repetitions: number;
  /** Repetitions in which the study gave no interval. */
  none: number;
  covered: number[];
  widths: number[];
  errors: number[];
  squaredErrors: number[];
  /** Σ of squares of the share of coordinates covered. */
  squaredShares: number;
  together: number;
  sensitivity: { covered: number; delta: number; widths: number[] };
}

export const emptyTally = (coordinates: number): Tally => ({
  repetitions: 0,
  none: 0,
  covered: new Array<number>(coordinates).fill(0),
  widths: new Array<number>(coordinates).fill(0),
  errors: new Array<number>(coordinates).fill(0),
  squaredErrors: new Array<number>(coordinates).fill(0),
  squaredShares: 0,
  together: 0,
  sensitivity: { covered: 0, delta: 0, widths: [] },
});

export function count(tally: Tally, outcome: Outcome | null): void {
  tally.repetitions++;
  if (outcome === null) {
    tally.none++;
    return;
  }
  const { covered, widths, errors, together, sensitivity } = outcome;
  covered.forEach((inside, j) => {
    tally.covered[j] += Number(inside);
    tally.widths[j] += widths[j];
    tally.errors[j] += errors[j];
    tally.squaredErrors[j] += errors[j] ** 2;
  });
  tally.squaredShares += (covered.filter(Boolean).length / covered.length) ** 2;
  tally.together += Number(together);
  if (sensitivity) {
    tally.sensitivity.covered += Number(sensitivity.covered);
    tally.sensitivity.delta += Number(sensitivity.delta);
    tally.sensitivity.widths.push(sensitivity.width);
  }
}

export function add(a: Tally, b: Tally): Tally {
  const both = (key: "covered" | "widths" | "errors" | "squaredErrors"): number[] =>
    a[key].map((value, j) => value + b[key][j]);
  return {
    repetitions: a.repetitions + b.repetitions,
    none: a.none + b.none,
    covered: both("covered"),
    widths: both("widths"),
    errors: both("errors"),
    squaredErrors: both("squaredErrors"),
    squaredShares: a.squaredShares + b.squaredShares,
    together: a.together + b.together,
    sensitivity: {
      covered: a.sensitivity.covered + b.sensitivity.covered,
      delta: a.sensitivity.delta + b.sensitivity.delta,
      widths: [...a.sensitivity.widths, ...b.sensitivity.widths],
    },
  };
}

/** What a tally says of its cell. All shares are of the repetitions that gave intervals. */
export interface Finding {
  readonly repetitions: number;
  readonly none: number;
  /** Coverage by coordinate, and over all. */
  readonly coverage: readonly number[];
  readonly meanCoverage: number;
  /** Monte Carlo standard errors: of one coordinate's coverage, and of the mean over all. */
  readonly error: number;
  readonly meanError: number;
  /** Mean width over repetitions and coordinates. */
  readonly width: number;
  /** By coordinate: mean standard error over the standard deviation of the estimates, and bias over that deviation. */
  readonly scale: readonly number[];
  readonly bias: readonly number[];
  readonly together: number;
  readonly sensitivity: { readonly coverage: number; readonly medianWidth: number; readonly delta: number } | null;
}

/** The half width of a 95 % interval in standard errors. */
const REACH = 1.959964;

export function conclude(tally: Tally): Finding {
  const R = tally.repetitions - tally.none;
  const coverage = tally.covered.map((hits) => hits / R);
  const meanCoverage = coverage.reduce((a, b) => a + b, 0) / coverage.length;
  const deviations = tally.errors.map((sum, j) => Math.sqrt(tally.squaredErrors[j] / R - (sum / R) ** 2));
  const { widths } = tally.sensitivity;
  return {
    repetitions: tally.repetitions,
    none: tally.none,
    coverage,
    meanCoverage,
    error: Math.sqrt((meanCoverage * (1 - meanCoverage)) / R),
    meanError: Math.sqrt(Math.max(0, tally.squaredShares / R - meanCoverage ** 2) / R),
    width: tally.widths.reduce((a, b) => a + b, 0) / R / coverage.length,
    scale: deviations.map((deviation, j) => tally.widths[j] / R / (2 * REACH) / deviation),
    bias: deviations.map((deviation, j) => tally.errors[j] / R / deviation),
    together: tally.together / R,
    sensitivity:
      widths.length === 0
        ? null
        : {
            coverage: tally.sensitivity.covered / R,
            medianWidth: widths.toSorted((a, b) => a - b)[widths.length >> 1],
            delta: tally.sensitivity.delta / R,
          },
  };
}
