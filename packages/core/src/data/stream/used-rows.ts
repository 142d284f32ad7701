import { exchange } from "../../parallel/deal.js";
import type { ColumnInfo } from "../column-survey.js";
import type { MissingRule } from "../encoding.js";
import { gathered } from "../gather.js";
import type { Note } from "../notes.js";
import {
  allWeightless,
  keptRows,
  noRowCounts,
  positionsOf,
  type RowCounts,
  refuseRows,
  rowNotes,
  type Weighting,
  weightsIn,
} from "../row-choice.js";
import type { CachedTable, TablePiece } from "./cached-table.js";

/** The rows of a cached table that are used. */
export interface UsedRows {
  /** Over all ranks, and of this one. */
  readonly rows: number;
  readonly ownRows: number;
  /** Used rows of the ranks before. */
  readonly firstRow: number;
  /** A mark for each row of this rank's cache; null: all are used. */
  readonly marks: Uint8Array | null;
  readonly weighting: Weighting<ColumnInfo> | null;
  /** The largest weight, and Σ weight / largest over the used rows of all ranks. */
  readonly largest: number;
  readonly total: number;
  readonly notes: readonly Note[];
}

/** A piece with its rows in use: their places in it and their weights, which sum to 1 over all rows in use. */
export interface UsedPiece {
  readonly piece: TablePiece;
  readonly rows: Int32Array;
  readonly weights: Float64Array;
  /** As the file has them; null: 1 each. */
  readonly raw: Float64Array | null;
}

/**
 * Chooses rows as `chooseRows` does, piece by piece.
 * @throws AifError as `chooseRows`
 */
export async function chooseUsedRows(
  table: CachedTable,
  target: ColumnInfo,
  features: readonly ColumnInfo[],
  weighting: Weighting<ColumnInfo> | null,
  rule: MissingRule,
): Promise<UsedRows> {
  const { source, ranks } = table;
  const columns = [target, ...features];
  const anyMissing = columns.some((column) => table.survey(column).missing > 0);
  const counts = noRowCounts(features.length);
  let marks: Uint8Array | null = null;
  let largest = 0;
  let missing: string | null = null;
  if (anyMissing || weighting !== null) {
    marks = new Uint8Array(table.ownRows);
    let at = 0;
    for (const piece of table.pieces()) {
      const raw = weighting === null ? null : weightsIn(weighting, piece.column(weighting.column), piece.origin);
      const [first, ...others] = columns.map((column) => piece.column(column));
      const keep = keptRows(first, others, raw, piece.rows, rule, counts);
      if (counts.firstMissing !== null) missing ??= piece.origin.placeOf(counts.firstMissing);
      if (raw !== null) for (let i = 0; i < raw.length; i++) if (raw[i] > largest) largest = raw[i];
      marks.set(keep, at);
      at += piece.rows;
    }
  } else counts.kept = table.ownRows;
  const { kept: ownRows } = counts;
  const everywhere = await exchange(ranks, { kept: ownRows, largest, missing });
  const most = everywhere.reduce((max, rank) => Math.max(max, rank.largest), 0);
  if (weighting !== null && most === 0) throw allWeightless(weighting, source);
  const all = await addedCounts(table, counts);
  refuseRows(columns, all, rule, source, everywhere.find((rank) => rank.missing !== null)?.missing ?? null);
  const before = everywhere.slice(0, ranks.rank).reduce((sum, { kept }) => sum + kept, 0);
  const chosen: UsedRows = {
    rows: all.kept,
    ownRows,
    firstRow: before,
    marks: all.kept === table.rows ? null : marks,
    weighting,
    largest: most,
    total: 1,
    notes: rowNotes(table, columns, weighting, all),
  };
  if (weighting === null) return chosen;
  const total = new Float64Array(1);
  for (const { raw } of usedPieces(table, chosen)) {
    if (raw !== null) for (let i = 0; i < raw.length; i++) total[0] += raw[i] / most;
  }
  await ranks.add(total);
  return { ...chosen, total: total[0] };
}

async function addedCounts({ ranks }: CachedTable, counts: RowCounts): Promise<RowCounts> {
  const few = Float64Array.of(counts.kept, counts.weightless);
  await ranks.add(few, counts.missing, counts.dropped);
  return { ...counts, kept: few[0], weightless: few[1] };
}

/**
 * This rank's pieces with their rows in use.
 * @param marks other ones than those of the choice: rows that are a part of it
 * @param from rows in use, from the first on, that are not asked for: pieces without others are empty, and not read
 */
export function* usedPieces(table: CachedTable, used: UsedRows, marks = used.marks, from = 0): Generator<UsedPiece> {
  const { weighting, largest, total } = used;
  let at = 0;
  let before = 0; // rows in use
  let everyRow = new Int32Array(0);
  let buffer = new Float64Array(0);
  for (const piece of table.pieces()) {
    const { rows: length } = piece;
    if (marks === null && everyRow.length < length) everyRow = Int32Array.from({ length }, (_, i) => i);
    if (buffer.length < length) buffer = new Float64Array(length);
    const rows = marks === null ? everyRow.subarray(0, length) : marked(marks.subarray(at, at + length));
    at += length;
    before += rows.length;
    if (before <= from) {
      yield { piece, rows, weights: NONE, raw: null };
      continue;
    }
    const raw =
      weighting === null ? null : gathered(weightsIn(weighting, piece.column(weighting.column), piece.origin), rows);
    const weights = buffer.subarray(0, rows.length);
    if (raw === null) weights.fill(1 / used.rows);
    else for (let i = 0; i < raw.length; i++) weights[i] = raw[i] / largest / total;
    yield { piece, rows, weights, raw };
  }
}

const NONE = new Float64Array(0);

function marked(marks: Uint8Array): Int32Array {
  let count = 0;
  for (const mark of marks) count += mark;
  return positionsOf(marks, count);
}
