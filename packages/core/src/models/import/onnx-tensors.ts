/** The numbers of ONNX tensors, read when they are asked for and checked before that. */
import { quoted } from "../../data/names.js";
import { inputError } from "../../errors.js";
import { BFLOAT16, decodeInto, type Element, FLOAT16, FLOAT32, FLOAT64, INT32, INT64, shapeText } from "./elements.js";
import type { OnnxTensor } from "./onnx-proto.js";
import type { Field, Message } from "./protobuf.js";

interface TensorType {
  /** In raw_data. */
  readonly raw: Element;
  /** The field that holds the numbers where they are not raw. */
  readonly field: number;
  /** "integers": varints, here the number itself; "bits": varints that hold the raw bits. */
  readonly typed: "fixed" | "integers" | "bits";
}

/** By TensorProto.DataType. */
const TYPES: ReadonlyMap<number, TensorType> = new Map([
  [1, { raw: FLOAT32, field: 4, typed: "fixed" }],
  [6, { raw: INT32, field: 5, typed: "integers" }],
  [7, { raw: INT64, field: 7, typed: "integers" }],
  [10, { raw: FLOAT16, field: 5, typed: "bits" }],
  [11, { raw: FLOAT64, field: 10, typed: "fixed" }],
  [16, { raw: BFLOAT16, field: 5, typed: "bits" }],
]);

const TYPE_NAMES =
  "undefined float uint8 int8 uint16 int16 int32 int64 string bool float16 double uint32 uint64 complex64 complex128 bfloat16".split(
    " ",
  );

const rawField = 9;

export const typeName = (type: number): string => TYPE_NAMES[type] ?? `type ${type}`;

/**
 * The numbers of a tensor, row-major. Its dimensions are multiplied as BigInt and compared with the bytes that are there
 * before anything is allocated.
 *
 * @throws AifError "input" for text and other types that are no weights, and where shape and bytes disagree
 */
export function tensorNumbers(tensor: OnnxTensor): { shape: number[]; numbers: Float64Array } {
  const { name, dims, message } = tensor;
  const type = TYPES.get(tensor.type);
  if (type === undefined) {
    throw inputError(
      `${message.file}: tensor ${quoted(name)} holds ${typeName(tensor.type)}; weights must be float or double.`,
    );
  }
  if (dims.some((length) => length < 0n)) {
    throw inputError(`${message.file}: tensor ${quoted(name)} has the impossible shape ${shapeText(dims)}.`);
  }
  const expected = dims.reduce((product, length) => product * length, 1n);
  const found = countNumbers(message, type);
  if (BigInt(found) !== expected) {
    throw inputError(
      `${message.file}: tensor ${quoted(name)} of shape ${shapeText(dims)} needs ${expected} numbers, found ${found}; the file is cut off or damaged.`,
    );
  }
  return { shape: dims.map(Number), numbers: readNumbers(message, type, found) };
}

function countNumbers(message: Message, type: TensorType): number {
  let count = 0;
  for (const field of message.fields()) {
    if (field.number === rawField) count += rawBytes(field, type).length / type.raw.size;
    else if (field.number !== type.field) continue;
    else if (type.typed === "fixed") count += fixedBytes(field, type).length / type.raw.size;
    else for (const _ of field.integers()) count++;
  }
  return count;
}

function readNumbers(message: Message, type: TensorType, count: number): Float64Array {
  const out = new Float64Array(count);
  let at = 0;
  for (const field of message.fields()) {
    if (field.number === rawField) at = decodeInto(out, at, rawBytes(field, type), type.raw);
    else if (field.number !== type.field) continue;
    else if (type.typed === "fixed") at = decodeInto(out, at, fixedBytes(field, type), type.raw);
    else for (const value of field.integers()) out[at++] = type.typed === "bits" ? ofBits(value, type) : Number(value);
  }
  return out;
}

const fixedBytes = (field: Field, { raw }: TensorType): Uint8Array => field.fixed(raw.size === 4 ? 4 : 8);

function rawBytes(field: Field, { raw }: TensorType): Uint8Array {
  const bytes = field.asBytes();
  if (bytes.length % raw.size !== 0)
    throw field.wrong(`${bytes.length} bytes are to hold numbers of ${raw.size} bytes`);
  return bytes;
}

function ofBits(value: bigint, { raw }: TensorType): number {
  const view = new DataView(new ArrayBuffer(2));
  view.setUint16(0, Number(value & 0xffffn), true);
  return raw.read(view, 0);
}
