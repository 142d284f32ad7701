import * as special from "./special.generated.js";

/** The inverse of erfc and the regularised incomplete gamma functions of stdlib, as far as they are used here. */
const {
  erfcinv,
  gammainc,
  gammaincinv,
}: {
  erfcinv(x: number): number;
  /** P(s, x), or Q(s, x) with `upper`. */
  gammainc(x: number, s: number, regularized: boolean, upper: boolean): number;
  /** The x with P(s, x) = p. */
  gammaincinv(p: number, s: number): number;
} = special;

/** z with P(Z ≤ z) = p for a standard normal Z, 0 < p < 1: −√2·erfcinv(2p), accurate in both tails. */
export const normalQuantile = (p: number): number => (p === 0.5 ? 0 : -Math.SQRT2 * erfcinv(2 * p));

/** x with P(X ≤ x) = p for X ~ χ²_k. */
export const chiSquareQuantile = (p: number, k: number): number => 2 * gammaincinv(p, k / 2);

/** P(X > x) for X ~ χ²_k. */
export const chiSquareTail = (x: number, k: number): number => (x <= 0 ? 1 : gammainc(x / 2, k / 2, true, true));

/** P(|Z| ≤ |z|) for a standard normal Z: erf(|z|/√2), accurate near 0. */
export const centralProbability = (z: number): number => gammainc((z * z) / 2, 0.5, true, false);
