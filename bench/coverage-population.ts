/**
 * The population's AIF, by plain code that shares nothing with the library: closed forms, integrals, or Monte Carlo sums of
 * the formulas of MATH 1 over millions of rows.
 */
import { type Design, independentRows, logit, type Sample, source } from "./coverage-designs.js";
import { gaussianMean } from "./gaussian-mean.js";
import { mean, standardError } from "./statistics.js";

/** What the intervals should cover. */
export interface Population {
  /** I (d) */
  readonly influence: readonly number[];
  /** S = ½I'H_LI */
  readonly sensitivity: number;
  /** Monte Carlo standard errors of the two (0: exact). */
  readonly influenceError: readonly number[];
  readonly sensitivityError: number;
}

const exactly = (influence: readonly number[], sensitivity: number): Population => ({
  influence,
  sensitivity,
  influenceError: influence.map(() => 0),
  sensitivityError: 0,
});

/** ‖g‖_q and the vector φ with ‖φ‖_p = 1 and g·φ = ‖g‖_q (MATH 0); 0 where g is. */
export function dual(g: ArrayLike<number>, p: number): { norm: number; phi: number[] } {
  const sizes = Array.from(g, Math.abs);
  const largest = Math.max(...sizes);
  const signs = Array.from(g, Math.sign);
  if (p === Infinity) return { norm: sizes.reduce((a, b) => a + b, 0), phi: signs };
  if (p === 1) {
    const first = sizes.indexOf(largest);
    return { norm: largest, phi: signs.map((sign, k) => (k === first ? sign : 0)) };
  }
  const q = p / (p - 1);
  const size = largest * sizes.reduce((sum, s) => sum + (s / largest) ** q, 0) ** (1 / q);
  return { norm: size, phi: sizes.map((s, k) => signs[k] * (s / size) ** (q - 1)) };
}

export const norm = (x: ArrayLike<number>, p: number): number => {
  const sizes = Array.from(x, Math.abs);
  const largest = Math.max(...sizes);
  if (p === Infinity || largest === 0) return largest;
  return largest * sizes.reduce((sum, s) => sum + (s / largest) ** p, 0) ** (1 / p);
};

/** E‖x‖₂ for x ~ N(0, I_m): √2 Γ((m+1)/2)/Γ(m/2), by the ratio's recursion in m. */
export function meanLength(m: number): number {
  let length = m % 2 === 1 ? Math.sqrt(2 / Math.PI) : Math.sqrt(Math.PI / 2);
  for (let k = m % 2 === 1 ? 1 : 2; k < m; k += 2) length *= (k + 1) / k;
  return length;
}

/** E‖x‖_p over two million rows, for norms without a closed form. */
export function meanNorm({ inputs, row }: Design, p: number): number {
  const random = source(-1);
  const x = new Float64Array(inputs);
  let sum = 0;
  for (let i = 0; i < 2e6; i++) {
    row(random, x);
    sum += norm(x, p);
  }
  return sum / 2e6;
}

/**
 * Least squares on x ~ N(0, I) with noise σ, loss r²/2 (MATH 3): I = −c σ√(2/π) φ, S = ½‖I‖².
 * @param c E‖x‖_p @param phi the direction φ_p(β), or the element of the subdifferential of least norm at a corner
 */
export function linearPopulation(c: number, sigma: number, phi: readonly number[]): Population {
  const size = c * sigma * Math.sqrt(2 / Math.PI);
  return exactly(
    phi.map((value) => -size * value),
    0.5 * size ** 2 * phi.reduce((sum, value) => sum + value ** 2, 0),
  );
}

/**
 * The same with a ridge λ, p = 2: θ₀ = β/(1+λ), H = (1+λ)I, and residuals r ~ N(0, τ²), τ² = ‖θ₀−β‖²+σ², that depend on x:
 * Φ = c√(2/π)[‖θ₀‖(θ₀−β)/τ + τθ₀/‖θ₀‖]. H_L = I.
 */
export function ridgePopulation(beta: readonly number[], sigma: number, l2: number): Population {
  const theta = beta.map((b) => b / (1 + l2));
  const away = theta.map((t, k) => t - beta[k]);
  const length = Math.hypot(...theta);
  const tau = Math.hypot(sigma, ...away);
  const c = meanLength(beta.length) * Math.sqrt(2 / Math.PI);
  const I = theta.map((t, k) => (-c * ((length * away[k]) / tau + (tau * t) / length)) / (1 + l2));
  return exactly(I, 0.5 * I.reduce((sum, value) => sum + value ** 2, 0));
}

