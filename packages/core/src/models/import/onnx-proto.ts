/** The messages of an ONNX file that a network is made of, by the field numbers of onnx.proto3 (github.com/onnx/onnx). */
import { quoted } from "../../data/names.js";
import { inputError } from "../../errors.js";
import { type Field, Message } from "./protobuf.js";

export interface OnnxModel {
  readonly file: string;
  /** Version of the operators of each domain; the standard domain is "". */
  readonly opsets: ReadonlyMap<string, number>;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly inputs: readonly OnnxInput[];
  readonly outputs: readonly string[];
}

export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  /** "" and "ai.onnx" are the standard operators. */
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Message>;
}

/** A tensor that was looked at but not yet read. */
export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly bigint[];
  readonly type: number;
  readonly message: Message;
}

export interface OnnxInput {
  readonly name: string;
  /** TensorProto.DataType; 0 where the file does not say. */
  readonly type: number;
  /** null where the file does not say; entries null where they are symbols. */
  readonly shape: readonly (number | null)[] | null;
}

export const STRING_TYPE = 8;

/** protobuf's own limit of a message */
const largestFile = 2 ** 31;
const most = {
  nodes: 10_000,
  initializers: 20_000,
  values: 20_000,
  attributes: 100,
  names: 100,
  dimensions: 8,
  opsets: 100,
};

type Rules = Readonly<Record<number, (field: Field) => void>>;

const visit = (message: Message, rules: Rules): void =>
  message.visit(new Map(Object.entries(rules).map(([number, rule]) => [Number(number), rule])));

/** Looks through a whole ONNX file without reading a tensor's numbers. */
export function parseOnnx(bytes: Uint8Array, file: string): OnnxModel {
  if (bytes.length === 0) throw inputError(`${file} is empty; give an ONNX file.`);
  if (bytes.length > largestFile)
    throw inputError(`${file} has ${bytes.length} bytes; an ONNX file has at most 2 GiB.`);
  const opsets = new Map<string, number>();
  let graph: Message | null = null;
  visit(new Message(bytes, file), {
    7: (field) => {
      if (graph !== null) throw field.wrong("a second graph begins");
      graph = field.asMessage();
    },
    8: (field) => {
      const { domain, version } = operatorSet(field.asMessage());
      if (opsets.has(domain)) throw field.wrong(`the operator set ${quoted(domain)} is named twice`);
      if (opsets.size >= most.opsets) throw field.wrong(`more than ${most.opsets} operator sets are named`);
      opsets.set(domain, version);
    },
    25: (field) => refuseRedefined(field.asMessage(), file),
  });
  if (graph === null) throw inputError(`${file} is no ONNX file or is cut off: it holds no graph; export it again.`);
  return { file, opsets, ...parseGraph(graph) };
}

function operatorSet(message: Message): { domain: string; version: number } {
  let domain = "";
  let version = 0;
  visit(message, {
    1: (field) => (domain = standardDomain(field.asText())),
    2: (field) => (version = Number(field.asInteger())),
  });
  return { domain, version };
}

/** A function of the file may take the place of an operator that has its name; programs differ in which of the two they run. */
function refuseRedefined(message: Message, file: string): void {
  let [name, domain] = ["", ""];
  visit(message, {
    1: (part) => (name = part.asText()),
    10: (part) => (domain = standardDomain(part.asText())),
  });
  if (domain === "" || domain === "ai.onnx.ml") {
    throw inputError(
      `${file} says by a function of its own what the standard operator ${quoted(name)} does; export it without functions.`,
    );
  }
}

const standardDomain = (domain: string): string => (domain === "ai.onnx" ? "" : domain);

