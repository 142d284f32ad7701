import type { EncodedDataset } from "../../data/encoded-dataset.js";
import type { Task } from "../../data/encoding.js";
import { usageError } from "../../errors.js";
import { DEFAULT_KERNEL, isKernelModel, kernelTaskOf } from "../kernel-settings.js";
import { hasClosedForm, localKindOf } from "../local-settings.js";
import { taskOf } from "../model-choice.js";
import { type ProjectSetting, parseProject, projectName } from "../project-settings.js";
import type { EvaluationPlan, StudySettings } from "../settings.js";
import { checkSettings } from "../settings.js";
import { DEFAULT_SMOOTHING, type SmoothingSettings } from "../smoothing-settings.js";
import { short } from "../words.js";
import { choiceName, choicesOf, type FeatureChoice, type FeatureRule, isSelection } from "./feature-rule.js";

/** The models to compare: every combination. What is left out does not vary. */
export interface ComparisonFamily {
  /** As --model takes them; default: the one that the target asks for. */
  readonly models?: readonly string[];
  /** Default: all columns. */
  readonly features?: readonly FeatureRule[];
  /** λ of the ridges; default: the model's own. */
  readonly l2?: readonly number[];
  /** λ of l1 penalties, 0 for none; default: none. */
  readonly l1?: readonly number[];
  /** Components that models see in place of the columns, null for the columns themselves; default: the columns. */
  readonly projects?: readonly (ProjectSetting | null)[];
  /** σ of Gaussian noise on the inputs, 0 for none; default: none. What else is said of noise is the settings'. */
  readonly smoothing?: readonly number[];
  /** From how many seeds every network is trained; default 1. */
  readonly seeds?: number;
}

export type WholeFamily = Required<ComparisonFamily>;

export const wholeFamily = (family: ComparisonFamily): WholeFamily => ({
  models: [],
  features: [],
  l2: [],
  l1: [],
  projects: [],
  smoothing: [],
  seeds: 1,
  ...family,
});

/** How many models a family has, before anything is known of which columns are features. @param columns of the table */
export function familySize(family: ComparisonFamily, columns: number): number {
  const { models, features, l2, l1, projects, smoothing } = wholeFamily(family);
  const choices = features.map((rule) =>
    rule.kind === "all" || rule.kind === "columns" ? 1 : (rule.to ?? columns) - (rule.from ?? 1) + 1,
  );
  const varied = [models, l2, l1, projects, smoothing].map(({ length }) => Math.max(1, length));
  return varied.reduce((product, length) => product * length, choices.reduce((sum, count) => sum + count, 0) || 1);
}

/** One model of the family. */
export interface Candidate {
  /** What tells it from the others: "quadratic, forward 3, λ = 0.1". */
  readonly name: string;
  /** Of an analysis of this model, all columns. */
  readonly settings: StudySettings;
  readonly features: FeatureChoice;
}

/** More models than this are more often a slip than a wish, and no table of them is read. */
const MOST_CANDIDATES = 200;
const MOST_SEEDS = 100;

/** Networks are judged on rows set apart, and so is everything that is compared with one. */
export const comparisonEvaluation = (models: readonly string[]): EvaluationPlan =>
  models.some((model) => localKindOf(model) === "mlp") ? { kind: "fraction", share: 0.2 } : { kind: "cv", folds: 10 };

/** Reads "pca:3", "pca:1..8" or "none" as --project in a comparison takes them. @throws usage: what cannot be read. */
export function parseProjects(text: string): readonly (ProjectSetting | null)[] {
  if (text === "none") return [null];
  const [, kind, from, to] = /^(pca|factors):(\d+)\.\.(\d+)$/.exec(text) ?? [];
  if (kind === undefined) return [parseProject(text)];
  const [least, most] = [Number(from), Number(to)];
  if (least < 1 || most < least || most > MOST_CANDIDATES) {
    throw usageError(`--project ${text} needs a range of whole numbers from 1, such as ${kind}:1..8.`);
  }
  return Array.from({ length: most - least + 1 }, (_, k) => parseProject(`${kind}:${least + k}`));
}

