import { oneOf } from "./choice.js";
import { readInteger, readShare } from "./numbers.js";
import { single } from "./rule.js";

/** How sure the numbers are. */
export const inferenceOptions = {
  heading: "Intervals:",
  rules: {
    confidence: single(
      { flags: "--confidence <level>", help: "level of every interval", shown: "0.95" },
      0.95,
      readShare,
    ),
    inference: single(
      {
        flags: "--inference <how>",
        help: "sandwich (intervals from the influence of each row), bootstrap (from redrawn rows) or none",
        shown: "sandwich",
      },
      "sandwich" as const,
      oneOf(["sandwich", "bootstrap", "none"] as const),
    ),
    draws: single({ flags: "--draws <count>", help: "draws of the bootstrap", shown: "200" }, 200, (given, option) =>
      readInteger(given, option, 1),
    ),
  },
};