function parseGraph(message: Message): Omit<OnnxModel, "file" | "opsets"> {
  const nodes: OnnxNode[] = [];
  const initializers = new Map<string, OnnxTensor>();
  const inputs: OnnxInput[] = [];
  const outputs: string[] = [];
  visit(message, {
    1: (field) => add(nodes, parseNode(field.asMessage()), most.nodes, field, "nodes"),
    5: (field) => {
      const tensor = parseTensor(field.asMessage());
      if (initializers.has(tensor.name)) throw field.wrong(`a second tensor is called ${quoted(tensor.name)}`);
      if (initializers.size >= most.initializers) throw tooMany(field, most.initializers, "tensors");
      initializers.set(tensor.name, tensor);
    },
    11: (field) => add(inputs, parseValue(field.asMessage()), most.values, field, "graph inputs"),
    12: (field) => add(outputs, parseValue(field.asMessage()).name, most.values, field, "graph outputs"),
    15: (field) => {
      throw inputError(
        `${message.file} holds a sparse tensor at byte ${field.asMessage().start}; store weights dense.`,
      );
    },
  });
  return { nodes, initializers, inputs, outputs };
}

function add<T>(list: T[], item: T, limit: number, field: Field, what: string): void {
  if (list.length >= limit) throw tooMany(field, limit, what);
  list.push(item);
}

const tooMany = (field: Field, limit: number, what: string): Error =>
  field.wrong(`there are more than ${limit} ${what}, the most that is read`);

function parseNode(message: Message): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  const attributes = new Map<string, Message>();
  let [name, operator, domain] = ["", "", ""];
  visit(message, {
    1: (field) => add(inputs, field.asText(), most.names, field, "inputs of a node"),
    2: (field) => add(outputs, field.asText(), most.names, field, "outputs of a node"),
    3: (field) => (name = field.asText()),
    4: (field) => (operator = field.asText()),
    5: (field) => {
      const attribute = field.asMessage();
      let key = "";
      visit(attribute, { 1: (inner) => (key = inner.asText()) });
      if (attributes.has(key)) throw field.wrong(`a node has the attribute ${quoted(key)} twice`);
      if (attributes.size >= most.attributes) throw tooMany(field, most.attributes, "attributes of a node");
      attributes.set(key, attribute);
    },
    7: (field) => (domain = standardDomain(field.asText())),
  });
  return { name, operator, domain, inputs, outputs, attributes };
}

/** A tensor's name, type and shape. Throws an input error where its numbers lie in another file. */
export function parseTensor(message: Message): OnnxTensor {
  const dims: bigint[] = [];
  let [name, type, place] = ["", 0, ""];
  let external = false;
  visit(message, {
    1: (field) => {
      for (const length of field.integers()) add(dims, length, most.dimensions, field, "dimensions of a tensor");
    },
    2: (field) => (type = Number(field.asInteger())),
    8: (field) => (name = field.asText()),
    13: (field) => {
      external = true;
      const [key, value] = entry(field.asMessage());
      if (key === "location") place = value;
    },
    14: (field) => (external ||= field.asInteger() === 1n),
  });
  if (external) {
    throw inputError(
      `${message.file}: tensor ${quoted(name)} keeps its numbers in another file${place === "" ? "" : ` (${quoted(place)})`}, which is never opened; save the model as one file (onnx.save with save_as_external_data=False).`,
    );
  }
  return { name, dims, type, message };
}

function entry(message: Message): [string, string] {
  let [key, value] = ["", ""];
  visit(message, { 1: (field) => (key = field.asText()), 2: (field) => (value = field.asText()) });
  return [key, value];
}

function parseValue(message: Message): OnnxInput {
  let name = "";
  let type = 0;
  let shape: (number | null)[] | null = null;
  const dimension = (inner: Message): number | null => {
    let length: number | null = null;
    visit(inner, { 1: (field) => (length = Number(field.asInteger())) });
    return length;
  };
  const tensorType = (inner: Message): void =>
    visit(inner, {
      1: (field) => (type = Number(field.asInteger())),
      2: (field) => {
        const lengths: (number | null)[] = [];
        visit(field.asMessage(), {
          1: (dim) => add(lengths, dimension(dim.asMessage()), most.dimensions, dim, "dimensions of a value"),
        });
        shape = lengths;
      },
    });
  visit(message, {
    1: (field) => (name = field.asText()),
    2: (field) => visit(field.asMessage(), { 1: (tensor) => tensorType(tensor.asMessage()) }),
  });
  return { name, type, shape };
}
