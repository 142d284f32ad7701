/** Threads that are ended before they work: koffi would end the process where one is stopped while it loads. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { expect, test } from "vitest";

/** As it is built: threads read no TypeScript. */
const built = new URL("../../dist/node.js", import.meta.url);

/** A thread that takes its time to start, and counts up when it has. */
const thread = `
  import { workerData } from "node:worker_threads";
  import { joinThreads } from ${JSON.stringify(built.href)};
  await new Promise((resolve) => setTimeout(resolve, 200));
  Atomics.add(workerData.task, 0, 1);
  await joinThreads(async () => {});
`;
const program = (module: string, end: string): string => `
  import { startThreads } from ${JSON.stringify(built.href)};
  const started = new Int32Array(new SharedArrayBuffer(4));
  const { close } = startThreads(new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(module)})), 3, started);
  ${end}
`;

const run = (module: string, end: string) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program(module, end)], {
    encoding: "utf8",
  });
  return { status, stdout, stderr };
};

const closed = "await close(); console.log(started[0]);";

test.skipIf(!existsSync(built)).each([
  ["that start slowly are waited for", thread, closed, "2\n"],
  ["that cannot start are not", "throw new Error('no thread')", closed, "0\n"],
  [
    "that start slowly are waited for where the program ends at once",
    thread,
    'process.on("exit", () => console.log(started[0])); process.exit();',
    "2\n",
  ],
])("threads %s before they are ended", (_, module, end, stdout) => {
  expect(run(module, end)).toEqual({ status: 0, stdout, stderr: "" });
});
