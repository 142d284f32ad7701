import type { ByGroups } from "./by-groups.js";
import type { Encoding, FeatureInfo, Labels } from "./encoding.js";
import { gathered, gatheredCodes } from "./gather.js";
import { noisyRows, type RowNoise } from "./noisy-rows.js";
import type { Note } from "./notes.js";
import { type FileRows, placeIn } from "./row-place.js";
import { chosenColumns, type RowSource } from "./row-source.js";
import { type RowIndex, RowsDataset, rescaled } from "./rows-dataset.js";

/** What an encoded table knows beside its numbers; entries are per row of the data set. */
export interface EncodedParts {
  readonly encoding: Encoding;
  /** 1-based data row in the file (of several files read together: counted through all). */
  readonly sourceRows: Int32Array;
  /** The files that were read together (default: one). */
  readonly files?: readonly FileRows[] | undefined;
  /** The code of each row's group, which splits keep whole. */
  readonly groups?: Int32Array | undefined;
  /** The code of each row's cluster. */
  readonly clusters?: Int32Array | undefined;
  readonly by?: ByGroups | undefined;
  /** Summing to 1 (default: the weights). */
  readonly evaluationWeights?: Float64Array | undefined;
  /** As the file has them (default: each row counts once). */
  readonly rawWeights?: Float64Array | undefined;
  readonly notes: readonly Note[];
  /** How many noisy copies of a row there are, and the rows without noise (default: 1, the rows themselves). */
  readonly copies?: number;
  readonly original?: EncodedDataset;
}

/** A table as the model sees it, and the way back to its rows, columns and labels. */
export class EncodedDataset extends RowsDataset {
  readonly encoding: Encoding;
  readonly sourceRows: Int32Array;
  /** The files that were read together; undefined: one. */
  readonly files: readonly FileRows[] | undefined;
  /**
   * n codes of groups that splits must keep whole: those of `splitBy`, or, without it, the clusters. With both, groups that
   * share a cluster are one. undefined where neither is given.
   */
  readonly groups: Int32Array | undefined;
  /** n codes of the clusters whose rows were drawn together, under `cluster`. */
  readonly clusters: Int32Array | undefined;
  /** The groups that results are repeated for, under `by`. */
  readonly by: ByGroups | undefined;
  /**
   * n, summing to 1: the weights with which rows count in an evaluation. They are `weights` without the factors of the
   * classes; the same array where there are none.
   */
  readonly evaluationWeights: Float64Array;
  /** Σ of the rows' weights as the file has them, without the factors of the classes; n without weights. */
  readonly weightTotal: number;
  /** How many of `rows` stand for one row of the table: its noisy copies, next to each other. */
  readonly copies: number;
  /** The rows without noise, one each; what was chosen of noisy rows has none of its own. */
  readonly original: EncodedDataset;
  /** What was decided about rows and columns without asking. */
  readonly notes: readonly Note[];

  constructor(
    source: RowSource,
    index: RowIndex,
    y: Float64Array,
    weights: Float64Array,
    private readonly parts: EncodedParts,
  ) {
    super(
      source,
      index,
      parts.encoding.features.map((feature) => feature.name),
      y,
      weights,
    );
    this.encoding = parts.encoding;
    this.sourceRows = parts.sourceRows;
    this.files = parts.files;
    this.groups = parts.groups;
    this.clusters = parts.clusters;
    this.by = parts.by;
    this.evaluationWeights = parts.evaluationWeights ?? weights;
    this.weightTotal = parts.rawWeights ? parts.rawWeights.reduce((sum, weight) => sum + weight, 0) : y.length;
    this.notes = parts.notes;
    this.copies = parts.copies ?? 1;
    this.original = parts.original ?? this;
  }

  /** The two labels of a binary target: y is −1 and +1. */
  get labels(): Labels | null {
    return this.encoding.target.labels;
  }

  /** The K classes of a target of several: y is their index. */
  get classes(): readonly string[] | null {
    return this.encoding.target.classes;
  }

