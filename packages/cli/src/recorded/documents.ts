import type {
  Coefficients,
  ComparisonResult,
  ExperimentRun,
  PathResult,
  Predictions,
  Redacted,
  StudyResult,
  TrainingResult,
  VerificationResult,
  WorstCases,
} from "@aif/core";
import type { Typed } from "./typed-command.js";

/** What `aif analyze --format json` prints. */
export interface StudyDocument extends StudyResult, Typed, Partial<Redacted> {}
/** What `aif verify --format json` prints. */
export interface VerificationDocument extends VerificationResult, Typed, Partial<Redacted> {}
/** What `aif path --format json` prints. */
export interface PathDocument extends PathResult, Typed, Partial<Redacted> {}
/** What `aif adversarial-train --format json` prints. */
export interface TrainingDocument extends TrainingResult, Typed {}
/** What `aif compare --format json` prints. */
export interface ComparisonDocument extends ComparisonResult, Typed {}
/** What `aif reproduce --out` writes beside its table and its chart; `aif` is the version that ran it. */
export type ReproductionDocument = ExperimentRun & { readonly aif: string };
/** What `--coefficients` writes. */
export type CoefficientsDocument = Coefficients;
/** What `--worst-case` writes. */
export type WorstCasesDocument = WorstCases;
/** What `--predictions` writes. */
export type PredictionsDocument = Predictions;

/** What `--settings` takes beside results: options by their names without dashes, as typed. */
export interface SettingsDocument {
  readonly schema: "aif.settings/1";
  /** The table; the one on the command line takes its place. */
  readonly data?: string | null;
  readonly options: Readonly<Record<string, string | number | boolean | null | readonly (string | number)[]>>;
}
