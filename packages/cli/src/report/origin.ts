import { describeBackend } from "@aif/core";
import { clean } from "../render/clean.js";
import type { ReportOrigin } from "./report.js";

/** Where a result comes from that the running command has made. */
export function originOf(text: string): ReportOrigin {
  return {
    command: clean(`aif ${process.argv.slice(2).map(typed).join(" ")}`),
    backend: describeBackend().description,
    text,
  };
}

/** A word as a shell reads it back. */
const typed = (word: string): string => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
