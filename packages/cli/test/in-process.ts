import { type Ended, runProgram } from "../../../tools/program.js";

/** As `aif` of `launch.ts`, in this process: for what is not about the process. */
export const aif = (words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> =>
  runProgram(words, { AIF_DEBUG: "", AIF_PROGRESS: "0", ...env });
