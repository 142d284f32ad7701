import { inputError } from "../../errors.js";
import type { Ranks } from "../../parallel/ranks.js";
import { hasher } from "../hash.js";

/** Rows of one rank, each with an id that no other row has, and a stratum. */
export interface HashedRows {
  /** Places 0 … count − 1. */
  readonly count: number;
  /** The stratum of a place, or `NO_STRATUM` where it does not take part. */
  readonly strata: Uint8Array;
  /** The id of place 0; ids ascend by 1. */
  readonly firstId: number;
}

export const NO_STRATUM = 255;

/** Rows that are ranked at a time, over all ranks and strata, and places for them to fall into. */
const ROWS_AT_ONCE = 1 << 18;
const PLACES_PER_ROW = 2;
/** Rows that fell into one place are told apart by as many more at a time. */
const FINER = 16;

/**
 * The rank, 0 first, of every row within its stratum in the order of its hash (see `hashOrder`), over the rows of all ranks. It is
 * counted, not sorted: rows fall into places by the first digits of their hash, ranks add up how many are in each, and only rows
 * that share a place look at further digits. A rank needs 4 bytes for each of its own rows, and a few MB.
 *
 * @param sizes rows of each stratum over all ranks
 * @param visit called once for each row of this rank
 */
export async function rankByHash(
  rows: HashedRows,
  sizes: readonly number[],
  seed: number,
  ranks: Ranks,
  visit: (place: number, stratum: number, rank: number) => void,
): Promise<void> {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  // Powers of two, so that cutting digits off a hash is exact.
  const windows = powerOfTwo(total / ROWS_AT_ONCE);
  const hash = hasher(seed);
  const { strata, firstId } = rows;
  const keyOf = (place: number): number => hash(firstId + place);
  const { order, starts } = byWindow(rows, keyOf, windows);
  const done = new Float64Array(sizes.length); // ranks that earlier windows gave
  for (let window = 0; window < windows; window++) {
    const own = order.subarray(starts[window], starts[window + 1]);
    // A group is a run of ranks that are still to be shared out: at first one for each stratum.
    let groups = Float64Array.from(done);
    let waiting: Waiting[] = Array.from(own, (place) => {
      const inside = keyOf(place) * windows - window;
      return { place, group: strata[place], rest: inside };
    });
    // Many strata share the memory that two may take.
    let fineness = powerOfTwo((PLACES_PER_ROW * total) / windows / Math.max(1, sizes.length / 2));
    for (let round = 0; ; round++) {
      const counts = new Float64Array(groups.length * fineness);
      for (const row of waiting) counts[row.group * fineness + digitOf(row.rest, fineness)]++;
      await ranks.add(counts);
      if (round === 0) for (let s = 0; s < done.length; s++) done[s] += sum(counts, s * fineness, (s + 1) * fineness);
      const next = shareOut(counts, groups, fineness);
      const again: Waiting[] = [];
      for (const row of waiting) {
        const digit = digitOf(row.rest, fineness);
        const at = row.group * fineness + digit;
        if (counts[at] === 1) visit(row.place, strata[row.place], next.rank[at]);
        else again.push({ place: row.place, group: next.group[at], rest: row.rest * fineness - digit });
      }
      if (next.starts.length === 0) break;
      if (round === MOST_ROUNDS) {
        throw inputError(
          "More than 4294967296 rows cannot be split by chance; give the rows to evaluate on as a file.",
        );
      }
      groups = Float64Array.from(next.starts);
      waiting = again;
      fineness = FINER;
    }
  }
}

const powerOfTwo = (least: number): number => 2 ** Math.max(0, Math.ceil(Math.log2(least)));

/** Sixteen places more a round: after these the 53 bits of a hash are used up. */
const MOST_ROUNDS = 16;

interface Waiting {
  readonly place: number;
  readonly group: number;
  /** What is left of the hash, in [0, 1). */
  readonly rest: number;
}

const digitOf = (rest: number, fineness: number): number => Math.min(Math.floor(rest * fineness), fineness - 1);

const sum = (values: Float64Array, from: number, to: number): number => {
  let total = 0;
  for (let i = from; i < to; i++) total += values[i];
  return total;
};

/** The first rank of every place, and for places of several rows the number of a group of its own. */
function shareOut(
  counts: Float64Array,
  groups: Float64Array,
  fineness: number,
): { rank: Float64Array; group: Int32Array; starts: number[] } {
  const rank = new Float64Array(counts.length);
  const group = new Int32Array(counts.length).fill(-1);
  const starts: number[] = [];
  for (let g = 0; g < groups.length; g++) {
    let at = groups[g];
    for (let k = g * fineness; k < (g + 1) * fineness; k++) {
      rank[k] = at;
      if (counts[k] > 1) group[k] = starts.push(at) - 1;
      at += counts[k];
    }
  }
  return { rank, group, starts };
}

/** This rank's places that take part, ordered by the window that their hash falls into. */
function byWindow(
  { count, strata }: HashedRows,
  keyOf: (place: number) => number,
  windows: number,
): { order: Int32Array; starts: Float64Array } {
  const starts = new Float64Array(windows + 1);
  const windowOf = (place: number): number => Math.min(Math.floor(keyOf(place) * windows), windows - 1);
  for (let place = 0; place < count; place++) if (strata[place] !== NO_STRATUM) starts[windowOf(place) + 1]++;
  for (let w = 0; w < windows; w++) starts[w + 1] += starts[w];
  const order = new Int32Array(starts[windows]);
  const next = starts.slice();
  for (let place = 0; place < count; place++) {
    if (strata[place] !== NO_STRATUM) order[next[windowOf(place)]++] = place;
  }
  return { order, starts };
}
