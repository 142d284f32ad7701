import type { EncodedDataset } from "../../data/encoded-dataset.js";
import type { FeatureMap } from "../../models/feature-map.js";
import type { Work } from "../../parallel/work.js";
import { type Fit, type FitOptions, fit as fitModel } from "../../solvers/fit.js";
import { lasso } from "../../solvers/lasso/lasso.js";
import { solveSystem } from "../../solvers/normal-equations.js";
import type { ThreatDescription } from "../../threats/pointwise.js";
import { type ChosenModel, chooseModel } from "../model-choice.js";
import { chooseProjection } from "../projection-choice.js";
import type { StudySettings } from "../settings.js";
import { reachBudgets, resolveReach, threatsOf } from "../threat-choice.js";
import type { ComparisonGround, SharedEquations } from "./ground.js";

/** A candidate with its columns: what is fitted, and who attacks it. */
export interface Subject {
  readonly settings: StudySettings;
  readonly columns: readonly string[];
  /** Places of its features among all. */
  readonly features: readonly number[];
  readonly model: ChosenModel;
  readonly l2: number;
  readonly l1: number;
  /** null: nothing of it can be attacked, so that robustness costs it nothing. */
  readonly threat: ThreatDescription | null;
  /** Features that can be attacked; 0 too where rows are reweighted. */
  readonly attacked: number;
  /** Its parameters among those of the model with all columns; null: sums are not shared. */
  readonly shared: (SharedEquations & { readonly chosen: Int32Array }) | null;
}

/** @param without the fold whose rows components must not be learned from; null: all rows serve. */
export async function subjectOf(
  ground: ComparisonGround,
  settings: StudySettings,
  columns: readonly string[],
  equations: SharedEquations | null,
  without: number | null = null,
): Promise<Subject> {
  const { training, foldOf } = ground;
  const features = placesOf(training, columns);
  const view = training.withFeatures(features);
  const narrowed = narrowedTo(settings, columns);
  const learnedOn = without === null || foldOf === null ? view : view.select(outside(foldOf, without));
  const projection = await chooseProjection(narrowed, learnedOn, undefined);
  const model = chooseModel(narrowed, view, projection, training.features);
  const { map } = model.describe(view);
  const uses = (k: number): boolean => map.usesInput(k);
  const reweights = settings.divergence !== null;
  const attacked = reweights ? 0 : reachBudgets(narrowed, view, uses).filter((budget) => budget > 0).length;
  return {
    settings: narrowed,
    columns,
    features,
    model,
    l2: settings.l2 ?? 0,
    l1: Array.isArray(settings.l1) ? Number(settings.l1[0]) : 0,
    threat: attacked > 0 || reweights ? threatsOf(narrowed, resolveReach(narrowed, view, uses))[0] : null,
    attacked,
    shared:
      equations && projection === null
        ? { ...equations, chosen: parametersWithin(equations.map, new Set(features)) }
        : null,
  };
}

/** The fit of a subject on all training rows, or on those outside one fold. */
export function fitSubject(
  { training, foldOf }: ComparisonGround,
  { features, model, l2, l1, shared }: Subject,
  without: number | null,
  work: Work,
): Promise<Fit> {
  const view = training.withFeatures(features);
  const rows = without === null || foldOf === null ? view : view.select(outside(foldOf, without));
  if (l1 > 0) return lasso(model.describe, rows, { l1, l2, ...work });
  return fitModel(model.describe, rows, { l2, ...startOf(shared, l2, without), ...work });
}

/** Where the sums are known, the fit needs no Gram matrix, and begins at its end. */
function startOf(shared: Subject["shared"], l2: number, without: number | null): Pick<FitOptions, "start" | "hessian"> {
  if (shared === null) return {};
  const system = shared.equations.system(shared.chosen, l2, without);
  return { start: solveSystem(system), hessian: system.hessian };
}

export const outside = (foldOf: Uint16Array, fold: number): Int32Array =>
  Int32Array.from(foldOf.keys()).filter((i) => foldOf[i] !== fold);

export const inside = (foldOf: Uint16Array, fold: number): Int32Array =>
  Int32Array.from(foldOf.keys()).filter((i) => foldOf[i] === fold);

/** The features of a map that are made of some inputs alone, in ascending order. */
export const parametersWithin = (map: FeatureMap, inputs: ReadonlySet<number>): Int32Array =>
  Int32Array.from(
    [...Array(map.count).keys()].filter((a) => (map.inputsOf?.(a) ?? []).every((input) => inputs.has(input))),
  );

/** Places of the features that columns have become. */
export function placesOf({ featureInfo }: EncodedDataset, columns: readonly string[]): number[] {
  const wanted = new Set(columns);
  return [...featureInfo.keys()].filter((k) => wanted.has(featureInfo[k].column));
}

/** What is said of columns that a model does not have does not concern it. */
export function narrowedTo(settings: StudySettings, columns: readonly string[]): StudySettings {
  const kept = new Set(columns);
  const { freeze, budgets, bounds } = settings;
  return {
    ...settings,
    freeze: freeze && (freeze.length === 1 && freeze[0] === "none" ? freeze : freeze.filter((name) => kept.has(name))),
    budgets: budgets?.filter(({ column }) => kept.has(column)) ?? null,
    bounds: bounds.filter(({ column }) => kept.has(column)),
  };
}
