import { inputError } from "../errors.js";
import { chooseColumns } from "./choose-columns.js";
import { balancedFactors, checkClasses } from "./class-weight.js";
import { constantColumn, constantNote, identifierColumn, mayName } from "./column-checks.js";
import type { NumericStatistics } from "./column-statistics.js";
import type { ColumnInfo } from "./column-survey.js";
import { dateNote } from "./date-column.js";
import {
  type ClassFactors,
  type ColumnEncoding,
  type EncodeOptions,
  type Encoding,
  type FeatureInfo,
  missingLevel,
} from "./encoding.js";
import { quoted } from "./names.js";
import { nearlyNumericNote } from "./nearly-numeric.js";
import { type Note, note } from "./notes.js";
import type { Weighting } from "./row-choice.js";
import type { Table } from "./table.js";
import { answered, type ColumnStatistics, carriedOut, type Steps, type TableFacts, tableFacts } from "./table-facts.js";
import { fitTarget } from "./target.js";

/** A column's encoding with the features it makes. */
interface Encoded {
  readonly encoding: ColumnEncoding;
  readonly features: readonly FeatureInfo[];
}

/** What the encoding of one column depends on beside the column. */
interface Plan {
  readonly intercept: boolean;
  readonly standardize: boolean;
}

/**
 * Learns from a training table how it becomes numbers: which columns are features, their levels, means and scales.
 * The result is plain data; `applyEncoding` encodes this table, or a later one with the same columns, by it.
 *
 * Numbers become one feature each; booleans one feature 0/1; text one feature a level (all but the first with an
 * intercept). Constant, duplicate and identifier-like columns are left out, each with a note.
 *
 * @throws AifError "input" where the table does not suit, "usage" where options contradict each other
 */
export const fitEncoding = (table: Table, options: EncodeOptions): Encoding =>
  carriedOut(fitting(tableFacts(table), options)).encoding;

/** The same for a table that is asked, step by step, wherever its rows are; with the rows in use. @throws as `fitEncoding` */
export function* fitting<C extends ColumnInfo, Rows>(
  facts: TableFacts<C, Rows>,
  options: EncodeOptions,
): Steps<{ encoding: Encoding; rows: Rows }> {
  const { source } = facts.origin;
  const { target, weights, splitBy, cluster, by, keep, candidates } = chooseColumns(
    { source, columns: facts.columns },
    options,
  );
  const notes: Note[] = [];
  const useful: C[] = [];
  for (const column of candidates) {
    const survey = facts.survey(column);
    const suspicious = dateNote(survey) ?? nearlyNumericNote(survey, facts.origin);
    if (suspicious !== null) notes.push(suspicious);
    let useless = constantColumn(survey);
    if (useless === null && !keep.has(column)) {
      const different = mayName(survey) && (yield* answered(facts.allDifferent(column)));
      useless = identifierColumn(survey, different);
    }
    if (useless === null) useful.push(column);
    else notes.push(useless);
  }
  const weightsKind = options.weightsKind ?? "sampling";
  const weighting = weights === null ? null : { column: weights, kind: weightsKind };
  const { rows, chosen } = yield* settle(facts, target, useful, weighting, options, notes);
  const fitted = fitTarget(
    target,
    facts.survey(target),
    yield* answered(facts.target(target, rows)),
    options,
    facts.origin,
  );
  const columns = chosen.map(({ encoding }) => encoding);
  const features = chosen.flatMap((column) => column.features);
  if (features.length === 0) {
    throw inputError(`${source} has no usable feature beside target ${quoted(target.name)}; give columns that vary.`);
  }
  let classFactors: ClassFactors | null = null;
  if (options.classWeight !== undefined) {
    checkClasses(fitted);
    classFactors = balancedFactors(yield* answered(facts.classTotals(target, fitted, rows)));
  }
  const encoding: Encoding = {
    target: fitted,
    columns,
    features: uniquelyNamed(features),
    missing: options.missing ?? "error",
    standardized: options.standardize ?? true,
    intercept: options.intercept ?? true,
    weights: weights?.name ?? null,
    weightsKind,
    classFactors,
    splitBy: splitBy?.name ?? null,
    cluster: cluster?.name ?? null,
    by: by === null ? null : yield* answered(facts.by(by, rows)),
    notes,
  };
  return { encoding, rows };
}

/**
 * The rows that are used and the columns that vary on them. A column that is left out no longer drops the rows where
 * its cells are missing, so leaving out such a column means choosing the rows again.
 */
function* settle<C extends ColumnInfo, Rows>(
  facts: TableFacts<C, Rows>,
  target: C,
  useful: readonly C[],
  weighting: Weighting<C> | null,
  options: EncodeOptions,
  notes: Note[],
): Steps<{ rows: Rows; chosen: readonly Encoded[] }> {
  let columns = useful;
  const plan: Plan = { intercept: options.intercept ?? true, standardize: options.standardize ?? true };
  for (;;) {
    const rows = yield* answered(facts.chooseRows(target, columns, weighting, options.missing ?? "error"));
    const { kept, left } = yield* distinctColumns(facts, columns, rows, plan);
    for (const { note: reason } of left) notes.push(reason);
    const gone = new Set(left.map(({ column }) => column));
    const again = options.missing === "drop" && left.some(({ column }) => facts.survey(column).missing > 0);
    if (!again) return { rows, chosen: kept };
    columns = columns.filter((column) => !gone.has(column));
  }
}

interface LeftOut<C> {
  readonly column: C;
  readonly note: Note;
}

