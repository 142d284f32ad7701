import { normalQuantile } from "../stats/distributions.js";
import { poissonCount, unitPoissonCount } from "../stats/poisson-count.js";
import { randomStream } from "../stats/random.js";
import type { MetricRows, Metrics } from "./metrics.js";
import { meanStandardError, type Sampling } from "./sampling.js";

/** How a metric changes on the same rows, with its paired interval given the fits (MATH 14.2). */
export interface MetricChange {
  readonly change: number;
  readonly interval: readonly [number, number];
  /** "paired": normal, from the rows' differences; "bootstrap": percentiles over reweighted rows. */
  readonly method: "paired" | "bootstrap";
}

/** One pair of predictions on the same rows, as the model is and after robust training. */
export interface MetricPair {
  readonly before: MetricRows;
  readonly after: MetricRows;
}

/** What counting needs to know of predictions. */
type Classified = Pick<MetricRows, "values" | "right">;

const DRAWS = 400;
/** With more rows than this a count is as good as normal, and drawing them all would take seconds. */
const MOST_ROWS_DRAWN = 100_000;
/** Where fewer rows than this change sides a bootstrap cannot know how many might have. */
const FEW_CHANGES = 5;
/** −log 0.05 */
const RULE_OF_THREE = 3;

export interface ChangeOptions {
  /** n */
  readonly y: Float64Array;
  /** n, summing to 1. */
  readonly w: Float64Array;
  readonly sampling: Sampling;
  readonly level: number;
  readonly seed: number;
}

type Interval = readonly [number, number];

/** A pair of which the rows' parts are known no longer, but what their intervals need. */
export interface JudgedPair {
  readonly before: Classified;
  readonly after: Classified;
  /** The standard error of each metric's change. */
  readonly errors: Metrics;
}

/** Standard errors from the differences that the rows make: the parts of both sides, n numbers for each metric, may then go. */
export function judgedPair(
  { before, after }: MetricPair,
  { w, sampling }: Pick<ChangeOptions, "w" | "sampling">,
): JudgedPair {
  const moves = new Float64Array(w.length);
  const errorOf = (was: Float64Array, is: Float64Array): number => {
    for (let i = 0; i < moves.length; i++) moves[i] = is[i] - was[i];
    return meanStandardError(moves, w, sampling);
  };
  const errors = Object.entries(after.rows).map(([name, rows]) => [name, errorOf(before.rows[name], rows)] as const);
  return { ...withoutRows({ before, after }), errors: Object.fromEntries(errors) };
}

/** The values of both sides, and which rows are classified rightly. */
export const withoutRows = ({ before, after }: MetricPair): Omit<JudgedPair, "errors"> => ({
  before: { values: before.values, right: before.right },
  after: { values: after.values, right: after.right },
});

/** The change of every metric for every pair; the rows are the same in all of them, and so are the draws. */
export const metricChanges = (
  pairs: readonly MetricPair[],
  options: ChangeOptions,
): Readonly<Record<string, MetricChange>>[] =>
  judgedChanges(
    pairs.map((pair) => judgedPair(pair, options)),
    options,
  );

/** As `metricChanges`, of pairs whose rows' parts have gone. */
export function judgedChanges(
  pairs: readonly JudgedPair[],
  options: ChangeOptions,
): Readonly<Record<string, MetricChange>>[] {
  const z = normalQuantile(0.5 + options.level / 2);
  const counted = countedChanges(pairs, options);
  return pairs.map(({ before, after, errors }, p) =>
    changesBetween(before.values, after.values, counted[p], (name) => z * errors[name]),
  );
}

/** Every metric's change with the interval that was counted out, or else with the reach of a normal one. */
export function changesBetween(
  before: Metrics,
  after: Metrics,
  counted: Readonly<Record<string, Interval>> | null,
  reachOf: (name: string) => number,
): Readonly<Record<string, MetricChange>> {
  const changes: Record<string, MetricChange> = {};
  for (const [name, value] of Object.entries(after)) {
    const change = value - before[name];
    const drawn = counted?.[name];
    if (drawn) changes[name] = { change, interval: drawn, method: "bootstrap" };
    else {
      const reach = reachOf(name);
      changes[name] = { change, interval: [change - reach, change + reach], method: "paired" };
    }
  }
  return changes;
}

/** Whether changes of this many rows are counted out by redrawing rows. */
export const isCounted = (rows: number): boolean => rows <= MOST_ROWS_DRAWN;

/** The rows that change sides between two classifications: +1 where it becomes right. */
interface Turned {
  readonly rows: Int32Array;
  readonly turns: Int8Array;
  readonly accuracy: Float64Array;
  readonly balancedAccuracy: Float64Array;
}

/**
 * Percentile intervals of accuracy and balanced accuracy, which are counts: a few rows decide them. Rows (or whole clusters)
 * get Poisson counts, the same for all pairs; only rows that change sides need to be looked at.
 */
