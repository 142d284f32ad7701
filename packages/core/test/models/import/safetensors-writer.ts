/** A safetensors file from a header (an object, or its text) and the bytes behind it. */
export function safetensorsFile(header: object | string, data: Uint8Array): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const out = new Uint8Array(8 + text.length + data.length);
  new DataView(out.buffer).setBigUint64(0, BigInt(text.length), true);
  out.set(text, 8);
  out.set(data, 8 + text.length);
  return out;
}

export interface TensorSpec {
  readonly type: "F32" | "F64";
  readonly shape: readonly number[];
  readonly numbers: readonly number[];
}

/** Tensors one after the other, as the library writes them. */
export function savedTensors(tensors: Readonly<Record<string, TensorSpec>>): Uint8Array {
  const header: Record<string, object> = { __metadata__: { format: "pt" } };
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (const [name, { type, shape, numbers }] of Object.entries(tensors)) {
    const typed = type === "F32" ? Float32Array.from(numbers) : Float64Array.from(numbers);
    header[name] = { dtype: type, shape, data_offsets: [at, at + typed.byteLength] };
    at += typed.byteLength;
    chunks.push(new Uint8Array(typed.buffer));
  }
  return safetensorsFile(header, Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
}
