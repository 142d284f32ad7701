import { exchange } from "../../parallel/deal.js";
import {
  allNames,
  byIntervals,
  byLevels,
  cutsFrom,
  inOrder,
  MOST_VALUES,
  presentNames,
  SHARES,
  SLACK,
} from "../by-groups.js";
import type { ColumnInfo } from "../column-survey.js";
import { type ByEncoding, missingLevel } from "../encoding.js";
import { isMissingAt } from "../target.js";
import type { CachedTable } from "./cached-table.js";
import { type UsedRows, usedPieces } from "./used-rows.js";

/** What the rows in use hold in a column to group by. */
interface Present {
  /** Levels; of numbers the values, while they are few. */
  readonly names: readonly string[];
  /** Whether there are more numbers than that. */
  readonly many: boolean;
  readonly missing: boolean;
  /** Of numbers the two largest that differ, the largest first; null where there are none. */
  readonly largest: readonly (number | null)[];
}

/** Learns how a column groups rows that pass by, as `fitBy` does. @throws as `fitBy` */
export async function streamedBy(table: CachedTable, column: ColumnInfo, used: UsedRows): Promise<ByEncoding> {
  const { names, many, missing, largest } = await presentIn(table, column, used);
  const ending = missing ? [missingLevel] : [];
  if (!many) return byLevels(column.name, [...names, ...ending], table.source);
  const [most, second] = largest.map((value) => value ?? Number.NaN);
  return byIntervals(column.name, cutsFrom(await quartiles(table, column, used), most, second), ending);
}

/** The groups of rows that are only evaluated, as `applyBy` names them. @throws as `applyBy` */
export async function streamedNames(
  table: CachedTable,
  column: ColumnInfo,
  used: UsedRows,
  encoding: ByEncoding,
): Promise<readonly string[]> {
  const { names, missing } = await presentIn(table, column, used, encoding.kind === "levels" ? Infinity : 0);
  return allNames(encoding, encoding.kind === "levels" ? names : [], missing, table.source);
}

/** @param most numbers that are listed, where there are no more */
async function presentIn(table: CachedTable, info: ColumnInfo, used: UsedRows, most = MOST_VALUES): Promise<Present> {
  const names = new Set<string>();
  let [many, missing] = [false, false];
  let [largest, second]: [number | null, number | null] = [null, null];
  for (const { piece, rows } of usedPieces(table, used)) {
    if (rows.length === 0) continue;
    const column = piece.column(info);
    missing ||= rows.some((row) => isMissingAt(column, row));
    if (column.kind === "numeric") {
      for (const row of rows) {
        const value = column.values[row];
        if (Number.isNaN(value)) continue;
        if (largest === null || value > largest) [largest, second] = [value, largest];
        else if (value < largest && (second === null || value > second)) second = value;
      }
      if (many) continue;
    }
    for (const name of presentNames(column, rows)) names.add(name);
    many ||= column.kind === "numeric" && names.size > most;
    if (many) names.clear();
  }
  const all = await exchange<Present>(table.ranks, { names: [...names], many, missing, largest: [largest, second] });
  const together = new Set(all.flatMap((rank) => rank.names));
  const numbers = [...new Set(all.flatMap((rank) => rank.largest).filter((value) => value !== null))];
  numbers.sort((a, b) => b - a);
  return {
    names: inOrder([...together], info.kind),
    many: all.some((rank) => rank.many) || (info.kind === "numeric" && together.size > most),
    missing: all.some((rank) => rank.missing),
    largest: [numbers[0] ?? null, numbers[1] ?? null],
  };
}

/** Binary digits of a number that are told apart in one pass, of 64. */
const DIGITS = 16;
const PLACES = 2 ** DIGITS;
const ROUNDS = 64 / DIGITS;

/**
 * The quartiles of weighted numbers, each the least value v with F(v) ≥ 1/4, 1/2, 3/4, by counting: a pass tells numbers apart that
 * agree in the digits found so far.
 */
async function quartiles(table: CachedTable, info: ColumnInfo, used: UsedRows): Promise<number[]> {
  const found = SHARES.map((share) => ({ share, digits: [] as number[], below: 0 }));
  let total = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const weights = found.map(() => new Float64Array(PLACES));
    for (const { piece, rows, weights: w } of usedPieces(table, used)) {
      if (rows.length === 0) continue;
      const column = piece.column(info);
      if (column.kind !== "numeric") continue;
      rows.forEach((row, i) => {
        const value = column.values[row];
        if (Number.isNaN(value)) return;
        const digits = digitsOf(value);
        found.forEach(({ digits: known }, k) => {
          if (known.every((digit, at) => digit === digits[at])) weights[k][digits[round]] += w[i];
        });
      });
    }
    await table.ranks.add(...weights);
    if (round === 0) total = weights[0].reduce((sum, weight) => sum + weight, 0);
    for (const [k, quartile] of found.entries()) {
      const { digit, below } = reached(weights[k], (quartile.share - SLACK) * total - quartile.below);
      quartile.digits.push(digit);
      quartile.below += below;
    }
  }
  return found.map(({ digits }) => numberOf(digits));
}

/** The first place at which the weights add up to what is wanted, or the last that has weight, and what is before it. */
function reached(weights: Float64Array, wanted: number): { digit: number; below: number } {
  let sum = 0;
  let last = { digit: 0, below: 0 };
  for (let digit = 0; digit < weights.length; digit++) {
    if (weights[digit] === 0) continue;
    last = { digit, below: sum };
    sum += weights[digit];
    if (sum >= wanted) break;
  }
  return last;
}

const bytes = new DataView(new ArrayBuffer(8));
const SIGN = 0x8000;

/** A number as four digits that ascend with it: the bits of numbers below 0 are turned, of others only the sign. */
function digitsOf(value: number): number[] {
  bytes.setFloat64(0, value === 0 ? 0 : value);
  const plain = [0, 2, 4, 6].map((at) => bytes.getUint16(at));
  const isNegative = (plain[0] & SIGN) !== 0;
  return plain.map((digit, k) => (isNegative ? digit ^ (PLACES - 1) : k === 0 ? digit ^ SIGN : digit));
}

function numberOf(digits: readonly number[]): number {
  const isNegative = (digits[0] & SIGN) === 0;
  digits.forEach((digit, k) => {
    bytes.setUint16(2 * k, isNegative ? digit ^ (PLACES - 1) : k === 0 ? digit ^ SIGN : digit);
  });
  return bytes.getFloat64(0);
}
