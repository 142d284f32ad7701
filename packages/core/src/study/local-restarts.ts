import { naturalCurvatureTimes } from "../influence/local/contributions.js";
import { pointAt } from "../influence/local/point.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import { evaluateLocal, naturalLosses } from "./local-evaluation.js";
import type { PreparedLocal } from "./local-prepare.js";
import { respondAt } from "./local-response.js";
import type { RestartedResponse } from "./local-result.js";
import { trainLocal } from "./local-training.js";

/**
 * The same network trained from further seeds, and what each minimum says of each threat (the paper's 4.1): one list a threat, in
 * the order of seeds, the analysed network first.
 * @param epsilons the sizes of each threat
 */
export async function restartedResponses(
  prepared: PreparedLocal,
  epsilons: readonly (readonly number[])[],
  work: Work,
): Promise<RestartedResponse[][]> {
  const { input, local, reach, l2, rows } = prepared;
  const { settings } = input;
  const lists: RestartedResponse[][] = epsilons.map(() => []);
  for (let k = 0; k < settings.local.restarts; k++) {
    const seed = settings.seed + k;
    work.onProgress?.({ phase: "training from other seeds", done: k, total: settings.local.restarts });
    const again = k === 0 ? prepared : await preparedFrom(seed);
    const evaluated = await evaluateLocal(again, work);
    for (const [t, attack] of again.influences.entries()) {
      const { influence: I } = attack;
      const { w } = evaluated[t];
      const before = dot(w, await naturalLosses(evaluated[t], local, 0, work));
      const costs: number[] = [];
      for (const epsilon of epsilons[t]) {
        costs.push(dot(w, await naturalLosses(evaluated[t], local, epsilon, work)) - before);
      }
      lists[t].push({
        seed,
        trainingLoss: again.point.trainingLoss,
        curvature: 0.5 * dot(I, await naturalCurvatureTimes(attack, I, work)),
        costs,
      });
    }
  }
  return lists;

  async function preparedFrom(seed: number): Promise<PreparedLocal> {
    const trained = await trainLocal(local, rows, { settings, l2, seed }, work);
    const point = await pointAt(local.model, trained.training, trained.parameters, { l2 }, work);
    const response = await respondAt(point, local, reach, settings, work, false);
    return { ...prepared, training: trained.training, trained, point, ...response };
  }
}
