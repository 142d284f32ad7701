/** A thread that does what the program does, for its share of the models, draws or rows; the program prints what comes of it. */
import { analyze, compare } from "@aif/core";
import { joinThreads } from "@aif/core/node";
import { analyzeShare } from "./stream.js";
import type { StreamTask, Task } from "./task.js";

await joinThreads((given, ranks) => {
  const task = given as Task | StreamTask;
  if (task.kind === "stream") return analyzeShare(task, ranks);
  return task.kind === "compare" ? compare(task.input, { ranks }) : analyze(task.input, { ranks });
});
