import { interruptible } from "./interrupt.js";
import { progressBar, type Reporter } from "./progress.js";

/**
 * Long work with its progress on stderr; Ctrl-C stops it. `keep` writes the files of what is done, and is not interrupted.
 * @throws cancelled
 */
export async function carryOut<Result>(
  quiet: boolean,
  work: (signal: AbortSignal, reporter: Reporter) => Promise<Result>,
  keep: (result: Result) => Promise<void>,
): Promise<Result> {
  const reporter = await progressBar(quiet);
  return interruptible((signal) => work(signal, reporter), keep).finally(() => reporter.stop());
}