/**
 * Logistic regression with intercept b on x ~ N(0, I_m), the model true, p = 2: everything happens along u = β/‖β‖, so that
 * H, Φ are integrals over t = x'u. With k = σ(f)σ(−f), E[ℓ''y|x] = k(2σ(f)−1), E|ℓ'| = 2Ek.
 */
export function logisticPopulation(intercept: number, beta: readonly number[]): Population {
  const length = Math.hypot(...beta);
  const c = meanLength(beta.length);
  const over = (g: (t: number, chance: number) => number): number =>
    gaussianMean((t) => g(t, logit(intercept + length * t)));
  const k = over((_, s) => s * (1 - s));
  const kt = over((t, s) => s * (1 - s) * t);
  const ktt = over((t, s) => s * (1 - s) * t * t);
  const pull0 = -c * length * over((_, s) => s * (1 - s) * (2 * s - 1));
  const pull1 = c * (2 * k - length * over((t, s) => s * (1 - s) * (2 * s - 1) * t));
  const determinant = k * ktt - kt * kt;
  const I0 = -(ktt * pull0 - kt * pull1) / determinant;
  const I1 = -(k * pull1 - kt * pull0) / determinant;
  return exactly([I0, ...beta.map((b) => (I1 * b) / length)], 0.5 * (k * I0 * I0 + 2 * kt * I0 * I1 + ktt * I1 * I1));
}

/** v(x), ∇_x f and V(x)φ of a model that is linear in its parameters. */
interface Basis {
  readonly count: (m: number) => number;
  readonly features: (x: Float64Array) => number[];
  readonly gradient: (theta: readonly number[], x: Float64Array) => number[];
  readonly along: (x: Float64Array, phi: readonly number[]) => number[];
}

const products = <T>(x: ArrayLike<number>, at: (j: number, k: number) => T): T[] =>
  Array.from(x, (_, j) => Array.from({ length: x.length - j }, (_unused, step) => at(j, j + step))).flat();

type BasisName = "plain" | "linear" | "quadratic";

const BASES: Readonly<Record<BasisName, Basis>> = {
  /** (x) */
  plain: {
    count: (m) => m,
    features: (x) => [...x],
    gradient: (theta) => [...theta],
    along: (_, phi) => [...phi],
  },
  /** (1, x) */
  linear: {
    count: (m) => m + 1,
    features: (x) => [1, ...x],
    gradient: (theta) => theta.slice(1),
    along: (_, phi) => [0, ...phi],
  },
  /** (1, x, x_jx_k for j ≤ k) */
  quadratic: {
    count: (m) => 1 + m + (m * (m + 1)) / 2,
    features: (x) => [1, ...x, ...products(x, (j, k) => x[j] * x[k])],
    gradient: (theta, x) => {
      const gamma = Array.from(x, (_, k) => theta[1 + k]);
      let at = 1 + x.length;
      products(x, (j, k) => {
        gamma[j] += theta[at] * x[k];
        gamma[k] += theta[at++] * x[j];
      });
      return gamma;
    },
    along: (x, phi) => [0, ...phi, ...products(x, (j, k) => x[j] * phi[k] + x[k] * phi[j])],
  },
};

type LossName = "half-squared" | "logistic" | "poisson";

/** ℓ' and ℓ'' in the score. */
const LOSSES: Readonly<Record<LossName, PlainLoss>> = {
  "half-squared": { first: (f, y) => f - y, second: () => 1 },
  logistic: { first: (f, y) => -y * logit(-y * f), second: (f) => logit(f) * logit(-f) },
  poisson: { first: (f, y) => Math.exp(f) - y, second: (f) => Math.exp(f) },
};

interface PlainLoss {
  readonly first: (f: number, y: number) => number;
  readonly second: (f: number, y: number) => number;
}

export interface PlainModel {
  readonly basis: BasisName;
  readonly loss: LossName;
  readonly l2: number;
  readonly p: number;
}

const BLOCKS = 12;
const BLOCK_ROWS = 250_000;

