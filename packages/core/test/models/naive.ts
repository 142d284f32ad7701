/**
 * Independent truths for the tests: plain loops over plain arrays, written from the formulas of docs/method.md and not from the
 * library. Nothing here imports anything that is under test.
 */
export type Rows = readonly (readonly number[])[];

/** Numbers that look random and are the same everywhere (mulberry32). */
export class Random {
  constructor(private state: number) {}

  uniform(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  below(count: number): number {
    return Math.floor(this.uniform() * count);
  }

  normals(count: number): number[] {
    return Array.from({ length: count }, () => this.normal());
  }

  rows(n: number, m: number): number[][] {
    return Array.from({ length: n }, () => this.normals(m));
  }

  shuffled(count: number): number[] {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }
}

export const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
};

export const largest = (v: ArrayLike<number>): number => {
  let most = 0;
  for (let i = 0; i < v.length; i++) most = Math.max(most, Math.abs(v[i]));
  return most;
};

/** ‖v‖_p, powers of ratios to the largest entry. */
export function pNorm(v: ArrayLike<number>, p: number): number {
  const most = largest(v);
  if (most === 0 || p === Number.POSITIVE_INFINITY) return most;
  let sum = 0;
  for (let i = 0; i < v.length; i++) sum += Math.exp(p * Math.log(Math.abs(v[i]) / most));
  return most * Math.exp(Math.log(sum) / p);
}

export const conjugate = (p: number): number =>
  p === 1 ? Number.POSITIVE_INFINITY : p === Number.POSITIVE_INFINITY ? 1 : p / (p - 1);

/** max |a − b| / max |b| */
export function relativeError(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    worst = Math.max(worst, difference);
  }
  return worst === 0 ? 0 : worst / (largest(b) || 1e-300);
}

/** dF/dθ by central differences with one Richardson step: error O(h⁴). */
export function numericalGradient(f: (theta: number[]) => number, at: ArrayLike<number>, h = 1e-3): number[] {
  const central = (j: number, step: number): number => {
    const up = Array.from(at);
    const down = Array.from(at);
    up[j] += step;
    down[j] -= step;
    return (f(up) - f(down)) / (2 * step);
  };
  return Array.from(at, (_, j) => (4 * central(j, h / 2) - central(j, h)) / 3);
}

/** Solves Ax = b by elimination with pivoting. */
export function solve(A: Rows, b: readonly number[]): number[] {
  const n = b.length;
  const M = A.map((row, i) => [...row, b[i]]);
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(M[i][k]) > Math.abs(M[pivot][k])) pivot = i;
    [M[k], M[pivot]] = [M[pivot], M[k]];
    for (let i = k + 1; i < n; i++) {
      const factor = M[i][k] / M[k][k];
      for (let j = k; j <= n; j++) M[i][j] -= factor * M[k][j];
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let i = n - 1; i >= 0; i--) {
    let sum = M[i][n];
    for (let j = i + 1; j < n; j++) sum -= M[i][j] * x[j];
    x[i] = sum / M[i][i];
  }
  return x;
}

// ---- losses --------------------------------------------------------------------------------------------------------

export type NaiveLossName = "squared" | "half-squared" | "logistic" | "poisson";

/** Value, first, second and third derivative in f, straight from MATH 0. */
export function lossOf(name: NaiveLossName, f: number, y: number): [number, number, number, number] {
  const s = name === "squared" ? 1 : 0.5;
  if (name === "squared" || name === "half-squared") return [s * (f - y) ** 2, 2 * s * (f - y), 2 * s, 0];
  if (name === "poisson") return [Math.exp(f) - y * f, Math.exp(f) - y, Math.exp(f), Math.exp(f)];
  const value = y * f > 0 ? Math.log1p(Math.exp(-y * f)) : -y * f + Math.log1p(Math.exp(y * f));
  const up = 1 / (1 + Math.exp(-f));
  const down = 1 / (1 + Math.exp(f));
  return [value, y > 0 ? -down : up, up * down, up * down * (down - up)];
}

// ---- bases ---------------------------------------------------------------------------------------------------------

/** coefficient · Π x_k^powers[k] */
export interface Term {
  readonly coefficient: number;
  readonly powers: readonly number[];
}

const unit = (m: number, ...inputs: number[]): Term => {
  const powers = new Array<number>(m).fill(0);
  for (const k of inputs) powers[k]++;
  return { coefficient: 1, powers };
};

