import type { Scaler } from "../data/scaler.js";
import { inputError, usageError } from "../errors.js";
import { readCoefficients } from "../models/import/coefficients.js";
import { type Json, type JsonObject, parseJson } from "../models/import/json.js";
import { type ActivationName, type ImportedNetwork, importedNetwork } from "../models/import/network.js";
import { readOnnx } from "../models/import/onnx.js";
import { readSafetensors } from "../models/import/safetensors.js";
import { stackOfLinears } from "../models/import/stack-of-linears.js";
import { hiddenWidths, localKindOf } from "./local-settings.js";
import type { StudyInput } from "./prepare.js";

/** What files of bare weights may have between their layers. */
const BETWEEN: readonly ActivationName[] = ["relu", "tanh", "sigmoid", "softplus", "gelu"];

/** Files of trained models that cannot be read, by their endings, and what to write instead. */
const FOREIGN: readonly { readonly ending: RegExp; readonly words: string }[] = [
  {
    ending: /\.(pt|pth|ckpt)$/i,
    words:
      'a file of PyTorch\'s own, which can run code when it is opened and is not read: write torch.onnx.export(model, rows, "model.onnx"), or the weights with safetensors.torch.save_file(model.state_dict(), "weights.safetensors")',
  },
  {
    ending: /\.(pkl|pickle|joblib)$/i,
    words:
      "a Python pickle, which can run code when it is opened and is not read: write coef_, intercept_ and classes_ as JSON (docs/from-scikit-learn.md), or the model as ONNX",
  },
  {
    ending: /\.(h5|hdf5|keras|pb|tflite)$/i,
    words: "a file of Keras or TensorFlow, which is not read: write the model as ONNX",
  },
];

/**
 * The model of `--import` with the scaler that stands before it: ONNX and safetensors by the file's ending, all else as
 * coefficients.
 * @throws usage: options that the file needs or does not allow. input: as its reader.
 */
export async function readImport(input: StudyInput): Promise<ImportedNetwork> {
  const { settings, importedModel: bytes, importedScaler } = input;
  const { local } = settings;
  const source = local.import ?? "";
  if (!bytes) throw usageError(`--import ${source}: the file was not read.`);
  const network = await readNetwork(bytes, source, input);
  const scaler = givenScaler(input, network.inputSize, importedScaler);
  const labels = local.classes ?? network.labels;
  if (scaler !== null && network.scaler !== null) {
    throw usageError(`${source} has a scaler of its own: leave out --scaler and --input-scale.`);
  }
  return importedNetwork({ ...network, labels, scaler: scaler ?? network.scaler });
}

async function readNetwork(bytes: Uint8Array, source: string, { settings }: StudyInput): Promise<ImportedNetwork> {
  const { model, local } = settings;
  const { activation } = local;
  const bare = /\.safetensors$/i.test(source);
  if (!bare && activation !== null) {
    throw usageError(`${source} says itself what stands between its layers: leave out --activation.`);
  }
  if (!bare && model !== null) throw usageError(`${source} says itself what model it is: leave out --model.`);
  if (/\.onnx$/i.test(source)) return readOnnx(bytes, source);
  const foreign = FOREIGN.find(({ ending }) => ending.test(source));
  if (foreign) throw inputError(`${source} is ${foreign.words}.`);
  if (!bare) return readCoefficients(bytes, { name: source });
  if (model !== null && localKindOf(model) !== "mlp") {
    throw usageError(`--import ${source} holds bare weights of a network: give --model mlp:<widths>, not ${model}.`);
  }
  const tensors = readSafetensors(bytes, source);
  const between = BETWEEN.find((known) => known === activation);
  // Nothing stands between the layers of one.
  const layers = [...tensors.keys()].filter((name) => /(?:^|\.)weight$/.test(name)).length;
  if (!between && layers !== 1) {
    throw usageError(
      `${source} does not say what stands between its layers: give --activation, one of ${BETWEEN.join(", ")}.`,
    );
  }
  return stackOfLinears(tensors, {
    activation: between ?? "relu",
    source,
    ...(model === null ? {} : { hidden: hiddenWidths(model) }),
  });
}

function givenScaler({ settings }: StudyInput, inputs: number, bytes: Uint8Array | undefined): Scaler | null {
  const { scaler: file, inputScale } = settings.local;
  if (inputScale !== null) {
    return { mean: new Float64Array(inputs), scale: new Float64Array(inputs).fill(1 / inputScale) };
  }
  if (file === null) return null;
  if (!bytes) throw usageError(`--scaler ${file}: the file was not read.`);
  return readScaler(bytes, file, inputs);
}

/**
 * {"mean": […], "scale": […]}, also as scikit-learn names them (`mean_`, `scale_`), or the `scaler` of a result or a
 * coefficients file of ours.
 * @throws input: anything else, or another number of features.
 */
export function readScaler(bytes: Uint8Array, file: string, inputs: number): Scaler {
  const read = parseJson(new TextDecoder().decode(bytes), file);
  const parts = fields(read);
  const inner = fields(parts.get("scaler") ?? fields(parts.get("model")).get("scaler") ?? read);
  const numbers = (name: string): Float64Array => {
    const list = inner.get(name) ?? inner.get(`${name}_`);
    if (!Array.isArray(list) || !list.every((value): value is number => typeof value === "number")) {
      throw inputError(`${file} is no scaler: expected {"mean": [numbers], "scale": [numbers]}.`);
    }
    const wild = list.findIndex((value) => !Number.isFinite(value));
    if (wild >= 0)
      throw inputError(`${file}: number ${wild + 1} of "${name}" is ${list[wild]}; a scaler has finite numbers.`);
    if (list.length !== inputs) {
      throw inputError(`${file}: "${name}" has ${list.length} numbers, expected ${inputs}, one an input of the model.`);
    }
    return Float64Array.from(list);
  };
  return { mean: numbers("mean"), scale: numbers("scale") };
}

const fields = (value: Json | undefined): JsonObject =>
  typeof value === "object" && value !== null && "get" in value ? value : new Map<string, Json>();
