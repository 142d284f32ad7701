import { usageError } from "../errors.js";
import { splitNames } from "./split.js";

const decimal = /^[+-]?(?:(?:0|[1-9]\d*)(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** A decimal number; "01" is refused, since it is what remains of "0,01" once the comma has split it. */
export function readNumber(text: string, option: string): number {
  const trimmed = text.trim();
  const value = decimal.test(trimmed) ? Number(trimmed) : Number.NaN;
  if (Number.isFinite(value)) return value;
  const advice = /^0\d/.test(trimmed) ? "; write decimals with a point, such as 0.01" : "";
  throw usageError(`${option} takes a number, and "${text}" is none${advice}.`);
}

/** A share: 0.1 or 10%. */
export function readShare(text: string, option: string): number {
  const trimmed = text.trim();
  return trimmed.endsWith("%") ? readNumber(trimmed.slice(0, -1), option) / 100 : readNumber(trimmed, option);
}

export function readInteger(text: string, option: string, least: number, most = Number.MAX_SAFE_INTEGER): number {
  const value = /^[+-]?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
  if (value > most) throw usageError(`${option} takes at most ${most}, got ${text}.`);
  if (Number.isSafeInteger(value) && value >= least) return value;
  const bound = least === Number.MIN_SAFE_INTEGER ? "" : ` of at least ${least}`;
  throw usageError(`${option} takes a whole number${bound}, and "${text}" is none.`);
}

export const readNumbers = (text: string, option: string): number[] =>
  splitNames(text, option).map((item) => readNumber(item, option));

const infinities: ReadonlySet<string> = new Set(["inf", "infinity", "∞", "linf", "max"]);

/** Exponents of norms: numbers and "inf". Whether they are norms (p ≥ 1) is the library's to say. */
export const readNorms = (text: string, option: string): number[] =>
  splitNames(text, option).map((item) =>
    infinities.has(item.toLowerCase()) ? Number.POSITIVE_INFINITY : readNumber(item, option),
  );

/** An end of "lo:hi"; nothing means no bound. */
const readEnd = (text: string, none: number, option: string): number =>
  text.trim() === "" ? none : readNumber(text, option);

/** "lo:hi", either side empty. */
export function readInterval(text: string, option: string): { lower: number; upper: number } {
  const ends = text.split(":");
  if (ends.length !== 2 || text.trim() === ":") {
    throw usageError(`${option} takes name=lo:hi, where lo or hi may be left out, and "${text}" is not of that form.`);
  }
  const lower = readEnd(ends[0], Number.NEGATIVE_INFINITY, option);
  const upper = readEnd(ends[1], Number.POSITIVE_INFINITY, option);
  if (lower > upper) throw usageError(`${option} ${text} has its lower bound above its upper one.`);
  return { lower, upper };
}
