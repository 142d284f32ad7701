/** The theorems' formulas against golden.json, another program's quadrature (fixtures/theory_fixtures.py), and brute force. */
import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { gammaRatio } from "../../src/stats/gamma-ratio.js";
import { normalMean } from "../../src/stats/quadrature.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";
import { Matrix, symmetricEigenvalues, theory } from "./helpers.js";

type Norm = number | "inf";

interface Golden {
  readonly population: {
    readonly thm51: readonly {
      beta1: number[];
      beta2: number[];
      sx: number;
      sxi: number;
      p: Norm;
      intercept: boolean;
      S_L: number;
      S_Q: number;
    }[];
    readonly cor51: readonly { m: number; M: number; sx: number; sxi: number; S: number }[];
    readonly smoothing: readonly {
      m: number;
      beta_norm: number;
      sx2: number;
      sr2: number;
      sxi2: number;
      attack: "noisy" | "mean";
      budget: "noisy" | "clean";
      evaluate: "noisy" | "clean";
      shrink: number;
      c: number;
      Er: number;
      I: number;
      s1: number;
      s2: number;
    }[];
  };
}

interface Fixtures {
  readonly linearQuadratic: readonly {
    beta1: number[];
    beta2: number[];
    sigmaX: number;
    sigmaXi: number;
    norm: Norm;
    intercept: boolean;
    linear: number;
    quadratic: number;
  }[];
  readonly gamma: readonly { x: number; ratio: number }[];
  readonly norms: readonly { m: number; p: Norm; value: number }[];
  readonly uniform: readonly { m: number; value: number }[];
  readonly moments: readonly { u: number; moment: number }[];
}

const read = (path: string): unknown => JSON.parse(readFileSync(new URL(path, import.meta.url), "utf8"));
const { population } = read("../fixtures/golden.json") as Golden;
const fixtures = read("./fixtures/theory.json") as Fixtures;
const exponentOf = (p: number | "inf"): number => (p === "inf" ? Number.POSITIVE_INFINITY : p);
const close = (value: number, goal: number, share = 1e-10): void =>
  expect(Math.abs(value - goal)).toBeLessThanOrEqual(share * Math.abs(goal));

describe("golden population values", () => {
  test.each(population.thm51)("Theorem 5.1 %j", (one) => {
    const found = theory.linearQuadraticSensitivities({
      beta1: one.beta1,
      beta2: one.beta2,
      sigmaX: one.sx,
      sigmaXi: one.sxi,
      norm: exponentOf(one.p),
      intercept: one.intercept,
    });
    close(found.linear, one.S_L);
    close(found.quadratic, one.S_Q);
  });

  test.each(population.cor51)("Corollary 5.1 %j", (one) => {
    const setting = { included: one.m, omittedSquares: one.M - one.m, sigmaX: one.sx, sigmaXi: one.sxi };
    close(theory.includedFeaturesSensitivity(setting), one.S);
    close(theory.includedFeaturesSensitivity({ ...setting, loss: "half-squared" }), one.S / 2);
    close(theory.printed.includedFeaturesSensitivity(setting), one.S / one.sx ** 2);
  });

  test.each(population.smoothing)("Theorem 5.4 %j", (one) => {
    const found = theory.smoothedSensitivity({
      features: one.m,
      coefficients: one.beta_norm,
      sigmaX: Math.sqrt(one.sx2),
      sigmaR: Math.sqrt(one.sr2),
      sigmaEta: Math.sqrt(one.sxi2),
      attack: one.attack,
      budget: one.budget,
      evaluate: one.evaluate,
    });
    close(found.shrinkage, one.shrink);
    close(found.scale, one.c);
    close(found.meanAbsoluteNoise, one.Er);
    close(found.influence, one.I);
    close(found.slope, one.s1);
    close(found.curvature, one.s2);
  });
});

