import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** The committed launcher of the command line. */
export const aif = fileURLToPath(new URL("../packages/cli/bin/aif.js", import.meta.url));

export interface CommandTime {
  readonly seconds: number;
  /** Of all its threads, in seconds. */
  readonly cpu: number;
}

/** Runs a module in a Node of its own to its end. */
export function commandTime(words: readonly string[], threads: number): CommandTime {
  const { status, stderr } = spawnSync(
    "bash",
    ["-c", 'TIMEFORMAT="%R %U %S"; time "$@"', "bash", process.execPath, ...words],
    { env: { ...process.env, AIF_THREADS: String(threads) }, encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] },
  );
  if (status !== 0) throw new Error(`${words.join(" ")} failed: ${stderr}`);
  const [seconds, user, system] = stderr.trim().split("\n").at(-1)?.split(" ").map(Number) ?? [];
  return { seconds, cpu: user + system };
}
