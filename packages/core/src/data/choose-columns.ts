import { inputError, usageError } from "../errors.js";
import type { EncodeOptions } from "./encoding.js";
import { quoted, unknownColumn } from "./names.js";
import type { Column, Table } from "./table.js";

/** What messages call the columns that have a part of their own. */
export const ROLE = {
  target: "target column",
  weights: "weights column",
  splitBy: "column to split by",
  cluster: "cluster column",
  by: "column to group by",
  feature: "feature column",
} as const;

/** The table's columns by their part in the analysis. */
export interface ColumnRoles {
  readonly target: Column;
  readonly weights: Column | null;
  readonly splitBy: Column | null;
  readonly cluster: Column | null;
  readonly by: Column | null;
  /** Columns to use although they look like identifiers. */
  readonly keep: ReadonlySet<Column>;
  /** All that have no part and are not excluded, in table order. The column to group by may be one of them. */
  readonly candidates: readonly Column[];
}

/**
 * Finds every column that the options name, by name or by position ("#3": the third) where no column has that name.
 * @throws AifError "input" for a column that is not there, with the nearest name; "usage" where parts clash
 */
export function chooseColumns(table: Table, options: EncodeOptions): ColumnRoles {
  // Callers without types may leave out what the type demands.
  if (typeof (options as Partial<EncodeOptions> | undefined)?.target !== "string") {
    throw usageError('No target is given; name the column to predict, as in { target: "price" }.');
  }
  const optional = (role: "weights" | "splitBy" | "cluster" | "by"): Column | null => {
    const name = options[role];
    return name === undefined ? null : columnAt(table, ROLE[role], name);
  };
  const target = columnAt(table, ROLE.target, options.target);
  const weights = optional("weights");
  const splitBy = optional("splitBy");
  const cluster = optional("cluster");
  const by = optional("by");
  const excluded = new Set((options.exclude ?? []).map((name) => columnAt(table, "column to exclude", name)));
  const keep = new Set((options.keep ?? []).map((name) => columnAt(table, "column to keep", name)));
  const clashes: readonly (readonly [Column | null, Column | null, string])[] = [
    [target, weights, "the target and the weights"],
    [target, splitBy, "the target and the column to split by"],
    [target, cluster, "the target and the cluster column"],
    [target, by, "the target and the column to group by"],
    [weights, cluster, "the weights and the cluster column"],
    [weights, by, "the weights and the column to group by"],
    [target, excluded.has(target) ? target : null, "the target and excluded"],
  ];
  for (const [one, other, parts] of clashes) {
    if (one !== null && one === other)
      throw usageError(`Column ${quoted(one.name)} cannot be both ${parts}; choose one.`);
  }
  const taken = new Set<Column | null>([target, weights, splitBy, cluster, ...excluded]);
  const candidates = table.columns.filter((column) => !taken.has(column));
  return { target, weights, splitBy, cluster, by, keep, candidates };
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

/** The column of that name or position. */
function columnAt(table: Table, role: string, name: string): Column {
  const position = /^#(\d+)$/.exec(name);
  const named = table.columns.some((column) => column.name === name);
  if (position === null || named) return columnNamed(table, role, name);
  const column = table.columns[Number(position[1]) - 1];
  if (column !== undefined) return column;
  throw inputError(
    `${table.source} has ${table.columns.length} columns, so there is no ${role} ${name}; count from #1.`,
  );
}
