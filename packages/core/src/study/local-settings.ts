import type { Activation } from "../autodiff/index.js";
import type { Task } from "../data/encoding.js";
import { usageError } from "../errors.js";
import type { SolverName } from "../solvers/linear-solution.js";
import { isSmoothedLoss } from "./noise.js";
import type { EvaluationPlan, StudySettings } from "./settings.js";

/** Which second derivatives I = −(H+λI)⁻¹Φ takes: all of them, or those that are never negative (MATH 9). */
export type CurvatureName = "hessian" | "gauss-newton";

/** What a user can decide about models without a closed form: softmax, networks, and models trained elsewhere. */
export interface LocalSettings {
  /** Of hidden layers; null: tanh for a network trained here. An import of bare weights must say it. */
  readonly activation: Activation | null;
  /** null: Newton's method for convex models, L-BFGS for networks, or, with a ridge of 0, Adam with early stopping. */
  readonly optimizer: "lbfgs" | "adam" | null;
  /** A file with a trained model, or null: train here. */
  readonly import: string | null;
  /** Whether an imported convex model is brought to the minimum on the given rows first. */
  readonly polish: boolean;
  /** null: the Hessian for convex models, Gauss–Newton for others. */
  readonly curvature: CurvatureName | null;
  /** λ ≥ 0; null: 0 where that has an answer, else as little as gives one. */
  readonly damping: number | null;
  readonly solver: SolverName | "auto";
  /** Of the solver; null: no cap. */
  readonly memoryBytes: number | null;
  /** Whether an answer of a solver that ran out of iterations is taken. */
  readonly allowUnconverged: boolean;
  /** From how many seeds a network is trained, to show how S varies with the minimum. */
  readonly restarts: number;
  /** Whether an imported model is analysed although a constant predicts better. */
  readonly force: boolean;
  /** The table's columns in the order of the imported model's inputs; null: by name, else in the table's order. */
  readonly columns: readonly string[] | null;
  /** The labels in the order of the imported model's scores; null: as the file names them. */
  readonly classes: readonly string[] | null;
  /** A file with the scaler that the imported model was trained behind. */
  readonly scaler: string | null;
  /** The model sees every feature times this, and not standardised; null: standardised, or as an import wants it. */
  readonly inputScale: number | null;
  /** On how many rows losses under attack are searched; null: all, or some of them where that takes long. */
  readonly attackRows: number | "all" | null;
}

export const DEFAULT_LOCAL: LocalSettings = {
  activation: null,
  optimizer: null,
  import: null,
  polish: true,
  curvature: null,
  damping: null,
  solver: "auto",
  memoryBytes: null,
  allowUnconverged: false,
  restarts: 1,
  force: false,
  columns: null,
  classes: null,
  scaler: null,
  inputScale: null,
  attackRows: null,
};

export type LocalKind = "softmax" | "mlp";

/** The kind that `--model softmax` or `--model mlp:64,32` names; null for all others. */
export function localKindOf(model: string | null): LocalKind | null {
  if (model === "softmax") return "softmax";
  return model !== null && /^mlp(:|$)/.test(model) ? "mlp" : null;
}

/** Whether a model is analysed by the closed forms; all others by a local response. */
export const hasClosedForm = (settings: Pick<StudySettings, "model" | "local" | "smoothing">): boolean =>
  settings.local.import === null && localKindOf(settings.model) === null && !isSmoothedLoss(settings);

const MOST_UNITS = 1_000_000;

/** Widths of the hidden layers: "mlp:64,32" is [64, 32]. @throws usage: what cannot be read. */
export function hiddenWidths(model: string): number[] {
  const words = model.replace(/^mlp:?/, "").split(",");
  const widths = words.map((word) => (/^\s*\d+\s*$/.test(word) ? Number(word) : Number.NaN));
  if (widths.every((width) => width >= 1 && width <= MOST_UNITS)) return widths;
  const given = words.every((word) => /^\s*-?[\d.]+\s*$/.test(word));
  throw usageError(
    given
      ? `--model ${model}: the widths of hidden layers are whole numbers from 1 to ${MOST_UNITS}.`
      : `--model ${model} needs the widths of its hidden layers, such as mlp:64,32.`,
  );
}

/** Where a model is evaluated unless the user says so: ten networks are not trained for one question. */
export function defaultEvaluation({ model, local }: Pick<StudySettings, "model" | "local">): EvaluationPlan {
  if (local.import !== null) return { kind: "training" };
  return localKindOf(model) === "mlp" ? { kind: "fraction", share: 0.2 } : { kind: "cv", folds: 10 };
}

