import type { ErrorCode, ExperimentSettings, Progress, Repetition } from "@aif/core";

/** What a thread is given at its start: where it says that its linear algebra is loaded. */
export interface Start {
  readonly loading: Int32Array;
  readonly place: number;
}

/** What a thread is asked: repetition r of an experiment. */
export interface Question {
  readonly name: string;
  readonly settings: ExperimentSettings;
  readonly r: number;
}

/** What it says, any number of times how far it is, then one of the others. */
export type Answer =
  | { readonly kind: "progress"; readonly progress: Progress }
  | { readonly kind: "done"; readonly repetition: Repetition }
  | { readonly kind: "failed"; readonly message: string; readonly code: ErrorCode | null };
