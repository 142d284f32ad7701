import { inputError } from "../errors.js";
import { quoted } from "./names.js";
import type { Origin } from "./row-place.js";
import type { CategoricalColumn, Column, NumericColumn } from "./table.js";

/** A column as text, whatever the file made of it: text levels may all look like numbers in a later file. */
export function asText(column: Column): CategoricalColumn {
  if (column.kind === "categorical") return column;
  const position = new Map<number, number>();
  const codes = Int32Array.from(column.values, (value) => {
    if (Number.isNaN(value)) return -1;
    const code = position.get(value) ?? position.size;
    position.set(value, code);
    return code;
  });
  return { kind: "categorical", name: column.name, boolean: false, levels: [...position.keys()].map(String), codes };
}

/**
 * A column that held numbers in the training data.
 * @throws AifError "input" naming a cell that holds text now
 */
export function asNumbers(column: Column, rows: Int32Array, { source, placeOf }: Origin): NumericColumn {
  if (column.kind === "numeric") return column;
  const { codes, levels, name } = column;
  const row = rows.find((i) => codes[i] >= 0 && !Number.isFinite(Number(levels[codes[i]])));
  const found = row === undefined ? "" : ` (${quoted(levels[codes[row]])} in ${placeOf(row)})`;
  throw inputError(
    `${source}: column ${quoted(name)} holds text${found} but held numbers in the training data; correct these cells.`,
  );
}
