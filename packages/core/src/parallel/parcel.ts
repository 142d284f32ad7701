/** Plain data as a text and the numbers of its Float64Arrays, which are many and travel by themselves. */
export interface Parcel {
  readonly text: string;
  readonly numbers: readonly Float64Array[];
}

const INTEGERS = { Int32Array, Uint32Array, Uint16Array, Uint8Array } as const;
type IntegerName = keyof typeof INTEGERS;

const ARRAY = "$array";
const INTEGER_ARRAY = "$integers";
const NUMBER = "$number";

/** Every number comes back with its digits, NaN and infinities among them. */
export function pack(value: unknown): Parcel {
  const numbers: Float64Array[] = [];
  const text = JSON.stringify(value, (_, part: unknown) => {
    if (typeof part === "number" && !Number.isFinite(part)) return { [NUMBER]: String(part) };
    if (part instanceof Float64Array) return { [ARRAY]: numbers.push(part) - 1, length: part.length };
    const name = (Object.keys(INTEGERS) as IntegerName[]).find((kind) => part instanceof INTEGERS[kind]);
    return name === undefined ? part : { [INTEGER_ARRAY]: name, values: [...(part as Int32Array)] };
  });
  return { text, numbers };
}

/** @param numbers those of the parcel, end to end */
export function unpack(text: string, numbers: Float64Array): unknown {
  let from = 0;
  return JSON.parse(text, (_, part: unknown) => {
    if (typeof part !== "object" || part === null) return part;
    if (NUMBER in part) return Number(part[NUMBER]);
    // Arrays were laid down in the order of the text, and are met again in that order.
    if (ARRAY in part && "length" in part) return numbers.slice(from, (from += Number(part.length)));
    if (INTEGER_ARRAY in part && "values" in part) {
      return INTEGERS[part[INTEGER_ARRAY] as IntegerName].from(part.values as number[]);
    }
    return part;
  });
}
