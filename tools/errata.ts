import type { ExperimentRun } from "@aif/core";

/** What is kept of a run for docs/errata.md. */
export type KeptRun = Pick<ExperimentRun, "name" | "setup" | "settings" | "verdicts">;

/** One place of the paper. */
export interface Erratum {
  readonly where: string;
  readonly printed: string;
  readonly right: string;
  readonly evidence: readonly (
    | {
        /** A result of `aif reproduce`, and which of its verdicts. */
        readonly run: string;
        readonly norm?: string;
        readonly verdicts: readonly number[];
      }
    | { readonly says: string; readonly test: string }
  )[];
}

/** The runs that the page quotes. */
export const RUNS: readonly { readonly name: string; readonly repetitions: number; readonly norm: string }[] = [
  { name: "figure1", repetitions: 1, norm: "2" },
  { name: "remark2", repetitions: 1000, norm: "2" },
  { name: "theorem5.1", repetitions: 10, norm: "2" },
  { name: "theorem5.1", repetitions: 10, norm: "inf" },
  { name: "theorem5.2", repetitions: 20, norm: "2" },
  { name: "corollary5.1", repetitions: 40, norm: "2" },
  { name: "theorem5.3", repetitions: 10, norm: "2" },
  { name: "example5.1", repetitions: 20, norm: "2" },
  { name: "figure2a", repetitions: 40, norm: "2" },
  { name: "theorem5.4", repetitions: 20, norm: "2" },
  { name: "theorem6.1", repetitions: 10, norm: "2" },
];

