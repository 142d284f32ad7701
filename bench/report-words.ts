import type { Spread } from "./statistics.js";

/** Three digits, whole numbers from 100 on. */
export const short = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

export const spread = ({ median, low, high }: Spread): string => `${short(median)} [${short(low)}, ${short(high)}]`;

export const milliseconds = ({ median, low, high }: Spread): string =>
  spread({ median: 1000 * median, low: 1000 * low, high: 1000 * high });

export function verdict(value: number, goal: number, write: (value: number) => string = String): string {
  return `≤ ${write(goal)}: ${value <= goal ? "met" : "missed"}`;
}

export const atLeast = (value: number, goal: number): string => `≥ ${goal}: ${value >= goal ? "met" : "missed"}`;
