import { quoted } from "../../data/names.js";
import type { Scaler } from "../../data/scaler.js";
import { inputError, usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import type { CoefficientOptions } from "./coefficients.js";
import type { Json, JsonObject } from "./json.js";
import { isArray, namesOf, numbersOf } from "./json-values.js";
import { linearModel } from "./linear-model.js";
import type { ImportedNetwork, OutputName } from "./network.js";

/** The models of aif whose score is linear in the features. */
const OUTPUTS: ReadonlyMap<string, OutputName> = new Map([
  ["squared", "identity"],
  ["half-squared", "identity"],
  ["logistic", "sigmoid"],
  ["poisson", "exp"],
]);
const LINEAR_MODELS = new Set(["linear", "logistic", "poisson"]);

/** The coefficients that `aif analyze` writes (schema aif.coefficients/1). */
export function fromOwnSchema(json: JsonObject, file: string, options: CoefficientOptions): ImportedNetwork {
  const text = (key: string): string => {
    const value = json.get(key);
    if (typeof value === "string") return value;
    throw inputError(`${file}: ${quoted(key)} must be text.`);
  };
  if (text("schema") !== "aif.coefficients/1") {
    throw inputError(`${file} has the schema ${quoted(text("schema"))}, expected "aif.coefficients/1".`);
  }
  const output = OUTPUTS.get(text("loss"));
  if (!LINEAR_MODELS.has(text("model")) || output === undefined) {
    throw inputError(
      `${file} holds a model ${quoted(text("model"))} with the loss ${quoted(text("loss"))}; only linear ones can be imported.`,
    );
  }
  const [interceptName, ...features] = namesOf(json.get("names"), '"names"', file);
  const values = numbersOf(chosenColumn(json, file, options).get("values"), '"values"', file);
  if (interceptName === undefined || values.length !== features.length + 1) {
    throw inputError(`${file} has ${values.length} values, expected ${features.length + 1}, one a name.`);
  }
  return linearModel({
    source: file,
    weight: new Matrix(values.slice(1), 1, features.length),
    intercepts: values.slice(0, 1),
    features,
    labels: labelsOf(json.get("labels"), file),
    output: options.output ?? output,
    scaler: scalerOf(json.get("scaler"), file),
  });
}

function scalerOf(json: Json | undefined, file: string): Scaler | null {
  if (json === undefined || json === null) return null;
  if (!(json instanceof Map)) throw inputError(`${file}: "scaler" must hold "mean" and "scale".`);
  return {
    mean: numbersOf(json.get("mean"), '"mean"', file),
    scale: numbersOf(json.get("scale"), '"scale"', file),
  };
}

function chosenColumn(json: JsonObject, file: string, { column }: CoefficientOptions): JsonObject {
  const columns = json.get("columns");
  const list = isArray(columns) ? columns : [];
  const wanted = column ?? { norm: null, epsilon: 0 };
  for (const entry of list) {
    if (entry instanceof Map && entry.get("norm") === wanted.norm && entry.get("epsilon") === wanted.epsilon)
      return entry;
  }
  if (column === undefined) throw inputError(`${file} holds no column without an attack (norm null); write it again.`);
  throw usageError(
    `${file} holds no column for norm ${column.norm} and ε = ${column.epsilon}; choose one that it has.`,
  );
}

function labelsOf(json: Json | undefined, file: string): string[] | null {
  if (json === undefined || json === null) return null;
  if (json instanceof Map)
    return namesOf([json.get("negative") ?? null, json.get("positive") ?? null], '"labels"', file);
  throw inputError(`${file}: "labels" must name the negative and the positive class.`);
}
