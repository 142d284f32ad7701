/** The values of a node's attributes, read when they are asked for. */
import { Growing } from "../../data/growing.js";
import { quoted } from "../../data/names.js";
import { decoded, FLOAT32 } from "./elements.js";
import type { OnnxNode } from "./onnx-proto.js";
import type { Field, Message } from "./protobuf.js";

/** AttributeProto: f 2, i 3, s 4, t 5, floats 7, ints 8, strings 9. */
const numberOf = { float: 2, integer: 3, text: 4, tensor: 5, floats: 7, integers: 8, texts: 9 };

const mostInAList = 1_000_000;

export function floatAttribute(node: OnnxNode, name: string, otherwise: number): number {
  let value = otherwise;
  for (const field of valuesOf(node, name, numberOf.float)) value = field.asFloat();
  return value;
}

export function integerAttribute(node: OnnxNode, name: string, otherwise: number): number {
  let value = otherwise;
  for (const field of valuesOf(node, name, numberOf.integer)) value = Number(field.asInteger());
  return value;
}

export function textAttribute(node: OnnxNode, name: string, otherwise: string): string {
  let value = otherwise;
  for (const field of valuesOf(node, name, numberOf.text)) value = field.asText();
  return value;
}

export function tensorAttribute(node: OnnxNode, name: string): Message | null {
  let value: Message | null = null;
  for (const field of valuesOf(node, name, numberOf.tensor)) value = field.asMessage();
  return value;
}

export function floatsAttribute(node: OnnxNode, name: string): Float64Array {
  const out = new Growing((length) => new Float64Array(length));
  for (const field of valuesOf(node, name, numberOf.floats))
    for (const value of decoded(field.fixed(4), FLOAT32)) out.push(value);
  return out.finish();
}

export function integersAttribute(node: OnnxNode, name: string): bigint[] {
  const out: bigint[] = [];
  for (const field of valuesOf(node, name, numberOf.integers)) {
    for (const value of field.integers()) {
      if (out.length >= mostInAList) throw field.wrong(`${quoted(name)} lists more than ${mostInAList} numbers`);
      out.push(value);
    }
  }
  return out;
}

export function textsAttribute(node: OnnxNode, name: string): string[] {
  const out: string[] = [];
  for (const field of valuesOf(node, name, numberOf.texts)) {
    if (out.length >= mostInAList) throw field.wrong(`${quoted(name)} lists more than ${mostInAList} names`);
    out.push(field.asText());
  }
  return out;
}

function* valuesOf(node: OnnxNode, name: string, number: number): Generator<Field> {
  const message = node.attributes.get(name);
  if (message === undefined) return;
  for (const field of message.fields()) if (field.number === number) yield field;
}
