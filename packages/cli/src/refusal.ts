import type { ConditionOutcome, StudyResult } from "@aif/core";
import { short } from "./render/numbers.js";

/** A result that was asked to meet a condition and does not: it has been printed, and the program fails. */
export class Refusal extends Error {
  override readonly name = "Refusal";
}

/** The exit code of a refusal. */
export const refused = 3;

/** @throws Refusal where a --fail-if holds or cannot be judged, or, under --strict, where there is a warning. */
export function refuse({ conditions, flags }: StudyResult, strict: boolean): void {
  const failing = conditions.filter(({ holds }) => holds !== false).map(sentence);
  const warnings = strict ? flags.filter(({ level }) => level !== "note").map(({ code }) => code) : [];
  if (warnings.length > 0) failing.push(`--strict: there are warnings (${[...new Set(warnings)].join(", ")})`);
  if (failing.length > 0) throw new Refusal(`${failing.join("; ")}.`);
}

function sentence({ condition, norm, epsilon, value }: ConditionOutcome): string {
  const who = norm === null ? "reweighted rows" : `p = ${norm}`;
  const where = `${who}${epsilon === null ? "" : `, ε = ${short(epsilon)}`}`;
  return value === null
    ? `--fail-if ${condition} cannot be judged: there is no such number here (${where})`
    : `--fail-if ${condition}: it is ${short(value)} (${where})`;
}
