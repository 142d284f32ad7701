import type { Ranks } from "@aif/core";
import { sharedTable, startThreads } from "@aif/core/node";
import { setThreads } from "../options/runtime.js";
import { threadProgram } from "./program.js";
import type { Task } from "./task.js";

/**
 * The threads of the linear algebra, before it is loaded: one where threads share the parts of the work, however many there will be, so
 * that the digits do not depend on their number.
 */
export const setThreadsOf = (shares: boolean, threads: number | null, { size }: Ranks): void =>
  setThreads(shares && size === 1 ? 1 : threads);

/**
 * Does work alone, or with other threads that do the same and take their shares of its parts.
 * @param ranks processes that share it already: then threads do not
 * @param work must do with its input what the threads do with theirs
 */
export async function share<Kind extends Task, Result>(
  task: Kind,
  { ranks, count, signal }: { readonly ranks: Ranks; readonly count: () => number; readonly signal: AbortSignal },
  work: (input: Kind["input"], ranks: Ranks) => Promise<Result>,
): Promise<Result> {
  const size = ranks.size > 1 || threadProgram === null ? 1 : count();
  if (size === 1 || threadProgram === null) return work(task.input, ranks);
  const input = inSharedMemory(task.input);
  const threads = startThreads(threadProgram, size, { ...task, input }, signal);
  return work(input, threads.ranks).finally(threads.close);
}

const inSharedMemory = <Input extends Task["input"]>(input: Input): Input => ({
  ...input,
  table: sharedTable(input.table),
  ...(input.evaluationTable && { evaluationTable: sharedTable(input.evaluationTable) }),
});
