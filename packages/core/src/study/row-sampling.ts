import type { EncodedDataset } from "../data/encoded-dataset.js";
import { quoted } from "../data/names.js";
import { inputError } from "../errors.js";
import type { Sampling } from "../influence/sampling.js";
import type { StudySettings } from "./settings.js";

/** How clusters vary cannot be seen from one. */
export function refuseOneCluster(count: number | null, { cluster }: Pick<StudySettings, "cluster">): void {
  if (count !== null && count < 2) {
    throw inputError(
      `All rows are in one cluster of --cluster ${quoted(cluster ?? "")}, so nothing shows how clusters vary: name a column with at least two values, better 40.`,
    );
  }
}

/** How many clusters of `--cluster` the rows fall into; null without it: noisy copies of a row are no cluster that anybody named. */
export const clusterCount = (
  { clusters }: Pick<EncodedDataset, "clusters">,
  { cluster }: Pick<StudySettings, "cluster">,
): number | null => (cluster !== null && clusters ? new Set(clusters).size : null);

/** How the rows of a table came to be. */
export const samplingOf = ({ weightTotal, clusters }: EncodedDataset, { weightsKind }: StudySettings): Sampling => ({
  weightsKind,
  totalWeight: weightTotal,
  clusters,
});