/** Monte Carlo: the mean over 12 samples of 250,000 rows, each with its own minimiser, and its error from their scatter. */
export function monteCarloPopulation(design: Design, model: PlainModel): Population {
  const found = Array.from({ length: BLOCKS }, (_, b) =>
    sampleInfluence(independentRows(design, source(-2 - b), BLOCK_ROWS), model),
  );
  const coordinates = found[0].influence.map((_, j) => found.map(({ influence }) => influence[j]));
  const sensitivities = found.map(({ sensitivity }) => sensitivity);
  return {
    influence: coordinates.map(mean),
    sensitivity: mean(sensitivities),
    influenceError: coordinates.map(standardError),
    sensitivityError: standardError(sensitivities),
  };
}

/** Theorem 4.1 over weighted rows that are the whole population. */
export function enumeratedPopulation(rows: Sample, model: PlainModel): Population {
  const { influence, sensitivity } = sampleInfluence(rows, model);
  return exactly(influence, sensitivity);
}

/** θ̂ by Newton's method from 0, then Φ, I = −H⁻¹Φ and ½I'H_LI, by sums written out. */
function sampleInfluence(
  { x, y, weights }: Sample,
  { basis: basisName, loss: lossName, l2, p }: PlainModel,
): { influence: number[]; sensitivity: number } {
  const basis = BASES[basisName];
  const loss = LOSSES[lossName];
  const n = y.length;
  const m = x.length / n;
  const d = basis.count(m);
  const ridge = Array.from({ length: d }, (_, j) => (basisName !== "plain" && j === 0 ? 0 : l2));
  const total = weights ? weights.reduce((sum, w) => sum + w, 0) : n;
  const each = (use: (row: Float64Array, v: number[], target: number, w: number) => void): void => {
    for (let i = 0; i < n; i++) {
      const row = x.subarray(i * m, (i + 1) * m);
      use(row, basis.features(row), y[i], (weights ? weights[i] : 1) / total);
    }
  };
  let theta = new Array<number>(d).fill(0);
  let natural: number[][] = [];
  for (let step = Infinity, iteration = 0; step > 1e-9 && iteration < 50; iteration++) {
    const gradient = theta.map((t, j) => ridge[j] * t);
    natural = theta.map(() => new Array<number>(d).fill(0));
    each((_, v, target, w) => {
      const f = inner(theta, v);
      const [first, second] = [w * loss.first(f, target), w * loss.second(f, target)];
      for (let j = 0; j < d; j++) {
        gradient[j] += first * v[j];
        for (let k = 0; k < d; k++) natural[j][k] += second * v[j] * v[k];
      }
    });
    const change = solve(withRidge(natural, ridge), gradient);
    theta = theta.map((t, j) => t - change[j]);
    step = Math.max(...change.map(Math.abs));
  }
  let c = 0;
  const Phi = new Array<number>(d).fill(0);
  each((row, v, target, w) => {
    c += w * norm(row, p);
    const f = inner(theta, v);
    const [first, second] = [loss.first(f, target), loss.second(f, target)];
    const { norm: length, phi } = dual(basis.gradient(theta, row), p);
    const along = basis.along(row, phi);
    const sign = Math.sign(first);
    for (let j = 0; j < d; j++) Phi[j] += w * (second * sign * length * v[j] + Math.abs(first) * along[j]);
  });
  const I = solve(withRidge(natural, ridge), Phi).map((value) => -c * value);
  return {
    influence: I,
    sensitivity:
      0.5 *
      inner(
        I,
        natural.map((row) => inner(row, I)),
      ),
  };
}

const inner = (a: readonly number[], b: readonly number[]): number => {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j] * b[j];
  return sum;
};

const withRidge = (H: readonly (readonly number[])[], ridge: readonly number[]): number[][] =>
  H.map((row, j) => row.map((value, k) => (j === k ? value + ridge[j] : value)));

/** Gaussian elimination with pivots. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, j) => [...row, right[j]]);
  const d = rows.length;
  for (let k = 0; k < d; k++) {
    const pivot = rows
      .slice(k)
      .reduce((best, row, at) => (Math.abs(row[k]) > Math.abs(rows[best][k]) ? k + at : best), k);
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    for (let i = k + 1; i < d; i++) {
      const factor = rows[i][k] / rows[k][k];
      for (let j = k; j <= d; j++) rows[i][j] -= factor * rows[k][j];
    }
  }
  const out = new Array<number>(d).fill(0);
  for (let k = d - 1; k >= 0; k--) {
    let rest = rows[k][d];
    for (let j = k + 1; j < d; j++) rest -= rows[k][j] * out[j];
    out[k] = rest / rows[k][k];
  }
  return out;
}
