/** Text as numbers that survive being added to zeros: 6 bytes of UTF-8 in each, behind the number of bytes. */
const BYTES = 6;
const PLACES = Array.from({ length: BYTES }, (_, k) => 256 ** k);

export function packText(text: string): Float64Array {
  if (text === "") return new Float64Array(0);
  const bytes = new TextEncoder().encode(text);
  const out = new Float64Array(1 + Math.ceil(bytes.length / BYTES));
  out[0] = bytes.length;
  for (let k = 0; k < bytes.length; k++) out[1 + Math.floor(k / BYTES)] += bytes[k] * PLACES[k % BYTES];
  return out;
}

export function unpackText(numbers: Float64Array): string {
  if (numbers.length === 0) return "";
  const bytes = new Uint8Array(numbers[0]);
  for (let k = 0; k < bytes.length; k++) {
    bytes[k] = Math.floor(numbers[1 + Math.floor(k / BYTES)] / PLACES[k % BYTES]) % 256;
  }
  return new TextDecoder().decode(bytes);
}
