import { inputError } from "../errors.js";
import { type IdxArray, idxEntries, readIdxSource } from "./idx.js";
import { quoted } from "./names.js";
import type { ByteSource } from "./source.js";
import type { TableBuilder } from "./table-builder.js";

/** Pictures and their labels lie beside each other under names that differ in this alone, as those of MNIST do. */
const PICTURES = /images(?<mark>[-.]idx)\d/;
const LABELS = "labels$<mark>1";

/**
 * Reads pictures of an IDX file (n × height × width bytes 0 … 255, the format of MNIST): the pixels are the columns x1, x2, …, row by
 * row, and the labels, of the file beside it that is named so, the column `label`.
 * @throws AifError "input": no labels beside the pictures, labels of other pictures, or as `readIdx`
 */
export async function readIdxTable(source: ByteSource, table: TableBuilder): Promise<void> {
  const { shape, entries } = await idxEntries(source);
  if (shape.length === 1) {
    throw inputError(
      `${source.name} holds labels; give the file of their pictures, and the labels are found beside it.`,
    );
  }
  const [rows] = shape;
  const labels = await labelsBeside(source, rows);
  const pixels = shape.slice(1).reduce((product, side) => product * side, 1);
  table.checkWidth(pixels + 1);
  const names = Array.from({ length: pixels }, (_, k) => `x${k + 1}`);
  const builders = table.declare([...names, "label"]);
  table.announce(table.rows + rows);
  let row = 0;
  for await (const picture of entries) {
    for (let k = 0; k < pixels; k++) builders[k]?.pushNumber(picture[k], true);
    builders[pixels]?.pushNumber(labels.data[row++], true);
    table.rowDone();
  }
}

async function labelsBeside(source: ByteSource, rows: number): Promise<IdxArray> {
  const file = source.name.split(/[\\/]/).at(-1) ?? "";
  const name = PICTURES.test(file) ? file.replace(PICTURES, LABELS) : null;
  const found = name === null ? null : ((await source.beside?.(name)) ?? null);
  if (found === null) {
    const wanted = name === null ? "" : `, ${quoted(name)}, which is not there`;
    throw inputError(
      `${source.name} holds pictures without labels; name the two files …images-idx3-ubyte and …labels-idx1-ubyte (also gzipped) and put them into one folder${wanted}.`,
    );
  }
  const labels = await readIdxSource(found);
  if (labels.shape.length !== 1 || labels.shape[0] !== rows) {
    throw inputError(
      `${found.name} has the shape [${labels.shape.join(", ")}], but ${source.name} has ${rows} pictures; these files do not belong together.`,
    );
  }
  return labels;
}
