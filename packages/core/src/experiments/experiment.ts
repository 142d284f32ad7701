import type { ChartSpec } from "../charts/theme.js";
import type { Work } from "../parallel/work.js";
import type { RandomStream } from "../stats/random.js";
import type { Exponent } from "../threats/norms.js";

/** What can be asked of every experiment. */
export interface ExperimentSettings {
  /** How many data sets are drawn. */
  readonly repetitions: number;
  readonly seed: number;
  /** The p of the attack. */
  readonly norm: Exponent;
}

/** A column of numbers, one for each point of the grid. */
export interface Column {
  readonly name: string;
  /** The lines above it in a table for people. */
  readonly heading: readonly string[];
  readonly meaning: string;
  /** Whether its numbers go over many decades, so that exponents are what is compared. */
  readonly decades?: boolean;
}

/** What one data set gave: plain data, JSON as it is. */
export interface Repetition {
  /** By the name of a column: a number for each point of the grid. */
  readonly columns: Readonly<Record<string, readonly number[]>>;
  /** Numbers of the data set as a whole; null where there is none. */
  readonly values: Readonly<Record<string, number | null>>;
}

/** A mean over data sets. */
export interface Estimate {
  /** Over the data sets that have this number; null where none has. */
  readonly mean: number | null;
  /** Sample standard deviation / √count; null for fewer than two. */
  readonly standardError: number | null;
  readonly count: number;
}

export interface ColumnEstimate {
  readonly mean: readonly number[];
  readonly standardErrors: readonly number[] | null;
}

/** All repetitions together. */
export interface Summary {
  /** How many data sets there are. */
  readonly dataSets: number;
  readonly columns: Readonly<Record<string, ColumnEstimate>>;
  readonly values: Readonly<Record<string, Estimate>>;
}

/** What the numbers say of a statement of the paper. */
export interface Verdict {
  readonly claim: string;
  /** null: nothing to judge, or not enough to judge it by. */
  readonly holds: boolean | null;
  readonly text: string;
}

/** A result of the paper, as something that can be run. */
export interface Experiment {
  /** What people call it by: "figure1". */
  readonly name: string;
  /** Where it stands: "Figure 1". */
  readonly reference: string;
  readonly title: string;
  /** What it shows, in a sentence. */
  readonly shows: string;
  readonly defaults: ExperimentSettings;
  /** The p that the statement is about; without it any p ≥ 1. */
  readonly norms?: readonly Exponent[];
  /** The first is the grid. */
  readonly columns: readonly Column[];
  /** Process, model, sizes and methods, in sentences. */
  setup(settings: ExperimentSettings): string;
  /** Columns that need no data, the grid and what formulas say: they are not averaged and have no standard error. */
  formulas?(settings: ExperimentSettings): Readonly<Record<string, readonly number[]>>;
  /** The other columns, from one data set of the stream. Progress is told within the repetition. */
  repeat(settings: ExperimentSettings, random: RandomStream, work: Work): Promise<Repetition>;
  conclude(
    summary: Summary,
    settings: ExperimentSettings,
  ): {
    readonly verdicts: readonly Verdict[];
    readonly chart: ChartSpec;
  };
}

/** An experiment that was run: plain data, JSON as it is. */
export interface ExperimentRun {
  readonly schema: "aif.reproduction/1";
  readonly name: string;
  readonly reference: string;
  readonly title: string;
  readonly setup: string;
  readonly settings: { readonly repetitions: number; readonly seed: number; readonly norm: string };
  readonly columns: readonly Column[];
  readonly summary: Summary;
  readonly verdicts: readonly Verdict[];
  /** Vega-Lite. */
  readonly chart: ChartSpec;
  /** In the order of their streams: more can be added to them. */
  readonly repetitions: readonly Repetition[];
  readonly seconds: number;
}
