import type { DivergenceName } from "../threats/threat.js";

/** The weights that an adversary chooses against given losses, and what is known of the worst mean loss V (MATH 13). */
export interface Reweighting {
  /** V = Σ w'_i l_i */
  readonly value: number;
  /** n: w'_i ≥ 0, summing to 1; ∂V/∂l_i. */
  readonly weights: Float64Array;
  /** n: V + the influence of row i on V, so that Σ w_i terms_i = V: what the rows' losses are to a mean loss. */
  readonly terms: Float64Array;
  /** ∂²V/∂l∂l' = rate·[diag(b) − bb'/Σb − (b⊙d)(b⊙d)'/Σbd²], d the deviations of l from its b-mean. */
  readonly bend: { readonly rate: number; readonly base: Float64Array };
  /** Whether the ball holds the weights that are on the largest losses alone: then V = max l. */
  readonly saturated: boolean;
}

/**
 * The exact worst case of a ball of weights around w. χ²: max Σ w'l over Σ (w'−w)²/w ≤ ρ², w' ≥ 0, Σ w' = 1, by its dual
 * min_η η + √(1+ρ²)(Σ w (l−η)₊²)^{1/2}: l̄ + ρ·sd while no weight meets 0. KL: max over KL(w'‖w) ≤ ρ²/2, w'_i ∝ w_i e^{l_i/t},
 * V = min_t t log Σ w e^{l/t} + tρ²/2.
 * @param losses l (n). @param w n, summing to 1. @param radius ρ ≥ 0.
 */
export function worstReweighting(
  divergence: DivergenceName,
  losses: Float64Array,
  w: Float64Array,
  radius: number,
): Reweighting {
  const { mean, sd, most, atMost } = spread(losses, w);
  if (radius === 0 || sd <= Number.EPSILON * Math.abs(mean)) return asTheyAre(losses, w, mean);
  const room = divergence === "chi2" ? 1 / (1 + radius * radius) : Math.exp(-0.5 * radius * radius);
  // Rows of the largest loss may then carry everything.
  if (atMost >= room * (1 - 1e-14)) return allOnTheWorst(losses, w, most, atMost);
  return divergence === "chi2"
    ? chiSquare(losses, w, radius, { mean, sd })
    : kullbackLeibler(losses, w, radius, { mean, sd });
}

interface Spread {
  readonly mean: number;
  readonly sd: number;
}

function spread(losses: Float64Array, w: Float64Array): Spread & { most: number; atMost: number } {
  const { mean, square } = moments(losses, w);
  let most = Number.NEGATIVE_INFINITY;
  losses.forEach((loss, i) => {
    if (w[i] > 0 && loss > most) most = loss;
  });
  let atMost = 0;
  losses.forEach((loss, i) => {
    if (loss >= most) atMost += w[i];
  });
  return { mean, sd: Math.sqrt(square), most, atMost };
}

/** Σ b, the b-mean of l and Σ b (l − mean)²/Σ b. */
export function moments(losses: Float64Array, b: Float64Array): { total: number; mean: number; square: number } {
  let total = 0;
  let mean = 0;
  losses.forEach((loss, i) => {
    total += b[i];
    mean += b[i] * loss;
  });
  mean /= total;
  let rest = 0;
  let square = 0;
  losses.forEach((loss, i) => {
    rest += b[i] * (loss - mean);
    square += b[i] * (loss - mean) ** 2;
  });
  mean += rest / total;
  return { total, mean, square: square / total };
}

const asTheyAre = (losses: Float64Array, w: Float64Array, mean: number): Reweighting => ({
  value: mean,
  weights: w.slice(),
  terms: losses.slice(),
  bend: { rate: 0, base: w },
  saturated: false,
});

function allOnTheWorst(losses: Float64Array, w: Float64Array, most: number, atMost: number): Reweighting {
  const weights = losses.map((loss, i) => (loss >= most ? w[i] / atMost : 0));
  return {
    value: most,
    weights,
    terms: new Float64Array(losses.length).fill(most),
    bend: { rate: 0, base: weights },
    saturated: true,
  };
}

/** The rows above η share everything: with their weight W, mean μ and variance v, η = μ − √(v/(s²W − 1)), s² = 1 + ρ². */
function chiSquare(losses: Float64Array, w: Float64Array, radius: number, { mean, sd }: Spread): Reweighting {
  const s2 = 1 + radius * radius;
  const s = Math.sqrt(s2);
  const lowest = losses.reduce(
    (least, loss, i) => (w[i] > 0 ? Math.min(least, loss) : least),
    Number.POSITIVE_INFINITY,
  );
  const whole = sd / radius;
  let base = w;
  let centre = mean;
  let depth = whole;
  if (mean - whole > lowest) {
    base = activeRows(losses, w, s2, { mean, sd });
    const active = moments(losses, base);
    centre = active.mean;
    depth = Math.sqrt(active.square / (s2 * active.total - 1));
  }
  // (l − η)₊ with η = centre − depth, and its root mean square S.
  const above = losses.map((loss) => Math.max(0, loss - centre + depth));
  let square = 0;
  above.forEach((a, i) => (square += base[i] * a * a));
  const S = Math.sqrt(square);
  const weights = above.map((a, i) => (base[i] * s * a) / S);
  let value = 0;
  losses.forEach((loss, i) => (value += weights[i] * (loss - centre)));
  value += centre;
  return {
    value,
    weights,
    // The influence of a row on √(Σ w (l−η)₊²), η held fixed, since V is stationary in it.
    terms: above.map((a) => value + (s * (a - S) * (a + S)) / (2 * S)),
    bend: { rate: s / S, base },
    saturated: false,
  };
}

