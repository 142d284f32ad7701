import type { RandomStream } from "./random.js";

/** Means below this are drawn by walking up the distribution, larger ones by rejection. */
const WALK_BELOW = 10;

/** A binomial number of `trials` trials with success chance `chance`, exact for any size. */
export function binomial(random: RandomStream, trials: number, chance: number): number {
  if (trials <= 0 || chance <= 0) return 0;
  if (chance >= 1) return trials;
  if (chance > 0.5) return trials - binomial(random, trials, 1 - chance);
  return trials * chance < WALK_BELOW ? walk(random, trials, chance) : rejection(random, trials, chance);
}

/** Inversion: P(k + 1) = P(k) (n − k)/(k + 1) p/q, from P(0) = qⁿ on. */
function walk(random: RandomStream, trials: number, chance: number): number {
  const odds = chance / (1 - chance);
  let probability = Math.exp(trials * Math.log1p(-chance));
  let left = random.uniform();
  let k = 0;
  while (left > probability && k < trials) {
    left -= probability;
    probability *= ((trials - k) / (k + 1)) * odds;
    k++;
  }
  return k;
}

/**
 * Transformed rejection: W. Hörmann, "The generation of binomial random variates", J. Stat. Comput. Simul. 46 (1993),
 * algorithm BTRS.
 */
function rejection(random: RandomStream, n: number, p: number): number {
  const deviation = Math.sqrt(n * p * (1 - p));
  const b = 1.15 + 2.53 * deviation;
  const a = -0.0873 + 0.0248 * b + 0.01 * p;
  const center = n * p + 0.5;
  const inner = 0.92 - 4.2 / b;
  const alpha = (2.83 + 5.1 / b) * deviation;
  const mode = Math.floor((n + 1) * p);
  const odds = p / (1 - p);
  const atMode = (mode + 0.5) * Math.log((mode + 1) / (odds * (n - mode + 1))) + tail(mode) + tail(n - mode);
  for (;;) {
    const v = random.uniform();
    const u = random.uniform() - 0.5;
    const us = 0.5 - Math.abs(u);
    const k = Math.floor(((2 * a) / us + b) * u + center);
    if (us >= 0.07 && v <= inner) return k;
    if (k < 0 || k > n) continue;
    const bound =
      atMode +
      (n + 1) * Math.log((n - mode + 1) / (n - k + 1)) +
      (k + 0.5) * Math.log((odds * (n - k + 1)) / (k + 1)) -
      tail(k) -
      tail(n - k);
    if (Math.log((v * alpha) / (a / (us * us) + b)) <= bound) return k;
  }
}

/** log k! − [½log 2π + (k + ½) log(k + 1) − (k + 1)], what Stirling's formula leaves of it. */
function tail(k: number): number {
  if (k < SMALL_TAILS.length) return SMALL_TAILS[k];
  const square = (k + 1) ** 2;
  return (1 / 12 - (1 / 360 - 1 / 1260 / square) / square) / (k + 1);
}

const SMALL_TAILS = smallTails(10);

function smallTails(count: number): number[] {
  const tails: number[] = [];
  let logFactorial = 0;
  for (let k = 0; k < count; k++) {
    if (k > 0) logFactorial += Math.log(k);
    tails.push(logFactorial - 0.5 * Math.log(2 * Math.PI) - (k + 0.5) * Math.log(k + 1) + (k + 1));
  }
  return tails;
}
