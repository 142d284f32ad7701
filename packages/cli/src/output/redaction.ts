import { redacted, type StudySettings } from "@aif/core";
import { usageError } from "../errors.js";

/** What was asked for. */
export interface RedactionChoice {
  readonly redact: boolean;
  readonly worstCase?: string | null;
  readonly predictions?: string | null;
}

/** Before long work. @throws usage: files or models that are about single rows */
export function checkRedaction({ redact, worstCase, predictions }: RedactionChoice, { model }: StudySettings): void {
  if (!redact) return;
  const listing = worstCase ? "--worst-case" : predictions ? "--predictions" : null;
  if (listing !== null) throw usageError(`${listing} lists rows, which --redact leaves out: leave out one of them.`);
  if (model?.startsWith("kernel")) {
    throw usageError(
      "A kernel regression has one parameter for each row, so that --redact would leave nothing of it: leave it out, or use another model.",
    );
  }
}

/** The result as it is written and printed, everywhere. */
export const asAsked = <Result extends object>(result: Result, redact: boolean): Result =>
  redact ? redacted(result) : result;
