import { inputError } from "../../errors.js";
import { exchange } from "../../parallel/deal.js";
import type { ColumnInfo } from "../column-survey.js";
import { quoted } from "../names.js";
import type { Column } from "../table.js";
import type { CachedTable } from "./cached-table.js";

/** What tells the rows of a column apart, numbered as `asText` numbers it in memory. */
export interface LabelCodes {
  /** Codes are 0 … count − 1. */
  readonly count: number;
  /** The code of each cell of a piece's column; −1 where it is missing. */
  in(column: Column): Int32Array;
}

/** More different numbers than these are not told apart. */
const MOST_NUMBERS = 10_000_000;

/**
 * Texts are numbered in the order of their levels, numbers in that of the rows in which they are met first, over all ranks.
 * @param role what the column is asked for, in words
 * @throws input: more labels than can be told apart
 */
export async function labelCodes(table: CachedTable, info: ColumnInfo, role: string): Promise<LabelCodes> {
  const survey = table.survey(info);
  if (info.kind === "categorical") {
    if (survey.kind === "categorical" && survey.more) throw tooMany(table, info, role, "texts", info.levels.length);
    return { count: info.levels.length, in: (column) => (column.kind === "categorical" ? column.codes : NONE) };
  }
  const own = new Map<number, number>();
  for (const piece of table.pieces()) {
    const column = piece.column(info);
    if (column.kind !== "numeric") continue;
    for (const value of column.values) {
      if (!Number.isNaN(value) && !own.has(value) && own.size <= MOST_NUMBERS) own.set(value, own.size);
    }
  }
  const count = await numberedOverRanks(table, own);
  if (count > MOST_NUMBERS) throw tooMany(table, info, role, "numbers", MOST_NUMBERS);
  return {
    count,
    in: (column) =>
      column.kind === "numeric" ? Int32Array.from(column.values, (value) => own.get(value) ?? -1) : NONE,
  };
}

const NONE = new Int32Array(0);

/** Own numbers get the codes that they have among those of all ranks. @returns how many there are */
async function numberedOverRanks({ ranks }: CachedTable, own: Map<number, number>): Promise<number> {
  if (ranks.size === 1) return own.size;
  const all = new Map<number, number>();
  for (const values of await exchange(ranks, Float64Array.from(own.keys()))) {
    for (const value of values) if (!all.has(value) && all.size <= MOST_NUMBERS) all.set(value, all.size);
  }
  for (const value of own.keys()) own.set(value, all.get(value) ?? -1);
  return all.size;
}

const tooMany = ({ source }: CachedTable, { name }: ColumnInfo, role: string, what: string, most: number): Error =>
  inputError(
    `${source}: ${role} ${quoted(name)} holds more than ${most.toLocaleString("en-US")} different ${what}, too many to stream; ${what === "texts" ? "write whole numbers instead of them" : "join some of them"}.`,
  );