/** w on the rows that keep a weight, 0 on the others. */
function activeRows(losses: Float64Array, w: Float64Array, s2: number, { mean, sd }: Spread): Float64Array {
  const order = [...losses.keys()].filter((i) => w[i] > 0).toSorted((a, b) => losses[b] - losses[a]);
  const standard = (i: number): number => (losses[i] - mean) / sd;
  let [W, first, second] = [0, 0, 0];
  let count = order.length;
  for (let k = 0; k < order.length; k++) {
    const z = standard(order[k]);
    W += w[order[k]];
    first += w[order[k]] * z;
    second += w[order[k]] * z * z;
    if (!(s2 * W > 1)) continue;
    const mu = first / W;
    const eta = mu - Math.sqrt(Math.max(0, second / W - mu * mu) / (s2 * W - 1));
    if (eta < z && (k + 1 === order.length || eta >= standard(order[k + 1]))) {
      count = k + 1;
      break;
    }
  }
  const base = new Float64Array(losses.length);
  for (const i of order.slice(0, count)) base[i] = w[i];
  return base;
}

const NEWTON_STEPS = 100;

/** KL(w'‖w) = ρ²/2 in the inverse temperature 1/t, where it rises at the rate Var_{w'}(l)/t. */
function kullbackLeibler(losses: Float64Array, w: Float64Array, radius: number, { mean, sd }: Spread): Reweighting {
  const z = losses.map((loss) => (loss - mean) / sd);
  const target = 0.5 * radius * radius;
  let [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  let x = Math.log(radius);
  let found = tiltedWeights(z, w, Math.exp(x));
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const miss = found.divergence - target;
    if (miss > 0) high = Math.min(high, x);
    else low = Math.max(low, x);
    // Newton's method on log KL, nearly linear in log(1/t).
    const slope = (found.variance * Math.exp(2 * x)) / found.divergence;
    const newton = x - Math.log(found.divergence / target) / slope;
    const middle = Number.isFinite(low) && Number.isFinite(high) ? 0.5 * (low + high) : x + (miss > 0 ? -1 : 1);
    const next = newton > low && newton < high ? newton : middle;
    if (Math.abs(next - x) <= 4e-16 * Math.max(1, Math.abs(x))) break;
    x = next;
    found = tiltedWeights(z, w, Math.exp(x));
  }
  const t = sd / Math.exp(x);
  const { weights } = found;
  let value = 0;
  losses.forEach((loss, i) => (value += weights[i] * (loss - mean)));
  value += mean;
  return {
    value,
    weights,
    // The influence of a row on t log Σ w e^{l/t}, t held fixed.
    terms: weights.map((tilted, i) => (w[i] > 0 ? value + t * (tilted / w[i] - 1) : value)),
    bend: { rate: 1 / t, base: weights },
    saturated: false,
  };
}

/** w'_i ∝ w_i e^{θz_i}, KL(w'‖w) and Var_{w'}(z). */
function tiltedWeights(z: Float64Array, w: Float64Array, theta: number) {
  let highest = Number.NEGATIVE_INFINITY;
  z.forEach((value, i) => {
    if (w[i] > 0) highest = Math.max(highest, theta * value);
  });
  let sum = 0;
  // Where exponents are small, so is what they add to 1.
  const small = highest < 1;
  z.forEach((value, i) => (sum += w[i] * (small ? Math.expm1(theta * value) : Math.exp(theta * value - highest))));
  const level = small ? Math.log1p(sum) : highest + Math.log(sum);
  const weights = new Float64Array(z.length);
  let divergence = 0;
  let total = 0;
  z.forEach((value, i) => {
    const exponent = theta * value - level;
    weights[i] = w[i] * Math.exp(exponent);
    total += weights[i];
    divergence += w[i] * relativeEntropy(exponent);
  });
  for (let i = 0; i < weights.length; i++) weights[i] /= total;
  return { weights, divergence, variance: moments(z, weights).square };
}

/** r log r − r + 1 at r = e^x: x²/2 + x³/3 + … for small x, without the cancellation. */
function relativeEntropy(x: number): number {
  if (Math.abs(x) > 0.05) return x * Math.exp(x) - Math.expm1(x);
  let term = x * x;
  let sum = 0;
  for (let k = 2, factorial = 2; k < 12; factorial *= ++k) {
    sum += (term * (k - 1)) / factorial;
    term *= x;
  }
  return sum;
}