export const linearTerms = (m: number, intercept: boolean): Term[] => [
  ...(intercept ? [unit(m)] : []),
  ...Array.from({ length: m }, (_, k) => unit(m, k)),
];

export function quadraticTerms(m: number, intercept: boolean, omitted = (_j: number, _k: number) => false): Term[] {
  const products: Term[] = [];
  for (let j = 0; j < m; j++) for (let k = j; k < m; k++) if (!omitted(j, k)) products.push(unit(m, j, k));
  return [...linearTerms(m, intercept), ...products];
}

const evaluate = ({ coefficient, powers }: Term, x: ArrayLike<number>): number =>
  powers.reduce((product, power, k) => {
    for (let time = 0; time < power; time++) product *= x[k];
    return product;
  }, coefficient);

function derivative(term: Term, j: number): Term {
  const powers = [...term.powers];
  const coefficient = term.coefficient * powers[j];
  powers[j] = Math.max(0, powers[j] - 1);
  return { coefficient, powers };
}

export const features = (terms: readonly Term[], x: ArrayLike<number>): number[] => terms.map((t) => evaluate(t, x));

/** d×m */
export const jacobian = (terms: readonly Term[], x: ArrayLike<number>): number[][] =>
  terms.map((t) => Array.from({ length: x.length }, (_, j) => evaluate(derivative(t, j), x)));

/** d of m×m */
export const hessians = (terms: readonly Term[], x: ArrayLike<number>): number[][][] =>
  terms.map((t) =>
    Array.from({ length: x.length }, (_, j) =>
      Array.from({ length: x.length }, (__, k) => evaluate(derivative(derivative(t, j), k), x)),
    ),
  );

// ---- problems ------------------------------------------------------------------------------------------------------

/** Everything that a risk is made of. */
export interface Problem {
  readonly X: Rows;
  readonly y: readonly number[];
  /** Summing to 1. */
  readonly w: readonly number[];
  readonly loss: NaiveLossName;
  readonly terms: readonly Term[];
  /** P (d) */
  readonly ridge: readonly number[];
  readonly p: number;
  /** m */
  readonly budgets: readonly number[];
  readonly lower?: readonly number[];
  readonly upper?: readonly number[];
}

/** c = Σ w ‖x ⊘ b‖_p over attacked features. */
export const budgetScale = ({ X, w, p, budgets }: Problem): number =>
  X.reduce(
    (sum, x, i) =>
      sum +
      w[i] *
        pNorm(
          x.map((v, k) => (budgets[k] > 0 ? v / budgets[k] : 0)),
          p,
        ),
    0,
  );

/** L(θ), ridge included. */
export function objective({ X, y, w, loss, terms, ridge }: Problem, theta: ArrayLike<number>): number {
  let sum = 0;
  X.forEach((x, i) => {
    sum += w[i] * lossOf(loss, dot(features(terms, x), theta), y[i])[0];
  });
  return ridge.reduce((total, P, j) => total + 0.5 * P * theta[j] ** 2, sum);
}

/** g_i = ∇_x l_i (m) with the coordinates set to 0 that a box stops at once (MATH 13). */
export function inputGradient(problem: Problem, i: number, theta: ArrayLike<number>): number[] {
  const { X, y, loss, terms, lower, upper } = problem;
  const x = X[i];
  const slope = lossOf(loss, dot(features(terms, x), theta), y[i])[1];
  const V = jacobian(terms, x);
  return x.map((value, k) => {
    let g = 0;
    for (let a = 0; a < terms.length; a++) g += slope * V[a][k] * theta[a];
    if (upper && g > 0 && value >= upper[k]) return 0;
    if (lower && g < 0 && value <= lower[k]) return 0;
    return g;
  });
}

/** A(θ)/c = Σ w ‖b ⊙ g̃_i(θ)‖_q */
export function growth(problem: Problem, theta: ArrayLike<number>): number {
  const q = conjugate(problem.p);
  return problem.X.reduce(
    (sum, _, i) =>
      sum +
      problem.w[i] *
        pNorm(
          inputGradient(problem, i, theta).map((g, k) => g * problem.budgets[k]),
          q,
        ),
    0,
  );
}

/** ∇L, from explicit features. */
export function gradient({ X, y, w, loss, terms, ridge }: Problem, theta: ArrayLike<number>): number[] {
  const out = ridge.map((P, j) => P * theta[j]);
  X.forEach((x, i) => {
    const v = features(terms, x);
    const slope = lossOf(loss, dot(v, theta), y[i])[1];
    v.forEach((value, j) => {
      out[j] += w[i] * slope * value;
    });
  });
  return out;
}

