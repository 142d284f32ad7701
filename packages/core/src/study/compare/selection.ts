import type { Dataset } from "../../data/dataset.js";
import { usageError } from "../../errors.js";
import type { ScoreModel } from "../../models/score-model.js";
import { asColumn, sweep } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import { fit as fitModel } from "../../solvers/fit.js";
import { forwardSelection, type SelectionPoint } from "../../solvers/forward-selection.js";
import { dot, hessianTimes } from "../../solvers/inverse-hessian.js";
import { solveSystem } from "../../solvers/normal-equations.js";
import { chooseModel } from "../model-choice.js";
import type { StudySettings } from "../settings.js";
import type { ComparisonGround, SharedEquations } from "./ground.js";
import { outside, parametersWithin, placesOf } from "./subject.js";

/** Which rows a choice of columns is made on: all training rows (null), or those outside one fold. */
type Fold = number | null;

/**
 * The columns in the order in which forward selection takes them: all features of a column together, and with them the terms that
 * they complete.
 */
export async function forwardOrder(
  ground: ComparisonGround,
  settings: StudySettings,
  shared: SharedEquations | null,
  without: Fold,
  steps: number,
  work: Work,
): Promise<string[]> {
  const { training, columns } = ground;
  const model = chooseModel(settings, training).describe(training);
  const { map } = model;
  if (!map.inputsOf) {
    throw usageError(`Forward selection needs a model whose terms belong to columns, which ${settings.model} is not.`);
  }
  const placed = columns.map((column) => placesOf(training, [column]));
  const order = await forwardSelection(
    {
      groups: columns.length,
      parameters: (chosen) => parametersWithin(map, new Set([...chosen].flatMap((group) => placed[group]))),
      at: shared
        ? async (inUse) => fromEquations(shared, map.count, inUse, settings.l2 ?? 0, without)
        : (inUse, chosen) =>
            fromRows(
              ground,
              settings,
              model,
              inUse,
              columns.filter((_, k) => chosen.has(k)),
              without,
              work,
            ),
    },
    steps,
  );
  return order.map((k) => columns[k]);
}

/** Squared losses: everything from the sums. */
function fromEquations(
  { equations }: SharedEquations,
  d: number,
  inUse: Int32Array,
  l2: number,
  without: Fold,
): SelectionPoint {
  const { hessian, right } = equations.system(Int32Array.from(Array(d).keys()), l2, without);
  const theta = embedded(d, inUse, solveSystem(equations.system(inUse, l2, without)));
  const gradient = hessianTimes(hessian, theta).map((value, j) => value - right[j]);
  for (const j of inUse) gradient[j] = 0;
  return { hessian, gradient };
}

/** Other losses: a fit with the chosen columns, and one pass for the derivatives of all. */
async function fromRows(
  { training, foldOf }: ComparisonGround,
  settings: StudySettings,
  model: ScoreModel,
  inUse: Int32Array,
  columns: readonly string[],
  without: Fold,
  work: Work,
): Promise<SelectionPoint> {
  const chosen = (all: Dataset): Dataset =>
    without === null || foldOf === null ? all : all.select(outside(foldOf, without));
  const rows = chosen(training);
  const l2 = settings.l2 ?? 0;
  const fitted = async (): Promise<Float64Array> => {
    const view = training.withFeatures(placesOf(training, columns));
    const part = chooseModel(settings, view, null, training.features);
    return (await fitModel(part.describe, chosen(view), { l2, signal: work.signal })).parameters;
  };
  const none = inUse.length === (model.map.intercept ? 1 : 0);
  const constant = model.loss.constantScore(dot(rows.weights, rows.y));
  const theta = embedded(model.map.count, inUse, none ? new Float64Array(inUse.length).fill(constant) : await fitted());
  const { pull, grams } = await sweep(
    model.map,
    rows,
    { theta: asColumn(theta), pull: 1, grams: 1, phase: "selecting columns" },
    ({ block: { y, w }, scores, pull: slopes, grams: [curvatures] }) => {
      for (let i = 0; i < y.length; i++) {
        slopes.data[i] = w[i] * model.loss.first(scores.data[i], y[i]);
        curvatures[i] = w[i] * model.loss.second(scores.data[i], y[i]);
      }
    },
    work,
  );
  const [hessian] = grams;
  for (let j = model.map.intercept ? 1 : 0; j < theta.length; j++) hessian.data[j * (theta.length + 1)] += l2;
  const gradient = pull.data;
  for (const j of inUse) gradient[j] = 0;
  return { hessian, gradient };
}

/** Some parameters among all, the others 0. */
function embedded(d: number, places: Int32Array, values: Float64Array): Float64Array {
  const out = new Float64Array(d);
  places.forEach((j, a) => (out[j] = values[a]));
  return out;
}
