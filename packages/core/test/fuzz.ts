/** Damages valid files, and holds readers to an error of ours or a right result, soon and in little memory. */
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { expect } from "vitest";
import { AifError } from "../src/errors.js";
import { cpuTime } from "./cpu-time.js";
import { drawsOf } from "./long.js";

/** A whole number from 0 to below the limit. */
export type Draw = (limit: number) => number;

/** Flipped, replaced, removed, inserted and doubled bytes, lengths changed, parts of another file, the end cut off. */
export function damaged(file: Uint8Array, below: Draw, other: Uint8Array = file): Uint8Array {
  let bytes = [...file];
  const at = (): number => below(Math.max(1, bytes.length));
  const part = (): Uint8Array => {
    const from = below(other.length);
    return other.subarray(from, from + 1 + below(60));
  };
  const damages: readonly (() => void)[] = [
    () => (bytes[at()] ^= 1 << below(8)),
    () => (bytes[at()] = below(256)),
    () => (bytes[at()] = [0, 1, 127, 128, 255][below(5)]),
    () => bytes.splice(at(), 1 + below(4)),
    () => bytes.splice(at(), 0, ...Array.from({ length: 1 + below(4) }, () => below(256))),
    () => bytes.splice(at(), 0, ...bytes.slice(at(), at() + below(40))),
    () => bytes.splice(at(), 0, ...part()),
    () => bytes.splice(at(), part().length, ...part()),
    () => bytes.splice(at(), 10, ...Array<number>(9).fill(255), 1), // the largest varint
    () => bytes.splice(at(), 4, ...LENGTHS[below(LENGTHS.length)]),
    () => (bytes = bytes.slice(0, at())),
  ];
  const count = 1 + below(3);
  for (let k = 0; k < count; k++) damages[below(damages.length)]();
  return Uint8Array.from(bytes);
}

/** Lengths of 32 bits, little and big endian: nothing, much, the most with and without a sign. */
const LENGTHS = [
  [0, 0, 0, 0],
  [0, 0, 0, 1],
  [1, 0, 0, 0],
  [0, 0, 0, 127],
  [127, 255, 255, 255],
  [255, 255, 255, 127],
  [255, 255, 255, 255],
];

/** One of the files, damaged; parts come from the others. */
export const oneOf =
  (...files: readonly Uint8Array[]) =>
  (below: Draw): Uint8Array =>
    damaged(files[below(files.length)], below, files[below(files.length)]);

/** Damaged text that is still text: characters of the format's own grammar, numbers beyond all bounds, names of prototypes. */
export const oneOfTexts =
  (pieces: readonly string[], ...texts: readonly string[]) =>
  (below: Draw): Uint8Array => {
    let text = texts[below(texts.length)];
    const count = 1 + below(4);
    for (let k = 0; k < count; k++) {
      const at = below(text.length + 1);
      const piece = below(3) === 0 ? text.slice(at, at + below(30)) : pieces[below(pieces.length)];
      const where = below(text.length + 1);
      text = text.slice(0, where) + piece + text.slice(where + (below(2) === 0 ? 0 : below(12)));
    }
    const bytes = new TextEncoder().encode(text);
    return below(4) === 0 ? damaged(bytes, below) : bytes;
  };

/** Values that a field of JSON should not have. */
const ODD: readonly unknown[] = [
  null,
  true,
  -1,
  0,
  0.5,
  1e308,
  -1e-320,
  "",
  "__proto__",
  "constructor",
  "x".repeat(300),
  [],
  {},
  [null],
  [[1]],
  { toString: 1 },
];

/** A damaged value of JSON: parts replaced by odd ones or by other parts, removed, doubled; sometimes its text is damaged instead. */
export const oneOfJson =
  (...texts: readonly string[]) =>
  (below: Draw): Uint8Array => {
    const text = texts[below(texts.length)];
    if (below(5) === 0) return damaged(new TextEncoder().encode(text), below);
    const whole: unknown = JSON.parse(text);
    const places: { readonly holder: Record<string, unknown>; readonly key: string }[] = [];
    const walk = (value: unknown): void => {
      if (typeof value !== "object" || value === null) return;
      for (const key of Object.keys(value)) {
        places.push({ holder: value as Record<string, unknown>, key });
        walk((value as Record<string, unknown>)[key]);
      }
    };
    walk(whole);
    const count = 1 + below(3);
    for (let k = 0; k < count; k++) {
      const { holder, key } = places[below(places.length)];
      const other = places[below(places.length)];
      const damages: readonly (() => void)[] = [
        () => (holder[key] = ODD[below(ODD.length)]),
        () => (holder[key] = structuredClone(other.holder[other.key])),
        () => (Array.isArray(holder) ? holder.splice(Number(key), 1) : delete holder[key]),
        () => (Array.isArray(holder) ? holder.push(structuredClone(holder[0])) : (holder["more"] = 1)),
        () => (typeof holder[key] === "number" ? (holder[key] *= 10 ** (below(40) - 20)) : undefined),
      ];
      damages[below(damages.length)]();
    }
    return new TextEncoder().encode(JSON.stringify(whole));
  };

const slowest = 2000; // ms of the processor: a case that took as long would hang on a larger file
const mostMemory = 2 ** 20; // KiB: no file of a few hundred bytes needs a gigabyte

/** How long the tests of one reader take at most. */
export const FUZZ_TIME = drawsOf(30_000, 90_000);

export interface FuzzOptions {
  /** In a quick run; a long one takes half a minute. */
  readonly cases?: number;
  /** How many of them at least must be refused, and accepted. */
  readonly refused?: number;
  readonly accepted?: number;
}

/** Reads made-up files: each gives an error of ours in one sentence, or a result that `check` finds right. */
export async function fuzz<T>(
  file: (below: Draw) => Uint8Array,
  read: (bytes: Uint8Array) => T | Promise<T>,
  check: (result: T) => void,
  { cases = 1200, refused = 100, accepted = 10 }: FuzzOptions = {},
): Promise<void> {
  const generator = xoroshiro128plus(20_200_701);
  const below: Draw = (limit) => (generator.next() >>> 0) % limit;
  const until = performance.now() + drawsOf(0, 30_000);
  const memory = process.resourceUsage().maxRSS;
  const found = { refused: 0, accepted: 0 };
  for (let k = 0; k < cases || performance.now() < until; k++) {
    const bytes = file(below);
    const shown = (): string => `case ${k}: ${Buffer.from(bytes).toString("hex")}`;
    const start = cpuTime();
    try {
      check(await read(bytes));
      found.accepted++;
    } catch (cause) {
      if (!(cause instanceof AifError)) throw new Error(shown(), { cause });
      expect(cause.message, shown()).toMatch(/^[^\n]+[.?]$/);
      found.refused++;
    }
    const time = cpuTime() - start;
    if (time > slowest) throw new Error(`${time} ms, ${shown()}`);
    if (process.resourceUsage().maxRSS - memory > mostMemory) throw new Error(`a gigabyte, ${shown()}`);
  }
  // Some of it must be found, and some must leave a file that can be read.
  expect(found.refused).toBeGreaterThan(refused);
  expect(found.accepted).toBeGreaterThan(accepted);
}
