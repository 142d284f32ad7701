import { type AifError, inputError } from "../errors.js";

/** No table of people's own packs so well; files made to exhaust a machine do. */
const MOST_RATIO = 300;
const HARMLESS_BYTES = 1 << 24;

/** Whether `packed` bytes may unpack to so many. */
export const mayUnpackTo = (unpacked: number, packed: number): boolean =>
  unpacked <= Math.max(HARMLESS_BYTES, MOST_RATIO * packed);

export const bomb = (name: string): AifError =>
  inputError(
    `${name} unpacks to more than ${MOST_RATIO} times its size, as files do that are made to fill a machine; if it is right, unpack it first and give what comes out.`,
  );
