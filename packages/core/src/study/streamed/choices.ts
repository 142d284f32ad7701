/** What the settings, the columns and a first look at the rows decide before anything is fitted. */
import type { DescribedColumns } from "../../data/encoded-dataset.js";
import type { StreamedDataset } from "../../data/streamed-dataset.js";
import type { ScoreModel } from "../../models/score-model.js";
import type { Pass } from "../../parallel/passes.js";
import type { Ranks } from "../../parallel/ranks.js";
import { type ChosenModel, chooseModel } from "../model-choice.js";
import { type Penalties, penaltiesOf } from "../penalties.js";
import { refuseUndeterminedSquares } from "../prepare.js";
import { chooseProjection } from "../projection-choice.js";
import { refuseOneCluster } from "../row-sampling.js";
import { type Reach, resolveReach, threatsOf } from "../threat-choice.js";
import type { StreamedInput } from "./analyze.js";
import { refuseManyClusters } from "./cluster-room.js";
import { rowsOutside } from "./outside-rows.js";
import { blocksOf, type RowsView } from "./rows-view.js";
import type { StreamedWork } from "./work.js";

export interface Choices {
  readonly columns: DescribedColumns;
  readonly projection: Awaited<ReturnType<typeof chooseProjection>>;
  readonly model: ChosenModel;
  /** The model for these columns. */
  readonly described: ScoreModel;
  readonly reach: Reach;
  readonly penalties: Penalties;
  readonly clusters: number | null;
}

/** @throws as `analyzeStreamed`, whatever shows before the fit */
export async function choose(
  input: StreamedInput,
  looking: Pass<RowsView>,
  ranks: Ranks,
  work: StreamedWork,
): Promise<Choices> {
  const { training, settings } = input;
  const columns = columnsOf(training);
  const projection = await chooseProjection(settings, blocksOf(looking, training), input.projectionTable);
  const model = chooseModel(settings, columns, projection);
  const described = model.describe(training);
  const outside = await rowsOutside(looking, ranks, settings, training);
  const reach = resolveReach(settings, columns, (k) => described.map.usesInput(k), outside);
  const penalties = penaltiesOf(settings, model, training.weightTotal);
  refuseUndeterminedSquares(model, reach, penalties.l2);
  const clusters = training.clusters ?? null;
  refuseOneCluster(clusters, settings);
  const threats = threatsOf(settings, reach).length;
  await refuseManyClusters(input, { parameters: described.map.count, threats }, work);
  return { columns, projection, model, described, reach, penalties, clusters };
}

const columnsOf = ({ encoding, features }: StreamedDataset): DescribedColumns => ({
  encoding,
  features,
  featureInfo: encoding.features,
  labels: encoding.target.labels,
});
