/** κ(ε) where rows are met exactly, or attacked coefficients are 0: what rounding leaves there has a sign, which must not count. */
import { expect, test } from "vitest";
import {
  checkValidity,
  fit,
  influence,
  linear,
  lp,
  Matrix,
  matrixDataset,
  poisson,
  scoreShifts,
} from "../../src/index.js";
import { conjugate, dot, lossOf, pNorm, Random, solve } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const MODELS = { linear, poisson };
const NAMES = { linear: "squared", poisson: "poisson" } as const;

/** Two features, and a level that one row alone has, which is so met exactly. Other rows, other signs of rounding. */
function oneOfItsLevel(model: keyof typeof MODELS, seed: number) {
  const random = new Random(seed);
  const alone = 3 + random.below(20);
  const X = Array.from({ length: 40 }, (_, i) => [random.normal(), random.normal() / 3, Number(i === alone)]);
  const y = X.map(([a, b], i) => {
    const f = 0.4 + 0.5 * a - 0.7 * b;
    if (model === "linear") return f + 0.3 * random.normal();
    return i === alone ? 3 : random.below(Math.ceil(2 * Math.exp(f)) + 1);
  });
  return { X, y, alone };
}

/** ‖g‖_{H⁻¹} */
const length = (H: readonly (readonly number[])[], g: readonly number[]): number => Math.sqrt(dot(g, solve(H, g)));

test.each(
  (["linear", "poisson"] as const).flatMap((model) =>
    [1, 2, 3, INF].flatMap((p) =>
      [
        [1, 1, 0],
        [1, 2, 0.4],
      ].flatMap((budgets) => [1, 2, 3, 4].map((seed) => ({ model, p, budgets, seed }))),
    ),
  ),
)("a row that is met exactly counts with its multiplier, %o", async ({ model, p, budgets, seed }) => {
  const { X, y, alone } = oneOfItsLevel(model, seed);
  const fitted = await fit(MODELS[model](), matrixDataset(Matrix.fromRows(X), y));
  const attack = await influence(fitted, lp(p, { budgets }));
  const theta = [...fitted.parameters];
  const V = X.map((x) => [1, ...x]);
  const n = X.length;
  const loss = (f: number, i: number) => lossOf(NAMES[model], f, y[i]);
  const H = theta.map((_, j) =>
    theta.map((__, k) => V.reduce((sum, v, i) => sum + (loss(dot(v, theta), i)[2] * v[j] * v[k]) / n, 0)),
  );
  /** N and its slope in θ. */
  const normAt = (at: readonly number[]): [number, number[]] => {
    const g = budgets.map((b, k) => b * at[1 + k]);
    const q = conjugate(p);
    const N = pNorm(g, q);
    const top = Math.max(...g.map(Math.abs));
    const phi = g.map((value, k) => {
      if (q === INF) return Math.abs(value) === top ? Math.sign(value) * budgets[k] : 0;
      return budgets[k] * Math.sign(value) * (Math.abs(value) / N) ** (q - 1);
    });
    return [N, [0, ...phi]];
  };
  /** ∇R at radius ρ, the row that is met exactly between its two ends. */
  const gradient = (at: readonly number[], rho: number, kappa: number): number[] => {
    const [N, slope] = normAt(at);
    const out = theta.map(() => 0);
    V.forEach((v, i) => {
      const f = dot(v, at);
      const ends =
        i === alone
          ? [
              [1, (1 + kappa) / 2],
              [-1, (1 - kappa) / 2],
            ]
          : [[loss(f + rho * N, i)[0] >= loss(f - rho * N, i)[0] ? 1 : -1, 1]];
      for (const [end, share] of ends) {
        const pulled = (share * loss(f + end * rho * N, i)[1]) / n;
        v.forEach((value, j) => {
          out[j] += pulled * (value + end * rho * slope[j]);
        });
      }
    });
    return out;
  };
  // Φ as it depends on κ, (∇R − ∇L)/ρ at ρ → 0, has its least norm where κ is, within [−1, 1].
  const [N, slope] = normAt(theta);
  const smooth = theta.map((_, j) =>
    V.reduce((sum, v, i) => {
      if (i === alone) return sum;
      const [, first, second] = loss(dot(v, theta), i);
      return sum + (Math.sign(first) * N * second * v[j] + Math.abs(first) * slope[j]) / n;
    }, 0),
  );
  const column = V[alone].map((value) => (N * loss(dot(V[alone], theta), alone)[2] * value) / n);
  const solved = solve(H, column);
  const kappa = Math.min(1, Math.max(-1, -dot(smooth, solved) / dot(column, solved)));
  const I = solve(
    H,
    smooth.map((value, j) => value + kappa * column[j]),
  ).map((value) => -value * attack.scale);
  const shifts = await scoreShifts(attack);
  const { at } = await checkValidity(attack, shifts);
  const epsilons = [1e-4, 3e-3, 0.02];
  const found = await at(epsilons);
  epsilons.forEach((epsilon, e) => {
    const rho = epsilon * attack.scale;
    const moved = length(
      H,
      gradient(
        theta.map((value, j) => value + epsilon * I[j]),
        rho,
        kappa,
      ),
    );
    const still = length(H, gradient(theta, rho, kappa));
    expect(Math.abs(found[e].stationarity * still - moved)).toBeLessThan(1e-8 * still);
  });
});

