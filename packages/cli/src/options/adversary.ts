import { divergenceName } from "@aif/core";
import { usageError } from "../errors.js";
import { suggesting } from "./choice.js";
import { readInterval, readNorms, readNumber, readNumbers } from "./numbers.js";
import { list, single } from "./rule.js";
import { splitNames, splitPairs } from "./split.js";

const readBudgets = (given: string, option: string): { column: string; budget: number }[] =>
  splitPairs(given, option).map(({ name, value }) => ({ column: name, budget: readNumber(value, option) }));

const readBounds = (given: string, option: string): { column: string; lower: number; upper: number }[] =>
  splitPairs(given, option).map(({ name, value }) => {
    const { lower, upper } = readInterval(value, option);
    return { column: name, lower, upper };
  });

/** One order u, a number or "inf". Whether it is an order (u ≥ 1) is the library's to say. */
function readOrder(given: string, option: string): number {
  const orders = readNorms(given, option);
  if (orders.length === 1) return orders[0];
  throw usageError(`${option} takes one order, got "${given}": run it once for each.`);
}

/** Refuses a column that is named twice. @throws usage */
export function eachOnce<Entry extends { readonly column: string }>(
  entries: readonly Entry[],
  option: string,
): readonly Entry[] {
  const seen = new Set<string>();
  for (const { column } of entries) {
    if (seen.has(column)) throw usageError(`${option} names column ${JSON.stringify(column)} twice; give it once.`);
    seen.add(column);
  }
  return entries;
}

/** What the adversary may do to the features. */
export const adversaryOptions = {
  heading: "Adversary:",
  rules: {
    norm: list(
      { flags: "--norm <list>", help: "norms of the attack: 1, 2, inf or any p ≥ 1", shown: "2" },
      null,
      suggesting(["1", "2", "inf"], readNorms),
    ),
    wasserstein: single(
      {
        flags: "--wasserstein <u>",
        help: "rows share one budget, (mean ‖δ‖^u)^(1/u) ≤ ρ: an order from 1 to inf",
        shown: "each row has the whole budget",
      },
      null,
      readOrder,
    ),
    divergence: single(
      {
        flags: "--divergence <name>",
        help: "the adversary reweights rows instead, within a chi2 or kl ball of --radius",
      },
      null,
      suggesting(["chi2", "kl"], (name) => divergenceName(name, "--divergence")),
    ),
    epsilon: list(
      {
        flags: "--epsilon <list>",
        help: "sizes relative to the rows' mean norm, such as 0.01,0.1",
        shown: "7 sizes up to 0.3, chosen from the data",
      },
      null,
      readNumbers,
    ),
    radius: list(
      { flags: "--radius <list>", help: "absolute sizes instead, in the units the model sees" },
      null,
      readNumbers,
    ),
    freeze: list(
      {
        flags: "--freeze <columns>",
        help: "columns that cannot be touched, beside categorical and two-valued ones; none freezes nothing",
      },
      null,
      splitNames,
    ),
    budget: list(
      {
        flags: "--budget <pairs>",
        help: "how far each column may move, in its own units: a=.5,b=2; all others are frozen",
      },
      null,
      readBudgets,
    ),
    bounds: list(
      { flags: "--bounds <pairs>", help: "values that moved columns stay within: a=lo:hi,b=:5" },
      [],
      readBounds,
    ),
  },
};