  /** m, one for each feature. */
  get featureInfo(): readonly FeatureInfo[] {
    return this.encoding.features;
  }

  /** A row of the data set in words: "data row 3", and where several files were read "data row 3 of part-2.csv". */
  placeOf(row: number): string {
    return placeIn(this.files ?? [], this.sourceRows[row] - 1);
  }

  /**
   * Every row `draws` times with its own noise (see `noisyRows`), weights shared out; the draws of a row stay together in splits
   * and count as one cluster.
   */
  withNoise(noise: RowNoise): EncodedDataset {
    const { draws } = noise;
    const { index, parts } = this;
    const repeated = (values: ArrayLike<number>, share: number): Float64Array => {
      const out = new Float64Array(values.length * draws);
      for (let at = 0; at < out.length; at++) out[at] = values[Math.floor(at / draws)] * share;
      return out;
    };
    const codes = (values: Int32Array | undefined): Int32Array =>
      Int32Array.from({ length: this.rows * draws }, (_, at) => {
        const row = Math.floor(at / draws);
        return values ? values[row] : row;
      });
    const place = (row: number): number => ("list" in index ? index.list[row] : index.start + row);
    const list = Int32Array.from({ length: this.rows * draws }, (_, at) => {
      return place(Math.floor(at / draws)) * draws + (at % draws);
    });
    return new EncodedDataset(
      noisyRows(this.source, noise),
      { list },
      repeated(this.y, 1),
      repeated(this.weights, 1 / draws),
      {
        encoding: this.encoding,
        sourceRows: codes(this.sourceRows),
        files: this.files,
        groups: codes(this.groups),
        clusters: codes(this.clusters),
        by: this.by && { ...this.by, of: codes(this.by.of) },
        evaluationWeights:
          this.evaluationWeights === this.weights ? undefined : repeated(this.evaluationWeights, 1 / draws),
        rawWeights: repeated(parts.rawWeights ?? new Float64Array(this.rows).fill(1), 1 / draws),
        notes: this.notes,
        copies: draws,
        original: this,
      },
    );
  }

  /** The same rows with the weights with which they count in an evaluation. */
  asJudged(): EncodedDataset {
    if (this.evaluationWeights === this.weights) return this;
    const parts = { ...this.parts, evaluationWeights: undefined };
    return new EncodedDataset(this.source, this.index, this.y, this.evaluationWeights, parts);
  }

  override select(rows: Int32Array): EncodedDataset {
    const { y, weights, index } = this.chosen(rows);
    const { groups, clusters, by, rawWeights } = this.parts;
    const plain = this.evaluationWeights === this.weights;
    return new EncodedDataset(this.source, index, y, weights, {
      encoding: this.encoding,
      sourceRows: gatheredCodes(this.sourceRows, rows),
      files: this.files,
      groups: groups && gatheredCodes(groups, rows),
      clusters: clusters && gatheredCodes(clusters, rows),
      by: by && { ...by, of: gatheredCodes(by.of, rows) },
      evaluationWeights: plain ? undefined : rescaled(this.evaluationWeights, rows),
      rawWeights: rawWeights && gathered(rawWeights, rows),
      notes: this.notes,
      copies: this.copies,
    });
  }

  /** The same rows with some of the features, in ascending order; encoding and scaling stay as they are. */
  withFeatures(features: readonly number[]): EncodedDataset {
    const { encoding } = this;
    const kept = features.map((k) => encoding.features[k]);
    const columns = new Set(kept.map(({ column }) => column));
    return new EncodedDataset(chosenColumns(this.source, Int32Array.from(features)), this.index, this.y, this.weights, {
      ...this.parts,
      ...(this.parts.original && { original: this.parts.original.withFeatures(features) }),
      encoding: {
        ...encoding,
        features: kept,
        columns: encoding.columns.filter(({ column }) => columns.has(column)),
      },
    });
  }
}

/** What is said of a data set's columns, whatever its rows are kept in. */
export type DescribedColumns = Pick<EncodedDataset, "encoding" | "features" | "featureInfo" | "labels">;