describe("another program's quadrature", () => {
  test.each(fixtures.linearQuadratic)("Theorem 5.1 %j", (one) => {
    const found = theory.linearQuadraticSensitivities({ ...one, norm: exponentOf(one.norm) });
    close(found.linear, one.linear);
    close(found.quadratic, one.quadratic);
  });

  test.each(fixtures.gamma)("Γ(x+½)/Γ(x) %j", ({ x, ratio }) => {
    close(gammaRatio(x), ratio, 2e-14);
  });

  test("Γ(x+½)/Γ(x) is stable up to a million features: its square is x − 1/4 + 1/(32x) + O(x⁻²)", () => {
    for (const m of [10, 1e3, 1e5, 1e6]) {
      const square = gammaRatio(m / 2) ** 2;
      close(square, m / 2 - 1 / 4 + 1 / (16 * m), Math.max(1e-14, m ** -3));
    }
  });

  test.each(fixtures.norms)("E‖z‖_p %j", ({ m, p, value }) => {
    close(theory.meanGaussianNorm(m, 1, exponentOf(p)), value);
    close(theory.meanGaussianNorm(m, 2.5, exponentOf(p)), 2.5 * value);
  });

  test.each(fixtures.uniform)("E‖x‖₂ of uniform x %j", ({ m, value }) => {
    close(theory.meanUniformLength(m), value);
  });

  test.each(fixtures.moments)("Theorem 6.1 in the population %j", ({ u, moment }) => {
    close(theory.distributionalShift(u, 3, 2, 0.5), (3 * 0.5 * moment) / 4, 1e-9);
  });
});

