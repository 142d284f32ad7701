/** Writes ONNX files by the field numbers of onnx.proto3: an encoder of its own, sharing nothing with the reader under test. */

type Piece = readonly number[];

export function varint(value: number | bigint): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const out: number[] = [];
  while (rest > 127n) {
    out.push(Number(rest % 128n) + 128);
    rest /= 128n;
  }
  return [...out, Number(rest)];
}

const bytesOf = (numbers: Float64Array | Float32Array): number[] => [...new Uint8Array(numbers.buffer)];
export const integer = (field: number, value: number | bigint): Piece => [...varint(field * 8), ...varint(value)];
export const chunk = (field: number, payload: Piece): Piece => [
  ...varint(field * 8 + 2),
  ...varint(payload.length),
  ...payload,
];
export const text = (field: number, value: string): Piece => chunk(field, [...new TextEncoder().encode(value)]);
const float = (field: number, value: number): Piece => [...varint(field * 8 + 5), ...bytesOf(Float32Array.of(value))];

export type Storage = "raw float" | "raw double" | "float_data" | "double_data" | "one by one";

/** TensorProto */
export function tensor(
  name: string,
  dims: readonly number[],
  numbers: readonly number[],
  storage: Storage = "raw double",
): Piece {
  const isDouble = storage === "raw double" || storage === "double_data";
  const data: Record<Storage, () => Piece> = {
    "raw float": () => chunk(9, bytesOf(Float32Array.from(numbers))),
    "raw double": () => chunk(9, bytesOf(Float64Array.from(numbers))),
    float_data: () => chunk(4, bytesOf(Float32Array.from(numbers))),
    double_data: () => chunk(10, bytesOf(Float64Array.from(numbers))),
    "one by one": () => numbers.flatMap((value) => [...float(4, value)]),
  };
  return [
    ...dims.flatMap((length) => [...integer(1, length)]),
    ...integer(2, isDouble ? 11 : 1),
    ...text(8, name),
    ...data[storage](),
  ];
}

/** TensorProto of int64 numbers. */
export const integers = (name: string, values: readonly number[]): Piece => [
  ...chunk(1, varint(values.length)),
  ...integer(2, 7),
  ...chunk(
    7,
    values.flatMap((value) => varint(value)),
  ),
  ...text(8, name),
];

export type Attribute =
  | { readonly float: number }
  | { readonly integer: number }
  | { readonly text: string }
  | { readonly tensor: Piece }
  | { readonly floats: readonly number[] }
  | { readonly integers: readonly number[] }
  | { readonly texts: readonly string[] };

/** AttributeProto */
function attribute(name: string, value: Attribute): Piece {
  const named = text(1, name);
  if ("float" in value) return [...named, ...float(2, value.float), ...integer(20, 1)];
  if ("integer" in value) return [...named, ...integer(3, value.integer), ...integer(20, 2)];
  if ("text" in value) return [...named, ...text(4, value.text), ...integer(20, 3)];
  if ("tensor" in value) return [...named, ...chunk(5, value.tensor), ...integer(20, 4)];
  if ("floats" in value) return [...named, ...value.floats.flatMap((x) => [...float(7, x)]), ...integer(20, 6)];
  if ("integers" in value) return [...named, ...value.integers.flatMap((x) => [...integer(8, x)]), ...integer(20, 7)];
  return [...named, ...value.texts.flatMap((x) => [...text(9, x)]), ...integer(20, 8)];
}

export interface NodeSpec {
  readonly operator: string;
  readonly name?: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
}

function nodeProto({ operator, name = "", domain = "", inputs, outputs, attributes = {} }: NodeSpec): Piece {
  return [
    ...inputs.flatMap((input) => [...text(1, input)]),
    ...outputs.flatMap((output) => [...text(2, output)]),
    ...text(3, name),
    ...text(4, operator),
    ...Object.entries(attributes).flatMap(([key, value]) => [...chunk(5, attribute(key, value))]),
    ...text(7, domain),
  ];
}

/** ValueInfoProto: text entries of the shape are symbols. */
export const value = (name: string, shape: readonly (number | string)[] | null, type = 1): Piece => {
  const dims = shape?.flatMap((length) => [
    ...chunk(1, typeof length === "number" ? integer(1, length) : text(2, length)),
  ]);
  return [
    ...text(1, name),
    ...chunk(2, chunk(1, [...integer(1, type), ...(dims === undefined ? [] : chunk(2, dims))])),
  ];
};

export interface ModelSpec {
  readonly nodes: readonly NodeSpec[];
  readonly tensors?: readonly Piece[];
  readonly inputs?: readonly Piece[];
  readonly outputs?: readonly string[];
  readonly opsets?: Readonly<Record<string, number>>;
  /** Further fields of the graph. */
  readonly extra?: Piece;
}

/** ModelProto; by default one input "x" of unknown width and the output "y". */
export function onnxFile(spec: ModelSpec): Uint8Array {
  const { nodes, tensors = [], inputs = [value("x", ["N", "M"])], outputs = ["y"], opsets = { "": 13 } } = spec;
  const graph = [
    ...nodes.flatMap((node) => [...chunk(1, nodeProto(node))]),
    ...text(2, "graph"),
    ...tensors.flatMap((piece) => [...chunk(5, piece)]),
    ...inputs.flatMap((piece) => [...chunk(11, piece)]),
    ...outputs.flatMap((name) => [...chunk(12, value(name, null))]),
    ...(spec.extra ?? []),
  ];
  return Uint8Array.from([
    ...integer(1, 8),
    ...text(2, "test"),
    ...chunk(7, graph),
    ...Object.entries(opsets).flatMap(([domain, version]) => [
      ...chunk(8, [...text(1, domain), ...integer(2, version)]),
    ]),
  ]);
}
