import type { Column, Table } from "./table.js";

/** The same table in memory that threads see without a copy of their own. */
export const sharedTable = (table: Table): Table => ({ ...table, columns: table.columns.map(sharedColumn) });

const sharedColumn = (column: Column): Column =>
  column.kind === "numeric"
    ? { ...column, values: shared(column.values, Float64Array) }
    : { ...column, codes: shared(column.codes, Int32Array) };

function shared<Values extends Float64Array | Int32Array>(
  values: Values,
  kind: new (memory: SharedArrayBuffer) => Values,
): Values {
  const out = new kind(new SharedArrayBuffer(values.byteLength));
  out.set(values);
  return out;
}
