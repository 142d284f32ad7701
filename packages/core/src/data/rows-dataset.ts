import { inputError, usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import type { Block, Dataset } from "./dataset.js";
import { gathered, gatheredCodes } from "./gather.js";
import type { RowSource } from "./row-source.js";

const blockBytes = 1 << 20;

/** About 1 MB of features, so that a block fits a cache: at least 64 rows, at most 8192. */
export const defaultRowsPerBlock = (columns: number): number =>
  Math.min(8192, Math.max(64, Math.floor(blockBytes / 8 / Math.max(columns, 1))));

/** Which rows of a source, in which order: a run `start`, `start + 1`, …, or a list. */
export type RowIndex = { readonly start: number } | { readonly list: Int32Array };

/** The weights of the chosen rows, rescaled to sum to 1. */
export function rescaled(weights: Float64Array, rows: Int32Array): Float64Array {
  const chosen = gathered(weights, rows);
  const total = chosen.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0)) throw inputError("The chosen rows have no weight; choose rows of which one has a positive weight.");
  for (let i = 0; i < chosen.length; i++) chosen[i] /= total;
  return chosen;
}

/** A data set over any source of rows. Blocks are views where the source allows, else they share one buffer. */
export class RowsDataset implements Dataset {
  readonly rows: number;

  /** @param weights positive sum; they are used as given */
  constructor(
    protected readonly source: RowSource,
    protected readonly index: RowIndex,
    readonly features: readonly string[],
    readonly y: Float64Array,
    readonly weights: Float64Array,
  ) {
    this.rows = y.length;
  }

  *blocks(rowsPerBlock = defaultRowsPerBlock(this.source.columns), firstRow = 0): Generator<Block> {
    if (!Number.isInteger(rowsPerBlock) || rowsPerBlock < 1) {
      throw usageError(`A block needs at least one row, got ${rowsPerBlock}.`);
    }
    const { rows, source, index, y, weights } = this;
    const m = source.columns;
    let buffer: Float64Array | null = null;
    let measured: Float64Array | null = null;
    let run: Int32Array | null = null;
    for (let from = firstRow; from < rows; from += rowsPerBlock) {
      const to = Math.min(from + rowsPerBlock, rows);
      let data = "start" in index ? (source.view?.(index.start + from, index.start + to) ?? null) : null;
      const lasting = data !== null;
      if (data === null) {
        buffer ??= new Float64Array(Math.min(rowsPerBlock, rows) * m);
        let [list, first] = "list" in index ? [index.list, from] : [null, 0];
        if (list === null) {
          run ??= new Int32Array(Math.min(rowsPerBlock, rows));
          for (let i = from; i < to; i++) run[i - from] = ("start" in index ? index.start : 0) + i;
          list = run;
        }
        const last = first + to - from;
        source.fill(list, first, last, buffer);
        data = buffer.subarray(0, (to - from) * m);
        if (source.fillMeasured) {
          measured ??= new Float64Array(Math.min(rowsPerBlock, rows) * m);
          source.fillMeasured(list, first, last, measured);
        }
      }
      yield {
        x: new Matrix(data, to - from, m),
        ...(measured && { measured: new Matrix(measured.subarray(0, (to - from) * m), to - from, m) }),
        y: y.subarray(from, to),
        w: weights.subarray(from, to),
        firstRow: from,
        lasting,
      };
    }
  }

  select(rows: Int32Array): Dataset {
    const { y, weights, index } = this.chosen(rows);
    return new RowsDataset(this.source, index, this.features, y, weights);
  }

  /** Targets, weights (summing to 1) and place in the source of the chosen rows. */
  protected chosen(rows: Int32Array): { y: Float64Array; weights: Float64Array; index: RowIndex } {
    this.checkSelection(rows);
    const weights = rescaled(this.weights, rows);
    const { index } = this;
    const isRun = rows.every((row, i) => row === rows[0] + i);
    return {
      y: gathered(this.y, rows),
      weights,
      index:
        "list" in index
          ? { list: gatheredCodes(index.list, rows) }
          : isRun
            ? { start: index.start + rows[0] }
            : { list: rows.map((row) => index.start + row) },
    };
  }

  private checkSelection(rows: Int32Array): void {
    if (rows.length === 0) throw usageError("A selection needs at least one row.");
    const seen = new Uint8Array(this.rows);
    for (const row of rows) {
      if (row < 0 || row >= this.rows)
        throw usageError(`Row ${row} is not one of the ${this.rows} rows (0 to ${this.rows - 1}).`);
      if (seen[row] === 1) throw usageError(`Row ${row} is selected twice; rows may not repeat.`);
      seen[row] = 1;
    }
  }
}
