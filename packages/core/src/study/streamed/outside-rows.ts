import { placeIn } from "../../data/row-place.js";
import type { StreamedDataset } from "../../data/streamed-dataset.js";
import { EachRank, type Pass } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import type { StudySettings } from "../settings.js";
import type { NearestRow } from "../threat-choice.js";
import type { RowsView } from "./rows-view.js";

/** A distance, and the row that has it. */
const WIDTH = 2;

/** The rows with the values that lie outside of `--bounds` the furthest, one pass; none is made where all lie inside. */
export async function rowsOutside(
  pass: Pass<RowsView>,
  ranks: Ranks,
  { bounds }: Pick<StudySettings, "bounds">,
  { encoding: { features }, files = [] }: Pick<StreamedDataset, "encoding" | "files">,
): Promise<NearestRow> {
  const asked = features.flatMap(({ column, minimum, maximum }, k) => {
    const bound = bounds.find((one) => one.column === column);
    if (!bound || (minimum >= bound.lower && maximum <= bound.upper)) return [];
    return [{ k, value: minimum < bound.lower ? minimum : maximum }];
  });
  if (asked.length === 0) return () => null;
  const each = new EachRank(ranks, WIDTH * asked.length);
  each.own.fill(Number.POSITIVE_INFINITY);
  await pass({
    sums: [each.all],
    visit({ block: { x, sourceRows } }) {
      for (const [place, { k, value }] of asked.entries()) {
        const { mean, scale } = features[k];
        const own = each.own.subarray(WIDTH * place, WIDTH * (place + 1));
        for (let i = 0; i < x.rows; i++) {
          const away = Math.abs(x.data[i * x.columns + k] * scale + mean - value);
          if (away < own[0]) own.set([away, sourceRows[i]]);
        }
      }
    },
  });
  return (feature) => {
    const place = asked.findIndex(({ k }) => k === feature);
    if (place < 0) return null;
    const distances = each.ofAll(WIDTH * place);
    const row = each.ofAll(WIDTH * place + 1)[distances.indexOf(Math.min(...distances))];
    return placeIn(files, row - 1);
  };
}
