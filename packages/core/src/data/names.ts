import { type AifError, inputError } from "../errors.js";

const longest = 60; // characters of a name that a message shows

/** A name as a message shows it: in quotes, control characters escaped, cut where it is very long. */
export function quoted(name: string): string {
  const characters = name.length > longest ? `${name.slice(0, longest)}…` : name;
  return JSON.stringify(characters);
}

/** `"a", "b" and 3 more`: at most `limit` names. */
export function listed(names: readonly string[], limit = 10): string {
  const shown = names.slice(0, limit).map(quoted).join(", ");
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}

/** Insertions, deletions, substitutions and swaps of neighbours that turn one name into the other (of 100 characters). */
function editDistance(left: string, right: string): number {
  const a = left.slice(0, 100);
  const b = right.slice(0, 100);
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let best = Math.min(last[j - 1] + same, last[j] + 1, row[j - 1] + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, beforeLast[j - 2] + 1);
      row.push(best);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length];
}

/** The candidate nearest to `name` in spelling, case aside, or else one that contains it or is contained; none where all are far away. */
export function nearest(name: string, candidates: readonly string[]): string | undefined {
  const wanted = name.toLowerCase();
  let best: string | undefined;
  // A name of one or two letters is near to everything.
  let bestDistance = wanted.length < 3 ? 1 : Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return (
    best ?? (wanted.length < 3 ? undefined : candidates.find((candidate) => overlaps(wanted, candidate.toLowerCase())))
  );
}

const overlaps = (a: string, b: string): boolean => a.includes(b) || b.includes(a);

/** The error for a column that a table does not have. `role` is what it was asked for as: "target column". */
export function unknownColumn(role: string, name: string, source: string, names: readonly string[]): AifError {
  const near = nearest(name, names);
  const advice = near === undefined ? "" : ` Did you mean ${quoted(near)}?`;
  return inputError(`${source} has no ${role} ${quoted(name)}.${advice} Its columns: ${listed(names)}.`);
}

/** Order by code points, which is the order of UTF-8 bytes; JavaScript's own order is that of UTF-16 units. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return rank(left) - rank(right);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above every other unit. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
