import { exchange } from "../../parallel/deal.js";
import { classPlaces } from "../class-weight.js";
import type { Encoding } from "../encoding.js";
import { checkFolds, checkShare, foldsOfGroups, groupsHeld, heldOfStrata, refuseEmptySide } from "../splits.js";
import type { CachedTable } from "./cached-table.js";
import { NO_STRATUM, rankByHash } from "./hash-rank.js";
import { labelSizes, type RowLabels } from "./row-groups.js";
import { type RowsPart, targetsOf } from "./streamed-rows.js";
import type { UsedRows } from "./used-rows.js";

/** The strata of this rank's rows, and how many rows each has over all ranks. */
interface Strata {
  readonly of: Uint8Array;
  readonly sizes: readonly number[];
}

/** Each class is a stratum; without classes all rows are one. @param strata how many classes there are */
async function strataOf(table: CachedTable, used: UsedRows, encoding: Encoding, strata: number): Promise<Strata> {
  if (strata === 0) {
    const of = used.marks?.map((mark) => (mark === 1 ? 0 : NO_STRATUM)) ?? new Uint8Array(table.ownRows);
    return { of, sizes: [used.rows] };
  }
  const of = new Uint8Array(table.ownRows).fill(NO_STRATUM);
  const counts = new Float64Array(strata);
  for (const { before, rows, y } of targetsOf(table, used, encoding)) {
    const places = classPlaces(y, encoding.target);
    for (let i = 0; i < rows.length; i++) {
      of[before - table.firstRow + rows[i]] = places[i];
      counts[places[i]]++;
    }
  }
  await table.ranks.add(counts);
  return { of, sizes: [...counts] };
}

const hashed = (table: CachedTable, strata: Uint8Array) => ({
  count: table.ownRows,
  strata,
  firstId: table.firstRow + 1,
});

/** The fold of each row of this rank's cache, as `assignFolds` deals them. @param groups kept whole; null: none @throws as `assignFolds` */
export async function streamedFolds(
  table: CachedTable,
  used: UsedRows,
  encoding: Encoding,
  folds: number,
  seed: number,
  groups: RowLabels | null,
): Promise<Uint16Array> {
  checkFolds(groups === null ? used.rows : null, folds, seed);
  if (groups !== null) {
    const foldOf = foldsOfGroups(await labelSizes(table, used, groups), folds, seed);
    return Uint16Array.from(groups.of, (group) => foldOf.get(group) ?? 0);
  }
  const { labels, classes } = encoding.target;
  const { of, sizes } = await strataOf(table, used, encoding, labels ? 2 : (classes?.length ?? 0));
  // Each stratum's dealing goes on where the one before ended.
  const before = sizes.map((_, s) => sizes.slice(0, s).reduce((sum, size) => sum + size, 0));
  const out = new Uint16Array(table.ownRows);
  await rankByHash(hashed(table, of), sizes, seed, table.ranks, (place, stratum, rank) => {
    out[place] = (before[stratum] + rank) % folds;
  });
  return out;
}

/** The rows to fit on and those held out, as `holdOut` chooses them: marks of this rank's rows. @param groups kept whole; null: none @throws as `holdOut` */
export async function streamedHoldOut(
  table: CachedTable,
  used: UsedRows,
  encoding: Encoding,
  share: number,
  seed: number,
  groups: RowLabels | null,
): Promise<{ training: RowsPart; evaluation: RowsPart }> {
  checkShare(share, seed);
  const held = new Uint8Array(table.ownRows);
  const kept = new Uint8Array(table.ownRows);
  if (groups !== null) {
    const chosen = groupsHeld(await labelSizes(table, used, groups), share, seed);
    groups.of.forEach((group, place) => {
      if (used.marks?.[place] !== 0) (chosen.has(group) ? held : kept)[place] = 1;
    });
  } else await holdOutByHash(table, used, encoding, share, seed, { held, kept });
  const [training, evaluation] = [
    await partOf(table, used, encoding, kept, true),
    await partOf(table, used, encoding, held, false),
  ];
  refuseEmptySide(training.rows, evaluation.rows, share);
  return { training, evaluation };
}

async function holdOutByHash(
  table: CachedTable,
  used: UsedRows,
  encoding: Encoding,
  share: number,
  seed: number,
  { held, kept }: { readonly held: Uint8Array; readonly kept: Uint8Array },
): Promise<void> {
  // Of several classes the rows held out are drawn from all alike, as in memory.
  const { of, sizes } = await strataOf(table, used, encoding, encoding.target.labels ? 2 : 0);
  const quota = heldOfStrata(sizes, share);
  await rankByHash(hashed(table, of), sizes, seed, table.ranks, (place, stratum, rank) => {
    (rank < quota[stratum] ? held : kept)[place] = 1;
  });
}

/** All rows in use as one part. */
export const wholePart = (
  table: CachedTable,
  used: UsedRows,
  encoding: Encoding,
  factors: boolean,
): Promise<RowsPart> => partOf(table, used, encoding, used.marks, factors);

async function partOf(
  table: CachedTable,
  used: UsedRows,
  encoding: Encoding,
  marks: Uint8Array | null,
  withFactors: boolean,
): Promise<RowsPart> {
  const factors = withFactors ? encoding.classFactors : null;
  const [sums, totals] = [new Float64Array(3), new Float64Array(1)];
  const whole = marks === used.marks;
  if (!whole || factors !== null || used.weighting !== null) {
    for (const { before, rows, y, weights, raw } of targetsOf(table, used, encoding)) {
      const places = factors && classPlaces(y, encoding.target);
      for (let i = 0; i < rows.length; i++) {
        if (!whole && marks !== null && marks[before - table.firstRow + rows[i]] === 0) continue;
        totals[0]++;
        sums[0] += weights[i];
        sums[1] += factors && places ? weights[i] * factors[places[i]] : weights[i];
        sums[2] += raw === null ? 1 : raw[i];
      }
    }
  } else {
    totals[0] = used.ownRows;
    sums.set([used.ownRows / used.rows, used.ownRows / used.rows, used.ownRows]);
  }
  const ownRows = totals[0];
  const everywhere = await exchange(table.ranks, ownRows);
  await table.ranks.add(sums, totals);
  return {
    rows: totals[0],
    ownRows,
    firstRow: everywhere.slice(0, table.ranks.rank).reduce((sum, count) => sum + count, 0),
    marks,
    // The weights of all rows sum to 1 as they are.
    evaluationTotal: whole ? 1 : sums[0],
    total: whole ? 1 : sums[1],
    weightTotal: sums[2],
  };
}
