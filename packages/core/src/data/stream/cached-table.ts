import type { Ranks } from "../../parallel/ranks.js";
import type { ColumnInfo, ColumnSurvey } from "../column-survey.js";
import type { Note } from "../notes.js";
import { type FileRows, type Origin, originAfter, originOf } from "../row-place.js";
import type { Column } from "../table.js";
import type { BlockColumn } from "./cache-block.js";
import { type RowsSurvey, type SurveyedColumn, surveyedColumn } from "./rank-survey.js";

/** A file whose rows lie in the cache: its columns in the order of the blocks' columns. Plain data. */
export interface CachedPart {
  readonly name: string;
  readonly columns: readonly string[];
}

/** Blocks of rows of some files, in order. */
export interface CachedBlocks {
  readonly parts: readonly CachedPart[];
  /** The texts of each column; codes are places among them. */
  readonly texts: ReadonlyMap<string, readonly string[]>;
  /** The largest |x − float32(x)| of each column that is stored in float32. */
  readonly rounding: ReadonlyMap<string, number>;
  readonly count: number;
  rowsOf(block: number): number;
  fileOf(block: number): number;
  /** Valid until the next block is asked for. @throws resource: the cache is damaged */
  block(k: number): readonly BlockColumn[];
}

/** Some rows of a table, one block of the cache. */
export interface TablePiece {
  /** Rows of the whole table before these. */
  readonly before: number;
  readonly rows: number;
  /** Of these rows, counted from the first of them. */
  readonly origin: Origin;
  /** The cells of a column, valid until the next piece. */
  column(info: ColumnInfo): Column;
}

/** A table whose rows, or this rank's share of them, lie in a cache. */
export class CachedTable {
  readonly columns: readonly ColumnInfo[];
  /** Of the rows of all ranks. */
  readonly files: readonly FileRows[];
  readonly origin: Origin;
  /** Rows of all ranks. */
  readonly rows: number;
  /** What the readers of files decided without asking. */
  readonly notes: readonly Note[];
  private readonly surveyed: ReadonlyMap<ColumnInfo, SurveyedColumn>;
  /** The level of each of this rank's texts, by column. */
  private readonly levels = new Map<ColumnInfo, Int32Array>();
  private readonly scratch = new Map<ColumnInfo, Float64Array | Int32Array>();

  /**
   * @param source as messages call the table
   * @param survey of all ranks' rows together
   * @param firstRow rows of the ranks before this one
   */
  constructor(
    readonly source: string,
    readonly blocks: CachedBlocks,
    survey: RowsSurvey,
    readonly firstRow: number,
    readonly ownRows: number,
    readonly ranks: Ranks,
  ) {
    const columns = survey.columns.map(surveyedColumn);
    this.columns = columns.map(({ info }) => info);
    this.surveyed = new Map(columns.map((column) => [column.info, column]));
    this.files = survey.files;
    this.origin = originOf(this);
    this.rows = survey.rows;
    this.notes = survey.notes;
  }

  survey(column: ColumnInfo): ColumnSurvey {
    const found = this.surveyed.get(column);
    if (!found) throw new Error(`${column.name} is no column of this table.`);
    return found.survey;
  }

  /** This rank's rows in order. */
  *pieces(): Generator<TablePiece> {
    const { blocks } = this;
    let before = this.firstRow;
    for (let k = 0; k < blocks.count; k++) {
      const rows = blocks.rowsOf(k);
      const place = new Map(blocks.parts[blocks.fileOf(k)].columns.map((name, j) => [name, j]));
      // A piece that is passed over is not read.
      let cells: readonly BlockColumn[] | null = null;
      const column = (info: ColumnInfo): Column => {
        cells ??= blocks.block(k);
        return this.column(info, cells[place.get(info.name) ?? -1], rows);
      };
      yield { before, rows, origin: originAfter(before, this.origin), column };
      before += rows;
    }
  }

  /** @param cells undefined where the file had not shown the column yet */
  private column(info: ColumnInfo, cells: BlockColumn | undefined, rows: number): Column {
    if (info.kind === "numeric") {
      if (cells instanceof Float64Array) return { ...info, values: cells };
      const values = this.room(info, rows, (length) => new Float64Array(length));
      if (cells instanceof Float32Array) values.set(cells);
      else values.fill(Number.NaN);
      return { ...info, values };
    }
    const codes = this.room(info, rows, (length) => new Int32Array(length));
    if (cells instanceof Int32Array) {
      const levels = this.levelsOf(info);
      for (let i = 0; i < rows; i++) codes[i] = cells[i] < 0 ? -1 : levels[cells[i]];
    } else codes.fill(-1); // numbers in a column of text are missing cells all
    return { ...info, codes };
  }

  private room<T extends Float64Array | Int32Array>(info: ColumnInfo, rows: number, make: (length: number) => T): T {
    let room = this.scratch.get(info);
    if (room === undefined || room.length < rows) {
      room = make(rows);
      this.scratch.set(info, room);
    }
    return room.subarray(0, rows) as T;
  }

  private levelsOf(info: ColumnInfo): Int32Array {
    const known = this.levels.get(info);
    if (known) return known;
    const levelOf = this.surveyed.get(info)?.levelOf;
    const levels = Int32Array.from(this.blocks.texts.get(info.name) ?? [], (text) => levelOf?.get(text) ?? -1);
    this.levels.set(info, levels);
    return levels;
  }
}
