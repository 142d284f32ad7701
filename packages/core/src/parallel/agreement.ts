import { usageError } from "../errors.js";
import type { Ranks } from "./ranks.js";

/** What a rank works with: every part of it must be the same on all. Plain data. */
export type Facts = Readonly<Record<string, unknown>>;

/**
 * Compares what the ranks are about to do before they do it.
 * @param what names the parts, for people: { options: "the option" }
 * @param host where this rank is
 * @throws usage, on every rank the same: the first rank that differs from rank 0, and in what.
 */
export async function agree(ranks: Ranks, facts: Facts, host: string): Promise<void> {
  if (ranks.size === 1) return;
  const texts = await ranks.gather(JSON.stringify({ facts, host }));
  const all = texts.map((text): { facts: Facts; host: string } => JSON.parse(text));
  const other = texts.findIndex((_, rank) => JSON.stringify(all[rank].facts) !== JSON.stringify(all[0].facts));
  if (other === -1) return;
  const difference = firstDifference(all[other].facts, all[0].facts, "");
  throw usageError(
    `Rank ${other} (${all[other].host}) and rank 0 (${all[0].host}) would not do the same work: ${difference}; start the same command of the same version of aif on the same files everywhere.`,
  );
}

/** "options.l2 is 0.1 there and 0 here" */
function firstDifference(there: unknown, here: unknown, path: string): string {
  if (isRecord(there) && isRecord(here)) {
    for (const key of new Set([...Object.keys(here), ...Object.keys(there)])) {
      if (JSON.stringify(there[key]) === JSON.stringify(here[key])) continue;
      return firstDifference(there[key], here[key], path === "" ? key : `${path}.${key}`);
    }
  }
  return `${path} is ${shown(there)} there and ${shown(here)} here`;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const LONGEST = 80;

function shown(value: unknown): string {
  if (value === undefined) return "not given";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
