/** What only Node can do: files, and processes that work together. Everything else of the library runs in browsers too. */

export { fileFacts } from "./data/file-facts.node.js";
export { assertWritable, makeOutputFolder, writeFileAtomically } from "./data/files.node.js";
export { sharedTable } from "./data/shared-table.js";
export { estimatedBytes, estimatedSize, readableBytes, type TableSize } from "./data/stream/estimate.js";
export {
  type CachedStream,
  cacheStreamed,
  type OpenedStream,
  openShare,
  openStream,
  openStreamed,
  type StreamedSplit,
  type StreamedTable,
  type StreamOptions,
  type StreamShare,
} from "./data/stream/open.node.js";
export { partsOf } from "./data/stream/parts.node.js";
export { coreShare } from "./linalg/core-share.node.js";
export { nativeThreads } from "./linalg/native-candidates.js";
export { type Loading, LoadingThreads, loaded } from "./parallel/loading-threads.node.js";
export { byItself, type LaunchedRanks, launchedRanks } from "./parallel/mpi.node.js";
export { mpiVersion } from "./parallel/mpi-library.node.js";
export { joinThreads, startThreads, type ThreadRanks } from "./parallel/threads.node.js";
