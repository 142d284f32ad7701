/**
 * The built command line in this process: what it prints and how it ends, without starting Node anew each time. What belongs to a
 * process itself (signals, pipes, threads, memory, its end) needs one of its own.
 */

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const MAIN = new URL("../packages/cli/dist/main.js", import.meta.url).href;

/** The streams and the environment belong to the whole process: one run at a time. */
let before: Promise<unknown> = Promise.resolve();

/** @param env what its environment has beside this one's */
export function runProgram(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  const run = before.then(() => ended(words, env));
  before = run.catch(() => {});
  return run;
}

async function ended(words: readonly string[], env: Readonly<Record<string, string>>): Promise<Ended> {
  const { main }: { main(words: readonly string[]): Promise<void> } = await import(/* @vite-ignore */ MAIN);
  const kept = { env: { ...process.env }, code: process.exitCode, argv: process.argv };
  const [stdout, stderr] = [written(process.stdout), written(process.stderr)];
  Object.assign(process.env, env);
  process.argv = [process.execPath, "aif", ...words];
  process.exitCode = undefined;
  try {
    await main(words);
    return { code: exitCode(), stdout: stdout.text(), stderr: stderr.text() };
  } finally {
    stdout.restore();
    stderr.restore();
    process.exitCode = kept.code;
    process.argv = kept.argv;
    for (const name of Object.keys(process.env)) if (!(name in kept.env)) delete process.env[name];
    Object.assign(process.env, kept.env);
  }
}

const exitCode = (): number => Number(process.exitCode ?? 0);

/** Keeps what is written to a stream from now on. */
function written(stream: NodeJS.WriteStream): { text(): string; restore(): void } {
  const { write } = stream;
  const listeners = stream.listeners("error");
  const pieces: Buffer[] = [];
  stream.write = (piece: string | Uint8Array, ...rest: unknown[]): boolean => {
    pieces.push(Buffer.from(piece as string));
    const done = rest.at(-1);
    if (typeof done === "function") process.nextTick(done);
    return true;
  };
  return {
    text: () => Buffer.concat(pieces).toString(),
    restore() {
      stream.write = write;
      for (const listener of stream.listeners("error")) {
        if (!listeners.includes(listener)) stream.off("error", listener as () => void);
      }
    },
  };
}
