import { readPath } from "./file-name.js";
import { single } from "./rule.js";

/** Options from a file. */
export const settingsFileOptions = {
  heading: "Data:",
  rules: {
    settings: single(
      {
        flags: "--settings <file>",
        help: "run again with the options (and the data) of a result in JSON; what is typed beside it takes their place",
      },
      null,
      readPath,
    ),
  },
};
