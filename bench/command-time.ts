import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The committed launcher of the command line. */
export const aif = fileURLToPath(new URL("../packages/cli/bin/aif.js", import.meta.url));

/** What a program said and took. Times of processors and memory are read where Linux tells them, else NaN. */
export interface CommandTime {
  readonly stdout: string;
  readonly seconds: number;
  /** Seconds of the processors, of all its threads, and of its first one: what it waits for where each thread has a processor. */
  readonly cpu: number;
  readonly firstThread: number;
  /** Bytes: the most that it held. */
  readonly peak: number;
}

/** How often a program is looked at, in ms. */
const LOOK_MS = 50;
/** Of Linux's clock, a second. */
const TICKS = 100;

/** Runs a program to its end. @throws where it does not end well */
export async function commandTime(
  program: string,
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<CommandTime> {
  const started = performance.now();
  const child = spawn(program, words, {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let stdout = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  let found = { cpu: Number.NaN, firstThread: Number.NaN, peak: Number.NaN };
  const look = setInterval(() => {
    found = lookAt(child.pid) ?? found;
  }, LOOK_MS);
  const code = await new Promise<number | null>((resolve) => {
    child.on("close", resolve);
  });
  clearInterval(look);
  if (code !== 0) throw new Error(`${program} ${words.join(" ")} ended with code ${code}.`);
  return { stdout, seconds: (performance.now() - started) / 1000, ...found };
}

/** null: it has just ended. */
function lookAt(pid: number | undefined): Pick<CommandTime, "cpu" | "firstThread" | "peak"> | null {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const peak = 1024 * Number(/VmHWM:\s*(\d+) kB/.exec(status)?.[1]);
    return Number.isNaN(peak)
      ? null
      : { cpu: ticksOf(`/proc/${pid}/stat`), firstThread: ticksOf(`/proc/${pid}/task/${pid}/stat`), peak };
  } catch {
    return null;
  }
}

/** Seconds in the program and in the system for it: fields 14 and 15, counted behind the name. */
function ticksOf(file: string): number {
  const fields = readFileSync(file, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
