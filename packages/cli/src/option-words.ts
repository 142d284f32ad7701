import { evaluationName, exponentName, projectName, type StudySettings } from "@aif/core";
import { RULES } from "./recorded/resolved-options.js";

/** What options say, by their names as typed; null: not given, or as by default. Plain data. */
export type OptionWords = Readonly<Record<string, unknown>>;

/** Where a field is not called as its option is. */
const NAMES: Readonly<Record<string, string>> = {
  polish: "--no-polish",
  memoryBytes: "--memory",
  surface: "--sphere",
  sigma: "--smoothing",
  attack: "--smoothing-attack",
  evaluation: "--smoothing-evaluation",
  budget: "--smoothing-budget",
  projects: "--project",
  models: "--model",
};

const kebab = (field: string): string => field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const optionOf = (field: string): string =>
  RULES[field] ? `--${RULES[field][0]}` : (NAMES[field] ?? (field.length === 1 ? `--${field}` : `--${kebab(field)}`));

/** Fields of some settings by the options that give them. */
export const wordsOf = (settings: object, rename = optionOf): OptionWords =>
  Object.fromEntries(Object.entries(settings).map(([field, value]) => [rename(field), value]));

/** The settings of an analysis by the options that give them, as they are typed. */
export function studyWords({ local, kernel, smoothing, ...plain }: StudySettings): OptionWords {
  const { norms, wasserstein, evaluation, project, failIf } = plain;
  const typed: Readonly<Record<string, unknown>> = {
    ...plain,
    norms: norms.map(exponentName),
    wasserstein: wasserstein === null ? null : exponentName(wasserstein),
    evaluation: evaluationName(evaluation),
    project: project && projectName(project),
    failIf: failIf.map(({ text }) => text),
  };
  const own = Object.entries(typed).map(([field, value]) => [
    optionOf(field),
    RULES[field] ? RULES[field][1](value) : value,
  ]);
  const noise =
    smoothing && wordsOf(smoothing, (field) => (field === "draws" ? "--smoothing-draws" : (NAMES[field] ?? field)));
  return { ...Object.fromEntries(own), ...wordsOf(local, networkOption), ...wordsOf(kernel, networkOption), ...noise };
}

/** Fields of networks and kernels are called as their options are, whatever other settings have the same names. */
const networkOption = (field: string): string => NAMES[field] ?? `--${kebab(field)}`;
