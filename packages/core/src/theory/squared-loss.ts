/** The paper's two conventions: l = r², and l = r²/2 in its section 5.1.2. Sensitivities are in proportion to the factor. */
export type SquaredLoss = "squared" | "half-squared";

/** s of l = s r². */
export const lossFactor = (loss: SquaredLoss): number => (loss === "squared" ? 1 : 0.5);
