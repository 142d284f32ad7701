import type { Coefficients } from "@aif/core";
import { toJson } from "./json.js";

/** A spreadsheet would run such a text as a formula. */
const formula = /^[=+\-@\t\r]/;

/** A text cell (RFC 4180), with an apostrophe before what a spreadsheet would run. */
export function textCell(text: string): string {
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export const numberCell = (value: number): string => (Number.isFinite(value) ? String(value) : "");

const heading = ({ norm, epsilon, kind }: Coefficients["columns"][number]): string =>
  kind === "natural" ? kind : `${norm === null ? "" : `p=${norm} `}eps=${epsilon}${kind === "exact" ? " exact" : ""}`;

/**
 * One row for each parameter, one column for θ̂ and for each norm and ε, and one more for exact optima. Where parameters apply to standardised features,
 * rows `mean(feature)` and `scale(feature)` follow, the same in every column; where they apply to components of the features,
 * `centre(feature)` and `weight(feature, component)`.
 */
export function coefficientsCsv({ names, columns, scaler, projection }: Coefficients): string {
  const rows = [["name", ...columns.map(heading)].map(textCell)];
  names.forEach((name, j) => rows.push([textCell(name), ...columns.map(({ values }) => numberCell(values[j]))]));
  scaler?.features.forEach((feature, k) => {
    rows.push([textCell(`mean(${feature})`), ...columns.map(() => numberCell(scaler.mean[k]))]);
    rows.push([textCell(`scale(${feature})`), ...columns.map(() => numberCell(scaler.scale[k]))]);
  });
  projection?.features.forEach((feature, j) => {
    rows.push([textCell(`centre(${feature})`), ...columns.map(() => numberCell(projection.centre[j]))]);
    projection.components.forEach((component, c) => {
      const name = textCell(`weight(${feature}, ${component})`);
      rows.push([name, ...columns.map(() => numberCell(projection.matrix[j][c]))]);
    });
  });
  return rows.map((cells) => `${cells.join(",")}\r\n`).join("");
}

/** The file's content, by its name. */
export const coefficientsFile = (path: string, coefficients: Coefficients): string =>
  /\.json$/i.test(path) ? toJson(coefficients) : coefficientsCsv(coefficients);
