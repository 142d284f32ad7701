import { inputError, usageError } from "../errors.js";
import type { ColumnInfo, ColumnSurvey } from "./column-survey.js";
import type { EncodeOptions, Labels, TargetEncoding, Task } from "./encoding.js";
import { gathered } from "./gather.js";
import { listed, quoted } from "./names.js";
import { whatIsNotNumeric } from "./nearly-numeric.js";
import { type Note, note } from "./notes.js";
import type { Origin } from "./row-place.js";
import type { CategoricalColumn, Column, NumericColumn } from "./table.js";

/** More labels than this are no classes but text or numbers. */
const MAXIMUM_CLASSES = 200;
const positiveLabels: readonly string[] = ["true", "yes", "1", "y", "t"];

/** What is known of the target's cells in use. */
export interface TargetFacts {
  /** Its values or codes in order of appearance, each once: the first `DISTINCT_LABELS` of them. */
  readonly found: readonly number[];
  /** The first row in use, counted from 0. */
  readonly firstRow: number;
}

/** More different labels than this are never told apart. */
export const DISTINCT_LABELS = 1000;

export function targetFacts(column: Column, rows: Int32Array, limit: number): TargetFacts {
  const found = new Set<number>();
  for (let i = 0; i < rows.length && found.size < limit; i++) {
    const value = valueAt(column, rows[i]);
    if (column.kind === "numeric" ? !Number.isNaN(value) : value >= 0) found.add(value);
  }
  return { found: [...found], firstRow: rows[0] };
}

/** Decides how the target is understood. @param survey of all rows */
export function fitTarget(
  column: ColumnInfo,
  survey: ColumnSurvey,
  facts: TargetFacts,
  options: EncodeOptions,
  origin: Origin,
): TargetEncoding {
  const { source } = origin;
  const distinct = labelsOf(column, facts, 3);
  if (distinct.length < 2) {
    throw inputError(
      `${source}: target column ${quoted(column.name)} ${distinct.length === 0 ? "has no values" : `is ${quoted(distinct[0])} in every row`}; choose a target that varies.`,
    );
  }
  const spoilt = distinct.length > 2 ? whatIsNotNumeric(survey, origin) : null;
  if (spoilt !== null) {
    throw inputError(`${source}: target column ${quoted(column.name)} is not numeric: ${spoilt}.`);
  }
  const task = taskOf(column, distinct.length, options.task ?? "auto", facts, origin);
  if (task !== "binary") {
    if (options.positive !== undefined) {
      throw usageError(
        `--positive ${quoted(options.positive)} needs a target of two labels; ${quoted(column.name)} holds ${task === "multiclass" ? "classes" : "numbers"}.`,
      );
    }
    const classes = task === "multiclass" ? labelsOf(column, facts, DISTINCT_LABELS) : null;
    return { column: column.name, task, labels: null, classes };
  }
  return { column: column.name, task, labels: chooseLabels(column, distinct, options.positive, source), classes: null };
}

function taskOf(column: ColumnInfo, distinct: number, wanted: Task | "auto", facts: TargetFacts, origin: Origin): Task {
  const { source } = origin;
  const numeric = column.kind === "numeric";
  const name = quoted(column.name);
  if (!numeric && (wanted === "regression" || wanted === "count")) {
    throw inputError(
      `${source}: target column ${name} holds text (${quoted(column.levels[facts.found[0]])} in ${origin.placeOf(facts.firstRow)}), but this model predicts ${wanted === "count" ? "counts" : "numbers"}; choose another target or a model of classes (--model logistic, or softmax for more than two).`,
    );
  }
  const task = wanted !== "auto" ? wanted : !numeric || distinct === 2 ? "binary" : "regression";
  if (task === "binary" && distinct > 2) {
    const all = labelsOf(column, facts, DISTINCT_LABELS);
    const count = all.length >= DISTINCT_LABELS ? `${DISTINCT_LABELS} or more` : String(all.length);
    throw inputError(
      `${source}: target column ${name} holds ${count} ${numeric ? "values" : "labels"} (${listed(all, 5)}), but a binary target has two; keep the rows of two of them, join them into two, or use a model of ${continuous(column, all) ? "numbers (--model linear)" : "several classes (--model softmax)"}.`,
    );
  }
  if (task === "multiclass") refuseManyClasses(column, facts, source);
  return task;
}

/** Whether these are measurements rather than classes. */
const continuous = ({ kind }: ColumnInfo, labels: readonly string[]): boolean =>
  kind === "numeric" && labels.length > 20 && labels.some((label) => !/^-?\d+$/.test(label));

function refuseManyClasses(column: ColumnInfo, facts: TargetFacts, source: string): void {
  const found = labelsOf(column, facts, MAXIMUM_CLASSES + 1);
  if (continuous(column, found)) {
    throw inputError(
      `${source}: target column ${quoted(column.name)} holds numbers with decimals (${listed(found, 3)}), which are no classes; choose another target or a regression model.`,
    );
  }
  if (found.length <= MAXIMUM_CLASSES) return;
  throw inputError(
    `${source}: target column ${quoted(column.name)} has more than ${MAXIMUM_CLASSES} different values (${listed(found, 5)}), too many for classes; choose another target or a regression model.`,
  );
}

function chooseLabels(
  column: ColumnInfo,
  distinct: readonly string[],
  positive: string | undefined,
  source: string,
): Labels {
  const [first, second] = distinct;
  if (positive !== undefined) {
    const chosen = distinct.find((label) => sameLabel(label, positive.trim(), column));
    if (chosen === undefined) {
      throw inputError(
        `${source}: --positive ${quoted(positive)} is no label of target column ${quoted(column.name)}; its labels are ${listed(distinct)}.`,
      );
    }
    return chosen === first ? { negative: second, positive: first } : { negative: first, positive: second };
  }
  const firstIsPositive = column.kind === "categorical" && positiveLabels.includes(first.toLowerCase());
  return firstIsPositive && !positiveLabels.includes(second.toLowerCase())
    ? { negative: second, positive: first }
    : { negative: first, positive: second };
}

