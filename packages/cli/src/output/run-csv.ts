import type { ExperimentRun } from "@aif/core";
import { csvText } from "./csv.js";

/** One row for each point of the grid; of several repetitions means, and beside each column its standard error, `name.se`. */
export function runCsv({ columns, summary }: ExperimentRun, raw: boolean): string {
  const [grid] = columns;
  const shown = columns.flatMap((column) => {
    const { mean, standardErrors } = summary.columns[column.name];
    const errors =
      column === grid || standardErrors === null ? [] : [{ name: `${column.name}.se`, cells: standardErrors }];
    return [{ name: column.name, cells: mean }, ...errors];
  });
  const rows = summary.columns[grid.name].mean.map((_, i) => shown.map(({ cells }) => cells[i]));
  return csvText([shown.map(({ name }) => name), ...rows], raw);
}
