import { applyEncoding } from "./apply-encoding.js";
import { fitEncoding } from "./encode.js";
import type { EncodedDataset } from "./encoded-dataset.js";
import type { EncodeOptions } from "./encoding.js";
import type { Table } from "./table.js";

/**
 * A training table as the model sees it: `fitEncoding` and `applyEncoding` in one step. Encode later files with the result's
 * `encoding`.
 * @throws AifError as those two.
 */
export const encode = (table: Table, options: EncodeOptions): EncodedDataset =>
  applyEncoding(table, fitEncoding(table, options), { role: "training" });
