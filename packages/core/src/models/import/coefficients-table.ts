import { listed, quoted } from "../../data/names.js";
import { readTable } from "../../data/read.js";
import type { CategoricalColumn, NumericColumn, Table } from "../../data/table.js";
import { inputError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import type { CoefficientOptions } from "./coefficients.js";
import { linearModel } from "./linear-model.js";
import type { ImportedNetwork } from "./network.js";

const INTERCEPT_NAMES = new Set(["intercept", "(intercept)", "intercept_", "const"]);
const VALUE_NAMES = new Set(["value", "coef", "coef_", "coefficient", "coefficients", "estimate"]);

/** Names and values as rows of a table, or as its header and its only row. */
export async function fromTable(
  bytes: Uint8Array,
  name: string,
  options: CoefficientOptions,
): Promise<ImportedNetwork> {
  const table = await readTable(bytes, { name });
  const features: string[] = [];
  const weights: number[] = [];
  let intercept: number | null = null;
  for (const [key, value] of pairsOf(table, name)) {
    if (Number.isNaN(value)) throw inputError(`${name}: the coefficient of ${quoted(key)} is missing; give a number.`);
    if (!INTERCEPT_NAMES.has(key.toLowerCase())) {
      features.push(key);
      weights.push(value);
    } else if (intercept === null) intercept = value;
    else throw inputError(`${name} holds two intercepts; leave one.`);
  }
  return linearModel({
    source: name,
    weight: new Matrix(Float64Array.from(weights), 1, weights.length),
    intercepts: intercept === null ? null : Float64Array.of(intercept),
    features,
    labels: null,
    output: options.output ?? "identity",
  });
}

function pairsOf(table: Table, name: string): (readonly [string, number])[] {
  const names = table.columns.find((column): column is CategoricalColumn => column.kind === "categorical");
  const numeric = table.columns.filter((column): column is NumericColumn => column.kind === "numeric");
  if (names !== undefined) {
    const values =
      numeric.length === 1 ? numeric[0] : numeric.find((column) => VALUE_NAMES.has(column.name.toLowerCase()));
    if (values !== undefined) return rowPairs(names, values, name);
  } else if (table.rows === 1) return numeric.map((column) => [column.name, column.values[0]] as const);
  throw inputError(
    `${name} has ${table.rows} rows of the columns ${listed(table.columns.map((column) => column.name))}; expected rows of a name and a value ("coef"), or a header of names and one row of numbers.`,
  );
}

function rowPairs(names: CategoricalColumn, values: NumericColumn, file: string): [string, number][] {
  return Array.from(names.codes, (code, row) => {
    if (code < 0)
      throw inputError(`${file}: row ${row + 1} has no name; give every coefficient the name of its feature.`);
    return [names.levels[code], values.values[row]];
  });
}
