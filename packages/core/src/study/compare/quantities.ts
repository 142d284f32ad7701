import { drawnDifferences, type PairedDifferences, pairedDifferences } from "../../influence/paired-differences.js";
import type { Sampling } from "../../influence/sampling.js";
import type { StudySettings } from "../settings.js";
import type { ComparedCosts, ComparedQuantity } from "./comparison-result.js";
import type { EvaluatedCandidate } from "./evaluated.js";

type Level = Pick<StudySettings, "confidence" | "seed" | "inference">;
export type Convention = "relative" | "absolute";

/** Means of K columns over the evaluation rows, compared. */
export function comparedRows(
  columns: readonly Float64Array[],
  w: Float64Array,
  sampling: Sampling,
  level: Level,
): ComparedQuantity {
  const estimates = columns.map((values) => values.reduce((sum, value, i) => sum + w[i] * value, 0));
  const found =
    level.inference === "none" ? null : pairedDifferences(columns, w, sampling, level.confidence, level.seed);
  return quantity([...columns.keys()], "rows", estimates, found, level);
}

/** S in the population, as costs, of the models whose estimate is about normal: Î clearly not 0, S above 0 (MATH 3). */
export function comparedPopulations(
  list: readonly EvaluatedCandidate[],
  convention: Convention,
  { w, sampling }: { readonly w: Float64Array; readonly sampling: Sampling },
  level: Level,
): ComparedQuantity | null {
  const having = list.flatMap(({ population }, place) =>
    population?.method === "delta" && population.sensitivity > 0 ? [{ place, cost: population[convention] }] : [],
  );
  if (having.length === 0) return null;
  const of = having.map(({ place }) => place);
  const estimates = having.map(({ cost }) => cost.predicted);
  const rows = having.flatMap(({ cost }) => cost.rows ?? []);
  if (rows.length === having.length) {
    const found = pairedDifferences(rows, w, sampling, level.confidence, level.seed);
    return quantity(of, "training rows", estimates, found, level);
  }
  const draws = having.flatMap(({ cost }) => cost.draws ?? []);
  const paired = draws.length === having.length && draws.every(({ length }) => length === draws[0].length);
  return quantity(of, "draws", estimates, paired ? drawnDifferences(draws, level.confidence) : null, level);
}

function quantity(
  of: readonly number[],
  over: ComparedQuantity["over"],
  estimates: readonly number[],
  found: PairedDifferences | null,
  { confidence }: Level,
): ComparedQuantity {
  const reach = found && estimates.map((_, i) => Array.from(found.errors.row(i), (error) => found.factor * error));
  const worse = (i: number): boolean => estimates.some((other, j) => estimates[i] - other - (reach?.[i][j] ?? 0) > 0);
  return {
    of,
    over,
    level: confidence,
    factor: found && found.factor,
    estimates,
    reach,
    best: of.filter((_, i) => !worse(i)),
  };
}

/** Which models no other is at least as good as in both, and what dominates the others. @param population as it is */
export function frontierOf(
  natural: ComparedQuantity,
  cost: ComparedQuantity,
  population: ComparedQuantity | null,
): ComparedCosts {
  const K = natural.estimates.length;
  const better = (a: number, b: number): boolean => {
    const [loss, price] = [natural.estimates[a] - natural.estimates[b], cost.estimates[a] - cost.estimates[b]];
    return loss <= 0 && price <= 0 && (loss < 0 || price < 0);
  };
  const places = [...Array(K).keys()];
  const frontier = places.filter((place) => !places.some((other) => better(other, place)));
  const clearIn = ({ estimates, reach }: ComparedQuantity, a: number, b: number): boolean =>
    reach !== null && estimates[b] - estimates[a] - reach[a][b] > 0;
  const dominated = places.flatMap((place) => {
    const rivals = frontier.filter((other) => better(other, place));
    if (rivals.length === 0) return [];
    const verdicts = rivals.map((by) => {
      const [loss, price] = [clearIn(natural, by, place), clearIn(cost, by, place)];
      return { model: place, by, clear: natural.reach === null ? null : CLEAR[Number(loss)][Number(price)] };
    });
    const best = ORDER.flatMap((clear) => verdicts.filter((verdict) => verdict.clear === clear));
    return [best[0]];
  });
  return { cost, population, frontier, dominated };
}

/** By whether the natural losses and the costs are clearly apart. */
const CLEAR = [
  ["none", "cost"],
  ["natural", "both"],
] as const;
const ORDER = ["both", "cost", "natural", "none", null] as const;
