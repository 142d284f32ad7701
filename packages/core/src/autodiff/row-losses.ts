/** Losses row by row (r×1), so that weights are applied outside. The softmax's is `crossEntropy`. */
import { mul, sub } from "./arithmetic.js";
import { softplus, square } from "./elementwise.js";
import { neg, scale } from "./scale.js";
import type { Tensor } from "./tensor.js";

/** (f − y)² for scores f and targets y, both r×1. */
export const squaredLoss = (f: Tensor, y: Tensor): Tensor => square(sub(f, y));

/** ½(f − y)² */
export const halfSquaredLoss = (f: Tensor, y: Tensor): Tensor => scale(squaredLoss(f, y), 0.5);

/** log(1 + e^{−yf}), y ∈ {−1, +1}. */
export const logisticLoss = (f: Tensor, y: Tensor): Tensor => softplus(neg(mul(y, f)));
