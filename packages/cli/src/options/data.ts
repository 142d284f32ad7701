import type { StudySettings } from "@aif/core";
import { usageError } from "../errors.js";
import { oneOf } from "./choice.js";
import { flag, list, single, text } from "./rule.js";
import { splitNames } from "./split.js";

const readDelimiter = (given: string, option: string): string => {
  if (Array.from(given).length === 1 || given === "tab" || given === "\\t") return given;
  throw usageError(`${option} takes one character or the word tab, not "${given}".`);
};

const missingRules: readonly StudySettings["missing"][] = ["error", "drop", "mean"];

/** What is read, and which columns play which part. */
export const dataOptions = {
  heading: "Data:",
  rules: {
    target: single({ flags: "--target <column>", help: "the column to predict (required)" }, null, text),
    exclude: list({ flags: "--exclude <columns>", help: "columns to leave out: a,b" }, [], splitNames),
    keep: list(
      { flags: "--keep <columns>", help: "columns to use although they look like row numbers or names" },
      [],
      splitNames,
    ),
    weights: single({ flags: "--weights <column>", help: "column of row weights", shown: "all equal" }, null, text),
    weightsKind: single(
      {
        flags: "--weights-kind <kind>",
        help: "sampling (rows drawn with unequal chances) or frequency (counts of equal rows)",
        shown: "sampling",
      },
      "sampling",
      oneOf(["sampling", "frequency"] as const),
    ),
    cluster: single(
      { flags: "--cluster <column>", help: "rows with the same value there depend on each other" },
      null,
      text,
    ),
    by: single(
      { flags: "--by <column>", help: "repeat cost and benefit for each group of rows, and name the worst" },
      null,
      text,
    ),
    positive: single(
      { flags: "--positive <label>", help: "the label that counts as positive", shown: "the last of the two in order" },
      null,
      text,
    ),
    missing: single(
      { flags: "--missing <rule>", help: "missing cells: error, drop (the rows) or mean (fill in)", shown: "error" },
      "error",
      oneOf(missingRules),
    ),
    header: flag({ flags: "--header", help: "the first row names the columns", shown: "found out" }, null),
    noHeader: flag({ flags: "--no-header", help: "the first row is data; columns are column1, column2, …" }, null),
    delimiter: single(
      { flags: "--delimiter <character>", help: 'what separates cells; "tab" for a tab', shown: "found out" },
      null,
      readDelimiter,
    ),
  },
};
