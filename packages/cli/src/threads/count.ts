import { familySize, type StudySettings } from "@aif/core";
import { coreShare, nativeThreads } from "@aif/core/node";
import { PROGRAM_BYTES, rowsBytes, spareBytes } from "../spare-memory.js";
import type { Task } from "./task.js";

const SHARED_BYTES_A_CELL = 8;

/** Cells of the table times parts of the work from which they are worth another thread: about half a second on one. */
const LEAST_WORK = { compare: 2e6, analyze: 5e7 } as const;
/** Models of which a part of the work takes about as long as that says; of all others it takes longer. */
const LIGHT: ReadonlySet<string> = new Set(["linear", "logistic", "poisson"]);

/** Whether an analysis has parts that threads can share. */
export const hasDraws = ({ inference }: StudySettings): boolean => inference === "bootstrap";

/** Independent parts of the work: models of a family, draws of a bootstrap. */
function partsOf({ kind, input }: Task): number {
  if (kind === "compare") return familySize(input.family, input.table.columns.length - 1);
  return hasDraws(input.settings) ? input.settings.draws : 1;
}

function isHeavy({ kind, input }: Task): boolean {
  const given = kind === "compare" && input.family.models?.length ? input.family.models : [input.settings.model];
  return given.some((model) => model !== null && !LIGHT.has(model));
}

/**
 * How many threads share some work, this one among them: as many as there are parts, as fit into memory, and one where there is little
 * to do.
 * @param wanted as typed; null: AIF_THREADS, else all processors up to 8
 * @param memory what the work may take, in bytes; null: half of what is free
 */
export function threadsFor(task: Task, wanted: number | null, memory: number | null): number {
  const parts = partsOf(task);
  const { rows, columns } = task.input.table;
  const cells = rows * columns.length;
  if (parts * cells < LEAST_WORK[task.kind] && !isHeavy(task)) return 1;
  const own = rowsBytes({ rows, cells }, task.input.settings);
  const spare = (memory === null ? spareBytes() : memory - PROGRAM_BYTES) - own;
  // Another thread takes the program once more and, beside the shared table, what is computed of its rows.
  const fitting = 1 + Math.max(0, Math.floor(spare / (PROGRAM_BYTES + own - SHARED_BYTES_A_CELL * cells)));
  return Math.min(wanted ?? nativeThreads(ENVIRONMENT, coreShare()), parts, fitting);
}

/** Bytes of a cache that a thread is worth: it is there sooner than they have passed a few times. */
const CACHE_BYTES = 32 * 2 ** 20;

/**
 * How many threads share the blocks of a cache, this one among them: as many as there are processors, as fit into memory, and one where
 * there is little to read.
 * @param wanted as typed; null: AIF_THREADS, else all processors up to 8
 * @param memory what the work may take, in bytes; null: half of what is free
 */
export function streamThreads(cacheBytes: number, wanted: number | null, memory: number | null): number {
  const fitting = Math.floor((memory ?? spareBytes()) / PROGRAM_BYTES);
  const worth = Math.floor(cacheBytes / CACHE_BYTES);
  return Math.max(1, Math.min(wanted ?? nativeThreads(ENVIRONMENT, coreShare()), worth, fitting));
}

/** As it was before the linear algebra was told to take one thread. */
const ENVIRONMENT = { ...process.env };
