import { parseCondition } from "@aif/core";
import { readShare } from "./numbers.js";
import { flag, list, single } from "./rule.js";

/** What the numbers are held against, and what that makes of the exit code. */
export const verdictOptions = {
  heading: "Verdict:",
  rules: {
    attackRate: single(
      {
        flags: "--attack-rate <share>",
        help: "share of inputs that are attacked, such as 0.1: adds the best mixed training",
      },
      null,
      readShare,
    ),
    failIf: list(
      {
        flags: "--fail-if <condition>",
        help: "exit with code 3 where it holds, such as 'accuracyDrop>0.01@0.05' (quantity, limit, ε)",
      },
      [],
      (given) => [parseCondition(given)],
    ),
    strict: flag({ flags: "--strict", help: "exit with code 3 after any warning" }, false),
  },
};
