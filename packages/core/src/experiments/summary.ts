import type { ColumnEstimate, Estimate, Repetition, Summary } from "./experiment.js";

/** Means and standard errors over the data sets, number by number. All repetitions have the same names and lengths. */
export function summarise(repetitions: readonly Repetition[]): Summary {
  const [first] = repetitions;
  const columns = Object.keys(first.columns).map((name) => [name, columnEstimate(repetitions, name)] as const);
  const values = Object.keys(first.values).map((name) => [
    name,
    estimate(repetitions.map(({ values }) => values[name]).filter((value) => value !== null)),
  ]);
  return { dataSets: repetitions.length, columns: Object.fromEntries(columns), values: Object.fromEntries(values) };
}

/** The same with columns that formulas give. */
export function withFormulas(
  repetitions: readonly Repetition[],
  formulas: Readonly<Record<string, readonly number[]>>,
): Summary {
  const { dataSets, columns, values } = summarise(repetitions);
  const given = Object.entries(formulas).map(([name, mean]) => [name, { mean, standardErrors: null }] as const);
  return { dataSets, columns: { ...Object.fromEntries(given), ...columns }, values };
}

function columnEstimate(repetitions: readonly Repetition[], name: string): ColumnEstimate {
  const points = repetitions[0].columns[name].map((_, i) =>
    estimate(repetitions.map(({ columns }) => columns[name][i])),
  );
  const errors = points.map(({ standardError }) => standardError).filter((error) => error !== null);
  return {
    mean: points.map(({ mean }) => mean ?? Number.NaN),
    standardErrors: errors.length === points.length ? errors : null,
  };
}

/** The mean of some numbers and the standard error of it, s/√k with ddof 1. */
function estimate(numbers: readonly number[]): Estimate {
  const count = numbers.length;
  if (count === 0) return { mean: null, standardError: null, count };
  const mean = numbers.reduce((sum, value) => sum + value, 0) / count;
  const squares = numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: count > 1 ? Math.sqrt(squares / (count - 1) / count) : null, count };
}