/** κ of an attack at radii ρ. */
async function kappas(
  model: keyof typeof MODELS,
  X: number[][],
  y: number[],
  threat: ReturnType<typeof lp>,
): Promise<number[]> {
  const attack = await influence(await fit(MODELS[model](), matrixDataset(Matrix.fromRows(X), y)), threat);
  const { at } = await checkValidity(attack, await scoreShifts(attack));
  const found = await at([1e-4, 1e-2, 0.05].map((rho) => rho / attack.scale));
  return found.map(({ stationarity }) => stationarity);
}

const SEEDED = (["linear", "poisson"] as const).flatMap((model) => [1, 2, 3, 4].map((seed) => [model, seed] as const));

function targets(model: keyof typeof MODELS, z: ArrayLike<number>, random: Random): number[] {
  return Array.from(z, (value) =>
    model === "linear" ? 3 * value + random.normal() : random.below(Math.ceil(Math.exp(value)) + 1),
  );
}

test.each(SEEDED)(
  "a column that has no effect by the balance of the design leaves κ as it is, %s, seed %d",
  async (model, seed) => {
    const random = new Random(seed);
    const z = random.normals(30);
    const one = targets(model, z, random);
    const signs = [-0.3, 0, 0.3];
    const y = signs.flatMap(() => one);
    const both = await kappas(
      model,
      signs.flatMap((x) => Array.from(z, (value) => [x, value])),
      y,
      lp(INF),
    );
    const alone = await kappas(
      model,
      signs.flatMap(() => Array.from(z, (value) => [value])),
      y,
      lp(INF),
    );
    both.forEach((kappa, e) => {
      expect(Math.abs(kappa - alone[e])).toBeLessThan(1e-8);
    });
    const still = await kappas(
      model,
      signs.flatMap((x) => Array.from(z, (value) => [x, value])),
      y,
      lp(INF, { budgets: [1, 0] }),
    );
    expect(still).toEqual([0, 0, 0]);
  },
);

test.each(SEEDED)(
  "two columns that stand for each other are attacked as their sum, %s, seed %d",
  async (model, seed) => {
    const random = new Random(seed);
    const [a, b] = [random.normals(30), random.normals(30)];
    const one = targets(
      model,
      a.map((value, i) => (value + b[i]) / 2),
      random,
    );
    const X = [...Array.from(a, (value, i) => [value, b[i]]), ...Array.from(b, (value, i) => [value, a[i]])];
    const y = [...one, ...one];
    const both = await kappas(model, X, y, lp(1));
    const sum = await kappas(
      model,
      X.map(([left, right]) => [left + right]),
      y,
      lp(1),
    );
    both.forEach((kappa, e) => {
      expect(Math.abs(kappa - sum[e])).toBeLessThan(1e-8);
    });
  },
);
