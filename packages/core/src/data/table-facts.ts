import { fitBy } from "./by-groups.js";
import { classPlaces, classTotals } from "./class-weight.js";
import { sameCells } from "./column-checks.js";
import { addLevelWeights, type NumericStatistics, numericStatistics } from "./column-statistics.js";
import { type ColumnInfo, type ColumnSurvey, surveyOf } from "./column-survey.js";
import type { ByEncoding, MissingRule, TargetEncoding } from "./encoding.js";
import { chooseRows, type RowChoice, type Weighting } from "./row-choice.js";
import { type Origin, originOf } from "./row-place.js";
import type { Column, Table } from "./table.js";
import { DISTINCT_LABELS, readTarget, type TargetFacts, targetFacts } from "./target.js";

/** What is asked of a table is at hand, or comes once all who hold its rows have answered. */
export type Answer<T> = T | Promise<T>;

/** Statistics of a column over the rows in use: of numbers, or the weight of every level (and, last, of missing cells). */
export type ColumnStatistics =
  | { readonly kind: "numeric"; readonly statistics: NumericStatistics }
  | { readonly kind: "levels"; readonly sums: Float64Array };

/**
 * What an encoding is learned from: a table, wherever its rows are.
 * @typeParam Rows a choice of its rows
 */
export interface TableFacts<C extends ColumnInfo, Rows> {
  readonly origin: Origin;
  readonly columns: readonly C[];
  /** Of all rows. */
  survey(column: C): ColumnSurvey;
  /** Whether a column of whole numbers has another in every row. */
  allDifferent(column: C): Answer<boolean>;
  /** @throws as `chooseRows` */
  chooseRows(target: C, features: readonly C[], weighting: Weighting<C> | null, rule: MissingRule): Answer<Rows>;
  statistics(columns: readonly C[], rows: Rows): Answer<readonly ColumnStatistics[]>;
  /** For each group of columns, the first earlier one of the group that each column equals in every row in use, or null. */
  twins(groups: readonly (readonly C[])[], rows: Rows): Answer<readonly (readonly (C | null)[])[]>;
  target(column: C, rows: Rows): Answer<TargetFacts>;
  /** The weight of each class of the target. */
  classTotals(column: C, target: TargetEncoding, rows: Rows): Answer<Float64Array>;
  by(column: C, rows: Rows): Answer<ByEncoding>;
}

/** A table in memory answers at once. */
export function tableFacts(table: Table): TableFacts<Column, RowChoice> {
  const { source, columns } = table;
  const origin = originOf(table);
  const surveys = new Map<Column, ColumnSurvey>();
  return {
    origin,
    columns,
    survey(column) {
      const survey = surveys.get(column) ?? surveyOf(column);
      surveys.set(column, survey);
      return survey;
    },
    allDifferent: (column) => column.kind === "numeric" && new Set(column.values).size === column.values.length,
    chooseRows: (target, features, weighting, rule) => chooseRows(table, target, features, weighting, rule),
    statistics: (chosen, choice) => chosen.map((column) => statisticsOfColumn(column, choice)),
    twins: (groups, { rows }) => groups.map((group) => twinsIn(group, rows)),
    target: (column, { rows }) => targetFacts(column, rows, DISTINCT_LABELS),
    classTotals(column, target, { rows, weights }) {
      const { y } = readTarget(column, target, rows, origin);
      return classTotals(classPlaces(y, target), weights, target.classes?.length ?? 2);
    },
    by: (column, { rows, weights }) => fitBy(column, rows, weights, source),
  };
}

function statisticsOfColumn(column: Column, { rows, weights }: RowChoice): ColumnStatistics {
  if (column.kind === "numeric") {
    return { kind: "numeric", statistics: numericStatistics(column.values, rows, weights) };
  }
  const sums = new Float64Array(column.levels.length + 1);
  addLevelWeights(sums, column.codes, rows, weights);
  return { kind: "levels", sums };
}

function twinsIn(group: readonly Column[], rows: Int32Array): (Column | null)[] {
  const originals: Column[] = [];
  return group.map((column) => {
    const twin = originals.find((other) => sameCells(column, other, rows)) ?? null;
    if (twin === null) originals.push(column);
    return twin;
  });
}

/** Steps of work that wait for answers, whoever gives them. */
export type Steps<Result> = Generator<unknown, Result, unknown>;

/** Waits for one answer. */
export function* answered<T>(answer: Answer<T>): Generator<Answer<T>, T, unknown> {
  return (yield answer) as T;
}

/** Takes steps whose answers are all at hand. */
export function carriedOut<Result>(steps: Steps<Result>): Result {
  for (let step = steps.next(); ; step = steps.next(step.value)) if (step.done === true) return step.value;
}

/** Takes steps whose answers may come later. */
export async function awaited<Result>(steps: Steps<Result>): Promise<Result> {
  for (let step = steps.next(); ; step = steps.next(await step.value)) if (step.done === true) return step.value;
}
