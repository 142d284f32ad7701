import type { ComparisonInput, StudyInput } from "@aif/core";

/** Work with independent parts, which the threads of this program share. Plain data. */
export type Task =
  | { readonly kind: "compare"; readonly input: ComparisonInput }
  | { readonly kind: "analyze"; readonly input: StudyInput };
