import type { Coefficients } from "@aif/core";
import { type Cell, csvText } from "./csv.js";
import { toJson } from "./json.js";

const heading = ({ norm, epsilon, kind }: Coefficients["columns"][number]): string =>
  kind === "natural" ? kind : `${norm === null ? "" : `p=${norm} `}eps=${epsilon}${kind === "exact" ? " exact" : ""}`;

/**
 * One row for each parameter, one column for θ̂ and for each norm and ε, and one more for exact optima. Where parameters apply to standardised features,
 * rows `mean(feature)` and `scale(feature)` follow, the same in every column; where they apply to components of the features,
 * `centre(feature)` and `weight(feature, component)`.
 */
export function coefficientsCsv({ names, columns, scaler, projection }: Coefficients, raw: boolean): string {
  const rows: Cell[][] = [["name", ...columns.map(heading)]];
  const same = (name: string, value: number): void => {
    rows.push([name, ...columns.map(() => value)]);
  };
  names.forEach((name, j) => rows.push([name, ...columns.map(({ values }) => values[j])]));
  scaler?.features.forEach((feature, k) => {
    same(`mean(${feature})`, scaler.mean[k]);
    same(`scale(${feature})`, scaler.scale[k]);
  });
  projection?.features.forEach((feature, j) => {
    same(`centre(${feature})`, projection.centre[j]);
    projection.components.forEach((component, c) => {
      same(`weight(${feature}, ${component})`, projection.matrix[j][c]);
    });
  });
  return csvText(rows, raw);
}

/** The file's content, by its name. @param raw as `csvText` */
export const coefficientsFile = (path: string, coefficients: Coefficients, raw: boolean): string =>
  /\.json$/i.test(path) ? toJson(coefficients) : coefficientsCsv(coefficients, raw);
