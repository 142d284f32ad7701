import { quoted } from "../../data/names.js";
import type { Scaler } from "../../data/scaler.js";
import { inputError, usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import type { CoefficientOptions } from "./coefficients.js";
import { type OwnCoefficients, ownNetwork } from "./coefficients-network.js";
import type { Json, JsonObject } from "./json.js";
import { isArray, namesOf, numbersOf } from "./json-values.js";
import { linearModel, softmaxModel } from "./linear-model.js";
import type { ImportedNetwork, OutputName } from "./network.js";

/** What the scores of each loss go through. */
const OUTPUTS: ReadonlyMap<string, OutputName> = new Map([
  ["squared", "identity"],
  ["half-squared", "identity"],
  ["logistic", "sigmoid"],
  ["poisson", "exp"],
  ["softmax", "softmax"],
]);

/** How the parameters of each model of aif are laid out. */
const LAYOUTS: ReadonlyMap<string, (own: OwnCoefficients) => ImportedNetwork> = new Map([
  ["linear", interceptFirst],
  ["logistic", interceptFirst],
  ["poisson", interceptFirst],
  ["softmax", interceptsFirst],
  ["mlp", ownNetwork],
  ["imported", ownNetwork],
]);

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
  if (json.get("projection") instanceof Map) {
    throw inputError(`${file} holds a model of components of the features, which cannot be imported; fit it again.`);
  }
  const output = OUTPUTS.get(text("loss"));
  const layout = LAYOUTS.get(text("model"));
  if (layout === undefined || output === undefined) {
    throw inputError(
      `${file} holds a model ${quoted(text("model"))} with the loss ${quoted(text("loss"))}; only linear and softmax models and networks can be imported.`,
    );
  }
  const names = namesOf(json.get("names"), '"names"', file);
  const values = numbersOf(chosenColumn(json, file, options).get("values"), '"values"', file);
  if (values.length !== names.length || names.length === 0) {
    throw inputError(`${file} has ${values.length} values, expected ${names.length}, one a name.`);
  }
  return layout({
    file,
    output: options.output ?? output,
    names,
    values,
    labels: labelsOf(json.get("labels"), file),
    scaler: scalerOf(json.get("scaler"), file),
    json,
  });
}

function interceptFirst({ file, output, names, values, labels, scaler }: OwnCoefficients): ImportedNetwork {
  const features = names.slice(1);
  return linearModel({
    source: file,
    weight: new Matrix(values.slice(1), 1, features.length),
    intercepts: values.slice(0, 1),
    features,
    labels,
    output,
    scaler,
  });
}

function interceptsFirst({ file, names, values, scaler }: OwnCoefficients): ImportedNetwork {
  const found = softmaxModel({ source: file, names, values, scaler });
  if (found) return found;
  throw inputError(`${file}: "names" are not those of a softmax model, "class: intercept" and then "class: feature".`);
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
