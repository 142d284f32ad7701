/** A thread that does what the program does, for its share of the models or draws; the program prints what comes of it. */
import { analyze, compare } from "@aif/core";
import { joinThreads } from "@aif/core/node";
import type { Task } from "./task.js";

await joinThreads((given, ranks) => {
  const { kind, input } = given as Task;
  return kind === "compare" ? compare(input, { ranks }) : analyze(input, { ranks });
});
