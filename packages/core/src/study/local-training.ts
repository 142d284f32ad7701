import type { EncodedDataset } from "../data/encoded-dataset.js";
import { holdOut } from "../data/splits.js";
import type { Work } from "../parallel/work.js";
import { type TrainingMethod, trainModel } from "../solvers/train.js";
import type { LocalModel } from "./local-model.js";
import { trainConvex } from "./local-separation.js";
import type { StudySettings } from "./settings.js";

/** θ̃, the rows that it was trained on, and how. */
export interface TrainedLocal {
  readonly parameters: Float64Array;
  /** Without the rows that early stopping looks at. */
  readonly training: EncodedDataset;
  readonly method: TrainingMethod | "import";
  readonly iterations: number;
  readonly converged: boolean;
  /** Rows held out for early stopping. */
  readonly stoppingRows: number;
}

/** The relative gradient that a network is trained to: smaller ones take long, and change nothing that is shown. */
const NETWORK_TOLERANCE = 5e-7;
/** The share of the training rows that early stopping looks at. */
const STOPPING_SHARE = 0.1;
/** Steps that Adam may take at most, and between looks at the rows held out. */
const MOST_STEPS = 30_000;
const BATCH_ROWS = 64;
const LEARNING_RATE = 3e-3;
const LEAST_EPOCHS = 30;
const MOST_EPOCHS = 1000;
const PATIENCE_SHARE = 0.1;

/**
 * θ̃ of a model: a convex one by Newton's method, or from an import's own parameters ("polish"); a network by L-BFGS to a
 * minimum where a ridge makes one, else by Adam until the loss on held-out training rows stops falling.
 */
export async function trainLocal(
  local: LocalModel,
  training: EncodedDataset,
  { settings, l2, seed }: { readonly settings: StudySettings; readonly l2: number; readonly seed: number },
  work: Work,
): Promise<TrainedLocal> {
  const { model, convex, imported } = local;
  if (imported && !(convex && settings.local.polish)) {
    return { parameters: imported, training, method: "import", iterations: 0, converged: false, stoppingRows: 0 };
  }
  const { optimizer } = settings.local;
  const method: TrainingMethod = optimizer ?? (convex ? "newton" : l2 > 0 ? "lbfgs" : "adam");
  if (method !== "adam") {
    const options = { ...(imported && { start: imported }), ...(convex ? {} : { tolerance: NETWORK_TOLERANCE }) };
    const found =
      method === "newton"
        ? await trainConvex(local, training, { l2, ...options }, work)
        : await trainModel(model, training, { l2, method, seed, ...options }, work);
    return { ...found, training, stoppingRows: 0 };
  }
  const rows = holdOut(training.sourceRows, STOPPING_SHARE, seed, {
    strata: training.encoding.target.task === "regression" ? undefined : training.y,
    groups: training.groups,
  });
  const rest = training.select(rows.training);
  const stepsAnEpoch = Math.ceil(rest.rows / BATCH_ROWS);
  const epochs = Math.min(MOST_EPOCHS, Math.max(LEAST_EPOCHS, Math.round(MOST_STEPS / stepsAnEpoch)));
  const found = await trainModel(
    model,
    rest,
    {
      l2,
      method,
      seed,
      epochs,
      batchRows: BATCH_ROWS,
      learningRate: LEARNING_RATE,
      validation: training.select(rows.evaluation),
      patience: Math.ceil(PATIENCE_SHARE * epochs),
    },
    work,
  );
  return { ...found, training: rest, stoppingRows: rows.evaluation.length };
}
