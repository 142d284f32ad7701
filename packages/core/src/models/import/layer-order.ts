/** Which tensors of a file are a layer, and in which order the layers stand. */
import { listed, quoted } from "../../data/names.js";
import { inputError } from "../../errors.js";
import type { SafeTensor } from "./safetensors.js";

/** One linear layer as the file has it. */
export interface LayerTensors {
  /** Its tensors' common name: "0", "net.fc1". */
  readonly stem: string;
  readonly weight: SafeTensor;
  readonly bias: SafeTensor | null;
}

export interface LayerOrder {
  readonly layers: readonly LayerTensors[];
  /** What told the order. */
  readonly by: "numbers" | "shapes";
}

const EXPECTED = "expected a stack of linear layers (0.weight, 0.bias, 2.weight, …)";
/** A single layer that was saved by itself has no name before these. */
const role = /^(?:(.+)\.)?(weight|bias)$/;
/** A layer's number is the last one in its name. */
const numberIn = /^(.*?)(\d{1,9})(\D*)$/;
/** Orders of more layers than this are not searched for. */
const MOST_UNNUMBERED = 12;

/**
 * Layers in the order of their numbers where all have one name but for it ("net.0", "net.2"; "fc1", "fc2"); else in the only order in
 * which each takes what the one before gives, since files keep tensors by name.
 * @throws input: tensors that are neither a weight nor a bias of a layer; several orders, or none, that fit.
 */
export function layersInOrder(tensors: ReadonlyMap<string, SafeTensor>, source: string): LayerOrder {
  const layers = layersOf(tensors, source);
  return numbered(layers, source) ?? byShapes(layers, source);
}

function layersOf(tensors: ReadonlyMap<string, SafeTensor>, source: string): LayerTensors[] {
  const weights = new Map<string, SafeTensor>();
  const biases = new Map<string, SafeTensor>();
  for (const tensor of tensors.values()) {
    const [, stem = "", what] = role.exec(tensor.name) ?? [];
    if (what === undefined) {
      throw inputError(`${source} holds ${quoted(tensor.name)}, ${EXPECTED}; save the linear layers alone.`);
    }
    (what === "weight" ? weights : biases).set(stem, tensor);
  }
  const orphan = [...biases].find(([stem]) => !weights.has(stem));
  if (orphan !== undefined)
    throw inputError(`${source} holds ${quoted(orphan[1].name)} without its weight; ${EXPECTED}.`);
  if (weights.size === 0) throw inputError(`${source} holds no tensors; ${EXPECTED}.`);
  return [...weights].map(([stem, weight]) => ({ stem, weight, bias: biases.get(stem) ?? null }));
}

/** null: names that differ in more than a number. */
function numbered(layers: readonly LayerTensors[], source: string): LayerOrder | null {
  const parts = layers.map(({ stem }) => numberIn.exec(stem));
  const [first] = parts;
  const places = new Map<number, LayerTensors>();
  for (const [k, part] of parts.entries()) {
    if (!part || !first || part[1] !== first[1] || part[3] !== first[3]) return null;
    const number = Number(part[2]);
    const other = places.get(number);
    if (other) {
      throw inputError(
        `${source} holds ${quoted(other.weight.name)} and ${quoted(layers[k].weight.name)}, both layer ${number}.`,
      );
    }
    places.set(number, layers[k]);
  }
  const ordered = [...places].toSorted(([a], [b]) => a - b).map(([, layer]) => layer);
  return { layers: ordered, by: "numbers" };
}

function byShapes(layers: readonly LayerTensors[], source: string): LayerOrder {
  const found = layers.length <= MOST_UNNUMBERED ? chains(layers) : [];
  if (found.length === 1) return { layers: found[0], by: "shapes" };
  const why = found.length > 1 ? "more than one order fits their shapes" : "no order of them fits their shapes";
  throw inputError(
    `${source} holds the layers ${listed(layers.map(({ stem }) => stem))}, which no numbers put in order, and ${why}; name them 0, 1, 2, … in the order of the network.`,
  );
}

/** Up to two orders in which each layer takes as many numbers as the one before gives. */
function chains(layers: readonly LayerTensors[]): LayerTensors[][] {
  const found: LayerTensors[][] = [];
  const extend = (chain: readonly LayerTensors[]): void => {
    if (chain.length === layers.length) found.push([...chain]);
    const given = chain.at(-1)?.weight.shape[0];
    for (const next of layers) {
      if (found.length > 1) return;
      const fits = given === undefined || next.weight.shape[1] === given;
      if (fits && !chain.includes(next)) extend([...chain, next]);
    }
  };
  extend([]);
  return found;
}
