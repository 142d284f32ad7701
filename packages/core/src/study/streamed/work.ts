import type { Checkpoint } from "../../parallel/checkpoint.js";
import type { Work } from "../../parallel/work.js";

/** What an analysis by passes accepts beside its rows. */
export interface StreamedWork extends Work {
  /** Where sums of passes are kept, so that a run that was cut off goes on. */
  readonly checkpoint?: Checkpoint | undefined;
  /** Threads of this process that work on their shares of the rows beside each other, this one among them, and share its memory (default 1). */
  readonly threads?: number;
  /** What the work of this process may take, its threads together: the scores of the AUC, the sums of clusters and the draws of a bootstrap keep to half of it (default: as needed). */
  readonly memoryBytes?: number | undefined;
}
