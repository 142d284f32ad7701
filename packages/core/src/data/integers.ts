import { inputError } from "../errors.js";
import { quoted } from "./names.js";

/** A 64-bit integer as float64. Throws an input error where float64 cannot hold it exactly. */
export function safeInteger(value: bigint, column: string, where: () => string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw inputError(
      `${where()}: column ${quoted(column)} holds ${value}, beyond the 2^53 up to which whole numbers are exact; store it as text or leave the column out.`,
    );
  }
  return number;
}