/** Encodes each column, leaving out those that are constant over the used rows or repeat an earlier one. */
function* distinctColumns<C extends ColumnInfo, Rows>(
  facts: TableFacts<C, Rows>,
  columns: readonly C[],
  rows: Rows,
  plan: Plan,
): Steps<{ kept: Encoded[]; left: LeftOut<C>[] }> {
  const statistics = yield* answered(facts.statistics(columns, rows));
  const encoded = columns.map((column, k) => encodeColumn(column, statistics[k], plan));
  const alike = new Map<string, C[]>(); // by statistics, which equal columns share
  columns.forEach((column, k) => {
    const key = JSON.stringify(
      encoded[k]?.features.map(({ minimum, maximum, mean, scale }) => [minimum, maximum, mean, scale]),
    );
    if (encoded[k] !== null) alike.set(key, [...(alike.get(key) ?? []), column]);
  });
  const groups = [...alike.values()].filter((group) => group.length > 1);
  const twins = groups.length === 0 ? [] : yield* answered(facts.twins(groups, rows));
  const twinOf = new Map(groups.flatMap((group, g) => group.map((column, k) => [column, twins[g][k]] as const)));
  const kept: Encoded[] = [];
  const left: LeftOut<C>[] = [];
  columns.forEach((column, k) => {
    const found = encoded[k];
    const twin = twinOf.get(column) ?? null;
    if (found === null) {
      const message = `Column ${quoted(column.name)} is left out: it has one value in all rows without missing cells.`;
      left.push({ column, note: constantNote(column, message) });
    } else if (twin !== null) {
      const message = `Column ${quoted(column.name)} is left out: it equals column ${quoted(twin.name)} in every row.`;
      left.push({ column, note: note("duplicate-column", message, [column.name, twin.name]) });
    } else kept.push(found);
  });
  return { kept, left };
}

/** Null where the column is constant over the used rows. */
function encodeColumn(column: ColumnInfo, found: ColumnStatistics, plan: Plan): Encoded | null {
  if (found.kind === "numeric") return encodeNumbers(column.name, found.statistics, plan);
  if (column.kind === "numeric") return null;
  const missing = found.sums[column.levels.length];
  return column.boolean && missing === 0
    ? encodeBoolean(column.name, found.sums, plan)
    : encodeLevels(column.name, column.levels, found.sums, plan);
}

function encodeNumbers(name: string, statistics: NumericStatistics, { standardize }: Plan): Encoded | null {
  const { mean, minimum, maximum } = statistics;
  if (minimum === maximum || !Number.isFinite(mean)) return null;
  const info = feature(name, name, null, "numeric", statistics, standardize);
  return { encoding: { kind: "numeric", column: name, fill: mean }, features: [info] };
}

function encodeBoolean(name: string, [no, yes]: Float64Array, { standardize }: Plan): Encoded | null {
  if (no === 0 || yes === 0) return null;
  const info = feature(name, name, null, "indicator", indicatorStatistics(yes, no), standardize);
  return { encoding: { kind: "boolean", column: name, fill: yes }, features: [info] };
}

function encodeLevels(name: string, names: readonly string[], sums: Float64Array, plan: Plan): Encoded | null {
  const present = new Map<string, number>();
  names.forEach((level, code) => {
    if (sums[code] > 0) present.set(level, sums[code]);
  });
  const missing = sums[names.length];
  if (missing > 0) present.set(missingLevel, (present.get(missingLevel) ?? 0) + missing);
  if (present.size < 2) return null;
  const levels = [...present.keys()];
  const used = plan.intercept ? levels.slice(1) : levels;
  const fill = used.map((level) => present.get(level) ?? 0);
  const features = used.map((level, k) => {
    const statistics = indicatorStatistics(fill[k], othersWeight(present, level));
    return feature(`${name}=${level}`, name, level, "indicator", statistics, plan.standardize);
  });
  return { encoding: { kind: "categorical", column: name, levels, features: used, fill }, features };
}

/** Of a feature that is 1 in rows of one weight and 0 in the others. */
const indicatorStatistics = (ones: number, zeros: number): NumericStatistics => ({
  mean: ones,
  deviation: Math.sqrt(ones * zeros),
  minimum: 0,
  maximum: 1,
  twoValued: true,
  integerValues: 2,
});

/** 1 − p, summed so that it stays exact where p is close to 1. */
function othersWeight(present: ReadonlyMap<string, number>, level: string): number {
  let sum = 0;
  for (const [other, weight] of present) if (other !== level) sum += weight;
  return sum;
}

function feature(
  name: string,
  column: string,
  level: string | null,
  kind: FeatureInfo["kind"],
  { mean, deviation, minimum, maximum, twoValued, integerValues }: NumericStatistics,
  standardize: boolean,
): FeatureInfo {
  const scaled = standardize && deviation > 0;
  return {
    name,
    column,
    level,
    kind,
    twoValued,
    integerValues,
    mean: standardize ? mean : 0,
    scale: scaled ? deviation : 1,
    minimum,
    maximum,
  };
}

/** A column `a=b` and the level b of a column `a` would share a name: the later one gets a number. */
function uniquelyNamed(features: readonly FeatureInfo[]): FeatureInfo[] {
  const taken = new Set<string>();
  return features.map((info) => {
    let name = info.name;
    for (let k = 2; taken.has(name); k++) name = `${info.name} (${k})`;
    taken.add(name);
    return name === info.name ? info : { ...info, name };
  });
}
