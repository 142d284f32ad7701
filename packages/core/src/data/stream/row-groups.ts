import { exchange } from "../../parallel/deal.js";
import { columnNamed, ROLE } from "../choose-columns.js";
import { Components, clusterMissing, rowsShown } from "../clusters.js";
import type { Encoding } from "../encoding.js";
import type { CachedTable } from "./cached-table.js";
import { type LabelCodes, labelCodes } from "./label-codes.js";
import { type UsedRows, usedPieces } from "./used-rows.js";

/** What the rows of this rank's cache belong to. */
export interface RowLabels {
  /** The code of each row in use, from −1; rows that are not used have any. */
  readonly of: Int32Array;
  /** Codes are below it. */
  readonly count: number;
}

/** The groups that splits keep whole, and the clusters, as `applyEncoding` finds them in memory; null: none. */
export interface RowGroups {
  readonly groups: RowLabels | null;
  readonly clusters: RowLabels | null;
}

/** @throws input: rows without a cluster, or more labels than can be told apart */
export async function rowGroups(table: CachedTable, used: UsedRows, encoding: Encoding): Promise<RowGroups> {
  const groups = encoding.splitBy === null ? null : await labelsOf(table, used, encoding.splitBy, ROLE.splitBy);
  const clusters = encoding.cluster === null ? null : await clusterLabels(table, used, encoding.cluster);
  return { groups: groups && clusters ? await joined(table, used, groups, clusters) : (groups ?? clusters), clusters };
}

/** @throws input: rows without a cluster, or more labels than can be told apart */
export async function clusterLabels(table: CachedTable, used: UsedRows, name: string): Promise<RowLabels> {
  const labels = await labelsOf(table, used, name, ROLE.cluster);
  await refuseMissing(table, used, name, labels);
  return labels;
}

async function labelsOf(table: CachedTable, used: UsedRows, name: string, role: string): Promise<RowLabels> {
  const info = columnNamed(table, role, name);
  const codes: LabelCodes = await labelCodes(table, info, role);
  const of = new Int32Array(table.ownRows);
  for (const { piece, rows } of usedPieces(table, used)) {
    if (rows.length > 0) of.set(codes.in(piece.column(info)), piece.before - table.firstRow);
  }
  return { of, count: codes.count };
}

async function refuseMissing(table: CachedTable, used: UsedRows, name: string, { of }: RowLabels): Promise<void> {
  const shown: number[] = [];
  let count = 0;
  for (const { piece, rows } of usedPieces(table, used)) {
    for (const row of rows) {
      if (of[piece.before - table.firstRow + row] >= 0) continue;
      count++;
      if (shown.length < rowsShown) shown.push(piece.before + row);
    }
  }
  const all = await exchange(table.ranks, { count, shown });
  const total = all.reduce((sum, rank) => sum + rank.count, 0);
  if (total > 0) throw clusterMissing(name, total, all.flatMap((rank) => rank.shown).slice(0, rowsShown), table.origin);
}

/** As `joinedGroups`, over the rows of all ranks. */
async function joined(table: CachedTable, used: UsedRows, groups: RowLabels, clusters: RowLabels): Promise<RowLabels> {
  const own = new Components(groups.count, clusters.count);
  for (const { piece, rows } of usedPieces(table, used)) {
    for (const row of rows) {
      const at = piece.before - table.firstRow + row;
      own.join(groups.of[at], clusters.of[at]);
    }
  }
  const all = new Components(groups.count, clusters.count);
  for (const { parent, first } of await exchange(table.ranks, numbersOf(own))) {
    all.takeOver(parent, first);
  }
  return { of: groups.of.map((code) => all.rootOf(code)), count: groups.count };
}

const numbersOf = ({ parent, first }: Components) => ({
  parent: Float64Array.from(parent),
  first: Float64Array.from(first),
});

/** How many rows of each label are in use over all ranks; labels without any are left out. */
export async function labelSizes(table: CachedTable, used: UsedRows, labels: RowLabels): Promise<Map<number, number>> {
  const sizes = new Map<number, number>();
  (await counted(table, used, labels, used.marks)).forEach((size, place) => {
    if (size > 0) sizes.set(place - 1, size);
  });
  return sizes;
}

/** Rows by label over all ranks, from −1 on. */
async function counted(
  table: CachedTable,
  used: UsedRows,
  { of, count }: RowLabels,
  marks: Uint8Array | null,
): Promise<Float64Array> {
  const counts = new Float64Array(count + 1);
  for (const { piece, rows } of usedPieces(table, used, marks)) {
    for (const row of rows) counts[of[piece.before - table.firstRow + row] + 1]++;
  }
  await table.ranks.add(counts);
  return counts;
}

/** The clusters of a part of the rows, numbered without gaps in the order of their codes. */
export interface PartClusters {
  readonly count: number;
  /** Of a row of this rank's cache that is in the part. */
  placeOf(row: number): number;
}

/** @param marks of the part's rows; null: all */
export async function clustersIn(
  table: CachedTable,
  used: UsedRows,
  labels: RowLabels,
  marks: Uint8Array | null,
): Promise<PartClusters> {
  let count = 0;
  const places = Int32Array.from(await counted(table, used, labels, marks), (size) => (size > 0 ? count++ : -1));
  return { count, placeOf: (row) => places[labels.of[row] + 1] };
}
