import type { StudyInput } from "../prepare.js";
import type { StudySettings } from "../settings.js";
import type { ComparisonFamily, WholeFamily } from "./family.js";

/** Rows, one adversary, and the family of models that are compared on them. */
export interface ComparisonInput extends Omit<StudyInput, "importedModel" | "importedScaler"> {
  /** Of every model: data, adversary, evaluation, intervals. The family sets model and ridge; one norm and one size at most. */
  readonly settings: StudySettings;
  readonly family: ComparisonFamily;
}

/** The same with nothing left open. */
export type WholeInput = Omit<ComparisonInput, "family"> & { readonly family: WholeFamily };
