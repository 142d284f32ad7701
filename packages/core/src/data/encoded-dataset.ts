import type { Encoding, FeatureInfo, Labels } from "./encoding.js";
import { gatheredCodes } from "./gather.js";
import type { Note } from "./notes.js";
import type { RowSource } from "./row-source.js";
import { type RowIndex, RowsDataset } from "./rows-dataset.js";

/** What an encoded table knows beside its numbers; entries are per row of the data set. */
export interface EncodedParts {
  readonly encoding: Encoding;
  /** 1-based data row in the file (of several files read together: counted through all). */
  readonly sourceRows: Int32Array;
  /** The code of each row's group, under `splitBy`. */
  readonly groups?: Int32Array | undefined;
  readonly notes: readonly Note[];
}

/** A table as the model sees it, and the way back to its rows, columns and labels. */
export class EncodedDataset extends RowsDataset {
  readonly encoding: Encoding;
  readonly sourceRows: Int32Array;
  readonly groups: Int32Array | undefined;
  /** What was decided about rows and columns without asking. */
  readonly notes: readonly Note[];

  constructor(source: RowSource, index: RowIndex, y: Float64Array, weights: Float64Array, parts: EncodedParts) {
    super(
      source,
      index,
      parts.encoding.features.map((feature) => feature.name),
      y,
      weights,
    );
    this.encoding = parts.encoding;
    this.sourceRows = parts.sourceRows;
    this.groups = parts.groups;
    this.notes = parts.notes;
  }

  /** The two labels of a binary target: y is −1 and +1. */
  get labels(): Labels | null {
    return this.encoding.target.labels;
  }

  /** m, one for each feature. */
  get featureInfo(): readonly FeatureInfo[] {
    return this.encoding.features;
  }

  override select(rows: Int32Array): EncodedDataset {
    const { y, weights, index } = this.chosen(rows);
    const { groups } = this;
    return new EncodedDataset(this.source, index, y, weights, {
      encoding: this.encoding,
      sourceRows: gatheredCodes(this.sourceRows, rows),
      groups: groups && gatheredCodes(groups, rows),
      notes: this.notes,
    });
  }
}