/** H, from explicit features. */
export function hessian({ X, y, w, loss, terms, ridge }: Problem, theta: ArrayLike<number>): number[][] {
  const out = ridge.map((P, j) => ridge.map((_, k) => (j === k ? P : 0)));
  X.forEach((x, i) => {
    const v = features(terms, x);
    const curvature = w[i] * lossOf(loss, dot(v, theta), y[i])[2];
    for (let j = 0; j < v.length; j++) for (let k = 0; k < v.length; k++) out[j][k] += curvature * v[j] * v[k];
  });
  return out;
}

/** MATH 12: max_j |∇L_j| / Σ w |ℓ'| |v_j| (the ridge's part counts as a term). */
export function relativeGradient(problem: Problem, theta: ArrayLike<number>): number {
  const { X, y, w, loss, terms, ridge } = problem;
  const terms_ = ridge.map((P, j) => Math.abs(P * theta[j]));
  X.forEach((x, i) => {
    const v = features(terms, x);
    const slope = Math.abs(lossOf(loss, dot(v, theta), y[i])[1]);
    v.forEach((value, j) => {
      terms_[j] += w[i] * slope * Math.abs(value);
    });
  });
  return Math.max(...gradient(problem, theta).map((g, j) => Math.abs(g) / terms_[j]));
}

// ---- the exact robust optimum of a linear score -------------------------------------------------------------------

/**
 * ‖u‖_q smoothed by μ (0: exact, where it is differentiable), with gradient and Hessian in u.
 */
function smoothNorm(
  u: readonly number[],
  q: number,
  mu: number,
): { value: number; first: number[]; second: number[][] } {
  const m = u.length;
  const zeros = () => u.map(() => new Array<number>(m).fill(0));
  if (q === Number.POSITIVE_INFINITY) {
    const most = largest(u);
    if (mu === 0) {
      const k = u.findIndex((value) => Math.abs(value) === most);
      return { value: most, first: u.map((value, j) => (j === k ? Math.sign(value) : 0)), second: zeros() };
    }
    const up = u.map((value) => Math.exp((value - most) / mu));
    const down = u.map((value) => Math.exp((-value - most) / mu));
    const total = up.reduce((sum, e, k) => sum + e + down[k], 0);
    const first = u.map((_, k) => (up[k] - down[k]) / total);
    const second = u.map((_, j) =>
      u.map((__, k) => ((j === k ? (up[k] + down[k]) / total : 0) - first[j] * first[k]) / mu),
    );
    return { value: most + mu * Math.log(total), first, second };
  }
  const a = u.map((value) => value * value + mu * mu);
  if (q === 1 && mu === 0)
    return { value: u.reduce((s, v) => s + Math.abs(v), 0), first: u.map(Math.sign), second: zeros() };
  const S = a.reduce((sum, value) => sum + value ** (q / 2), 0);
  // Only frozen coordinates are exactly 0 here, and their budget of 0 takes them out of everything.
  const g = u.map((value, k) => (a[k] === 0 ? 0 : a[k] ** (q / 2 - 1) * value));
  const slope = u.map((value, k) =>
    a[k] === 0 ? 0 : a[k] ** (q / 2 - 1) + (q - 2) * a[k] ** (q / 2 - 2) * value * value,
  );
  const outer = S ** (1 / q - 1);
  return {
    value: S ** (1 / q),
    first: g.map((value) => outer * value),
    second: u.map((_, j) =>
      u.map((__, k) => (j === k ? outer * slope[k] : 0) + (1 - q) * S ** (1 / q - 2) * g[j] * g[k]),
    ),
  };
}