describe("Theorem 5.1", () => {
  /** ½E[…] of the linear and quadratic models by brute force: Φ from draws, H in closed form (Isserlis). */
  test("is what draws of the population give", () => {
    const n = drawsOf(200_000, 4_000_000);
    const setting = { beta1: [0.5, -0.8], beta2: [0.6, 0.3], sigmaX: 0.8, sigmaXi: 0.7, norm: 2 };
    const random = randomStream(5);
    const pull = new Float64Array(5);
    const squares = new Float64Array(5);
    const linearPull = new Float64Array(2);
    for (let i = 0; i < n; i++) {
      const x = [0.8 * random.normal(), 0.8 * random.normal()];
      const xi = 0.7 * random.normal();
      const t = 0.6 * x[0] + 0.3 * x[1];
      const gradient = [0.5 + 2 * 0.6 * t, -0.8 + 2 * 0.3 * t];
      const length = Math.hypot(...gradient);
      const [p0, p1] = gradient.map((value) => value / length);
      const v = [x[0], x[1], x[0] * x[0], x[0] * x[1], x[1] * x[1]];
      const Vphi = [p0, p1, 2 * x[0] * p0, x[1] * p0 + x[0] * p1, 2 * x[1] * p1];
      // The residual of the true model is −ξ.
      for (let k = 0; k < 5; k++) {
        const term = Math.abs(xi) * Vphi[k] - Math.sign(xi) * length * v[k];
        pull[k] += term / n;
        squares[k] += (term * term) / n;
      }
      const r = -(t * t + xi);
      const direction = [0.5, -0.8].map((value) => value / Math.hypot(0.5, 0.8));
      for (let k = 0; k < 2; k++)
        linearPull[k] += (Math.abs(r) * direction[k] + Math.sign(r) * Math.hypot(0.5, 0.8) * x[k]) / n;
    }
    const s2 = 0.64;
    const c = theory.meanGaussianNorm(2, 0.8, 2);
    const [a, b, d] = [3 * s2 * s2, s2 * s2, s2 * s2];
    // The squares' block [[a, b], [b, a]], the product's d, the linear part's s².
    const products =
      (a * (pull[2] ** 2 + pull[4] ** 2) - 2 * b * pull[2] * pull[4]) / (a * a - b * b) + pull[3] ** 2 / d;
    const quadratic = 0.5 * c * c * ((pull[0] ** 2 + pull[1] ** 2) / s2 + products);
    const linear = (0.5 * c * c * (linearPull[0] ** 2 + linearPull[1] ** 2)) / s2;
    const found = theory.linearQuadraticSensitivities(setting);
    const tolerance = 12 / Math.sqrt(n);
    close(quadratic, found.quadratic, tolerance);
    close(linear, found.linear, tolerance);
  });

  const settings = fc.integer({ min: 1, max: 6 }).chain((m) =>
    fc.record({
      beta1: fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: m, maxLength: m }),
      beta2: fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: m, maxLength: m }),
      sigmaX: fc.double({ min: 0.3, max: 3, noNaN: true }),
      sigmaXi: fc.double({ min: 0.05, max: 3, noNaN: true }),
      norm: fc.constantFrom(1, 2, Number.POSITIVE_INFINITY),
    }),
  );

  test("b > √2k' is enough for S_L > S_Q", () => {
    fc.assert(
      fc.property(settings, (setting) => {
        fc.pre(setting.beta1.every((value) => Math.abs(value) > 1e-3));
        const found = theory.linearQuadraticSensitivities(setting);
        if (theory.linearCostsMore(setting)) expect(found.linear).toBeGreaterThan(found.quadratic);
      }),
      { numRuns: drawsOf(150, 3000), seed: 3 },
    );
  });

  test("without a quadratic part the two cost the same, and Theorem 5.2 says how much", () => {
    for (const p of [1, 2, 3, Number.POSITIVE_INFINITY]) {
      const beta1 = [1, -0.5, 0.3];
      const setting = { beta1, beta2: [0, 0, 0], sigmaX: 0.7, sigmaXi: 0.5, norm: p, loss: "squared" } as const;
      const found = theory.linearQuadraticSensitivities(setting);
      close(found.linear, found.quadratic, 1e-12);
      const scale = theory.meanGaussianNorm(3, 0.7, p);
      const population = { beta: beta1, meanAbsoluteNoise: 0.5 * Math.sqrt(2 / Math.PI), scale, norm: p };
      close(theory.linearSensitivity({ ...population, sigmaX: 0.7 }), found.linear, 1e-12);
      const moment = Matrix.fromRows([0, 1, 2].map((j) => [0, 1, 2].map((k) => (j === k ? 0.49 : 0))));
      close(theory.generalLinearSensitivity(population, moment, [0, 0, 0]), found.linear, 1e-12);
    }
  });

  test("a longer β₁ takes away what no condition free of β₁ can see", () => {
    const setting = { beta2: [0, Math.sqrt(0.09), 0], sigmaX: 1, sigmaXi: 1, norm: 2 };
    const ratio = (length: number): number => {
      const { linear, quadratic } = theory.linearQuadraticSensitivities({ ...setting, beta1: [length, 0, 0.01] });
      return linear / quadratic;
    };
    expect(ratio(0.1)).toBeLessThan(0.9);
    expect(ratio(10)).toBeGreaterThan(1);
  });

  test.each([
    [{ beta2: [1] }, /one number per feature each, got 2 and 1/],
    [{ beta1: [0, 0] }, /β₁ must not be 0/],
    [{ sigmaX: 0 }, /σ must be above 0/],
    [{ norm: 0.5, beta1: [1, 1] }, /norm/],
  ])("%j makes no sense", (change, message) => {
    const setting = { beta1: [1, 2], beta2: [1, 0], sigmaX: 1, sigmaXi: 1, norm: 2 };
    expect(() => theory.linearQuadraticSensitivities({ ...setting, ...change })).toThrow(message);
  });
});

