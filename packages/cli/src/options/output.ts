import { usageError } from "../errors.js";
import { oneOf } from "./choice.js";
import { readPath } from "./file-name.js";
import { flag, single } from "./rule.js";

const readTablePath = (path: string, option: string): string => {
  if (/\.(?:csv|json)$/i.test(path)) return path;
  throw usageError(`${option} takes a file whose name ends in .csv or .json, not "${path}".`);
};

const readReportPath = (path: string, option: string): string => {
  if (/\.html?$/i.test(path)) return path;
  throw usageError(`${option} takes a file whose name ends in .html, not "${path}".`);
};

const formats: readonly ("text" | "json")[] = ["text", "json"];

/** Where the result goes, and in which form. */
export const outputOptions = {
  heading: "Output:",
  rules: {
    format: single(
      {
        flags: "--format <form>",
        help: "text for people, json for programs",
        shown: "text; json where --out ends in .json",
      },
      null,
      oneOf(formats),
    ),
    out: single({ flags: "--out <file>", help: "write the result there instead of to stdout" }, null, readPath),
    coefficients: single(
      { flags: "--coefficients <file>", help: "write the model's coefficients before and after: .csv or .json" },
      null,
      readTablePath,
    ),
    worstCase: single(
      {
        flags: "--worst-case <file>",
        help: "write what the adversary does to every training row: .csv or .json",
      },
      null,
      readTablePath,
    ),
    predict: single(
      {
        flags: "--predict <file>",
        help: "rows whose predictions, now and after, --predictions writes; no target needed",
      },
      null,
      readPath,
    ),
    predictions: single(
      {
        flags: "--predictions <file>",
        help: "write what robust training changes in the predictions of --predict: .csv or .json",
      },
      null,
      readTablePath,
    ),
    report: single(
      { flags: "--report <file>", help: "write a page with words, charts and tables: .html" },
      null,
      readReportPath,
    ),
    rawCsv: flag(
      {
        flags: "--raw-csv",
        help: "in CSV, no apostrophe before texts that begin with = + - or @, which spreadsheets run as formulas",
      },
      false,
    ),
    redact: flag({ flags: "--redact", help: "leave out the numbers of rows, and what is said of single rows" }, false),
    quiet: flag({ flags: "--quiet", help: "no progress on stderr" }, false),
  },
};
