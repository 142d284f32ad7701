/** Data: reading tables, encoding and standardising them, and splitting their rows. */
export { type ApplyOptions, applyEncoding } from "./apply-encoding.js";
export type { ByGroups } from "./by-groups.js";
export type { Block, Dataset } from "./dataset.js";
export { fitEncoding } from "./encode.js";
export { encode } from "./encode-table.js";
export { EncodedDataset } from "./encoded-dataset.js";
export type {
  ByEncoding,
  ClassFactors,
  ColumnEncoding,
  EncodeOptions,
  Encoding,
  FeatureInfo,
  Labels,
  MissingRule,
  Task,
  WeightsKind,
} from "./encoding.js";
export { MatrixDataset, type MatrixDatasetOptions, matrixDataset } from "./matrix-dataset.js";
export type { Note, NoteCode } from "./notes.js";
export { type ReadOptions, type ReadProgress, readTable, type TableInput } from "./read.js";
export { type Scaler, scalerOf, toOriginalUnits } from "./scaler.js";
export { assignFolds, holdOut, type Rows, type SplitOptions } from "./splits.js";
export type { CategoricalColumn, Column, NumericColumn, Table } from "./table.js";
