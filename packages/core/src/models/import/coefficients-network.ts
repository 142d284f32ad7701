/** The parameters of a network in a coefficients file of aif, with the `network` that says what they are the weights of. */
import { ACTIVATIONS } from "../../autodiff/index.js";
import type { Scaler } from "../../data/scaler.js";
import { inputError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import type { Json, JsonObject } from "./json.js";
import { isArray, namesOf, numberOf } from "./json-values.js";
import {
  type ActivationName,
  type ImportedNetwork,
  importedNetwork,
  type Layer,
  type OutputName,
  type OutputScaler,
} from "./network.js";

/** One chosen column of a file of ours. */
export interface OwnCoefficients {
  readonly file: string;
  readonly output: OutputName;
  readonly names: readonly string[];
  readonly values: Float64Array;
  readonly labels: readonly string[] | null;
  readonly scaler: Scaler | null;
  readonly json: JsonObject;
}

/** @throws input: a file without `network`, layers that do not take all parameters, and as `importedNetwork`. */
export function ownNetwork({ file, output, names, values, labels, scaler, json }: OwnCoefficients): ImportedNetwork {
  const network = json.get("network");
  if (!(network instanceof Map)) {
    throw inputError(`${file} does not say what its parameters are the weights of ("network"); write it again.`);
  }
  const classes = network.get("classes") ?? null;
  return importedNetwork({
    format: "coefficients",
    source: file,
    layers: layersOf(network.get("layers"), values, file),
    output,
    inputNames: namesOf(network.get("features"), '"features"', file),
    labels: classes === null ? labels : namesOf(classes, '"classes"', file),
    scaler,
    outputScaler: outputScalerOf(network.get("outputScaler"), file),
    parameterNames: names,
    notes: [],
  });
}

function layersOf(json: Json | undefined, values: Float64Array, file: string): Layer[] {
  let at = 0;
  const take = (count: number): Float64Array => values.slice(at, (at += count));
  const layers = (isArray(json) ? json : []).map((entry, k): Layer => {
    const layer: JsonObject = entry instanceof Map ? entry : new Map<string, Json>();
    if (layer.get("kind") === "activation") return { kind: "activation", name: activationOf(layer.get("name"), file) };
    const [outputs, inputs] = ["outputs", "inputs"].map((key) => sizeOf(layer.get(key), `layer ${k}: ${key}`, file));
    if (at + outputs * inputs > values.length) throw misfit(file, values.length);
    return {
      kind: "linear",
      weight: new Matrix(take(outputs * inputs), outputs, inputs),
      bias: layer.get("bias") === true ? take(outputs) : null,
      weightName: `layer ${k}: weight`,
      biasName: `layer ${k}: bias`,
    };
  });
  if (at !== values.length) throw misfit(file, values.length);
  return layers;
}

const misfit = (file: string, count: number) =>
  inputError(`${file}: the layers of "network" do not take ${count} parameters; write it again.`);

function sizeOf(json: Json | undefined, what: string, file: string): number {
  if (typeof json === "number" && Number.isInteger(json) && json > 0) return json;
  throw inputError(`${file}: ${what} must be a whole number from 1.`);
}

function activationOf(json: Json | undefined, file: string): ActivationName {
  const known = ACTIVATIONS.filter((name) => name !== "identity");
  const found = known.find((name) => name === json);
  if (found) return found;
  throw inputError(`${file}: an activation of "network" must be one of ${known.join(", ")}.`);
}

function outputScalerOf(json: Json | undefined, file: string): OutputScaler | null {
  if (json === undefined || json === null) return null;
  if (!(json instanceof Map)) throw inputError(`${file}: "outputScaler" must hold "mean" and "scale".`);
  return {
    mean: numberOf(json.get("mean"), '"mean"', file),
    scale: numberOf(json.get("scale"), '"scale"', file),
  };
}
