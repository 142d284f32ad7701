import { inputError } from "../errors.js";
import { fitBy } from "./by-groups.js";
import { chooseColumns } from "./choose-columns.js";
import { balancedFactors, checkClasses, classPlaces } from "./class-weight.js";
import { constantNote, sameCells, uselessColumn } from "./column-checks.js";
import { levelWeights, type NumericStatistics, numericStatistics, presentMean } from "./column-statistics.js";
import { type ColumnEncoding, type EncodeOptions, type Encoding, type FeatureInfo, missingLevel } from "./encoding.js";
import { gathered } from "./gather.js";
import { quoted } from "./names.js";
import { nearlyNumericNote } from "./nearly-numeric.js";
import { type Note, note } from "./notes.js";
import { chooseRows, hasMissing, type RowChoice, type Weighting } from "./row-choice.js";
import type { CategoricalColumn, Column, NumericColumn, Table } from "./table.js";
import { fitTarget, isMissingAt, readTarget } from "./target.js";

/** A column's encoding with the features it makes. */
interface Encoded {
  readonly encoding: ColumnEncoding;
  readonly features: readonly FeatureInfo[];
}

/** What the encoding of one column depends on beside the column. */
interface Plan {
  readonly rows: Int32Array;
  readonly weights: Float64Array;
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
export function fitEncoding(table: Table, options: EncodeOptions): Encoding {
  const { target, weights, splitBy, cluster, by, keep, candidates } = chooseColumns(table, options);
  const notes: Note[] = [];
  const useful = candidates.filter((column) => {
    const suspicious = nearlyNumericNote(column);
    if (suspicious !== null) notes.push(suspicious);
    const useless = uselessColumn(column, keep.has(column));
    if (useless !== null) notes.push(useless);
    return useless === null;
  });
  const weightsKind = options.weightsKind ?? "sampling";
  const weighting = weights === null ? null : { column: weights, kind: weightsKind };
  const { choice, chosen } = settle(table, target, useful, weighting, options, notes);
  const fitted = fitTarget(target, choice.rows, options, table.source);
  const columns = chosen.map(({ encoding }) => encoding);
  const features = chosen.flatMap((column) => column.features);
  if (features.length === 0) {
    throw inputError(
      `${table.source} has no usable feature beside target ${quoted(target.name)}; give columns that vary.`,
    );
  }
  return {
    target: fitted,
    columns,
    features: uniquelyNamed(features),
    missing: options.missing ?? "error",
    standardized: options.standardize ?? true,
    intercept: options.intercept ?? true,
    weights: weights?.name ?? null,
    weightsKind,
    classFactors: options.classWeight === undefined ? null : classFactors(target, fitted, choice, table.source),
    splitBy: splitBy?.name ?? null,
    cluster: cluster?.name ?? null,
    by: by === null ? null : fitBy(by, choice.rows, choice.weights, table.source),
    notes,
  };
}

function classFactors(column: Column, target: Encoding["target"], { rows, weights }: RowChoice, source: string) {
  checkClasses(target);
  const { y } = readTarget(column, target, rows, source);
  return balancedFactors(classPlaces(y, target), weights, target.classes?.length ?? 2);
}

/**
 * The rows that are used and the columns that vary on them. A column that is left out no longer drops the rows where
 * its cells are missing, so leaving out such a column means choosing the rows again.
 */
function settle(
  table: Table,
  target: Column,
  useful: readonly Column[],
  weighting: Weighting | null,
  options: EncodeOptions,
  notes: Note[],
): { choice: RowChoice; chosen: readonly Encoded[] } {
  let columns = useful;
  for (;;) {
    const choice = chooseRows(table, target, columns, weighting, options.missing ?? "error");
    const plan: Plan = {
      rows: choice.rows,
      weights: choice.weights,
      intercept: options.intercept ?? true,
      standardize: options.standardize ?? true,
    };
    const { kept, left } = distinctColumns(columns, plan);
    for (const { note: reason } of left) notes.push(reason);
    const gone = new Set(left.map(({ column }) => column));
    const again = options.missing === "drop" && left.some(({ column }) => hasMissing(column));
    if (!again) return { choice, chosen: kept };
    columns = columns.filter((column) => !gone.has(column));
  }
}

interface LeftOut {
  readonly column: Column;
  readonly note: Note;
}

/** Encodes each column, leaving out those that are constant over the used rows or repeat an earlier one. */
function distinctColumns(columns: readonly Column[], plan: Plan): { kept: Encoded[]; left: LeftOut[] } {
  const kept: Encoded[] = [];
  const left: LeftOut[] = [];
  const earlier = new Map<string, Column[]>(); // by statistics, which equal columns share
  for (const column of columns) {
    const encoded = encodeColumn(column, plan);
    if (encoded === null) {
      const message = `Column ${quoted(column.name)} is left out: it has one value in all rows without missing cells.`;
      left.push({ column, note: constantNote(column, message) });
      continue;
    }
    const key = JSON.stringify(
      encoded.features.map(({ minimum, maximum, mean, scale }) => [minimum, maximum, mean, scale]),
    );
    const alike = earlier.get(key) ?? [];
    const twin = alike.find((other) => sameCells(column, other, plan.rows));
    if (twin !== undefined) {
      const message = `Column ${quoted(column.name)} is left out: it equals column ${quoted(twin.name)} in every row.`;
      left.push({ column, note: note("duplicate-column", message, [column.name, twin.name]) });
      continue;
    }
    earlier.set(key, [...alike, column]);
    kept.push(encoded);
  }
  return { kept, left };
}

/** Null where the column is constant over the used rows. */
function encodeColumn(column: Column, plan: Plan): Encoded | null {
  if (column.kind === "numeric") return encodeNumbers(column, plan);
  const asLevels = !column.boolean || plan.rows.some((row) => isMissingAt(column, row));
  return asLevels ? encodeLevels(column, plan) : encodeBoolean(column, plan);
}

function encodeNumbers(column: NumericColumn, { rows, weights, standardize }: Plan): Encoded | null {
  const values = gathered(column.values, rows);
  const fill = presentMean(values, weights);
  for (let i = 0; i < values.length; i++) if (values[i] !== values[i]) values[i] = fill;
  const statistics = numericStatistics(values, weights);
  if (statistics.minimum === statistics.maximum || !Number.isFinite(fill)) return null;
  const info = feature(column.name, column.name, null, "numeric", statistics, standardize);
  return { encoding: { kind: "numeric", column: column.name, fill }, features: [info] };
}

function encodeBoolean(column: CategoricalColumn, { rows, weights, standardize }: Plan): Encoded | null {
  const statistics = numericStatistics(gathered(column.codes, rows), weights);
  if (statistics.minimum === statistics.maximum) return null;
  const info = feature(column.name, column.name, null, "indicator", statistics, standardize);
  return { encoding: { kind: "boolean", column: column.name, fill: statistics.mean }, features: [info] };
}

function encodeLevels(column: CategoricalColumn, plan: Plan): Encoded | null {
  const sums = levelWeights(column, plan.rows, plan.weights);
  const present = new Map<string, number>();
  column.levels.forEach((level, code) => {
    if (sums[code] > 0) present.set(level, sums[code]);
  });
  const missing = sums[column.levels.length];
  if (missing > 0) present.set(missingLevel, (present.get(missingLevel) ?? 0) + missing);
  if (present.size < 2) return null;
  const levels = [...present.keys()];
  const used = plan.intercept ? levels.slice(1) : levels;
  const fill = used.map((level) => present.get(level) ?? 0);
  const features = used.map((level, k) => {
    const statistics: NumericStatistics = {
      mean: fill[k],
      deviation: Math.sqrt(fill[k] * othersWeight(present, level)),
      minimum: 0,
      maximum: 1,
      twoValued: true,
      integerValues: 2,
    };
    return feature(`${column.name}=${level}`, column.name, level, "indicator", statistics, plan.standardize);
  });
  return { encoding: { kind: "categorical", column: column.name, levels, features: used, fill }, features };
}

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
