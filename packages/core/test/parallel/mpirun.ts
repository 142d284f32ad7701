import { spawn, spawnSync } from "node:child_process";

/** Open MPI's launcher is there. */
export const hasMpi = /Open MPI/.test(spawnSync("mpirun", ["--version"], { encoding: "utf8" }).stdout ?? "");

export interface Job {
  readonly code: number | null;
  readonly stdout: string;
  /** Without what mpirun itself says. */
  readonly stderr: string;
  /** Since `mark`, or since the start. */
  readonly seconds: number;
}

/** Root may start jobs, and more processes than there are processors. */
const environment = {
  OMPI_ALLOW_RUN_AS_ROOT: "1",
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: "1",
  OMPI_MCA_rmaps_base_oversubscribe: "1",
  AIF_THREADS: "1",
  AIF_DEBUG: "",
};

/**
 * Runs a program on some ranks to its end.
 * @param words of mpirun: ["-n", "3", "node", …]
 * @param onOutput is told what stdout holds so far; returns when seconds are to be counted from
 */
export async function mpirun(
  words: readonly string[],
  { env = {}, cwd, onOutput }: { env?: Record<string, string>; cwd?: string; onOutput?: (stdout: string) => void } = {},
): Promise<Job> {
  const child = spawn("mpirun", words, { cwd, env: { ...process.env, ...environment, ...env } });
  child.stdin.end();
  let [stdout, stderr] = ["", ""];
  let started = performance.now();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
    if (onOutput) started = performance.now();
    onOutput?.(stdout);
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  return { code, stdout, stderr: ownLines(stderr), seconds: (performance.now() - started) / 1000 };
}

/** mpirun puts what it says between lines of dashes, and says of a stop that it has passed it on. */
const ownLines = (text: string): string =>
  text
    .replace(/^-{60,}\n[\s\S]*?^-{60,}\n/gm, "")
    .split("\n")
    .filter((line) => !/^\[.*\d+\] |^mpirun: Forwarding signal \d+ to job$|^$/.test(line))
    .join("\n");
