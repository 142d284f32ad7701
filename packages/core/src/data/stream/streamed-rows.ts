import { Matrix } from "../../linalg/matrix.js";
import type { Ranks } from "../../parallel/ranks.js";
import { writersOf } from "../apply-encoding.js";
import { groupCodes } from "../by-groups.js";
import { columnNamed, ROLE } from "../choose-columns.js";
import { classPlaces } from "../class-weight.js";
import type { ColumnInfo } from "../column-survey.js";
import type { ByEncoding, Encoding } from "../encoding.js";
import type { Note } from "../notes.js";
import type { FileRows } from "../row-place.js";
import { defaultRowsPerBlock } from "../rows-dataset.js";
import type { StreamedBlock, StreamedDataset } from "../streamed-dataset.js";
import { readTarget } from "../target.js";
import type { CachedTable, TablePiece } from "./cached-table.js";
import type { PartClusters } from "./row-groups.js";
import { type UsedRows, usedPieces } from "./used-rows.js";

/** A part of the rows in use, and what their weights are divided by so that they sum to 1. */
export interface RowsPart {
  readonly rows: number;
  readonly ownRows: number;
  readonly firstRow: number;
  /** A mark for each row of this rank's cache; null: all. */
  readonly marks: Uint8Array | null;
  /** Σ over the part of the weights in evaluations, and of those in the fit. */
  readonly evaluationTotal: number;
  readonly total: number;
  /** Σ of the weights as the file has them. */
  readonly weightTotal: number;
}

/** Rows of a cached table as the model sees them. */
export class StreamedRows implements StreamedDataset {
  readonly rows: number;
  readonly ownRows: number;
  readonly firstRow: number;
  readonly weightTotal: number;
  readonly clusters: number | null;
  readonly features: readonly string[];
  readonly files: readonly FileRows[];
  readonly ranks: Ranks;
  private readonly target: ColumnInfo;
  private readonly columns: readonly ColumnInfo[];
  private readonly by: { readonly column: ColumnInfo; readonly encoding: ByEncoding } | null;

  /**
   * @param foldOf the fold of each row of this rank's cache; null without folds
   * @param factors whether the weights of the fit are multiplied by those of the classes
   */
  constructor(
    private readonly table: CachedTable,
    private readonly used: UsedRows,
    private readonly part: RowsPart,
    readonly encoding: Encoding,
    private readonly foldOf: Uint16Array | null,
    private readonly factors: boolean,
    readonly notes: readonly Note[],
    readonly groups: NonNullable<StreamedDataset["groups"]> | null = null,
    private readonly clustered: PartClusters | null = null,
  ) {
    this.rows = part.rows;
    this.ownRows = part.ownRows;
    this.firstRow = part.firstRow;
    this.weightTotal = part.weightTotal;
    this.clusters = clustered && clustered.count;
    this.features = encoding.features.map(({ name }) => name);
    this.files = table.files;
    this.ranks = table.ranks;
    this.target = columnNamed(table, ROLE.target, encoding.target.column);
    this.columns = encoding.columns.map(({ column }) => columnNamed(table, ROLE.feature, column));
    this.by = encoding.by && { column: columnNamed(table, ROLE.by, encoding.by.column), encoding: encoding.by };
  }

  blocks(rowsPerBlock?: number, seen = 0): Generator<StreamedBlock> {
    return this.passing(rowsPerBlock, seen, () => true);
  }

  sample(places: number, rowsPerBlock?: number): Generator<StreamedBlock> {
    const { rows } = this.table;
    const before = (row: number): number => Math.floor((row * places) / rows + 0.5);
    return this.passing(rowsPerBlock, 0, (piece) => before(piece.before) < before(piece.before + piece.rows));
  }

  /** @param takes pieces that it does not take are not read */
  private *passing(
    rowsPerBlock = defaultRowsPerBlock(this.features.length),
    seen: number,
    takes: (piece: TablePiece) => boolean,
  ): Generator<StreamedBlock> {
    const { table, used, part, encoding, target, columns, by, groups } = this;
    const m = this.features.length;
    const classFactors = this.factors ? encoding.classFactors : null;
    let buffer = new Float64Array(0);
    let firstRow = part.firstRow;
    const end = part.firstRow + seen;
    for (const { piece, rows, weights, raw } of usedPieces(table, used, part.marks, seen)) {
      if (rows.length === 0 || firstRow + rows.length <= end || !takes(piece)) {
        firstRow += rows.length;
        continue;
      }
      const writers = writersOf(
        columns.map((info) => piece.column(info)),
        encoding,
        rows,
        piece.origin,
      );
      const { y } = readTarget(piece.column(target), encoding.target, rows, piece.origin);
      const evaluationWeights = weights.slice();
      for (let i = 0; i < rows.length; i++) evaluationWeights[i] /= part.evaluationTotal;
      const w = classFactors === null ? evaluationWeights : weights.slice();
      if (classFactors !== null) {
        const places = classPlaces(y, encoding.target);
        for (let i = 0; i < rows.length; i++) w[i] = (weights[i] * classFactors[places[i]]) / part.total;
      }
      const rawWeights = raw ?? new Float64Array(rows.length).fill(1);
      const sourceRows = new Float64Array(rows.length);
      for (let i = 0; i < rows.length; i++) sourceRows[i] = piece.before + rows[i] + 1;
      const own = piece.before - table.firstRow; // of this rank's cache
      const folds = this.foldOf && new Uint16Array(rows.length);
      if (this.foldOf && folds) for (let i = 0; i < rows.length; i++) folds[i] = this.foldOf[own + rows[i]];
      const groupOf =
        by && groups && groupCodes(piece.column(by.column), by.encoding, groups.names, rows, piece.origin);
      const clusterOf = this.clustered && rows.map((row) => this.clustered?.placeOf(own + row) ?? 0);
      if (buffer.length < Math.min(rowsPerBlock, rows.length) * m) {
        buffer = new Float64Array(Math.min(rowsPerBlock, rows.length) * m);
      }
      for (let from = 0; from < rows.length; from += rowsPerBlock) {
        const to = Math.min(from + rowsPerBlock, rows.length);
        if (firstRow + to <= end) continue;
        for (const write of writers) write(rows, from, to, buffer, m);
        yield {
          x: new Matrix(buffer.subarray(0, (to - from) * m), to - from, m),
          y: y.subarray(from, to),
          w: w.subarray(from, to),
          evaluationWeights: evaluationWeights.subarray(from, to),
          rawWeights: rawWeights.subarray(from, to),
          sourceRows: sourceRows.subarray(from, to),
          foldOf: folds && folds.subarray(from, to),
          groupOf: groupOf && groupOf.subarray(from, to),
          clusterOf: clusterOf && clusterOf.subarray(from, to),
          firstRow: firstRow + from,
        };
      }
      firstRow += rows.length;
    }
  }
}

/** The targets and weights of the rows in use, a piece at a time, without their features. */
export function* targetsOf(
  table: CachedTable,
  used: UsedRows,
  encoding: Encoding,
): Generator<{ before: number; rows: Int32Array; y: Float64Array; weights: Float64Array; raw: Float64Array | null }> {
  const target = columnNamed(table, ROLE.target, encoding.target.column);
  for (const { piece, rows, weights, raw } of usedPieces(table, used)) {
    const { y } = readTarget(piece.column(target), encoding.target, rows, piece.origin);
    yield { before: piece.before, rows, y, weights, raw };
  }
}
