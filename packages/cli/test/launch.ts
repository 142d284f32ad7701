import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

export const launcher = fileURLToPath(new URL("../bin/aif.js", import.meta.url));
export const root = fileURLToPath(new URL("../../..", import.meta.url));
export const houses = fileURLToPath(new URL("../../../examples/house-prices.csv", import.meta.url));

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Starts the built program (npm test builds it first) in the project's root. */
export const start = (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
  spawn(process.execPath, [launcher, ...words], {
    cwd: root,
    env: { ...process.env, AIF_DEBUG: "", AIF_PROGRESS: "0", ...env },
  });

/** Runs the program to its end. @param input what it finds on standard input */
export async function aif(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = "",
): Promise<Run> {
  const child = start(words, env);
  child.stdin.end(input);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { code, stdout, stderr };
}
