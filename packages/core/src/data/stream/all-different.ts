import { exchange } from "../../parallel/deal.js";
import type { ColumnInfo } from "../column-survey.js";
import { hasher } from "../hash.js";
import type { CachedTable } from "./cached-table.js";

const WINDOW = 1 << 20;
/** Chance clears seven of eight doubts in each round; equal numbers never are. */
const MOST_ROUNDS = 40;

/**
 * Whether a column of whole numbers has another in every row of every rank. Each rank looks through its own numbers; between
 * ranks, numbers are counted in places that a hash gives them: alone in its place, a number is different from all others, and the
 * rest are hashed anew.
 */
export async function allDifferent(table: CachedTable, column: ColumnInfo): Promise<boolean> {
  const { ranks } = table;
  let doubtful = new Float64Array(table.ownRows);
  let at = 0;
  for (const piece of table.pieces()) {
    const cells = piece.column(column);
    if (cells.kind === "numeric") doubtful.set(cells.values, at);
    at += piece.rows;
  }
  doubtful.sort();
  const repeats = doubtful.some((value, i) => i > 0 && value === doubtful[i - 1]);
  const anywhere = Float64Array.of(repeats ? 1 : 0);
  await ranks.add(anywhere);
  if (anywhere[0] > 0 || ranks.size === 1) return anywhere[0] === 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const left = (await exchange(ranks, doubtful.length)).reduce((sum, count) => sum + count, 0);
    if (left === 0) return true;
    doubtful = await notAlone(table, doubtful, 8 * left, round);
  }
  return false;
}

async function notAlone(
  { ranks }: CachedTable,
  values: Float64Array<ArrayBuffer>,
  places: number,
  round: number,
): Promise<Float64Array<ArrayBuffer>> {
  const [low, high] = [hasher(round), hasher(round + MOST_ROUNDS)];
  const placeOf = (value: number): number =>
    Math.floor(((low(value % 2 ** 32) + high(Math.floor(value / 2 ** 32))) % 1) * places);
  const kept: number[] = [];
  for (let from = 0; from < places; from += WINDOW) {
    const counts = new Float64Array(Math.min(WINDOW, places - from));
    const inside = values.filter((value) => {
      const place = placeOf(value) - from;
      return place >= 0 && place < counts.length;
    });
    for (const value of inside) counts[placeOf(value) - from]++;
    await ranks.add(counts);
    for (const value of inside) if (counts[placeOf(value) - from] > 1) kept.push(value);
  }
  return Float64Array.from(kept);
}