/** R(θ), ∇R, ∇²R for a score linear in x and radius ρ: Σ w max(ℓ(f ± ρN)) + ½ΣPθ² (MATH 10a), smoothed by μ. */
export function robustRisk(
  problem: Problem,
  rho: number,
  theta: readonly number[],
  mu = 0,
): { value: number; gradient: number[]; hessian: number[][] } {
  const { X, y, w, loss, terms, ridge, p, budgets } = problem;
  const d = terms.length;
  const first = d - budgets.length;
  const N = smoothNorm(
    budgets.map((b, k) => b * theta[first + k]),
    conjugate(p),
    mu,
  );
  const dN = theta.map((_, j) => (j < first ? 0 : budgets[j - first] * N.first[j - first]));
  const out = {
    value: 0,
    gradient: ridge.map((P, j) => P * theta[j]),
    hessian: ridge.map((P, j) => ridge.map((_, k) => (j === k ? P : 0))),
  };
  ridge.forEach((P, j) => {
    out.value += 0.5 * P * theta[j] ** 2;
  });
  let bend = 0;
  X.forEach((x, i) => {
    const v = features(terms, x);
    const f = dot(v, theta);
    const add = (factor: number, z: readonly number[], curvature: number) => {
      for (let j = 0; j < d; j++) {
        out.gradient[j] += factor * z[j];
        for (let k = 0; k < d; k++) out.hessian[j][k] += curvature * z[j] * z[k];
      }
    };
    if (loss === "squared" || loss === "half-squared") {
      const s = loss === "squared" ? 1 : 0.5;
      const r = f - y[i];
      const size = Math.sqrt(r * r + mu * mu);
      const t = size + rho * N.value;
      const sign = size === 0 ? 0 : r / size;
      out.value += w[i] * s * t * t;
      const z = v.map((value, j) => sign * value + rho * dN[j]);
      add(2 * s * w[i] * t, z, 0);
      for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) out.hessian[j][k] += 2 * s * w[i] * z[j] * z[k];
      if (mu > 0) {
        const round = (2 * s * w[i] * t * mu * mu) / size ** 3;
        for (let j = 0; j < d; j++) for (let k = 0; k < d; k++) out.hessian[j][k] += round * v[j] * v[k];
      }
      bend += 2 * s * w[i] * t;
      return;
    }
    const up = lossOf(loss, f + rho * N.value, y[i]);
    const down = lossOf(loss, f - rho * N.value, y[i]);
    const sigma = up[0] >= down[0] ? 1 : -1;
    const [value, slope, curvature] = sigma > 0 ? up : down;
    out.value += w[i] * value;
    add(
      w[i] * slope,
      v.map((entry, j) => entry + sigma * rho * dN[j]),
      w[i] * curvature,
    );
    bend += w[i] * slope * sigma;
  });
  for (let j = first; j < d; j++) {
    for (let k = first; k < d; k++) {
      out.hessian[j][k] += bend * rho * budgets[j - first] * budgets[k - first] * N.second[j - first][k - first];
    }
  }
  return out;
}

/** Newton's method with halving steps; the gradient it ends with says whether to believe it. */
export function robustOptimum(
  problem: Problem,
  rho: number,
  start: ArrayLike<number>,
  mu = 0,
  iterations = 60,
): { theta: number[]; gradient: number } {
  let theta = Array.from(start);
  let at = robustRisk(problem, rho, theta, mu);
  for (let iteration = 0; iteration < iterations; iteration++) {
    if (largest(at.gradient) < 1e-15) break;
    const damped = at.hessian.map((row, j) => row.map((value, k) => (j === k ? value * (1 + 1e-14) + 1e-14 : value)));
    const step = solve(damped, at.gradient);
    let moved = false;
    for (let t = 1; t > 1e-9; t /= 2) {
      const next = theta.map((value, j) => value - t * step[j]);
      const there = robustRisk(problem, rho, next, mu);
      const better = there.value < at.value - 1e-15 * Math.abs(at.value);
      if (
        better ||
        (there.value <= at.value + 1e-15 * Math.abs(at.value) && largest(there.gradient) < largest(at.gradient))
      ) {
        theta = next;
        at = there;
        moved = true;
        break;
      }
    }
    if (!moved) break;
  }
  return { theta, gradient: largest(at.gradient) };
}

/** The optimum at a corner too: smoothing μ shrinks to 1e-7, so that θ is right to about that. */
export function robustOptimumByContinuation(problem: Problem, rho: number, start: ArrayLike<number>): number[] {
  let theta = Array.from(start);
  for (let mu = 1e-2; mu > 1e-7; mu /= 4) ({ theta } = robustOptimum(problem, rho, theta, mu, 80));
  return theta;
}

/** lim (F(h) − F(0)) / h for h → 0⁺ from steps h, h/2, h/4, h/8 (Richardson). */
export function oneSidedDerivative(
  path: (h: number) => readonly number[],
  at0: ArrayLike<number>,
  h: number,
): number[] {
  const steps = [h, h / 2, h / 4, h / 8];
  let table = steps.map((step) => path(step).map((value, j) => (value - at0[j]) / step));
  for (let order = 1; table.length > 1; order++) {
    const factor = 2 ** order;
    table = table.slice(1).map((finer, i) => finer.map((value, j) => (factor * value - table[i][j]) / (factor - 1)));
  }
  return table[0];
}
