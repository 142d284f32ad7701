import type { EncodedDataset } from "../../data/encoded-dataset.js";
import type { Influence } from "../../influence/aif.js";
import { atFixedRadius, type EvaluatedRows } from "../../influence/evaluated-rows.js";
import { type LocalSensitivity, lossChanges } from "../../influence/moving-rows.js";
import { attackedLosses } from "../../influence/robust-losses.js";
import { asColumn, sweep } from "../../models/sweep.js";
import type { Work } from "../../parallel/work.js";
import type { Fit } from "../../solvers/fit.js";
import type { ResolvedKernel } from "../kernel-result.js";
import type { Flag } from "../result.js";
import type { Candidate } from "./family.js";
import type { ComparedSizes, TrustedModel } from "./sizes.js";

/** What robust training against one size does to the rows that losses are compared on. */
export interface SizedRows {
  /** n: by how much each row's natural loss rises. */
  readonly changes: Float64Array;
  /** n each: losses under attack before and after; null: no closed form or expansion of the worst case. */
  readonly attacked: { readonly now: Float64Array; readonly after: Float64Array } | null;
}

export interface EvaluatedLosses {
  /** n */
  readonly natural: Float64Array;
  readonly relative: SizedRows;
  readonly absolute: SizedRows;
}

/** What robust training at one size costs in the population, ε²S, and what that rests on; in units of the loss. */
export interface PopulationCost {
  /** Without the bias that noise in Î adds. */
  readonly predicted: number;
  readonly interval: readonly [number, number];
  /** n: how it answers to the weight of each training row; null: it is from draws. */
  readonly rows: Float64Array | null;
  /** B: the cost in every draw of the bootstrap, the same draws for all models; null: it is from rows. */
  readonly draws: Float64Array | null;
}

export interface PopulationS {
  readonly method: string;
  /** S without its bias, per ε². */
  readonly sensitivity: number;
  readonly relative: PopulationCost;
  readonly absolute: PopulationCost;
}

/** A model that is fitted and attacked, before anything is asked of it at a size. */
export interface ReadyCandidate extends TrustedModel {
  evaluate(sizes: ComparedSizes, work: Work): Promise<EvaluatedCandidate>;
}

/** One model of the family on the common rows. */
export interface EvaluatedCandidate {
  readonly candidate: Candidate;
  /** As resolved: "linear". */
  readonly model: string;
  readonly loss: string;
  readonly lossLabel: string;
  readonly unit: string;
  readonly l2: number;
  /** 0: no l1 penalty. */
  readonly l1: number;
  /** "pca:3"; null: it sees the columns themselves. */
  readonly project: string | null;
  /** null: no kernel regression. */
  readonly kernel: ResolvedKernel | null;
  readonly columns: readonly string[];
  /** Of a selection: in which share of the folds each column of all was chosen; null: it was chosen beforehand. */
  readonly stability: readonly { readonly column: string; readonly share: number }[] | null;
  readonly parameters: number;
  /** Features that can be attacked. */
  readonly attacked: number;
  /** c; 0 where nothing can be attacked. */
  readonly scale: number;
  readonly trainingLoss: number;
  readonly losses: EvaluatedLosses;
  /** Per ε, under the relative convention; null where nothing can be attacked. */
  readonly sensitivity: LocalSensitivity | null;
  readonly population: PopulationS | null;
  /** Why a model that could have S has none here; null otherwise. */
  readonly populationReason: string | null;
  /** In ε; null: not known. */
  readonly trustRadius: number | null;
  readonly degreesOfFreedom: number | null;
  /** The same network from other seeds, this one among them; null: it has one minimum. */
  readonly seeds: readonly SeededResult[] | null;
  readonly flags: readonly Flag[];
}

export interface SeededResult {
  readonly seed: number;
  readonly naturalLoss: number;
  /** In ε; null: not known. */
  readonly trustRadius: number | null;
  /** Under both conventions. */
  readonly cost: { readonly relative: number; readonly absolute: number };
}

/** A model on the rows that losses are compared on, each under the fit that has not seen it. */
export interface JudgedRows {
  readonly losses: EvaluatedLosses;
  readonly sensitivity: LocalSensitivity | null;
  readonly stability: EvaluatedCandidate["stability"];
  readonly singularFolds: number;
}

/** Losses of evaluated rows now, and at both sizes. */
export async function lossesOf(
  attack: Influence,
  evaluated: EvaluatedRows,
  { epsilon, radius }: ComparedSizes,
  work: Work,
): Promise<EvaluatedLosses> {
  const fixed = atFixedRadius(evaluated, attack.scale);
  const { loss, y, scores } = evaluated.rows;
  return {
    natural: y.map((target, i) => loss.value(scores[i], target)),
    relative: await sizedRows(attack, evaluated, epsilon, work),
    absolute: await sizedRows(attack, fixed, radius / attack.scale, work),
  };
}

async function sizedRows(attack: Influence, evaluated: EvaluatedRows, epsilon: number, work: Work): Promise<SizedRows> {
  const quiet = work.signal ? { signal: work.signal } : {};
  return {
    changes: lossChanges(evaluated.rows, epsilon),
    attacked: {
      now: await attackedLosses(attack, evaluated, { epsilon, moved: 0 }, quiet),
      after: await attackedLosses(attack, evaluated, { epsilon, moved: epsilon }, quiet),
    },
  };
}

/** Losses of a model that nobody can attack. */
export function unattackable(natural: Float64Array): EvaluatedLosses {
  const same = { changes: new Float64Array(natural.length), attacked: { now: natural, after: natural } };
  return { natural, relative: same, absolute: same };
}

/** The loss of every row under a fit. */
export async function naturalLosses(
  { model, parameters }: Fit,
  rows: EncodedDataset,
  work: Work,
): Promise<Float64Array> {
  const out = new Float64Array(rows.rows);
  await sweep(
    model.map,
    rows,
    { theta: asColumn(parameters), phase: "evaluation" },
    ({ block: { y, firstRow }, scores }) => {
      for (let i = 0; i < y.length; i++) out[firstRow + i] = model.loss.value(scores.data[i], y[i]);
    },
    work,
  );
  return out;
}
