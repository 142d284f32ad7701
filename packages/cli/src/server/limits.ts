/** What the server allows: it runs on somebody's laptop, beside other work. */
export const LIMITS = {
  /** Of an uploaded file. */
  uploadBytes: 1 << 30,
  /** Tables that are kept; the oldest upload makes room. */
  tables: 20,
  /** Of a request's JSON. */
  jsonBytes: 1 << 18,
  jsonDepth: 8,
  /** Pages that follow work at a time. */
  streams: 100,
  /** Work at a time, waiting beside it, and kept after it is done. */
  running: 2,
  waiting: 50,
  kept: 100,
  /** Of one piece of work, in megabytes. */
  memoryMegabytes: 4096,
  /** Of an option's value. */
  valueLength: 20_000,
} as const;
