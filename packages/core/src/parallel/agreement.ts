import { usageError } from "../errors.js";
import type { Ranks } from "./ranks.js";

/** What a rank works with: every part of it must be the same on all. Plain data. */
export type Facts = Readonly<Record<string, unknown>>;

/**
 * Compares what the ranks are about to do before they do it.
 * @param facts by what people call them: { "--l2": 0.1 }
 * @param host where this rank is
 * @throws usage, on every rank the same: the first rank that differs from rank 0, and in what.
 */
export async function agree(ranks: Ranks, facts: Facts, host: string): Promise<void> {
  if (ranks.size === 1) return;
  const texts = await ranks.gather(JSON.stringify({ facts: plainFacts(facts), host }));
  const all = texts.map((text): { facts: Facts; host: string } => JSON.parse(text));
  const other = texts.findIndex((_, rank) => JSON.stringify(all[rank].facts) !== JSON.stringify(all[0].facts));
  if (other === -1) return;
  const { path, one, two } = differenceOf(all[other].facts, all[0].facts);
  throw usageError(
    `Rank ${other} (${all[other].host}) and rank 0 (${all[0].host}) would not do the same work: ${path} is ${one} there and ${two} here; start the same command of the same version of aif on the same files everywhere.`,
  );
}

/** Facts as they are compared: what JSON can hold, with numbers that it cannot hold as words. */
export const plainFacts = (facts: Facts): Facts =>
  JSON.parse(
    JSON.stringify(facts, (_, value: unknown) =>
      typeof value === "number" && !Number.isFinite(value) ? String(value) : value,
    ),
  );

/** Where two pieces of plain data differ first, and what they are there: { path: "--l2", one: "0.1", two: "not given" } */
export function differenceOf(one: unknown, two: unknown, path = ""): Record<"path" | "one" | "two", string> {
  if (isRecord(one) && isRecord(two)) {
    for (const key of new Set([...Object.keys(two), ...Object.keys(one)])) {
      if (JSON.stringify(one[key]) === JSON.stringify(two[key])) continue;
      return differenceOf(one[key], two[key], path === "" ? key : `${path}.${key}`);
    }
  }
  return { path, one: shown(one), two: shown(two) };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const LONGEST = 80;

function shown(value: unknown): string {
  if (value === undefined || value === null) return "not given";
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
