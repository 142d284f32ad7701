/** The largest ε whose error is proven to stay within a tolerance, from as few proofs as possible: each may take passes over all rows. */
import type { Proof } from "./certificate.js";

/** What is known at one ε. */
export interface Tried {
  readonly epsilon: number;
  readonly held: boolean;
  /** null: nothing is known but that it failed. */
  readonly proof: Proof | null;
}

const STEPS = 12;
/** The size is found to within this factor. */
const CLOSE = 1.01;
/** Either side of a bracket, a size that is asked for lies a little nearer to the other end than `CLOSE`. */
const NEARER = 1.009;
/** Just below where the proof should end. */
const WITHIN = 0.998;
/** Steps up from the last size that held, and down from one that failed, at the most; down where nothing is known of it. */
const UP = 4;
const DOWN = 0.1;
const HALF = 0.5;
/** Below this share of the estimate nothing is worth a proof. */
const LEAST = 1e-6;

/**
 * Where a proof ends is where floor and need meet: floor is nearly a straight line in ε from 1 on, need nearly a power of ε.
 * @param estimate beyond which no size is asked for; half of it is asked first
 * @returns 0 where none is proven
 */
export async function largestProven(estimate: number, ask: (epsilon: number) => Promise<Tried>): Promise<number> {
  const tried: Tried[] = [];
  let [good, bad] = [0, Number.POSITIVE_INFINITY];
  let asked = estimate / 2;
  for (let step = 0; step < STEPS; step++) {
    const before = bad / good;
    const found = await ask(asked);
    tried.push(found);
    if (found.held) good = asked;
    else bad = asked;
    if (good === estimate || bad <= CLOSE * good) break;
    if (bad < estimate * LEAST) return 0;
    const expected = crossing(tried, good, bad);
    if (expected !== null && expected <= CLOSE * good && isSmooth(tried, good, bad)) break;
    const next = nextSize(expected, good, bad, before);
    asked = next * CLOSE > estimate && bad > estimate ? estimate : next;
  }
  return good;
}

/** @param before bad / good before the last size was asked */
function nextSize(expected: number | null, good: number, bad: number, before: number): number {
  if (good === 0) return bad * (expected === null ? HALF : Math.max(DOWN, (WITHIN * expected) / bad));
  const most = Math.min(UP * good, bad / NEARER);
  // Where errors jump no curve tells where: every other size halves what is left, or nearly.
  const halves = (bad / good) ** 1.9 > before || most < NEARER * good;
  if (halves || expected === null) return Number.isFinite(bad) ? Math.sqrt(good * bad) : most;
  return Math.min(most, Math.max(NEARER * good, WITHIN * expected));
}

/** Powers of ε that needs grow like where only one is known, in a size that holds and in one that does not. */
const POWER_ABOVE = 1.5;
const POWER_BELOW = 0.5;

/** Where the proof should end, from what is known either side of it, or nearest to it on the one side; null where nothing is. */
function crossing(tried: readonly Tried[], good: number, bad: number): number | null {
  const known = byDistance(tried, good > 0 ? good : bad);
  const failed = known.find(({ epsilon }) => epsilon === bad);
  const [own, other] = good > 0 && failed ? [known[0], failed] : known;
  if (own === undefined) return null;
  const power = other ? powerBetween(own, other) : good > 0 ? POWER_ABOVE : POWER_BELOW;
  const from = other ?? { epsilon: 0, floor: 1 };
  const slope = (own.floor - from.floor) / (own.epsilon - from.epsilon);
  const isBeyond = (epsilon: number): boolean =>
    own.floor + slope * (epsilon - own.epsilon) < own.need * (epsilon / own.epsilon) ** power;
  let [low, high] = [Math.log(own.epsilon * DOWN), Math.log(own.epsilon * UP)];
  for (let halving = 0; halving < 40; halving++) {
    const middle = (low + high) / 2;
    if (isBeyond(Math.exp(middle))) high = middle;
    else low = middle;
  }
  return Math.exp(low);
}

type Known = Proof & { readonly epsilon: number };

/** What proofs are known of, the nearest first. */
const byDistance = (tried: readonly Tried[], epsilon: number): Known[] =>
  tried
    .flatMap(({ epsilon: own, proof }) => (proof && proof.need > 0 ? [{ epsilon: own, ...proof }] : []))
    .toSorted((a, b) => Math.abs(Math.log(a.epsilon / epsilon)) - Math.abs(Math.log(b.epsilon / epsilon)));

const powerBetween = (a: Known, b: Known): number => Math.log(a.need / b.need) / Math.log(a.epsilon / b.epsilon);

/** Powers of neighbours that differ by less than this factor are those of one curve. */
const ALIKE = 2;

/** Whether the last size that held lies on one curve with its neighbours (the two below, where none has failed), so that it can be believed. */
function isSmooth(tried: readonly Tried[], good: number, bad: number): boolean {
  const known = byDistance(tried, good).filter(({ epsilon }) => epsilon <= bad);
  const above = known.find(({ epsilon }) => epsilon === bad);
  if (above === undefined && Number.isFinite(bad)) return false;
  const [own, ...below] = known.filter(({ epsilon }) => epsilon <= good);
  const [a, b, c] = above ? [below[0], own, above] : [below[1], below[0], own];
  if (a === undefined || b === undefined) return false;
  const ratio = powerBetween(b, c) / powerBetween(a, b);
  return ratio > 1 / ALIKE && ratio < ALIKE;
}