/** In the paper's order. */
export const ERRATA: readonly Erratum[] = [
  {
    where: "Theorem 4.1 at p = 1 and p = ∞",
    printed: "The influence is I = −H⁻¹Φ wherever every gradient ∇ₓl is non-zero; p ≥ 0.",
    right:
      "p ∈ [1, ∞]. At p = ∞ every coordinate of every gradient must be non-zero, at p = 1 its largest coordinate unique. Otherwise, and where a residual is 0, the growth of the risk has a corner, and I is −H⁻¹ times the element of its subdifferential of least H⁻¹-norm: the exact derivative towards ε > 0.",
    evidence: [
      {
        says: "At corners the formula with sgn(0) = 0 misses the derivative of the exact robust optimum, the least-norm element meets it",
        test: "packages/core/test/influence/kinks.test.ts",
      },
    ],
  },
  {
    where: "Equation (3) away from the training rows",
    printed: "S = ½ε²I'HI.",
    right:
      "That is the rise at a minimum of the loss. On other rows, and on the training rows with a ridge, the loss has a slope at θ̂: S = ε∇L'I + ½ε²(I'HI + ∇L'J) + O(ε³), J = d²θ_ε/dε², and robust training may lower it. `aif analyze` reports the predicted change L(θ̂ + εI) − L(θ̂), its slope and its curvature apart.",
    evidence: [
      {
        says: "The held-out change of exact robust training has the sign and size that slope and curvature together predict",
        test: "packages/core/test/influence/held-out-truth.test.ts",
      },
    ],
  },
  {
    where: "Figure 1",
    printed: "ΔS = |Ŝ/ε² − I'HI|.",
    right: "ΔS = |Ŝ/ε² − ½I'HI|: without the ½ it tends to ½I'HI and not to 0.",
    evidence: [{ run: "figure1", verdicts: [1, 2, 3, 4] }],
  },
  {
    where: "Remark 2",
    printed:
      "An interval from the spread of ζ_i; it is stated of Î − μ̂ₙ, which is 0 by definition, and is meant of Î − I.",
    right:
      "The spread of the influence function of the plug-in estimate, which also has how θ̂, Ĥ and c vary, and a density term where |r| has its corner.",
    evidence: [{ run: "remark2", verdicts: [0, 1] }],
  },
  {
    where: "Section 4.1, the surrogate loss",
    printed: "Theorem 4.1 holds with the damped quadratic surrogate around any θ̃.",
    right:
      "Only where ∇L(θ̃) = 0. Elsewhere −(H + λI)⁻¹Φ is the influence of R_ε(θ) − ∇L(θ̃)'θ + ½λ‖θ − θ̃‖², and the slope of one damped Newton step on the robust risk.",
    evidence: [
      {
        says: "Both readings agree with finite differences of what they say, to rounding",
        test: "packages/core/test/influence/local/damped.test.ts",
      },
    ],
  },
  {
    where: "Theorem 5.1",
    printed: "Condition I gives S_L > S_Q; condition II, on σ, σ_ξ, ‖β₂‖ and m alone, gives S_L < S_Q.",
    right:
      "Condition I is right but far from sharp: it implies b > 2k', with b = ‖β₂‖²σ² and k' = √(2/π)σ_ξ, while b > √2·k' is enough. Condition II is wrong: S_L < S_Q depends on β₁, and for every b > 0 a long enough β₁ gives S_L > S_Q. S_L and S_Q themselves are one-dimensional integrals: `theory.linearQuadraticSensitivities`.",
    evidence: [
      { run: "theorem5.1", verdicts: [0, 1, 2, 3, 4, 5, 6] },
      { run: "theorem5.1", norm: "inf", verdicts: [4, 5, 6] },
    ],
  },
  {
    where: "Theorem 5.2",
    printed: "S/ε² = c²(E|η|)²/σ_x² up to a remainder of order √(1/n + m/n).",
    right:
      "The formula is right for l = r² (half of it for r²/2), with E[xx'] for Cov(x) where the model has no intercept. The remainder hides a constant in proportion to the signal-to-noise ratio: Ŝ exceeds S by ½tr(H Cov Î).",
    evidence: [{ run: "theorem5.2", verdicts: [0, 1] }],
  },
  {
    where: "Corollary 5.1",
    printed: "S/ε² = (4/π)Γ²((m+1)/2)/Γ²(m/2)·((M − m)σ_x² + σ_ξ²)/σ_x².",
    right: "Without the last σ_x²; exact as a mean over β ~ N(0, I), and for a given β with Σ_{j>m}β_j² for M − m.",
    evidence: [{ run: "corollary5.1", verdicts: [0, 1, 2, 3] }],
  },
  {
    where: "Equation (6), the general regression",
    printed: "Φ with r, S/ε² = Φ'Cov(v)⁻¹Φ.",
    right:
      "Four corrections: |r| for r in the first term of Φ, the second moment of v for its covariance, and the factors ½ and c².",
    evidence: [{ run: "example5.1", verdicts: [6, 7] }],
  },
  {
    where: "Theorem 5.3",
    printed: "S/ε² ≤ c²E[η²]E‖V'V‖₂/λ_min(Cov v) where E[x sgn η] = 0.",
    right:
      "e = E[sgn(η)·v·‖V'θ‖] must vanish, which that does not make it. For every distribution S/ε² ≤ c²(E[|η|‖V‖₂] + ‖e‖)²/λ_min(E vv'), l = r².",
    evidence: [{ run: "theorem5.3", verdicts: [0, 1] }],
  },
  {
    where: "Example 5.1",
    printed: "λ_min ≥ 1/5 and E‖V'V‖₂ = 1, so that the bound falls with m.",
    right:
      "λ_min(E vv') is 1/180 (1/80 for one feature) and E‖V'V‖₂ = 1 + m/(4(m + 2)). As c² grows like m/3 the bound rises before it falls.",
    evidence: [{ run: "example5.1", verdicts: [0, 1, 2, 3, 4, 5] }],
  },
  {
    where: "Figure 2(a)",
    printed: "The sensitivity falls with the number of features.",
    right:
      "It does for an attack of one size ε for every model (c = 1). For an attack relative to the features used, as Definition 3.1 has it, it rises first.",
    evidence: [{ run: "figure2a", verdicts: [0, 1, 2, 4] }],
  },
  {
    where: "Theorem 5.4",
    printed: "Smoothing multiplies S by (σ_x²/T)(σ_ξ² + 2B²σ_x²σ_r²/T)/σ_ξ², T = σ_x² + σ_r².",
    right:
      "Without the 2, and with σ_η for σ_ξ. It lowers S exactly where σ_r² ≥ σ_x²(SNR − 1), so S is not monotone in σ_r for a signal-to-noise ratio above 1. With c = E‖x̃‖ the ratio is never below 1; on inputs without noise the loss rises at first order in ε.",
    evidence: [{ run: "theorem5.4", verdicts: [0, 1, 2, 3, 4] }],
  },
  {
    where: "Corollary 6.1 and its neural tangent kernel",
    printed:
      "The term K_i'θ + K_iθ' − y_i; the kernel x'x'(π − arccos(x'x'))/2π, for all inputs; a_r ~ U(−1, 1), r ∈ [m].",
    right:
      "The term is the matrix (K_i'θ − y_i)I + K_iθ'. The kernel as printed is defined on the unit sphere only, and an attack leaves it: off the sphere it is x·z(π − α)/2π with the angle α of x and z. With centres that stay it has a cusp at every row, so that no influence exists. a_r is ±1, r ∈ [b].",
    evidence: [
      {
        says: "The matrix reading agrees with an independent reference",
        test: "packages/core/test/kernel/golden.test.ts",
      },
      {
        says: "The kernel off the sphere is the average of wide random networks with a_r = ±1",
        test: "packages/core/test/kernel/kernels.test.ts",
      },
      {
        says: "Centres that stay under a cusp are refused",
        test: "packages/core/test/kernel/ridge.test.ts",
      },
    ],
  },
  {
    where: "Theorem 6.1 and equation (8)",
    printed: "The adversary puts the whole budget on the row of largest gain; the shift shrinks as n^{(1−u)/u}.",
    right:
      "At u = 1 only. For u > 1 Hölder's inequality gives row i the weight ω_i = s_i^{u*−1}/(Σ w s^{u*})^{1/u}, and the shift has a limit as n grows. The cost of moving is on x only: y stays.",
    evidence: [{ run: "theorem6.1", verdicts: [0, 1, 2, 3] }],
  },
];
