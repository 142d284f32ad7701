import type { EncodedDataset } from "../data/encoded-dataset.js";
import { type Influence, responseAt } from "../influence/aif.js";
import { Matrix } from "../linalg/matrix.js";
import { sweep } from "../models/sweep.js";
import type { Work } from "../parallel/work.js";
import { empiricalWorstCase } from "../robust/emp.js";
import { worstReweighting } from "../robust/reweighting.js";
import { hasClosedForm } from "../robust/robust-loss.js";
import { worstPerturbations } from "../robust/worst-perturbations.js";
import type { CurvePoint, ThreatSection } from "./result.js";
import type { StudySettings } from "./settings.js";
import { referencePoint } from "./verdict.js";

/** What the adversary does to every training row of the model as it is now: what `--worst-case` writes. */
export interface WorstCases {
  readonly schema: "aif.worst-cases/1";
  /** The attacked features, in the order of `perturbation`. */
  readonly features: readonly string[];
  /** One for each adversary and size. */
  readonly attacks: readonly WorstCase[];
}

/** What one adversary of one size does to every training row. */
export interface WorstCase {
  readonly norm: string | null;
  readonly wasserstein: string | null;
  readonly divergence: string | null;
  readonly epsilon: number;
  readonly radius: number;
  /** "exact"; "search": a lower bound of the worst case; "first-order": the answer to the linearised problem. */
  readonly method: "exact" | "search" | "first-order";
  readonly rows: readonly WorstRow[];
}

/** What the adversary does to one row; losses in `model.unit`. */
export interface WorstRow {
  /** 1-based row of the file. */
  readonly row: number;
  /** By how much each attacked feature moves, in original units; null where the adversary moves no row. */
  readonly perturbation: readonly number[] | null;
  /** The row's weight before and after, relative to equal weights of 1; null where the adversary changes no weight. */
  readonly weight: { readonly before: number; readonly after: number } | null;
  readonly loss: number;
  /** Under the attack; the same where weights change. */
  readonly attackedLoss: number;
  /** By how much the row adds to the mean loss: its loss times its weight (of mean 1), under the attack less without. */
  readonly gain: number;
}

/** What was found for one adversary at one size. */
export interface FoundWorstCase {
  readonly method: WorstCase["method"];
  /** n×m, in the units that the model sees; null where no row moves. */
  readonly perturbations: Matrix | null;
  /** n, summing to 1: the rows' weights under the attack. */
  readonly weights: Float64Array;
  /** n each. */
  readonly losses: Float64Array;
  readonly attackedLosses: Float64Array;
}

/** The sizes that were asked for, or the one that the analysis speaks of. */
export function chosenSizes(
  { curve }: Pick<ThreatSection, "curve">,
  { epsilons, radii, budgets }: Pick<StudySettings, "epsilons" | "radii" | "budgets">,
): readonly CurvePoint[] {
  if (epsilons !== null || radii !== null || budgets !== null) return curve.filter(({ epsilon }) => epsilon > 0);
  const point = referencePoint({ curve });
  return point ? [point] : [];
}

