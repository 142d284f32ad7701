/** Lists of numbers and of names in JSON, checked. */
import { inputError } from "../../errors.js";
import type { Json } from "./json.js";

// Array.isArray does not narrow read-only arrays.
export const isArray = (json: Json | undefined): json is readonly Json[] => Array.isArray(json);

export function numberOf(json: Json | undefined, what: string, file: string): number {
  if (typeof json === "number" && Number.isFinite(json)) return json;
  const found = json === undefined ? "missing" : typeof json === "number" ? String(json) : "no number";
  throw inputError(`${file}: the coefficient ${what} is ${found}; every coefficient must be a finite number.`);
}

export function numbersOf(json: Json | undefined, what: string, file: string): Float64Array {
  if (!isArray(json)) throw inputError(`${file}: ${what} must be a list of numbers.`);
  return Float64Array.from(json, (value, k) => numberOf(value, `${what}[${k}]`, file));
}

/** Names; numbers and booleans (classes 0 and 1, false and true) by their text. */
export function namesOf(json: Json | undefined, what: string, file: string): string[] {
  if (!isArray(json)) throw inputError(`${file}: ${what} must be a list of names.`);
  return json.map((value) => {
    if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return String(value);
    throw inputError(`${file}: ${what} must be a list of names.`);
  });
}
