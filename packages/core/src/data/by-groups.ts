import { usageError } from "../errors.js";
import { asNumbers, asText } from "./column-kinds.js";
import { type ByEncoding, missingLevel } from "./encoding.js";
import { compareCodePoints, quoted } from "./names.js";
import { hasMissing } from "./row-choice.js";
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
const mostValues = 20; // of a numeric column that is not cut into intervals
const shares: readonly number[] = [0.25, 0.5, 0.75];

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
    if (sums.size > mostValues) {
      const cuts = quartileCuts(sums);
      return { kind: "intervals", column: column.name, cuts, names: [...intervalNames(column.name, cuts), ...ending] };
    }
  }
  const names = [...presentNames(column, rows), ...ending];
  return { kind: "levels", column: column.name, names: checked([...new Set(names)], column.name, source) };
}

/**
 * The group of each row. Levels that the training rows had not come after those they had.
 * @throws AifError "usage" where there are more than 50 groups, "input" for text where intervals need numbers
 */
export function applyBy(column: Column, encoding: ByEncoding, rows: Int32Array, source: string): ByGroups {
  const found = encoding.kind === "levels" ? presentNames(column, rows) : [];
  const missing = rows.some((row) => isMissingAt(column, row)) ? [missingLevel] : [];
  const names = checked([...new Set([...encoding.names, ...found, ...missing])], column.name, source);
  const position = new Map(names.map((name, k) => [name, k]));
  const place = (name: string): number => position.get(name) ?? -1;
  if (encoding.kind === "intervals") {
    const { values } = asNumbers(column, rows, source);
    const { cuts } = encoding;
    const above = (value: number): number => cuts.reduce((count, cut) => count + (value > cut ? 1 : 0), 0);
    const without = place(missingLevel);
    return {
      column: column.name,
      names,
      of: rows.map((row) => (Number.isNaN(values[row]) ? without : above(values[row]))),
    };
  }
  const { levels, codes } = asText(column);
  const groupOf = levels.map(place);
  const without = place(missingLevel);
  return {
    column: column.name,
    names,
    of: rows.map((row) => (codes[row] < 0 ? without : groupOf[codes[row]])),
  };
}

/** The levels or values that occur in the rows, in ascending order. */
function presentNames(column: Column, rows: Int32Array): string[] {
  const { levels, codes } = asText(column);
  const present = new Set<number>();
  for (const row of rows) if (codes[row] >= 0) present.add(codes[row]);
  const names = Array.from(present, (code) => levels[code]);
  return names.toSorted(column.kind === "numeric" ? (a, b) => Number(a) - Number(b) : compareCodePoints);
}

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
  const cuts = new Set<number>();
  let sum = 0;
  let next = 0;
  for (const value of values) {
    sum += sums.get(value) ?? 0;
    // The slack, less than one row in a thousand millions, forgives the rounding of sums.
    for (; next < shares.length && sum >= (shares[next] - 1e-9) * total; next++) cuts.add(value);
  }
  cuts.delete(values[values.length - 1]);
  if (cuts.size === 0) cuts.add(values[values.length - 2]);
  return [...cuts];
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