/** The settings of every model of the family, columns aside. @throws usage: contradictions of options or of models. */
export function modelSettings(settings: StudySettings, family: WholeFamily): StudySettings[] {
  const { models, l2, l1, projects, smoothing, seeds } = family;
  if (!(Number.isInteger(seeds) && seeds >= 1 && seeds <= MOST_SEEDS)) {
    throw usageError(`--seeds ${seeds} must be a whole number from 1 to ${MOST_SEEDS}.`);
  }
  if (settings.norms.length !== 1 && settings.divergence === null) {
    throw usageError("A comparison is made under one --norm, since the ranking depends on it: run once for each.");
  }
  if ((settings.epsilons?.length ?? 1) !== 1 || (settings.radii?.length ?? 1) !== 1) {
    throw usageError("A comparison is made at one size of the attack: give one --epsilon or one --radius.");
  }
  if (settings.C !== null || settings.alpha !== null) {
    throw usageError("--C and --alpha mean another ridge for every loss: give --l2 in a comparison.");
  }
  if (settings.local.import !== null) {
    throw usageError("An imported model cannot be trained again on the folds: compare models that are trained here.");
  }
  refuseTwice(settings, family);
  const named: readonly (string | null)[] = models.length === 0 ? [settings.model] : models;
  const ridges: readonly (number | null)[] = l2.length === 0 ? [settings.l2] : l2;
  const sparse = l1.length === 0 ? [settings.l1] : l1.map((value) => (value === 0 ? null : [value]));
  const views = projects.length === 0 ? [settings.project] : projects;
  const others = named.some((model) => !isKernelModel(model));
  // The penalty of a kernel regression is --ridge: the family's ridges are of the others.
  const ridgesOf = (model: string | null) => (isKernelModel(model) && others ? [null] : ridges);
  const kernels = named.some(isKernelModel);
  const noises = smoothing.length === 0 ? [settings.smoothing] : smoothing.map((sigma) => noiseOfSize(settings, sigma));
  const all = named.flatMap((model) =>
    views.flatMap((project) =>
      noises.flatMap((noise) =>
        ridgesOf(model).flatMap((ridge) =>
          sparse.map((l1) => ({ ...settings, model, project, smoothing: noise, l2: ridge, l1 })),
        ),
      ),
    ),
  );
  refuseFiles(all);
  for (const one of all) checkSettings(forModel(one, kernels));
  refuseFolds(all);
  refuseIdleSeeds(all, seeds);
  return all.map((one) => forModel(one, kernels));
}

/** σ of the family with what the settings say of noise. */
const noiseOfSize = ({ smoothing }: StudySettings, sigma: number): SmoothingSettings => ({
  ...DEFAULT_SMOOTHING,
  ...smoothing,
  sigma,
});

/** A comparison knows options of networks and kernels that its other models do not ask for. @param kernels whether any is in it */
function forModel(given: StudySettings, kernels: boolean): StudySettings {
  const { model, smoothing } = given;
  if (isKernelModel(model)) {
    const { memoryBytes } = given.local;
    const noise = smoothing?.sigma === 0 ? null : smoothing;
    return { ...given, smoothing: noise, local: { ...given.local, ...NO_NETWORK, memoryBytes } };
  }
  const settings = kernels ? { ...given, kernel: DEFAULT_KERNEL } : given;
  if (!hasClosedForm(settings)) return settings;
  const { activation: _a, optimizer: _o, curvature: _c, damping: _d, ...others } = settings.local;
  return { ...settings, local: { ...others, ...NO_NETWORK } };
}

const NO_NETWORK = {
  activation: null,
  optimizer: null,
  curvature: null,
  damping: null,
  solver: "auto",
  memoryBytes: null,
  allowUnconverged: false,
} as const;

/** @throws usage: what a family varies, fixed in its settings too. */
function refuseTwice({ l2, l1, l1Ratio, project }: StudySettings, family: WholeFamily): void {
  if (family.l2.length > 0 && l2 !== null) throw usageError("The ridges of a family are given once, as its l2.");
  if (l1 === "path" || l1Ratio !== null || (l1 !== null && (family.l1.length > 0 || l1.length > 1))) {
    throw usageError("A comparison takes every --l1 as a model of its own: give their λ as the family's l1.");
  }
  if (family.projects.length > 0 && project !== null) {
    throw usageError("The projections of a family are given once, as its projects.");
  }
}

function refuseFiles(all: readonly StudySettings[]): void {
  const found = all.find(({ project }) => project?.kind === "matrix");
  if (found?.project?.kind !== "matrix") return;
  throw usageError(
    `--project ${found.project.path}: a comparison learns its components, so give pca:1..8, factors:1..3 or none; aif analyze takes a matrix.`,
  );
}

function refuseFolds(all: readonly StudySettings[]): void {
  const network = all.find(({ model }) => localKindOf(model) === "mlp");
  if (!network || network.evaluation.kind !== "cv") return;
  throw usageError(
    `--evaluation cv:${network.evaluation.folds} would train ${network.evaluation.folds} networks for --model ${network.model}, each with a minimum of its own: use fraction:0.2 or a file.`,
  );
}

function refuseIdleSeeds(all: readonly StudySettings[], seeds: number): void {
  if (seeds === 1 || all.some(({ model }) => localKindOf(model) === "mlp")) return;
  throw usageError("--seeds trains networks from several seeds: it needs a --model mlp:<widths>.");
}

/**
 * What the target must be for all models of a family.
 * @throws usage: models whose losses are of different things, which no number compares.
 */
