import { adversaryOptions } from "./adversary.js";
import { oneOf } from "./choice.js";
import { dataOptions } from "./data.js";
import { readNumber } from "./numbers.js";
import { outputOptions } from "./output.js";
import { single } from "./rule.js";

const { cluster: _cluster, by: _by, ...dataRules } = dataOptions.rules;

/** What is read: clusters and groups say nothing about the training rows' own optimum. */
export const pathDataOptions = { heading: dataOptions.heading, rules: dataRules };

const { norm, freeze, budget } = adversaryOptions.rules;

/** The adversary, and up to which size it is followed. */
export const pathAdversaryOptions = {
  heading: adversaryOptions.heading,
  rules: {
    norm,
    epsilonMax: single(
      {
        flags: "--epsilon-max <ε>",
        help: "the last size, relative to the rows' mean norm, such as 0.3",
        shown: "where every attacked coefficient is 0",
      },
      null,
      readNumber,
    ),
    freeze,
    budget,
  },
};

const { out, report, rawCsv, redact, quiet } = outputOptions.rules;

/** Where the path goes, and in which form. */
export const pathOutputOptions = {
  heading: outputOptions.heading,
  rules: {
    format: single(
      {
        flags: "--format <form>",
        help: "text for people, json for programs, csv with one row a point",
        shown: "text; json or csv where --out ends in it",
      },
      null,
      oneOf(["text", "json", "csv"] as const),
    ),
    out,
    report,
    rawCsv,
    redact,
    quiet,
  },
};
