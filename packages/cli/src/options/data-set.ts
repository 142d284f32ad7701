import { usageError } from "../errors.js";
import { outputOptions } from "./output.js";
import { list, single } from "./rule.js";

const readFolder = (path: string, option: string): string => {
  if (path !== "") return path;
  throw usageError(`${option} needs the name of a folder.`);
};

/** An address to which names of files can be added. */
function readMirror(address: string, option: string): readonly string[] {
  if (URL.canParse(address) && /^https?:/.test(address)) return [address.endsWith("/") ? address : `${address}/`];
  throw usageError(`${option} takes an address such as https://host/folder/, not "${address}".`);
}

/** Where a data set comes from and goes to. */
export const dataSetOptions = {
  heading: "Files:",
  rules: {
    out: single({ flags: "--out <folder>", help: "where the files go" }, null, readFolder),
    mirror: list(
      { flags: "--mirror <address>", help: "a folder on the web to fetch from instead", shown: "the usual ones" },
      null,
      readMirror,
    ),
    quiet: outputOptions.rules.quiet,
  },
};