const sameLabel = (label: string, text: string, column: ColumnInfo): boolean =>
  label === text ||
  (column.kind === "numeric" && text !== "" && Number(label) === Number(text)) ||
  (column.kind === "categorical" && column.boolean && label === text.toLowerCase());

/** The first `limit` distinct labels in sorted order. */
function labelsOf(column: ColumnInfo, { found }: TargetFacts, limit: number): string[] {
  const sorted = found.slice(0, limit).toSorted((a, b) => a - b);
  return sorted.map((value) => (column.kind === "numeric" ? String(value) : column.levels[value]));
}

const labelAt = (column: Column, row: number): string =>
  column.kind === "numeric" ? String(column.values[row]) : column.levels[column.codes[row]];

/** Whether a row of the target's column has a value. */
export const isMissingAt = (column: Column, row: number): boolean =>
  column.kind === "numeric" ? Number.isNaN(column.values[row]) : column.codes[row] < 0;

/**
 * The target as the model sees it, row by row: ±1 for two labels, the index of the class for several, else the number.
 */
export function readTarget(
  column: Column,
  target: TargetEncoding,
  rows: Int32Array,
  origin: Origin,
): { y: Float64Array; notes: Note[] } {
  const { labels, classes } = target;
  if (classes !== null) return { y: readClasses(column, classes, rows, origin), notes: [] };
  if (labels === null) return { y: readNumbers(column, target, rows, origin), notes: [] };
  return column.kind === "numeric"
    ? { y: readNumericLabels(column, labels, rows, origin), notes: [] }
    : readTextLabels(column, labels, rows, origin);
}

function readClasses(
  column: Column,
  classes: readonly string[],
  rows: Int32Array,
  { source, placeOf }: Origin,
): Float64Array {
  const indexOf = new Map(classes.map((label, k) => [column.kind === "numeric" ? Number(label) : label, k]));
  const codes = column.kind === "numeric" ? null : column.levels.map((level) => indexOf.get(level.trim()) ?? -1);
  const y = new Float64Array(rows.length);
  for (let i = 0; i < y.length; i++) {
    const index = codes === null ? indexOf.get(valueAt(column, rows[i])) : codes[valueAt(column, rows[i])];
    if (index === undefined || index < 0) {
      throw inputError(
        `${source}: target column ${quoted(column.name)} is ${quoted(labelAt(column, rows[i]))} in ${placeOf(rows[i])}, which is none of the ${classes.length} training classes (${listed(classes, 5)}); correct the cell or remove the row.`,
      );
    }
    y[i] = index;
  }
  return y;
}

/** The number in a cell, or the code of its level. */
const valueAt = (column: Column, row: number): number =>
  column.kind === "numeric" ? column.values[row] : column.codes[row];

function readNumbers(
  column: Column,
  target: TargetEncoding,
  rows: Int32Array,
  { source, placeOf }: Origin,
): Float64Array {
  if (column.kind !== "numeric") {
    const row = rows[0];
    throw inputError(
      `${source}: target column ${quoted(column.name)} holds text (${quoted(labelAt(column, row))} in ${placeOf(row)}), but ${target.task} needs numbers; correct these cells.`,
    );
  }
  const y = gathered(column.values, rows);
  const negative = target.task === "count" ? y.findIndex((value) => value < 0) : -1;
  if (negative >= 0) {
    throw inputError(
      `${source}: target column ${quoted(column.name)} is ${y[negative]} in ${placeOf(rows[negative])}, but counts are not negative; correct the cell or choose a regression model.`,
    );
  }
  return y;
}

function readNumericLabels(column: NumericColumn, labels: Labels, rows: Int32Array, origin: Origin): Float64Array {
  const negative = Number(labels.negative);
  const positive = Number(labels.positive);
  const y = gathered(column.values, rows);
  for (let i = 0; i < y.length; i++) {
    if (y[i] === positive) y[i] = 1;
    else if (y[i] === negative) y[i] = -1;
    else throw unknownLabel(column, rows[i], labels, origin);
  }
  return y;
}

function readTextLabels(
  column: CategoricalColumn,
  labels: Labels,
  rows: Int32Array,
  origin: Origin,
): { y: Float64Array; notes: Note[] } {
  const exact = column.levels.map((level) => signOf(level, labels));
  const lenient = column.levels.map((level, code) => exact[code] || signOf(level.replace(/\.$/, ""), labels));
  let dots = false;
  const y = gathered(column.codes, rows);
  for (let i = 0; i < y.length; i++) {
    const code = y[i];
    if (lenient[code] === 0) throw unknownLabel(column, rows[i], labels, origin);
    if (exact[code] === 0) dots = true;
    y[i] = lenient[code];
  }
  const message = `${origin.source}: labels of target column ${quoted(column.name)} that end in "." were matched without it.`;
  return { y, notes: dots ? [note("label-dots", message, [column.name])] : [] };
}

/** +1, −1, or 0 for neither label. */
function signOf(text: string, { negative, positive }: Labels): number {
  const label = text.trim();
  return label === positive ? 1 : label === negative ? -1 : 0;
}

const unknownLabel = (column: Column, row: number, labels: Labels, { source, placeOf }: Origin): Error =>
  inputError(
    `${source}: target column ${quoted(column.name)} is ${quoted(labelAt(column, row))} in ${placeOf(row)}, but the training labels are ${quoted(labels.negative)} and ${quoted(labels.positive)}; correct the cell or remove the row.`,
  );