describe("Example 5.1", () => {
  test.each([1, 2, 3, 6])("constants of m = %d are those of the exact second moment", (m) => {
    const moment = Matrix.zeros(2 * m, 2 * m);
    for (let j = 0; j < m; j++) {
      moment.data[j * 2 * m + j] = 1 / 3;
      for (let k = 0; k < m; k++) moment.data[(m + j) * 2 * m + m + k] = j === k ? 1 / 80 : 1 / 144;
    }
    close(Math.min(...symmetricEigenvalues(moment)), theory.squareFeaturesEigenvalue(m), 1e-12);
    const random = randomStream(m);
    const n = 200_000;
    let sum = 0;
    for (let i = 0; i < n; i++) sum += Math.max(...Array.from({ length: m }, () => random.uniform() ** 2)) / n;
    close(1 + sum / 4, theory.squareFeaturesJacobian(m), 2e-3);
    expect(theory.squareFeaturesEigenvalue(m)).toBeLessThan(theory.printed.squareFeaturesEigenvalue);
  });

  test("the residual is that of the projection", () => {
    const [m, M, n] = [2, 5, 200_000];
    const random = randomStream(9);
    const share = (M - m) / 144 / (1 / 80 + (m - 1) / 144);
    let sum = 0;
    for (let i = 0; i < n; i++) {
      const x = Array.from({ length: M }, () => 2 * random.uniform() - 1);
      const kept = x.slice(0, m).reduce((total, value) => total + (share * value * value) / 4, 0);
      const left = x.slice(m).reduce((total, value) => total + value + (value * value) / 4, 0);
      sum += (left - kept) ** 2 / n;
    }
    close(sum + 0.01, theory.squareFeaturesResidual(m, M, 0.01), 0.02);
    expect(() => theory.squareFeaturesResidual(6, 5, 0)).toThrow(/Of 5 features 6/);
  });

  test("the bound rises before it falls (MATH 5)", () => {
    const bounds = Array.from({ length: 10 }, (_, k) => theory.squareFeaturesBound(k + 1, 10, 0.01));
    [71, 338, 467, 552, 582, 568, 501, 385, 222, 7].forEach((goal, k) => {
      close(bounds[k], goal, 0.02);
    });
  });
});

describe("Theorem 5.4", () => {
  const base = { features: 4, coefficients: 2, sigmaX: 1.3, sigmaEta: 0.9 };
  test("the ratio is that of the sensitivities", () => {
    for (const sigmaR of [0.1, 1, 4]) {
      const [smooth, still] = [sigmaR, 0].map((r) => theory.smoothedSensitivity({ ...base, sigmaR: r }).curvature);
      close(smooth / still, theory.smoothingRatio({ ...base, sigmaR }), 1e-12);
    }
  });
  test("smoothing helps exactly beyond its threshold", () => {
    const threshold = theory.helpfulSmoothing(base);
    close(theory.smoothingRatio({ ...base, sigmaR: threshold }), 1, 1e-12);
    expect(theory.smoothingRatio({ ...base, sigmaR: 0.9 * threshold })).toBeGreaterThan(1);
    expect(theory.smoothingRatio({ ...base, sigmaR: 1.1 * threshold })).toBeLessThan(1);
    expect(theory.helpfulSmoothing({ ...base, coefficients: 0.3 })).toBe(0);
  });
  test("numbers of MATH 6", () => {
    const one = { features: 3, coefficients: 1, sigmaX: 1, sigmaEta: 1 };
    close(theory.smoothingRatio({ ...one, sigmaR: 0.5 }), 0.96, 1e-12);
    close(theory.printed.smoothingRatio({ ...one, sigmaR: 0.5 }), 1.12, 1e-12);
    close(theory.smoothingRatio({ ...one, sigmaR: 2 }), 0.36, 1e-12);
    close(theory.printed.smoothingRatio({ ...one, sigmaR: 2 }), 0.52, 1e-12);
  });
  test("an attack on the smoothed loss is a ridge σ_r²: its I is a derivative of the minimiser of the smoothed robust loss", () => {
    // Along β: E(|r| + ρb)² + σ_r²b², r ~ N(0, σ_η² + (b − B)²σ_x²), at p = 2 for a slope b > 0; ρ = εc.
    const [B, sx, sr, se] = [1.2, 1, 0.7, 0.8];
    const setting = { features: 3, coefficients: B, sigmaX: sx, sigmaR: sr, sigmaEta: se };
    const { influence, scale } = theory.smoothedSensitivity({ ...setting, attack: "mean" });
    const objective = (b: number, rho: number): number => {
      const variance = se ** 2 + (b - B) ** 2 * sx ** 2;
      return variance + 2 * rho * b * Math.sqrt((2 * variance) / Math.PI) + (rho * b) ** 2 + sr ** 2 * b ** 2;
    };
    const slope = (b: number, rho: number): number => (objective(b + 1e-5, rho) - objective(b - 1e-5, rho)) / 2e-5;
    const minimiser = (rho: number): number => {
      let [low, high] = [0.01, 2];
      for (let k = 0; k < 60; k++) {
        const middle = (low + high) / 2;
        if (slope(middle, rho) > 0) high = middle;
        else low = middle;
      }
      return (low + high) / 2;
    };
    const h = 1e-3;
    close((minimiser(h * scale) - minimiser(-h * scale)) / (2 * h), influence, 1e-4);
  });
});

