import { inputError, usageError } from "../errors.js";
import type { EncodeOptions } from "./encoding.js";
import { quoted, unknownColumn } from "./names.js";

/** What messages call the columns that have a part of their own. */
export const ROLE = {
  target: "target column",
  weights: "weights column",
  splitBy: "column to split by",
  cluster: "cluster column",
  by: "column to group by",
  feature: "feature column",
} as const;

interface Named {
  readonly name: string;
}

/** As much of a table as finding its columns needs. */
export interface TableOf<C extends Named> {
  readonly source: string;
  readonly columns: readonly C[];
}

/** The table's columns by their part in the analysis. */
export interface ColumnRoles<C> {
  readonly target: C;
  readonly weights: C | null;
  readonly splitBy: C | null;
  readonly cluster: C | null;
  readonly by: C | null;
  /** Columns to use although they look like identifiers. */
  readonly keep: ReadonlySet<C>;
  /** All that have no part and are not excluded, in table order. The column to group by may be one of them. */
  readonly candidates: readonly C[];
}

/**
 * Finds every column that the options name, by name or by position ("#3": the third) where no column has that name.
 * @throws AifError "input" for a column that is not there, with the nearest name; "usage" where parts clash
 */
export function chooseColumns<C extends Named>(table: TableOf<C>, options: EncodeOptions): ColumnRoles<C> {
  // Callers without types may leave out what the type demands.
  if (typeof (options as Partial<EncodeOptions> | undefined)?.target !== "string") {
    throw usageError('No target is given; name the column to predict, as in { target: "price" }.');
  }
  const optional = (role: "weights" | "splitBy" | "cluster" | "by"): C | null => {
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
  const clashes: readonly (readonly [C | null, C | null, string])[] = [
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
  const taken = new Set<C | null>([target, weights, splitBy, cluster, ...excluded]);
  const candidates = table.columns.filter((column) => !taken.has(column));
  return { target, weights, splitBy, cluster, by, keep, candidates };
}

/** The column of that name. `role` is what messages call it. */
export function columnNamed<C extends Named>(table: TableOf<C>, role: string, name: string): C {
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
export function columnAt<C extends Named>(table: TableOf<C>, role: string, name: string): C {
  const position = /^#(\d+)$/.exec(name);
  const named = table.columns.some((column) => column.name === name);
  if (position === null || named) return columnNamed(table, role, name);
  const column = table.columns[Number(position[1]) - 1];
  if (column !== undefined) return column;
  throw inputError(
    `${table.source} has ${table.columns.length} columns, so there is no ${role} ${name}; count from #1.`,
  );
}
