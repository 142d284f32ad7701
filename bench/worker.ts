/**
 * The library's side of the benchmark, a process of its own: reads the data, then does its job once for every line that it
 * is sent and answers with one line of JSON. `job` is "analyse", "holdOut", "infer", "robust", "kernels" or "memory".
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { createInterface } from "node:readline";
import { describeBackend, ensureBlas } from "@aif/core";
import type { Case } from "./cases.js";
import { kernelSpeeds } from "./kernels.js";
import { analyse, holdOut, infer } from "./library.js";
import { robustStages } from "./robust-stages.js";

/** A file of float64 straight into one array. */
function readNumbers(file: string, count: number): Float64Array {
  const numbers = new Float64Array(count);
  const bytes = new Uint8Array(numbers.buffer);
  const descriptor = openSync(file, "r");
  for (let at = 0; at < bytes.length; ) {
    const read = readSync(descriptor, bytes, at, Math.min(1 << 26, bytes.length - at), at);
    if (read === 0) throw new Error(`${file} ends after ${at} bytes.`);
    at += read;
  }
  closeSync(descriptor);
  return numbers;
}

/** The most memory that this process has had, in bytes. */
function peakMemory(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const match = /VmHWM:\s*(\d+) kB/.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(match?.[1]) * 1024;
}

const say = (message: unknown): boolean => process.stdout.write(`${JSON.stringify(message)}\n`);

const [job, task, xFile, yFile] = process.argv.slice(2);
await ensureBlas();
const { name, description, threads } = describeBackend();
if (job === "kernels") {
  say({ ready: description, backend: name, threads });
  for await (const _ of createInterface({ input: process.stdin })) say({ speeds: await kernelSpeeds() });
} else {
  const setup = JSON.parse(task) as Case & { readonly norm?: string; readonly epsilon?: number };
  const x = readNumbers(xFile, setup.rows * setup.columns);
  const y = readNumbers(yFile, setup.rows);
  say({ ready: description, backend: name, threads });
  for await (const _ of createInterface({ input: process.stdin })) {
    if (job === "holdOut") say({ stages: await holdOut(setup, x, y) });
    else if (job === "infer") say({ stages: await infer(setup, x, y) });
    else if (job === "robust") say({ found: await robustStages(setup, x, y, Number(setup.norm), setup.epsilon ?? 0) });
    else {
      const { stages, answer } = await analyse(setup, x, y);
      say(job === "memory" ? { peak: peakMemory(), data: x.byteLength + y.byteLength } : { stages, answer });
    }
  }
}
