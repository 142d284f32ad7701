import type { ModelSection } from "./result.js";

/** What the columns went through before the model saw them; an import may see them times a factor, such as 1/255, and not about their means. */
export function scalingOf(scaler: ModelSection["scaler"]): "standardised" | "scaled" | null {
  if (scaler === null) return null;
  return scaler.mean.every((mean) => mean === 0) ? "scaled" : "standardised";
}
