import { quoted } from "../../data/names.js";
import { inputError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import type { CoefficientOptions } from "./coefficients.js";
import { fromOwnSchema } from "./coefficients-own.js";
import { shapeText } from "./elements.js";
import type { Json, JsonObject } from "./json.js";
import { isArray, namesOf, numberOf, numbersOf } from "./json-values.js";
import { linearModel } from "./linear-model.js";
import type { ImportedNetwork } from "./network.js";

/** A linear model from one of the three JSON forms. */
export function fromJson(json: Json, file: string, options: CoefficientOptions): ImportedNetwork {
  if (json instanceof Map) {
    if (json.has("schema")) return fromOwnSchema(json, file, options);
    if (json.has("coef_")) return fromScikitLearn(json, file, options);
    if (json.has("coefficients")) return fromNames(json, file, options);
  }
  throw inputError(
    `${file} holds no coefficients; expected {"intercept": …, "coefficients": {name: value}}, scikit-learn's "coef_" and "intercept_", or a file of aif (schema aif.coefficients/1).`,
  );
}

function fromNames(json: JsonObject, file: string, options: CoefficientOptions): ImportedNetwork {
  const coefficients = json.get("coefficients");
  if (!(coefficients instanceof Map))
    throw inputError(`${file}: "coefficients" must be an object of names and numbers.`);
  const weights = [...coefficients].map(([name, value]) => numberOf(value, quoted(name), file));
  const intercept = json.get("intercept") ?? null;
  return linearModel({
    source: file,
    weight: new Matrix(Float64Array.from(weights), 1, weights.length),
    intercepts: intercept === null ? null : Float64Array.of(numberOf(intercept, '"intercept"', file)),
    features: [...coefficients.keys()],
    labels: null,
    output: options.output ?? "identity",
  });
}

/** coef_ is [m] or [K, m], intercept_ a number, [1] or [K]; two classes have one row. */
function fromScikitLearn(json: JsonObject, file: string, options: CoefficientOptions): ImportedNetwork {
  const weight = matrixOf(json.get("coef_"), '"coef_"', file);
  const intercepts = interceptsOf(json.get("intercept_"), weight.rows, file);
  const classes = json.get("classes_") ?? null;
  const labels = classes === null ? null : namesOf(classes, '"classes_"', file);
  const features = json.get("feature_names_in_") ?? null;
  const fromClasses = labels === null ? "identity" : weight.rows === 1 ? "sigmoid" : "softmax";
  const output = options.output ?? fromClasses;
  const assumed = labels !== null && options.output === undefined;
  return linearModel({
    source: file,
    weight,
    intercepts,
    features: features === null ? null : namesOf(features, '"feature_names_in_"', file),
    labels,
    output,
    notes: assumed ? [`The file names classes, so that its scores are taken to go through a ${output}.`] : [],
  });
}

function matrixOf(json: Json | undefined, what: string, file: string): Matrix {
  if (!isArray(json) || json.length === 0)
    throw inputError(`${file}: ${what} must be a list of numbers, or of such lists.`);
  const rows = isArray(json[0]) ? json : [json];
  const columns = isArray(rows[0]) ? rows[0].length : 0;
  const out = new Float64Array(rows.length * columns);
  rows.forEach((row, i) => {
    if (!isArray(row) || row.length !== columns) {
      const found = isArray(row) ? `${row.length} numbers` : "no list";
      throw inputError(`${file}: row ${i} of ${what} has ${found}, expected ${columns} numbers, as row 0 has.`);
    }
    row.forEach((value, j) => (out[i * columns + j] = numberOf(value, `${what}[${i},${j}]`, file)));
  });
  return new Matrix(out, rows.length, columns);
}

function interceptsOf(json: Json | undefined, rows: number, file: string): Float64Array | null {
  if (json === undefined || json === null) return null;
  const list = numbersOf(isArray(json) ? json : [json], '"intercept_"', file);
  if (list.length === rows) return list;
  // scikit-learn writes fit_intercept=False as one 0.
  if (list.length === 1 && list[0] === 0) return null;
  throw inputError(
    `${file}: "intercept_" has shape ${shapeText([list.length])}, expected [${rows}], one a row of "coef_".`,
  );
}
