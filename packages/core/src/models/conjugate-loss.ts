import type { LossName } from "./losses.js";

/** u log u, 0 at 0. */
const entropy = (u: number): number => (u > 0 ? u * Math.log(u) : 0);

type Conjugate = (slope: number, y: number) => number;

const squared =
  (s: number): Conjugate =>
  (a, y) =>
    a * y + (a * a) / (4 * s);

const CONJUGATES: Readonly<Record<LossName, Conjugate>> = {
  squared: squared(1),
  "half-squared": squared(0.5),
  logistic(a, y) {
    const u = -a * y;
    return u >= 0 && u <= 1 ? entropy(u) + entropy(1 - u) : Number.POSITIVE_INFINITY;
  },
  poisson(a, y) {
    const mean = a + y;
    return mean >= 0 ? entropy(mean) - mean : Number.POSITIVE_INFINITY;
  },
};

/** ℓ*(a) = sup_f (a·f − ℓ(f, y)), +∞ where no score has that slope: ℓ(f) ≥ a·f − ℓ*(a) for every f, with equality at a = ℓ'(f). */
export const conjugateLoss = (name: LossName, slope: number, y: number): number => CONJUGATES[name](slope, y);
