/** Where the rows of the coverage study come from: populations drawn row by row, and ways to sample from them. */
import { normals, uniforms } from "./random.js";

/** Independent streams of normal and uniform numbers. */
export interface Source {
  readonly normal: () => number;
  readonly uniform: () => number;
}

export const source = (seed: number): Source => ({
  normal: normals(mixed(2 * seed)),
  uniform: uniforms(mixed(2 * seed + 1)),
});

/** A 32-bit hash in which every input bit moves every output bit (Murmur's finaliser): nearby seeds start far apart. */
function mixed(seed: number): number {
  let h = seed | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** A population of rows (x, y). */
export interface Design {
  /** m */
  readonly inputs: number;
  /** Writes the m inputs of one row into `x` and returns its target; classes are −1 and +1. */
  readonly row: (random: Source, x: Float64Array) => number;
}

/** One data set, as the library takes it. */
export interface Sample {
  /** n·m, row by row */
  readonly x: Float64Array;
  readonly y: Float64Array;
  /** n raw weights. */
  readonly weights?: Float64Array;
  /** n codes. */
  readonly clusters?: Int32Array;
}

/** `rows` independent rows. */
export function independentRows({ inputs, row }: Design, random: Source, rows: number): Sample {
  const x = new Float64Array(rows * inputs);
  const y = new Float64Array(rows);
  for (let i = 0; i < rows; i++) y[i] = row(random, x.subarray(i * inputs, (i + 1) * inputs));
  return { x, y };
}

const score = (x: Float64Array, beta: readonly number[]): number => beta.reduce((sum, b, k) => sum + b * x[k], 0);

export const logit = (f: number): number => 1 / (1 + Math.exp(-f));

/** x ~ N(0, I), y = x'β + σξ, ξ ~ N(0, 1). */
export const gaussianLinear = (beta: readonly number[], sigma: number): Design => ({
  inputs: beta.length,
  row: ({ normal }, x) => {
    for (let k = 0; k < x.length; k++) x[k] = normal();
    return score(x, beta) + sigma * normal();
  },
});

/** D2 of MATH 3: skewed, correlated x; skewed noise whose spread depends on x. */
export const skewed: Design = {
  inputs: 3,
  row: ({ normal, uniform }, x) => {
    const [z1, z2, z3] = [normal(), normal(), normal()];
    x[0] = z1 + 0.5;
    x[1] = 0.6 * z1 + 0.8 * z2;
    x[2] = Math.exp(z3 / 2);
    // The sum of two exponentials is Gamma(2, 1).
    const noise = (-Math.log(uniform()) - Math.log(uniform()) - 2) / Math.SQRT2;
    return 0.3 + score(x, [1, -1, 0.7]) + noise * (0.5 + 0.5 * Math.abs(x[0]));
  },
};

/** x ~ N(mean, I), P(y = 1) = σ(intercept + x'β). */
export const gaussianLogistic = (intercept: number, beta: readonly number[], mean: readonly number[]): Design => ({
  inputs: beta.length,
  row: ({ normal, uniform }, x) => {
    for (let k = 0; k < x.length; k++) x[k] = normal() + mean[k];
    return uniform() < logit(intercept + score(x, beta)) ? 1 : -1;
  },
});

/** x ~ N(0, I), y ~ Poisson(exp(intercept + x'β)). */
export const gaussianPoisson = (intercept: number, beta: readonly number[]): Design => ({
  inputs: beta.length,
  row: ({ normal, uniform }, x) => {
    for (let k = 0; k < x.length; k++) x[k] = normal();
    const limit = Math.exp(-Math.exp(intercept + score(x, beta)));
    let count = 0;
    for (let product = uniform(); product > limit; product *= uniform()) count++;
    return count;
  },
});

/** x ~ N(0, I₂), y = .5 + x₁ − .7x₂ + .4x₁² + .3x₁x₂ − .25x₂² + ξ. */
export const gaussianQuadratic: Design = {
  inputs: 2,
  row: ({ normal }, x) => {
    x[0] = normal();
    x[1] = normal();
    const [a, b] = x;
    return 0.5 + a - 0.7 * b + 0.4 * a * a + 0.3 * a * b - 0.25 * b * b + normal();
  },
};

/** Two inputs on a grid of four points each and a class: 32 different rows at most, so that most rows repeat. */
const GRID = [-1.5, -0.5, 0.5, 1.5];
const GRID_INTERCEPT = 0.3;
const GRID_SLOPES = [0.8, -0.5];

export const gridLogistic: Design = {
  inputs: 2,
  row: ({ uniform }, x) => {
    for (let k = 0; k < 2; k++) x[k] = GRID[Math.floor(GRID.length * uniform())];
    return uniform() < logit(GRID_INTERCEPT + score(x, GRID_SLOPES)) ? 1 : -1;
  },
};

/** All rows that `gridLogistic` can draw, weighted by their probability. */
export function gridRows(): Required<Pick<Sample, "x" | "y" | "weights">> {
  const x: number[] = [];
  const y: number[] = [];
  const weights: number[] = [];
  for (const a of GRID) {
    for (const b of GRID) {
      const chance = logit(GRID_INTERCEPT + score(Float64Array.of(a, b), GRID_SLOPES));
      for (const [label, share] of [
        [1, chance],
        [-1, 1 - chance],
      ]) {
        x.push(a, b);
        y.push(label);
        weights.push(share / GRID.length ** 2);
      }
    }
  }
  return { x: Float64Array.from(x), y: Float64Array.from(y), weights: Float64Array.from(weights) };
}

/** Equal rows once each, with their number as weight. */
export function countRepeats({ x, y }: Sample): Sample {
  const m = x.length / y.length;
  const counts = new Map<string, { row: number; count: number }>();
  y.forEach((target, i) => {
    const key = [...x.subarray(i * m, (i + 1) * m), target].join(" ");
    const seen = counts.get(key);
    if (seen) seen.count++;
    else counts.set(key, { row: i, count: 1 });
  });
  const kept = [...counts.values()];
  return {
    x: Float64Array.from(kept.flatMap(({ row }) => [...x.subarray(row * m, (row + 1) * m)])),
    y: Float64Array.from(kept, ({ row }) => y[row]),
    weights: Float64Array.from(kept, ({ count }) => count),
  };
}

/** Rows of `design` kept with a chance that depends on the target, and weighted by its inverse. */
export function unequalChances(
  { inputs, row }: Design,
  chance: (y: number) => number,
  random: Source,
  rows: number,
): Sample {
  const x = new Float64Array(rows * inputs);
  const y = new Float64Array(rows);
  const weights = new Float64Array(rows);
  for (let i = 0; i < rows; ) {
    const target = row(random, x.subarray(i * inputs, (i + 1) * inputs));
    if (random.uniform() >= chance(target)) continue;
    y[i] = target;
    weights[i++] = 1 / chance(target);
  }
  return { x, y, weights };
}

/**
 * Clusters of `size` rows with a common part in x and in the noise: x = √½(a_g + e), y = x'β + σ√½(u_g + ξ), all standard
 * normal. One row alone is distributed as in `gaussianLinear(beta, sigma)`.
 */
export function clusteredLinear(
  beta: readonly number[],
  sigma: number,
  random: Source,
  groups: number,
  size: number,
): Sample {
  const m = beta.length;
  const rows = groups * size;
  const x = new Float64Array(rows * m);
  const clusters = Int32Array.from({ length: rows }, (_, i) => Math.floor(i / size));
  const common = new Float64Array(m);
  let shared = 0;
  const y = Float64Array.from(clusters, (_, i) => {
    if (i % size === 0) {
      for (let k = 0; k < m; k++) common[k] = random.normal();
      shared = random.normal();
    }
    const own = x.subarray(i * m, (i + 1) * m);
    for (let k = 0; k < m; k++) own[k] = Math.SQRT1_2 * (common[k] + random.normal());
    return score(own, beta) + sigma * Math.SQRT1_2 * (shared + random.normal());
  });
  return { x, y, clusters };
}
