import type { ComparisonInput, StudyInput, StudySettings } from "@aif/core";
import type { StreamShare } from "@aif/core/node";

/** Work with independent parts, which the threads of this program share. Plain data. */
export type Task =
  | { readonly kind: "compare"; readonly input: ComparisonInput }
  | { readonly kind: "analyze"; readonly input: StudyInput };

/** The analysis of a table in a cache, whose blocks the threads of this program share. Plain data. */
export interface StreamTask {
  readonly kind: "stream";
  readonly share: StreamShare;
  readonly settings: StudySettings;
  /** The matrix that `--project` names, where it names one. */
  readonly projectionTable?: StudyInput["projectionTable"];
}