export function familyTask(all: readonly StudySettings[]): Task | "auto" {
  const wanted = all.map((settings) => ({
    model: settings.model ?? "linear",
    task: isKernelModel(settings.model) ? kernelTaskOf(settings) : taskOf(settings),
  }));
  const firm = wanted.filter(({ task }) => task !== "auto");
  const [first] = firm;
  if (!first) return "auto";
  const other = firm.find(({ task }) => task !== first.task);
  if (!other) return first.task;
  throw usageError(
    `--model ${first.model} has ${LOSS_OF[first.task]} and --model ${other.model} ${LOSS_OF[other.task]}, and losses of different things cannot be compared: compare linear, quadratic, basis, kernel and mlp for numbers; logistic, mlp, and quadratic or basis with --loss logistic, for two labels; softmax and mlp for several; poisson, and quadratic or basis with --loss poisson, for counts.`,
  );
}

/** @throws usage: kernel regressions, whose loss is squared whatever the target, beside models that have another one. */
export function refuseOtherLosses(all: readonly StudySettings[], { encoding: { target } }: EncodedDataset): void {
  const kernel = all.find(({ model }) => isKernelModel(model));
  const other = all.find(({ model }) => !isKernelModel(model));
  if (!kernel || !other || target.task === "regression") return;
  throw usageError(
    `--model ${kernel.model} has a squared error of every target and --model ${other.model ?? "logistic"} ${LOSS_OF[target.task]}, and losses of different things cannot be compared: compare kernel regressions of labels with each other.`,
  );
}

const LOSS_OF: Readonly<Record<Task | "auto", string>> = {
  regression: "a squared error (of numbers)",
  binary: "a log loss (of two labels)",
  count: "a Poisson loss (of counts)",
  multiclass: "a cross entropy (of several classes)",
  auto: "a loss that the target decides",
};

/** The columns that become features, in the table's order. */
export const columnsOf = ({ featureInfo }: EncodedDataset): string[] => [
  ...new Set(featureInfo.map(({ column }) => column)),
];

/** Every model with every choice of columns. @param usual the model that the target asks for. @throws as `choicesOf`; usage: too many, or a choice that a model does not know */
export function candidatesOf(
  models: readonly StudySettings[],
  rules: readonly FeatureRule[],
  columns: readonly string[],
  source: string,
  usual: string,
): Candidate[] {
  const choices = rules.length === 0 ? [ALL] : rules.flatMap((rule) => choicesOf(rule, columns, source));
  const count = models.length * choices.length;
  if (count === 0) throw usageError("There is no model to compare: name one with --model.");
  if (count > MOST_CANDIDATES) {
    throw usageError(
      `This family has ${count} models (${models.length} × ${choices.length} choices of columns), more than the ${MOST_CANDIDATES} that can be compared: give fewer, or shorter ranges.`,
    );
  }
  const several = {
    models: new Set(models.map(({ model }) => model)).size > 1,
    features: choices.length > 1 || choices[0].kind !== "all",
    ridges: new Set(models.map(({ l2 }) => l2)).size > 1,
    penalties: models.some(({ l1 }) => l1 !== null),
    noises: models.some(({ smoothing }) => smoothing !== null),
    projects: models.some(({ project }) => project !== null),
  };
  refuseTwoSelections(models, choices);
  const found = models.flatMap((settings) =>
    choices.map((features) => ({
      name: nameOf({ ...settings, model: settings.model ?? usual }, features, several),
      settings,
      features,
    })),
  );
  return numbered(found);
}

function refuseTwoSelections(models: readonly StudySettings[], choices: readonly FeatureChoice[]): void {
  const selection = choices.find(isSelection);
  if (!selection || models.every(({ l1 }) => l1 === null)) return;
  throw usageError(
    `--l1 chooses columns, and so does --features "${choiceName(selection)}": compare them in two runs, or leave one of them out.`,
  );
}

const ALL: FeatureChoice = { kind: "all" };

function nameOf(
  { model, l2, l1, project, smoothing }: StudySettings,
  features: FeatureChoice,
  several: Readonly<Record<"models" | "features" | "ridges" | "penalties" | "projects" | "noises", boolean>>,
): string {
  const { models: _, ...others } = several;
  const alone = !Object.values(others).includes(true);
  const parts = [
    ...(several.models || alone ? [String(model)] : []),
    ...(several.features ? [choiceName(features)] : []),
    ...(several.projects ? [project ? projectName(project) : "columns"] : []),
    ...(several.noises ? [`σ = ${short(smoothing?.sigma ?? 0)}`] : []),
    ...(several.ridges && !isKernelModel(model) ? [`λ = ${short(l2 ?? 0)}`] : []),
    ...(several.penalties ? [`l1 = ${short(Array.isArray(l1) ? Number(l1[0]) : 0)}`] : []),
  ];
  return parts.join(", ");
}

/** Names that occur twice get numbers. */
function numbered(list: readonly Candidate[]): Candidate[] {
  const seen = new Map<string, number>();
  return list.map((candidate) => {
    const times = (seen.get(candidate.name) ?? 0) + 1;
    seen.set(candidate.name, times);
    return times === 1 ? candidate : { ...candidate, name: `${candidate.name} (${times})` };
  });
}
