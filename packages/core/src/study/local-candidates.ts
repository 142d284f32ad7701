import type { EncodedDataset } from "../data/encoded-dataset.js";
import { type ModelPoint, pointAt } from "../influence/local/point.js";
import type { Work } from "../parallel/work.js";
import { meanLoss } from "../solvers/model-risk.js";
import type { LocalModel } from "./local-model.js";
import { type TrainedLocal, trainLocal } from "./local-training.js";
import type { StudySettings } from "./settings.js";

/** One training of the model, and where it ended. */
export interface Candidate {
  readonly seed: number;
  readonly trained: TrainedLocal;
  readonly point: ModelPoint;
  /** Σ w l + ½ Σ P_j θ_j² over all training rows, those of early stopping too: what trainings are compared by. */
  readonly objective: number;
}

/** The model trained from each of `--restarts` seeds, the lowest objective first. */
export async function trainCandidates(
  local: LocalModel,
  rows: EncodedDataset,
  { settings, l2 }: { readonly settings: StudySettings; readonly l2: number },
  work: Work,
): Promise<Candidate[]> {
  const { restarts } = settings.local;
  const found: Candidate[] = [];
  for (let k = 0; k < restarts; k++) {
    if (restarts > 1) work.onProgress?.({ phase: "training from several seeds", done: k, total: restarts });
    const seed = settings.seed + k;
    const trained = await trainLocal(local, rows, { settings, l2, seed }, work);
    const { parameters, training } = trained;
    const point = await pointAt(local.model, training, parameters, { l2 }, work);
    const loss = training === rows ? point.trainingLoss : await meanLoss(local.model, rows, parameters, work);
    const penalty = parameters.reduce((sum, value, j) => sum + 0.5 * point.ridge[j] * value * value, 0);
    found.push({ seed, trained, point, objective: loss + penalty });
  }
  return found.toSorted((a, b) => a.objective - b.objective);
}
