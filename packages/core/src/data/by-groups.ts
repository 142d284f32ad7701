import { usageError } from "../errors.js";
import { asNumbers, asText } from "./column-kinds.js";
import { type ByEncoding, missingLevel } from "./encoding.js";
import { compareCodePoints, quoted } from "./names.js";
import { hasMissing } from "./row-choice.js";
import type { Origin } from "./row-place.js";
import type { Column, NumericColumn } from "./table.js";
import { isMissingAt } from "./target.js";

/** The groups of rows that results are repeated for. */
export interface ByGroups {
  readonly column: string;
  readonly names: readonly string[];
  /** n, an index into `names` for each row. A selection of rows may leave groups empty. */
  readonly of: Int32Array;
}

const mostGroups = 50;
/** Of a numeric column that is not cut into intervals. */
export const MOST_VALUES = 20;
/** Of the quartiles. */
export const SHARES: readonly number[] = [0.25, 0.5, 0.75];
/** Less than one row in a thousand millions: it forgives the rounding of sums. */
export const SLACK = 1e-9;

/**
 * Learns how a column groups rows: text and booleans by level, numbers of at most 20 values by value, other numbers by
 * intervals between their quartiles. Missing cells are a group of their own, the last.
 *
 * @param weights of these rows, positive: how much each counts for the quartiles
 * @throws AifError "usage" where there are more than 50 groups
 */
export function fitBy(column: Column, rows: Int32Array, weights: Float64Array, source: string): ByEncoding {
  const ending = hasMissing(column) && rows.some((row) => isMissingAt(column, row)) ? [missingLevel] : [];
  if (column.kind === "numeric") {
    const sums = weightByValue(column, rows, weights);
    if (sums.size > MOST_VALUES) return byIntervals(column.name, quartileCuts(sums), ending);
  }
  return byLevels(column.name, [...presentNames(column, rows), ...ending], source);
}

export const byIntervals = (column: string, cuts: readonly number[], ending: readonly string[]): ByEncoding => ({
  kind: "intervals",
  column,
  cuts,
  names: [...intervalNames(column, cuts), ...ending],
});

/** @throws AifError "usage" where there are more than 50 */
export const byLevels = (column: string, names: readonly string[], source: string): ByEncoding => ({
  kind: "levels",
  column,
  names: checked([...new Set(names)], column, source),
});

/**
 * The group of each row. Levels that the training rows had not come after those they had.
 * @throws AifError "usage" where there are more than 50 groups, "input" for text where intervals need numbers
 */
export function applyBy(column: Column, encoding: ByEncoding, rows: Int32Array, origin: Origin): ByGroups {
  const found = encoding.kind === "levels" ? presentNames(column, rows) : [];
  const hasMissingRows = rows.some((row) => isMissingAt(column, row));
  const names = allNames(encoding, found, hasMissingRows, origin.source);
  return { column: column.name, names, of: groupCodes(column, encoding, names, rows, origin) };
}

/** The groups of the training rows, then those that only other rows have. @throws AifError "usage" where there are more than 50 */
export const allNames = (
  { column, names }: ByEncoding,
  found: readonly string[],
  hasMissingRows: boolean,
  source: string,
): readonly string[] =>
  checked([...new Set([...names, ...found, ...(hasMissingRows ? [missingLevel] : [])])], column, source);

/**
 * The place of each row's group among the names.
 * @throws AifError "input" for text where intervals need numbers
 */
export function groupCodes(
  column: Column,
  encoding: ByEncoding,
  names: readonly string[],
  rows: Int32Array,
  origin: Origin,
): Int32Array {
  const position = new Map(names.map((name, k) => [name, k]));
  const place = (name: string): number => position.get(name) ?? -1;
  const without = place(missingLevel);
  if (encoding.kind === "intervals") {
    const { values } = asNumbers(column, rows, origin);
    const { cuts } = encoding;
    const above = (value: number): number => cuts.reduce((count, cut) => count + (value > cut ? 1 : 0), 0);
    return rows.map((row) => (Number.isNaN(values[row]) ? without : above(values[row])));
  }
  const { levels, codes } = asText(column);
  const groupOf = levels.map(place);
  return rows.map((row) => (codes[row] < 0 ? without : groupOf[codes[row]]));
}

/** The levels or values that occur in the rows, in ascending order. */
export function presentNames(column: Column, rows: Int32Array): string[] {
  const { levels, codes } = asText(column);
  const present = new Set<number>();
  for (const row of rows) if (codes[row] >= 0) present.add(codes[row]);
  return inOrder(
    Array.from(present, (code) => levels[code]),
    column.kind,
  );
}

/** Numbers by size, texts by code points. */
export const inOrder = (names: readonly string[], kind: Column["kind"]): string[] =>
  names.toSorted(kind === "numeric" ? (a, b) => Number(a) - Number(b) : compareCodePoints);

function weightByValue(
  { values }: NumericColumn,
  rows: Int32Array,
  weights: Float64Array,
): ReadonlyMap<number, number> {
  const sums = new Map<number, number>();
  rows.forEach((row, i) => {
    const value = values[row];
    if (!Number.isNaN(value)) sums.set(value, (sums.get(value) ?? 0) + weights[i]);
  });
  return sums;
}

/**
 * The quartiles of weighted values, each the least value v with F(v) ≥ 1/4, 1/2, 3/4, so that a weight of 2 is a row
 * given twice. Quartiles that coincide are one cut, and the largest value is none; where no cut is left, the largest
 * value is set apart from the others. Every interval between cuts has values.
 */
function quartileCuts(sums: ReadonlyMap<number, number>): number[] {
  const values = Float64Array.from(sums.keys()).sort();
  const total = values.reduce((sum, value) => sum + (sums.get(value) ?? 0), 0);
  const quartiles: number[] = [];
  let sum = 0;
  for (const value of values) {
    sum += sums.get(value) ?? 0;
    while (quartiles.length < SHARES.length && sum >= (SHARES[quartiles.length] - SLACK) * total) quartiles.push(value);
  }
  return cutsFrom(quartiles, values[values.length - 1], values[values.length - 2]);
}

/** @param quartiles ascending @param largest, second the two largest values */
export function cutsFrom(quartiles: readonly number[], largest: number, second: number): number[] {
  const cuts = new Set(quartiles);
  cuts.delete(largest);
  return cuts.size === 0 ? [second] : [...cuts];
}

/** `age ≤ 28`, `28 < age ≤ 37`, …, `age > 48`. */
function intervalNames(name: string, cuts: readonly number[]): string[] {
  const between = cuts.slice(1).map((cut, k) => `${cuts[k]} < ${name} ≤ ${cut}`);
  return [`${name} ≤ ${cuts[0]}`, ...between, `${name} > ${cuts[cuts.length - 1]}`];
}

function checked(names: readonly string[], column: string, source: string): readonly string[] {
  if (names.length <= mostGroups) return names;
  throw usageError(
    `${source}: grouping by column ${quoted(column)} makes ${names.length} groups, and at most ${mostGroups} can be compared; choose a column of fewer levels or join levels.`,
  );
}
