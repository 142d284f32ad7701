import { influence } from "../../influence/aif.js";
import { otherRows } from "../../influence/evaluated-rows.js";
import { localSensitivity } from "../../influence/moving-rows.js";
import type { Work } from "../../parallel/work.js";
import { judgedRows } from "../noise.js";
import { columnOrder } from "./column-order.js";
import {
  type EvaluatedLosses,
  type JudgedRows,
  lossesOf,
  naturalLosses,
  type SizedRows,
  unattackable,
} from "./evaluated.js";
import type { Candidate } from "./family.js";
import { isSelection } from "./feature-rule.js";
import { type ComparisonGround, sharedEquations } from "./ground.js";
import type { ComparedSizes } from "./sizes.js";
import { fitSubject, inside, type Subject, subjectOf } from "./subject.js";

/** Every fold's rows under a model whose columns were chosen, whose fit was made and whose attack was answered without them. */
export async function evaluateFolds(
  candidate: Candidate,
  ground: ComparisonGround,
  whole: Subject,
  sizes: ComparedSizes,
  work: Work,
): Promise<JudgedRows> {
  const { training, foldOf, folds, sampling, columns } = ground;
  if (foldOf === null) throw new RangeError("There are no folds.");
  const equations = await sharedEquations(ground, candidate.settings, work);
  const selection = isSelection(candidate.features);
  const n = training.rows;
  const judged = judgedRows(training, candidate.settings);
  const losses = emptyLosses(n);
  const scores = new Float64Array(n);
  const shifts = new Float64Array(n);
  const chosenIn = new Map<string, number>();
  let singularFolds = 0;
  let attacked = false;
  const quiet = work.signal ? { signal: work.signal } : {};
  for (let fold = 0; fold < folds; fold++) {
    work.onProgress?.({ phase: "held-out folds", done: fold, total: folds });
    const own =
      selection || candidate.settings.project !== null
        ? await subjectOf(
            ground,
            candidate.settings,
            await columnOrder(candidate, ground, equations, fold, quiet),
            equations,
            fold,
          )
        : whole;
    for (const column of own.columns) chosenIn.set(column, (chosenIn.get(column) ?? 0) + 1);
    const fit = await fitSubject(ground, own, fold, quiet);
    if (fit.inverse.method === "pseudo-inverse") singularFolds++;
    const rows = inside(foldOf, fold);
    const view = judged.withFeatures(own.features).select(rows);
    if (own.threat === null) {
      scatter(losses, unattackable(await naturalLosses(fit, view, quiet)), rows);
      continue;
    }
    attacked = true;
    const attack = await influence(fit, own.threat, quiet);
    const evaluated = await otherRows(attack, view, quiet);
    scatter(losses, await lossesOf(attack, evaluated, sizes, quiet), rows);
    rows.forEach((row, i) => {
      scores[row] = evaluated.rows.scores[i];
      shifts[row] = evaluated.rows.shifts[i];
    });
  }
  const { loss } = whole.model.describe(training.withFeatures(whole.features));
  const moving = { loss, y: training.y, w: training.evaluationWeights, scores, shifts };
  return {
    losses,
    sensitivity: attacked ? localSensitivity(moving, sampling.evaluation) : null,
    stability: selection
      ? columns.flatMap((column) => {
          const times = chosenIn.get(column);
          return times === undefined ? [] : [{ column, share: times / folds }];
        })
      : null,
    singularFolds,
  };
}

function emptyLosses(n: number): EvaluatedLosses {
  const rows = (): Float64Array => new Float64Array(n);
  const sized = (): SizedRows => ({ changes: rows(), attacked: { now: rows(), after: rows() } });
  return { natural: rows(), relative: sized(), absolute: sized() };
}

/** Puts the rows of one fold where they belong among all. */
function scatter(all: EvaluatedLosses, part: EvaluatedLosses, rows: Int32Array): void {
  const pairs: [Float64Array, Float64Array][] = [
    [all.natural, part.natural],
    ...(["relative", "absolute"] as const).flatMap((kind): [Float64Array, Float64Array][] => [
      [all[kind].changes, part[kind].changes],
      ...(all[kind].attacked && part[kind].attacked
        ? ([
            [all[kind].attacked.now, part[kind].attacked.now],
            [all[kind].attacked.after, part[kind].attacked.after],
          ] as [Float64Array, Float64Array][])
        : []),
    ]),
  ];
  for (const [into, from] of pairs) rows.forEach((row, i) => (into[row] = from[i]));
}
