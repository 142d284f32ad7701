import type { SupportChange } from "../influence/support-change.js";
import type { Fit } from "../solvers/fit.js";
import type { NamedSupportChange, SparseSection } from "./lasso-result.js";

/** What the l1 penalty did; null without one. */
export const sparseSection = (fit: Fit): SparseSection | null => {
  const { sparse } = fit;
  if (!sparse) return null;
  const { l1, largestL1, unique, relativeGap } = sparse;
  return { l1, largestL1, selected: selectedNames(fit), unique, relativeGap };
};

export const selectedNames = ({ sparse, model }: Fit): string[] =>
  (sparse?.selected ?? []).map((j) => model.parameterNames[j]);

/** The change with its parameter by name. */
export const namedChange = (
  { epsilon, parameter, kind }: SupportChange,
  names: readonly string[],
): NamedSupportChange => ({ epsilon, parameter: names[parameter], kind });