describe("Theorem 6.1", () => {
  test("the weights are feasible and no others gain more; the printed ones gain less for u > 1", () => {
    const vectors = fc.array(fc.double({ min: 0.01, max: 5, noNaN: true }), { minLength: 2, maxLength: 8 });
    fc.assert(
      fc.property(vectors, fc.double({ min: 1.1, max: 6, noNaN: true }), fc.integer(), (gains, u, seed) => {
        const s = Float64Array.from(gains);
        const random = randomStream(seed);
        const raw = gains.map(() => random.uniform());
        const total = raw.reduce((sum, value) => sum + value, 0);
        const w = Float64Array.from(raw, (value) => value / total);
        const sizeOf = (omega: Float64Array): number =>
          omega.reduce((sum, value, i) => sum + w[i] * value ** u, 0) ** (1 / u);
        const best = theory.distributionalWeights(u, s, w);
        close(sizeOf(best), 1, 1e-9);
        const gain = theory.distributionalGrowth(best, s, w);
        const other = Float64Array.from(gains, () => random.uniform());
        const scaled = other.map((value) => value / sizeOf(other));
        expect(theory.distributionalGrowth(scaled, s, w)).toBeLessThanOrEqual(gain * (1 + 1e-9));
        const eight = theory.printed.distributionalWeights(u, s, w);
        close(sizeOf(eight), 1, 1e-9);
        expect(theory.distributionalGrowth(eight, s, w)).toBeLessThanOrEqual(gain * (1 + 1e-9));
      }),
      { numRuns: drawsOf(200, 5000), seed: 1 },
    );
  });
  test("at u = 1 both put everything on the largest, at u = ∞ every row moves alike", () => {
    const [s, w] = [Float64Array.of(1, 3, 2), Float64Array.of(0.5, 0.2, 0.3)];
    expect(theory.distributionalWeights(1, s, w)).toEqual(Float64Array.of(0, 5, 0));
    expect(theory.printed.distributionalWeights(1, s, w)).toEqual(Float64Array.of(0, 5, 0));
    expect(theory.distributionalWeights(Number.POSITIVE_INFINITY, s, w)).toEqual(Float64Array.of(1, 1, 1));
    expect(theory.distributionalShift(1, 1, 1, 1)).toBe(Number.POSITIVE_INFINITY);
  });
});

test("quadrature knows polynomials, kinks and jumps", () => {
  const moments = normalMean(
    (z, out) => {
      out[0] = z ** 4;
      out[1] = Math.abs(z - 0.3);
      out[2] = z > 0.3 ? 1 : 0;
    },
    3,
    [0.3],
  );
  close(moments[0], 3, 1e-12);
  // E|z − a| = 2φ(a) + a(2Φ(a) − 1), P(z > a): tables.
  close(moments[1], 0.8335224842344, 1e-10);
  close(moments[2], 0.382088577811, 1e-10);
});
