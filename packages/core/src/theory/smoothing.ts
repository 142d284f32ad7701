import { usageError } from "../errors.js";
import { MEAN_ABSOLUTE_NORMAL, meanGaussianNorm } from "./normal-lengths.js";
import { lossFactor, type SquaredLoss } from "./squared-loss.js";

/** y = β'x + η, x ~ N(0, σ_x²I_m), η ~ N(0, σ_η²), and a linear model trained on x̃ = x + N(0, σ_r²I_m): Theorem 5.4, p = 2. */
export interface SmoothedPopulation {
  /** m */
  readonly features: number;
  /** B = ‖β‖₂ */
  readonly coefficients: number;
  readonly sigmaX: number;
  readonly sigmaR: number;
  /** σ_η */
  readonly sigmaEta: number;
  /** Whether the adversary sees the noise drawn ("noisy") or attacks the smoothed loss ("mean", the same as a ridge σ_r²). */
  readonly attack?: "noisy" | "mean";
  /** c = E‖x‖ or E‖x̃‖. */
  readonly budget?: "clean" | "noisy";
  /** The inputs on which the natural loss is taken. */
  readonly evaluate?: "clean" | "noisy";
  readonly loss?: SquaredLoss;
}

/** The influence and sensitivity of smoothed linear regression in the population; per unit of ε. */
export interface SmoothedSensitivity {
  /** a = σ_x²/(σ_x² + σ_r²): smoothing shrinks β̃ = aβ. */
  readonly shrinkage: number;
  readonly scale: number;
  /** E|η̃| of the residual that the adversary sees. */
  readonly meanAbsoluteNoise: number;
  /** I along β, per ε. */
  readonly influence: number;
  /** S = slope·ε + curvature·ε² + …: the slope is not 0 on clean inputs, where β̃ is no minimiser. */
  readonly slope: number;
  readonly curvature: number;
}

/**
 * Theorem 5.4 corrected (MATH 6). T = σ_x² + σ_r². Var η̃ = σ_η² + B²σ_x²σ_r²/T and I = −c√(2Var/π)/T where the attack sees the noise;
 * σ_η² + (1−a)²B²σ_x² and I = −(c/T)√(2/π)[√Var − a(1−a)B²σ_x²/√Var] where it does not. S = s T I²ε² on noisy inputs,
 * 2sσ_x²(a−1)B I ε + sσ_x²I²ε² on clean ones. @throws usage: sizes that make no sense.
 */
export function smoothedSensitivity(population: SmoothedPopulation): SmoothedSensitivity {
  const { features, coefficients: B, sigmaX, sigmaR, sigmaEta } = checked(population);
  const { attack = "noisy", budget = "clean", evaluate = "noisy", loss = "squared" } = population;
  const [x2, r2] = [sigmaX ** 2, sigmaR ** 2];
  const T = x2 + r2;
  const a = x2 / T;
  const signal = B * B * x2;
  const variance = sigmaEta ** 2 + (attack === "noisy" ? (signal * r2) / T : (1 - a) ** 2 * signal);
  const spread = Math.sqrt(variance);
  const pull = attack === "noisy" ? spread : spread - (a * (1 - a) * signal) / spread;
  const scale = meanGaussianNorm(features, budget === "clean" ? sigmaX : Math.sqrt(T), 2);
  const influence = (-scale * MEAN_ABSOLUTE_NORMAL * pull) / T;
  const s = lossFactor(loss);
  return {
    shrinkage: a,
    scale,
    meanAbsoluteNoise: MEAN_ABSOLUTE_NORMAL * spread,
    influence,
    slope: evaluate === "noisy" ? 0 : 2 * s * x2 * (a - 1) * B * influence,
    curvature: s * (evaluate === "noisy" ? T : x2) * influence ** 2,
  };
}

/** S with smoothing over S without, the attack seeing the noise, c = E‖x‖, on noisy inputs: (σ_x²/T)(σ_η² + B²σ_x²σ_r²/T)/σ_η². */
export function smoothingRatio(population: SmoothedPopulation): number {
  const { coefficients: B, sigmaX, sigmaR, sigmaEta } = checked(population);
  const T = sigmaX ** 2 + sigmaR ** 2;
  return ((sigmaX ** 2 / T) * (sigmaEta ** 2 + (B * sigmaX * sigmaR) ** 2 / T)) / sigmaEta ** 2;
}

/** Only from this σ_r on does smoothing lower S: σ_r² ≥ σ_x²(SNR − 1), SNR = B²σ_x²/σ_η². */
export function helpfulSmoothing(population: Omit<SmoothedPopulation, "sigmaR">): number {
  const { coefficients: B, sigmaX, sigmaEta } = checked({ ...population, sigmaR: 0 });
  return sigmaX * Math.sqrt(Math.max(0, (B * sigmaX) ** 2 / sigmaEta ** 2 - 1));
}

function checked(population: SmoothedPopulation): SmoothedPopulation {
  const { coefficients, sigmaX, sigmaR, sigmaEta } = population;
  if (!(sigmaX > 0 && sigmaEta > 0 && sigmaR >= 0 && coefficients >= 0))
    throw usageError("σ_x and σ_η must be above 0, σ_r and ‖β‖ not negative.");
  return population;
}
