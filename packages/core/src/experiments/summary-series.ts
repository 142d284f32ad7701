import type { Series } from "../charts/panels.js";
import type { Summary } from "./experiment.js";

/** A column of a summary as a series of a chart, with its standard errors. */
export const seriesOf =
  ({ columns }: Summary) =>
  (name: string, column: string, colour: string, mark: Series["mark"]): Series => ({
    name,
    colour,
    mark,
    y: columns[column].mean,
    standardErrors: columns[column].standardErrors,
  });
