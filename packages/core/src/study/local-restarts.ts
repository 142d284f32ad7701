import { naturalCurvatureTimes } from "../influence/local/contributions.js";
import type { Work } from "../parallel/work.js";
import { dot } from "../solvers/inverse-hessian.js";
import { evaluateLocal, naturalLosses } from "./local-evaluation.js";
import type { PreparedLocal } from "./local-prepare.js";
import { respondAt } from "./local-response.js";
import type { RestartedResponse } from "./local-result.js";

/**
 * What each training from another seed says of each threat (the paper's 4.1): one list a threat, in the order of the candidates.
 * @param epsilons the sizes of each threat
 */
export async function restartedResponses(
  prepared: PreparedLocal,
  epsilons: readonly (readonly number[])[],
  work: Work,
): Promise<RestartedResponse[][]> {
  const { input, local, reach, candidates } = prepared;
  const { settings } = input;
  const lists: RestartedResponse[][] = epsilons.map(() => []);
  for (const [k, { seed, trained, point, objective }] of candidates.entries()) {
    work.onProgress?.({ phase: "responses of other seeds", done: k, total: candidates.length });
    const response = k === 0 ? prepared : await respondAt(point, local, reach, settings, work, false);
    const again: PreparedLocal = { ...prepared, training: trained.training, trained, point, ...pick(response) };
    const evaluated = await evaluateLocal(again, work);
    for (const [t, attack] of again.influences.entries()) {
      const { influence: I } = attack;
      const { w } = evaluated[t];
      const before = dot(w, await naturalLosses(evaluated[t], 0, work));
      const costs: number[] = [];
      for (const epsilon of epsilons[t]) {
        costs.push(dot(w, await naturalLosses(evaluated[t], epsilon, work)) - before);
      }
      lists[t].push({
        seed,
        objective,
        trainingLoss: point.trainingLoss,
        gradientNorm: point.gradientNorm,
        curvature: 0.5 * dot(I, await naturalCurvatureTimes(attack, I, work)),
        costs,
      });
    }
  }
  return lists;
}

const pick = ({ damping, influences }: Pick<PreparedLocal, "damping" | "influences">) => ({ damping, influences });
