/** Numbers for people, as the core writes them, and what a page adds. */
import { words } from "@aif/core";
import { glue } from "./layout.js";

export const { number, short, signed, percent, signedPercent } = words;

/** "ε = 0.01", never broken over two lines. */
export const equation = (symbol: string, value: number | null): string => `${symbol}${glue}=${glue}${short(value)}`;

/** "1 row", "12,345 rows". */
export const count = (amount: number, noun: string, plural = `${noun}s`): string =>
  `${amount.toLocaleString("en-US")} ${amount === 1 ? noun : plural}`;