/** The worst case of every training row at θ̂. */
export async function worstCaseOf(
  { fit, threat, pull, scale }: Influence,
  epsilon: number,
  work: Work,
): Promise<FoundWorstCase> {
  const { model, data, parameters, scores } = fit;
  const { loss } = model;
  const radius = epsilon * scale;
  const losses = scores.map((f, i) => loss.value(f, data.y[i]));
  const still = { losses, weights: data.weights };
  const { signal } = work;
  const quiet = signal ? { signal } : {};
  if (threat.settings.divergence !== undefined) {
    const { weights } = worstReweighting(threat.settings.divergence, losses, data.weights, radius);
    return { method: "exact", perturbations: null, losses, attackedLosses: losses, weights };
  }
  if (threat.shares === undefined) {
    const found = await worstPerturbations({ model }, parameters, threat, data, radius, quiet);
    const method = found.certified.every((flag) => flag === 1) ? "exact" : "search";
    return { ...still, method, perturbations: found.perturbations, attackedLosses: found.losses };
  }
  const perturbations = Matrix.zeros(data.rows, data.features.length);
  const { rowwise = threat, settings } = threat;
  if (hasClosedForm(model, threat)) {
    const order = settings.order ?? Number.POSITIVE_INFINITY;
    const found = await empiricalWorstCase(model, data, parameters, rowwise, order, radius, quiet);
    for (let i = 0; i < data.rows; i++) {
      const row = perturbations.row(i);
      const length = found.signs[i] * found.distances[i];
      for (let k = 0; k < row.length; k++) row[k] = length * found.direction[k];
    }
    const attackedLosses = await lossesAt({ fit, perturbations }, quiet);
    return { ...still, method: found.exact ? "exact" : "search", perturbations, attackedLosses };
  }
  const gains = new Float64Array(data.rows);
  await sweep(
    model.map,
    data,
    { phase: "worst cases" },
    ({ block }) => {
      const { sign, base, gain } = responseAt({ fit, threat, pull }, block);
      gains.set(gain, block.firstRow);
      for (let i = 0; i < gain.length; i++) {
        const from = base.row(base.rows === 1 ? 0 : i);
        const to = perturbations.row(block.firstRow + i);
        for (let k = 0; k < to.length; k++) to[k] = radius * sign[i] * from[k];
      }
    },
    quiet,
  );
  const { omega } = threat.shares(gains, data.weights);
  for (let i = 0; i < data.rows; i++) {
    const row = perturbations.row(i);
    for (let k = 0; k < row.length; k++) row[k] *= omega[i];
  }
  return {
    ...still,
    method: "first-order",
    perturbations,
    attackedLosses: await lossesAt({ fit, perturbations }, quiet),
  };
}

async function lossesAt(
  { fit: { model, data, parameters }, perturbations }: Pick<Influence, "fit"> & { readonly perturbations: Matrix },
  work: Work,
): Promise<Float64Array> {
  const out = new Float64Array(data.rows);
  const theta = new Matrix(parameters, parameters.length, 1);
  await sweep(
    model.map,
    data,
    { phase: "worst cases" },
    ({ block: { x, y, firstRow } }) => {
      const m = x.columns;
      const moved = x.data.slice(0, x.rows * m).map((value, at) => value + perturbations.data[firstRow * m + at]);
      const { data: f } = model.map.scores(theta, new Matrix(moved, x.rows, m));
      y.forEach((target, i) => (out[firstRow + i] = model.loss.value(f[i], target)));
    },
    work,
  );
  return out;
}

/** The worst cases of all adversaries of an analysis, in names, file rows and original units. */
export async function worstCases(
  sections: readonly ThreatSection[],
  settings: StudySettings,
  data: EncodedDataset,
  find: (threat: number, epsilon: number) => Promise<FoundWorstCase>,
): Promise<WorstCases> {
  const attacks: WorstCase[] = [];
  for (const [t, section] of sections.entries()) {
    for (const point of chosenSizes(section, settings)) {
      attacks.push(describeWorstCase(section, point, await find(t, point.epsilon), data));
    }
  }
  return { schema: "aif.worst-cases/1", features: sections[0].threat.attacked, attacks };
}

function describeWorstCase(
  { threat }: Pick<ThreatSection, "threat">,
  { epsilon, radius }: Pick<CurvePoint, "epsilon" | "radius">,
  { method, perturbations, weights, losses, attackedLosses }: FoundWorstCase,
  data: EncodedDataset,
): WorstCase {
  const attacked = attackedFeatures(threat, data);
  const n = data.rows;
  const { norm, wasserstein, divergence } = threat;
  return {
    norm,
    wasserstein,
    divergence,
    epsilon,
    radius,
    method,
    rows: Array.from(losses, (loss, i) => ({
      row: data.sourceRows[i],
      perturbation:
        perturbations &&
        attacked.map((k) => perturbations.data[i * perturbations.columns + k] * data.featureInfo[k].scale),
      weight: perturbations ? null : { before: n * data.weights[i], after: n * weights[i] },
      loss,
      attackedLoss: attackedLosses[i],
      gain: n * (weights[i] * attackedLosses[i] - data.weights[i] * loss),
    })),
  };
}

/** Places of the attacked features. */
const attackedFeatures = ({ attacked }: ThreatSection["threat"], { features }: EncodedDataset): number[] => {
  const names = new Set(attacked);
  return [...features.keys()].filter((k) => names.has(features[k]));
};
