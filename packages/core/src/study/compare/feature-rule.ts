import { listed, unknownColumn } from "../../data/names.js";
import { usageError } from "../../errors.js";

/** How columns are put in order before the first k of them are taken. */
export type Ordering = "first" | "forward" | "lasso";

/** Which columns the models of a family get: all, those of a list, or the first k of an order, for every k of a range. */
export type FeatureRule =
  | { readonly kind: "all" }
  | { readonly kind: "columns"; readonly columns: readonly string[] }
  /** null: from 1, or up to all columns. */
  | { readonly kind: Ordering; readonly from: number | null; readonly to: number | null };

/** Which columns one model gets. */
export type FeatureChoice =
  | { readonly kind: "all" }
  | { readonly kind: "columns"; readonly columns: readonly string[] }
  | { readonly kind: Ordering; readonly count: number };

/** Orders that depend on the target: they are made anew in every fold. */
export const isSelection = ({ kind }: FeatureChoice): boolean => kind === "forward" || kind === "lasso";

const ORDERINGS: readonly Ordering[] = ["first", "forward", "lasso"];

/**
 * Reads "all", "first 1..13", "forward", "lasso 5"; null: anything else, which names columns.
 * @throws usage: a range that cannot be read, or runs backwards.
 */
export function parseFeatureRule(text: string): FeatureRule | null {
  const [word, range = "", ...rest] = text.trim().split(/\s+/);
  if (word === "all" && range === "") return { kind: "all" };
  const kind = ORDERINGS.find((known) => known === word);
  if (!kind) return null;
  if (range === "") return { kind, from: null, to: null };
  const [, from, to = from] = /^(\d+)(?:\.\.(\d+))?$/.exec(range) ?? [];
  if (from === undefined || rest.length > 0) {
    throw usageError(`--features "${text}" cannot be read: write ${kind}, ${kind} 5 or ${kind} 1..5.`);
  }
  const [least, most] = [Number(from), Number(to)];
  if (least < 1) throw usageError(`--features "${text}" asks for no column: the least number is 1.`);
  if (most < least) throw usageError(`--features "${text}" runs backwards: write ${kind} ${most}..${least}.`);
  return { kind, from: least, to: most };
}

/**
 * One choice for every model that a rule describes.
 * @param columns the table's columns that become features.
 * @throws input: a column that is not there. usage: more columns than there are.
 */
export function choicesOf(rule: FeatureRule, columns: readonly string[], source: string): FeatureChoice[] {
  if (rule.kind === "all") return [rule];
  if (rule.kind === "columns") {
    const known = new Set(columns);
    for (const name of rule.columns) {
      if (!known.has(name)) throw unknownColumn("feature column", name, source, columns);
    }
    const twice = rule.columns.find((name, k) => rule.columns.indexOf(name) !== k);
    if (twice !== undefined) throw usageError(`--features names ${listed([twice])} twice in one list.`);
    return [rule];
  }
  const { kind, from, to } = rule;
  if (to !== null && to > columns.length) {
    throw usageError(
      `--features "${kind} ${from === to ? to : `${from}..${to}`}" asks for ${to} columns, but ${source} has ${columns.length} that can be features.`,
    );
  }
  const least = from ?? 1;
  return Array.from({ length: (to ?? columns.length) - least + 1 }, (_, k) => ({ kind, count: least + k }));
}

/** As the user could have written it. */
export function choiceName(choice: FeatureChoice): string {
  if (choice.kind === "all") return "all";
  return choice.kind === "columns" ? choice.columns.join(",") : `${choice.kind} ${choice.count}`;
}