/** What the target must be; "auto": what it holds decides. */
export function localTaskOf({ model, loss }: Pick<StudySettings, "model" | "loss">): Task | "auto" {
  if (loss === "poisson") throw usageError("--loss poisson goes with --model poisson, quadratic or basis only.");
  if (localKindOf(model) === "softmax") {
    if (loss !== null && loss !== "softmax") {
      throw usageError(`--loss ${loss} does not go with --model softmax: leave it out.`);
    }
    return "multiclass";
  }
  if (loss === null) return model === "linear" ? "regression" : model === "logistic" ? "binary" : "auto";
  return ({ softmax: "multiclass", logistic: "binary", squared: "regression", "half-squared": "regression" } as const)[
    loss
  ];
}

/** @throws usage: options that contradict each other, or that the chosen model does not know. */
export function checkLocal(settings: StudySettings): void {
  const { model, local, secondOrder, intercept, by } = settings;
  const { damping, restarts, inputScale, memoryBytes, attackRows } = local;
  if (damping !== null && !(damping >= 0 && damping < Infinity)) {
    throw usageError(`--damping must be a number ≥ 0, got ${damping}.`);
  }
  if (!(Number.isInteger(restarts) && restarts >= 1 && restarts <= 100)) {
    throw usageError(`--restarts ${restarts} must be a whole number from 1 to 100.`);
  }
  if (typeof attackRows === "number" && !(Number.isInteger(attackRows) && attackRows >= 2)) {
    throw usageError(`--attack-rows must be a whole number of at least 2, or all, got ${attackRows}.`);
  }
  if (typeof attackRows === "number" && by !== null) {
    throw usageError(
      "--attack-rows attacks some of the rows, and --by asks for what every group gains: leave one out.",
    );
  }
  if (memoryBytes !== null && !(memoryBytes > 0)) throw usageError("--memory must be above 0.");
  if (hasClosedForm(settings)) {
    // Kernel regressions have a cap on memory too.
    const stray = strayOption(local);
    if (stray !== null) throw usageError(`${stray} is for --model softmax, --model mlp:<widths> and --import.`);
    return;
  }
  if (local.import === null) {
    const stray = strayImportOption(local);
    if (stray !== null) throw usageError(`${stray} says something about --import, which is not given.`);
  }
  if (model !== null && localKindOf(model) === "mlp") hiddenWidths(model);
  if (local.import !== null && local.scaler !== null && inputScale !== null) {
    throw usageError("--scaler and --input-scale both scale the inputs: give one of them.");
  }
  if (inputScale !== null && !(inputScale > 0 && inputScale < Infinity)) {
    throw usageError(`--input-scale must be a number above 0, such as 1/255, got ${inputScale}.`);
  }
  if (restarts > 1 && (local.import !== null || localKindOf(model) !== "mlp")) {
    throw usageError("--restarts trains networks from several seeds: it needs --model mlp:<widths> without --import.");
  }
  if (local.activation !== null && local.import === null && localKindOf(model) === "softmax") {
    throw usageError("--activation is for networks: --model softmax has no hidden layer.");
  }
  if (local.optimizer !== null && local.import !== null) {
    throw usageError("--optimizer trains a model here: an imported one is trained already.");
  }
  if (secondOrder !== "none") throw usageError("--second-order needs a model in closed form: leave it out.");
  if (!intercept && local.import !== null) {
    throw usageError("--no-intercept: the imported model says itself whether it has one; leave it out.");
  }
  if (!intercept && localKindOf(model) === "mlp") {
    throw usageError("--no-intercept: the layers of a network have constant terms; leave it out.");
  }
}

/** Options of any model without a closed form. */
function strayOption(local: LocalSettings): string | null {
  const stray: readonly (readonly [string, boolean])[] = [
    ["--activation", local.activation !== null],
    ["--optimizer", local.optimizer !== null],
    ["--curvature", local.curvature !== null],
    ["--damping", local.damping !== null],
    ["--solver", local.solver !== "auto"],
    ["--allow-unconverged", local.allowUnconverged],
    ["--restarts", local.restarts !== 1],
    ["--attack-rows", local.attackRows !== null],
    ["--input-scale", local.inputScale !== null],
  ];
  return stray.find(([, given]) => given)?.[0] ?? strayImportOption(local);
}

function strayImportOption(local: LocalSettings): string | null {
  const stray: readonly (readonly [string, boolean])[] = [
    ["--no-polish", !local.polish],
    ["--force", local.force],
    ["--columns", local.columns !== null],
    ["--classes", local.classes !== null],
    ["--scaler", local.scaler !== null],
  ];
  return stray.find(([, given]) => given)?.[0] ?? null;
}
