import type { EncodedDataset } from "../data/encoded-dataset.js";
import { listed } from "../data/names.js";
import type { Note, NoteCode } from "../data/notes.js";
import type { Fit } from "../solvers/fit.js";
import { nearSingularity } from "../solvers/near-singularity.js";
import { type FlagCode, raise } from "./flags.js";
import type { LassoPathSection } from "./lasso-result.js";
import type { ChosenModel } from "./model-choice.js";
import type { Flag } from "./result.js";
import type { StudySettings } from "./settings.js";
import type { Reach } from "./threat-choice.js";
import { short } from "./words.js";

/** Notes of the data layer are flags of the same name, but for one. */
const flagOfNote = (code: NoteCode): FlagCode => (code === "utf16" ? "decoded-utf16" : code);

export const noteFlags = (notes: readonly Note[]): Flag[] =>
  notes.map(({ code, message }) => raise(flagOfNote(code), message));

interface Noted {
  readonly notes: readonly Note[];
}

/** What the tables and the rows made of them say; rows that are evaluated repeat nothing. */
export function tableFlags(
  { table, evaluationTable }: { readonly table: Partial<Noted>; readonly evaluationTable?: Partial<Noted> | null },
  training: Noted,
  evaluation: Noted | null,
): Flag[] {
  const added = evaluation?.notes.filter((note) => !training.notes.includes(note)) ?? [];
  return noteFlags([...(table.notes ?? []), ...(evaluationTable?.notes ?? []), ...training.notes, ...added]);
}

/** Columns whose numbers are few and whole, and which an attack moves in between. */
export function integerFlags({ attacked }: Pick<Reach, "attacked">): Flag[] {
  const integers = attacked.filter(({ integerValues, kind }) => integerValues !== null && kind === "numeric");
  if (integers.length === 0) return [];
  const names = integers.map(({ name, integerValues }) => `${name} (${integerValues})`);
  return [raise("integer-feature", `Attacked columns with few whole numbers (how many): ${names.join(", ")}.`)];
}

/** What the budgets leave out, and what several norms have in common. */
export function attackFlags({ budgets, norms }: Pick<StudySettings, "budgets" | "norms">, { frozen }: Reach): Flag[] {
  const flags: Flag[] = [];
  if (budgets && frozen.length > 0) {
    flags.push(raise("unbudgeted-frozen", `${frozen.length} features without a budget are frozen.`));
  }
  if (norms.length > 1) flags.push(raise("unequal-threats", "The same ε is a different threat under each norm."));
  return flags;
}

/** With this many clusters their sums are about normal. */
const MANY_CLUSTERS = 40;

/** Nor may there be fewer than this for each parameter. */
const CLUSTERS_PER_PARAMETER = 20;

/** Where unequal weights leave less than this share of the rows, intervals are too short. */
const LEAST_EFFECTIVE = 0.5;

/** With this many rows of the rarer label for each parameter, 95 % intervals hold 94 % and more. */
const EVENTS_PER_PARAMETER = 5;

/** Flags on the model, the fit and what is attacked, before any threat. */
export function groundFlags(
  settings: StudySettings,
  data: Pick<EncodedDataset, "rows" | "copies"> & {
    readonly clusters: number | null;
    /** Rows with a target above 0. */
    readonly positive: number;
    /** Σ w² of the rows' own weights, Σ w = 1. */
    readonly squares: number;
  },
  model: ChosenModel,
  reach: Reach,
  fit: Fit,
  singularFolds: number,
  lassoPath: LassoPathSection | null = null,
): Flag[] {
  const flags = integerFlags(reach);
  if (model.omittedSquares.length > 0) {
    flags.push(raise("omitted-squares", `Squares of ${listed(model.omittedSquares, 5)} (two-valued) are left out.`));
  }
  flags.push(...attackFlags(settings, reach));
  if (settings.evaluation.kind === "training") {
    flags.push(raise("in-sample", "The loss is evaluated on the rows that the model was fitted on."));
  }
  flags.push(...sparseFlags(fit, lassoPath));
  if (fit.inverse.method === "pseudo-inverse" && !fit.sparse) {
    flags.push(
      raise(
        "rank-deficient",
        `The Hessian has rank ${fit.inverse.rank} of ${fit.parameters.length}; its pseudo-inverse is used.`,
      ),
    );
  }
  if (!fit.sparse) flags.push(...conditionFlags(fit));
  if (singularFolds > 0 && !fit.sparse) {
    flags.push(raise("singular-folds", `Without ${singularFolds} of the folds the Hessian is singular.`));
  }
  flags.push(...clusterFlags(data.clusters, fit.parameters.length));
  const rows = data.rows / data.copies;
  flags.push(...weightFlags(settings, rows, data.squares * data.copies));
  const perRow = fit.parameters.length / rows;
  if (perRow > 0.05 && !fit.sparse) {
    flags.push(
      raise("few-rows", `${fit.parameters.length} parameters on ${rows} rows (${perRow.toPrecision(2)} a row).`),
    );
  }
  if (fit.model.loss.name === "logistic" && !fit.sparse) {
    const rarer = Math.min(data.positive, data.rows - data.positive) / data.copies;
    if (rarer < EVENTS_PER_PARAMETER * fit.parameters.length) {
      flags.push(raise("few-events", `${rarer} rows of the rarer label for ${fit.parameters.length} parameters.`));
    }
  }
  return flags;
}

