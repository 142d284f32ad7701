import { analyzeStreamed, type Ranks, type StreamedWork, type Study } from "@aif/core";
import { type CachedStream, openShare, openStream, type StreamedTable, startThreads } from "@aif/core/node";
import { setThreads } from "../options/runtime.js";
import { PROGRAM_BYTES, spareBytes } from "../spare-memory.js";
import { threadProgram } from "./program.js";
import type { StreamTask } from "./task.js";

/**
 * Analyses a table in its cache, alone or with threads that do the same for their shares of its blocks: sums over the rows are added
 * over all of them, as over processes.
 * @param ranks processes that share the rows already: then threads do not
 * @param began when reading began, by `performance.now`
 * @param memory what the work may take, in bytes; null: half of what is free
 */
export async function analyzeCached(
  cached: CachedStream,
  {
    settings,
    projectionTable,
    began,
    count,
    memory,
  }: Pick<StreamTask, "settings" | "projectionTable"> & {
    readonly began: number;
    readonly count: () => number;
    readonly memory: number | null;
  },
  { ranks, ...work }: StreamedWork & { readonly ranks: Ranks },
): Promise<Study> {
  const { share } = cached;
  // What a run goes on from are the sums of all rows, on each thread: one keeps them.
  const size = ranks.size > 1 || threadProgram === null || work.checkpoint ? 1 : count();
  const study = async (opened: StreamedTable): Promise<Study> =>
    analyzeStreamed(
      { ...opened, settings, projectionTable, readSeconds: (performance.now() - began) / 1000 },
      { ...work, threads: size, memoryBytes: roomBeside(memory, size) },
    );
  if (size === 1 || threadProgram === null) return study(await openStream(share, ranks));
  setThreads(1); // of the linear algebra, in each of them
  const task: StreamTask = { kind: "stream", share, settings, ...(projectionTable && { projectionTable }) };
  const threads = startThreads(threadProgram, size, task, work.signal);
  return openShare(share, threads.ranks).then(study).finally(threads.close);
}

/** Bytes that an analysis may take beside the program and its threads. */
const roomBeside = (memory: number | null, threads: number): number =>
  memory === null ? spareBytes() : Math.max(0, memory - threads * PROGRAM_BYTES);

/** What a thread does beside the first one. */
export async function analyzeShare({ share, settings, projectionTable }: StreamTask, ranks: Ranks): Promise<void> {
  const input = { ...(await openShare(share, ranks)), settings, projectionTable, readSeconds: 0 };
  await analyzeStreamed(input, { threads: ranks.size });
}
