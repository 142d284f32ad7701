import type { EncodedDataset } from "../data/encoded-dataset.js";
import { listed } from "../data/names.js";
import type { Projection } from "../models/projection/projection.js";
import { raise } from "./flags.js";
import type { Flag } from "./result.js";

/** What a projection leaves to be said. */
export function projectionFlags(
  projection: Projection | null,
  data: Pick<EncodedDataset, "features">,
  intervals: boolean,
): Flag[] {
  if (projection === null) return [];
  const atLimit = (projection.atLimit ?? []).map((j) => data.features[j]);
  return [
    ...(intervals && projection.relearn
      ? [raise("projection-given", "Intervals take the projection that was learned from these rows as given.")]
      : []),
    ...(atLimit.length > 0
      ? [
          raise(
            "factor-at-limit",
            `The factors explain ${listed(atLimit, 5)} completely, as far as the iteration goes.`,
          ),
        ]
      : []),
  ];
}
