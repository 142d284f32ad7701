import { assignFolds } from "../data/splits.js";
import { AifError, numericalError } from "../errors.js";
import { kernelInfluence } from "../influence/kernel/aif.js";
import { rowsOf, subGram } from "../influence/kernel/subsampling.js";
import { kernelPredictor } from "../models/kernel/kernel-predictor.js";
import type { Work } from "../parallel/work.js";
import { kernelFit } from "../solvers/kernel-fit.js";
import type { PreparedKernel } from "./kernel-prepare.js";
import type { EvaluatedLocal, EvaluatedPart } from "./local-evaluation.js";
import { hasAbsoluteSizes } from "./settings.js";

/** Evaluation rows of every threat: rows apart, folds under fits of their own with the same γ and λ, or the training rows. */
export async function evaluateKernel(prepared: PreparedKernel, work: Work): Promise<EvaluatedLocal[]> {
  const { training, evaluation, influences, fit, input, parameterNames } = prepared;
  const plan = input.settings.evaluation;
  if (plan.kind === "cv") return evaluateFolds(prepared, plan.folds, work);
  const data = evaluation ?? training;
  const model = kernelPredictor(fit.kernel, fit.points, parameterNames);
  return influences.map(({ influence, scale }) => ({
    y: data.y,
    w: data.evaluationWeights,
    parts: [{ data, model, rows: null, parameters: fit.theta.data, influence: influence.data, scale }],
  }));
}

async function evaluateFolds(prepared: PreparedKernel, folds: number, work: Work): Promise<EvaluatedLocal[]> {
  const { training, influences, fit, outputs, parameterNames, input } = prepared;
  const { settings } = input;
  const foldOf = assignFolds(training.sourceRows, folds, settings.seed, {
    strata: training.encoding.target.task === "regression" ? undefined : training.y,
    groups: training.groups,
  });
  const parts: EvaluatedPart[][] = influences.map(() => []);
  for (let fold = 0; fold < folds; fold++) {
    work.onProgress?.({ phase: "held-out folds", done: fold, total: folds });
    const quiet = { signal: work.signal };
    const all = Int32Array.from(foldOf.keys());
    const inside = all.filter((i) => foldOf[i] === fold);
    const outside = all.filter((i) => foldOf[i] !== fold);
    const rest = training.select(outside);
    const rows = { x: rowsOf(fit.points.x, outside), y: rowsOf(fit.y, outside), weights: rest.weights };
    const refit = await kernelFit(rows, fit, { ...quiet, gram: subGram(fit.gram, outside) }).catch(
      foldAdvice(fold, folds),
    );
    const names = parameterNames.filter((_, at) => foldOf[Math.floor(at / outputs)] !== fold);
    const model = kernelPredictor(refit.kernel, refit.points, names);
    const data = training.select(inside);
    for (const [t, { threat, surface, scale }] of influences.entries()) {
      const attack = await kernelInfluence(refit, threat, { ...quiet, surface });
      // An absolute size is the same for every fold, whatever the mean norm of its rows.
      const whole = hasAbsoluteSizes(settings) ? scale : attack.scale;
      const factor = whole / attack.scale;
      parts[t].push({
        data,
        model,
        rows: inside,
        parameters: refit.theta.data,
        influence: attack.influence.data.map((value) => factor * value),
        scale: whole,
      });
    }
  }
  return parts.map((list) => ({ parts: list, y: training.y, w: training.evaluationWeights }));
}

const foldAdvice =
  (fold: number, folds: number) =>
  (error: unknown): never => {
    if (!(error instanceof AifError && error.code === "numerical")) throw error;
    throw numericalError(`Without fold ${fold + 1} of ${folds}: ${error.message}`);
  };
