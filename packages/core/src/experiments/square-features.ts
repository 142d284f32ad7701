import type { LossName } from "../models/losses.js";
import { basis, type ModelDescription } from "../models/score-model.js";

/** The regression of Example 5.1 and Figure 2(a): v = (x, x²/4) of all features, no intercept. */
export const squareFeaturesModel =
  (loss: LossName): ModelDescription =>
  (data) => {
    const { features } = data;
    const terms = [...features, ...features.map((name) => `${name}^2/4`)].join(", ");
    return basis(terms, { intercept: false, loss })(data);
  };

/** 1, …, M */
export const upTo = (M: number): number[] => Array.from({ length: M }, (_, k) => k + 1);