export function countedChanges(
  pairs: readonly { readonly before: Classified; readonly after: Classified }[],
  { y, w, sampling, level, seed }: ChangeOptions,
): (Readonly<Record<string, Interval>> | null)[] {
  if (!isCounted(w.length) || pairs.every(({ before }) => before.right === null)) return pairs.map(() => null);
  const turned = pairs.map(turnedRows);
  const { codes, weights: classWeights } = classesOf(y, w);
  const factors = new Float64Array(w.length);
  const drawn = new Float64Array(classWeights.length);
  const gained = new Float64Array(classWeights.length);
  for (let b = 0; b < DRAWS; b++) {
    drawFactors(factors, w, sampling, seed, b);
    drawn.fill(0);
    for (let i = 0; i < w.length; i++) drawn[codes[i]] += w[i] * factors[i];
    for (const { rows, turns, accuracy, balancedAccuracy } of turned) {
      gained.fill(0);
      for (let k = 0; k < rows.length; k++) gained[codes[rows[k]]] += turns[k] * w[rows[k]] * factors[rows[k]];
      accuracy[b] = share(sum(gained), sum(drawn));
      balancedAccuracy[b] = gained.reduce((total, gain, c) => total + share(gain, drawn[c]), 0) / drawn.length;
    }
  }
  const { weightsKind, totalWeight } = sampling;
  const largest = weightsKind === "frequency" ? 1 / totalWeight : w.reduce((most, weight) => Math.max(most, weight), 0);
  const smallest = Math.min(...classWeights);
  return turned.map(({ rows, accuracy, balancedAccuracy }, p) => {
    // Too few rows for a bootstrap to know how many might have changed sides: none seen among n leaves a rate of 3/n open.
    const unseen = rows.length < FEW_CHANGES ? RULE_OF_THREE * largest : 0;
    const change = (name: string): number => pairs[p].after.values[name] - pairs[p].before.values[name];
    return {
      accuracy: widened(percentiles(accuracy, level), change("accuracy"), unseen),
      balancedAccuracy: widened(
        percentiles(balancedAccuracy, level),
        change("balancedAccuracy"),
        unseen / classWeights.length / smallest,
      ),
    };
  });
}

const share = (part: number, whole: number): number => (whole > 0 ? part / whole : 0);

const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);

/** The class of each row, counted from 0, and the classes' weights; a class without weight is none. */
function classesOf(y: Float64Array, w: Float64Array): { codes: Int32Array; weights: Float64Array } {
  const labels = [...new Set(y.filter((_, i) => w[i] > 0))];
  const places = new Map(labels.map((label, code) => [label, code]));
  const codes = Int32Array.from(y, (label) => places.get(label) ?? 0);
  const weights = new Float64Array(labels.length);
  for (let i = 0; i < w.length; i++) weights[codes[i]] += w[i];
  return { codes, weights };
}

const widened = ([lower, upper]: Interval, change: number, by: number): Interval => [
  Math.min(lower, change - by),
  Math.max(upper, change + by),
];

function percentiles(draws: Float64Array, level: number): Interval {
  draws.sort();
  const at = (probability: number): number => draws[Math.round(probability * (DRAWS - 1))];
  return [at(0.5 - level / 2), at(0.5 + level / 2)];
}

function turnedRows({ before, after }: { readonly before: Classified; readonly after: Classified }): Turned {
  const [was, is] = [before.right ?? new Uint8Array(0), after.right ?? new Uint8Array(0)];
  const rows = Int32Array.from([...was.keys()].filter((i) => was[i] !== is[i]));
  return {
    rows,
    turns: Int8Array.from(rows, (i) => is[i] - was[i]),
    accuracy: new Float64Array(DRAWS),
    balancedAccuracy: new Float64Array(DRAWS),
  };
}

/** How often each row (its cluster; each of the units it counts) is drawn, relative to once. */
function drawFactors(out: Float64Array, w: Float64Array, sampling: Sampling, seed: number, draw: number): void {
  const random = randomStream(seed, 1000 + draw);
  const { clusters, weightsKind, totalWeight } = sampling;
  if (clusters) {
    const counts = new Map<number, number>();
    for (let i = 0; i < out.length; i++) {
      const code = clusters[i];
      let count = counts.get(code);
      if (count === undefined) {
        count = unitPoissonCount(random);
        counts.set(code, count);
      }
      out[i] = count;
    }
  } else if (weightsKind === "frequency") {
    for (let i = 0; i < out.length; i++) {
      const units = w[i] * totalWeight;
      out[i] = units > 0 ? poissonCount(random, units) / units : 0;
    }
  } else for (let i = 0; i < out.length; i++) out[i] = unitPoissonCount(random);
}
