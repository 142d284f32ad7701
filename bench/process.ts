import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";
import type { Case, Peer } from "./cases.js";

/** A process that answers every line it is sent with one line of JSON; its first line says that it is ready. */
export interface Worker<Greeting> {
  readonly greeting: Greeting;
  ask<Reply>(): Promise<Reply>;
  stop(): Promise<void>;
}

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

export type Environment = Readonly<Record<string, string>>;

/** Where a module finds what the repository has installed. */
const WORKER = here("../node_modules/.cache/aif-bench/worker.js");
let workerBuilt = false;

/**
 * worker.ts in Node, with the back end that `environment` chooses. It is JavaScript by then, as the library is: what translates
 * TypeScript on the way would take 200 MB more in the same process.
 */
export function startLibrary<Greeting>(args: readonly string[], environment: Environment): Promise<Worker<Greeting>> {
  if (!workerBuilt) {
    buildSync({
      entryPoints: [here("worker.ts")],
      outfile: WORKER,
      bundle: true,
      packages: "external",
      platform: "node",
      format: "esm",
    });
    workerBuilt = true;
  }
  return start(process.execPath, [WORKER, ...args], environment);
}

/** A peer's side of a task in the Python that has its library, or null where none does. */
export async function startPeer<Greeting>(
  peer: Peer,
  { job, model, rows, columns }: Case,
  files: { readonly x: string; readonly y: string },
  environment: Environment,
): Promise<Worker<Greeting> | null> {
  const sizes = [String(rows), String(columns), files.x, files.y];
  if (peer === "NumPy") {
    const python = findPython(model === "quadratic" ? "scipy" : "numpy");
    const work = job === undefined || job === "analyse" ? (model ?? "linear") : job;
    return python === null ? null : start(python, [here("numpy_peer.py"), work, ...sizes], environment);
  }
  if (peer === "scikit-learn") {
    const python = findPython("sklearn");
    return python === null ? null : start(python, [here("sklearn_peer.py"), model ?? "linear", ...sizes], environment);
  }
  const python = findPython("torch");
  const method = peer === "PyTorch, CG" ? "cg" : "lissa";
  return python === null ? null : start(python, [here("influence_peer.py"), method, ...sizes], environment);
}

/** A Python that can import a library (Debian's packages belong to /usr/bin/python3), or null. */
export function findPython(library: string): string | null {
  const candidates = [process.env["AIF_BENCH_PYTHON"], "/usr/bin/python3", "python3"];
  for (const python of candidates) {
    if (python === undefined || (python.startsWith("/") && !existsSync(python))) continue;
    if (spawnSync(python, ["-c", `import ${library}`], { stdio: "ignore" }).status === 0) return python;
  }
  return null;
}

async function start<Greeting>(
  command: string,
  args: readonly string[],
  environment: Environment,
): Promise<Worker<Greeting>> {
  const child = spawn(command, args, {
    env: { ...process.env, ...environment },
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`A benchmark process ended early: ${command} ${args.join(" ")}`);
    return JSON.parse(value);
  };
  return {
    greeting: (await read()) as Greeting,
    async ask<Reply>() {
      child.stdin.write("go\n");
      return (await read()) as Reply;
    },
    stop: () => end(child),
  };
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, "exit");
  child.stdin?.end();
  await ended;
}
