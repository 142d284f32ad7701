import { describeBackend } from "@aif/core";
import { clean } from "../render/clean.js";
import type { ReportOrigin } from "./report.js";

/** Where a result comes from that the running command has made. */
export function originOf(text: string): ReportOrigin {
  const words = process.argv.slice(2).filter((word) => !FILES.test(word));
  return {
    command: clean(`aif ${words.map(typed).join(" ")}`),
    backend: describeBackend().description,
    text,
  };
}

/** Where the server has the files of its work put. */
const FILES = /^--(?:out|report|format)=/;

/** A word as a shell reads it back. */
const typed = (word: string): string => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
