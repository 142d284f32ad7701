import { inputError, usageError } from "../errors.js";
import type { EncodeOptions } from "./encoding.js";
import { quoted, unknownColumn } from "./names.js";
import type { Column, Table } from "./table.js";

/** The table's columns by their part in the analysis. */
export interface ColumnRoles {
  readonly target: Column;
  readonly weights: Column | null;
  readonly splitBy: Column | null;
  /** All others that are not excluded, in table order. */
  readonly candidates: readonly Column[];
}

/** Finds every column that the options name. Throws an input error that suggests the nearest name. */
export function chooseColumns(table: Table, options: EncodeOptions): ColumnRoles {
  const target = targetColumn(table, options.target);
  const weights = options.weights === undefined ? null : columnNamed(table, "weights column", options.weights);
  const splitBy = options.splitBy === undefined ? null : columnNamed(table, "column to split by", options.splitBy);
  const excluded = new Set((options.exclude ?? []).map((name) => columnNamed(table, "column to exclude", name)));
  for (const name of options.keep ?? []) columnNamed(table, "column to keep", name);
  const conflicts: readonly (readonly [boolean, string])[] = [
    [weights === target, "the target and the weights"],
    [splitBy === target, "the target and the column to split by"],
    [excluded.has(target), "the target and excluded"],
  ];
  const conflict = conflicts.find(([clash]) => clash);
  if (conflict !== undefined)
    throw usageError(`Column ${quoted(target.name)} cannot be both ${conflict[1]}; choose one.`);
  const taken = new Set<Column | null>([target, weights, splitBy, ...excluded]);
  return { target, weights, splitBy, candidates: table.columns.filter((column) => !taken.has(column)) };
}

/** The column of that name. `role` is what messages call it. */
export function columnNamed(table: Table, role: string, name: string): Column {
  const found = table.columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw unknownColumn(
    role,
    name,
    table.source,
    table.columns.map((column) => column.name),
  );
}

function targetColumn(table: Table, name: string): Column {
  const position = /^#(\d+)$/.exec(name);
  const named = table.columns.some((column) => column.name === name);
  if (position === null || named) return columnNamed(table, "target column", name);
  const column = table.columns[Number(position[1]) - 1];
  if (column !== undefined) return column;
  throw inputError(
    `${table.source} has ${table.columns.length} columns, so there is no target column ${name}; count from #1.`,
  );
}