/** @param whose begins the message, where there are several fits. */
export function conditionFlags(fit: Fit, whose = ""): Flag[] {
  const found = nearSingularity(fit);
  if (found === null) return [];
  const { condition, error, parameters } = found;
  const digits = Math.max(1, Math.floor(-Math.log10(error)));
  const message = `${whose}The Hessian is nearly singular, its condition number about ${condition.toExponential(0)} with columns scaled alike: shifts and S hold to about ${digits} digits; the rows hardly tell ${listed(parameters, 5)} apart.`;
  return [raise("ill-conditioned", message)];
}

/** @param clusters null: rows are drawn by themselves */
export function clusterFlags(clusters: number | null, parameters: number): Flag[] {
  if (clusters === null || clusters >= Math.max(MANY_CLUSTERS, CLUSTERS_PER_PARAMETER * parameters)) return [];
  return [raise("few-clusters", `${clusters} clusters for ${parameters} parameters.`)];
}

/** @param squares Σ w², Σ w = 1: its inverse is how many rows of equal weight would tell as much about a mean (Kish) */
export function weightFlags(
  { weights, weightsKind }: Pick<StudySettings, "weights" | "weightsKind">,
  rows: number,
  squares: number,
): Flag[] {
  if (weights === null || weightsKind !== "sampling" || 1 >= LEAST_EFFECTIVE * rows * squares) return [];
  return [raise("unequal-weights", `${rows} rows tell about as much as ${Math.round(1 / squares)} of equal weight.`)];
}

/** Σ w² */
export const squaredWeights = (w: Float64Array): number => w.reduce((sum, weight) => sum + weight * weight, 0);

/** How many of the targets in memory are above 0. */
export const positiveRows = (y: Float64Array): number => y.reduce((count, value) => count + (value > 0 ? 1 : 0), 0);

/** What an l1 penalty leaves open. */
function sparseFlags({ sparse, parameters }: Fit, path: LassoPathSection | null): Flag[] {
  if (!sparse) return [];
  const flags = [
    raise(
      "selected-features",
      `${sparse.selected.length} of ${parameters.length} parameters are not 0 at λ = ${short(sparse.l1)}.`,
    ),
  ];
  if (!sparse.unique) {
    flags.push(
      raise(
        "lasso-not-unique",
        "Other coefficients reach the same objective: some columns are combinations of others.",
      ),
    );
  }
  if (path) {
    const { points, chosen } = path;
    const loss = ({ heldOutLoss, trainingLoss }: (typeof points)[number]): number => heldOutLoss ?? trainingLoss;
    flags.push(
      raise(
        "l1-chosen",
        `λ = ${short(sparse.l1)} has the smallest natural loss of ${points.length} values${chosen === points.length - 1 ? "; it is the smallest of them, so that still smaller ones may do better" : ""}.`,
      ),
    );
    if (points.some((point) => point.selected.length === 0 && loss(point) <= loss(points[chosen]))) {
      flags.push(
        raise("no-feature-helps", "A constant predicts the evaluation rows better than any selection of features."),
      );
    }
  }
  return flags;
}
