import type { ChartedResult, ExperimentRun, Flag } from "@aif/core";
import type { Html } from "./html.js";

/** A result that a report can be made of: whatever a command prints as JSON. */
export type ReportedResult = Exclude<ChartedResult, { readonly schema: "aif.reproduction/1" }> | ExperimentRun;

export interface Section {
  /** Of the link to it. */
  readonly id: string;
  readonly title: string;
  readonly body: Html;
}

/** What a report says of a result. */
export interface ReportParts {
  readonly title: string;
  /** Data and model, a sentence each. */
  readonly ground: readonly string[];
  /** The answer in words, before anything else. */
  readonly lead: Html;
  readonly sections: readonly Section[];
  readonly flags: readonly Flag[];
}

/** Charts of one attack as they stand in the text. */
export type FiguresOf = (attack: string | null) => Promise<Html>;
