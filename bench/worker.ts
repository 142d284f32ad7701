/**
 * The library's side of the benchmark, a process of its own: reads the data, then does its job once for every line that it
 * is sent and answers with one line of JSON. `job` is "analyse", "holdOut", "infer", "robust", "kernels", "memory" or one of jobs.ts.
 */
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { createInterface } from "node:readline";
import { describeBackend, ensureBlas } from "@aif/core";
import type { Case } from "./cases.js";
import { featuresJob, fitJob, gramJob, kernelJob, softmaxJob, solveJob } from "./jobs.js";
import { kernelSpeeds, productSpeed, secondsOfGrams } from "./kernels.js";
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
} else if (job === "gram products") {
  say({ ready: description, backend: name, threads });
  for await (const _ of createInterface({ input: process.stdin })) say({ seconds: secondsOfGrams() });
} else {
  const setup = JSON.parse(task) as Case & { readonly norm?: string; readonly epsilon?: number };
  const x = readNumbers(xFile, setup.rows * setup.columns);
  const y = readNumbers(yFile, setup.rows);
  say({ ready: description, backend: name, threads });
  const jobs = {
    softmax: softmaxJob,
    gram: gramJob,
    solve: solveJob,
    kernel: kernelJob,
    fit: fitJob,
    features: featuresJob,
  };
  const work = jobs[job as keyof typeof jobs] ?? analyse;
  for await (const _ of createInterface({ input: process.stdin })) {
    if (job === "holdOut") say({ stages: await holdOut(setup, x, y) });
    else if (job === "infer") say({ stages: await infer(setup, x, y) });
    else if (job === "robust") say({ found: await robustStages(setup, x, y, Number(setup.norm), setup.epsilon ?? 0) });
    else if (job === "rate") {
      const before = productSpeed();
      const { stages } = await gramJob(setup, x, y);
      say({ stages, product: (before + productSpeed()) / 2 });
    } else {
      const before = process.cpuUsage();
      const { stages, answer } = await work(setup, x, y);
      const { user, system } = process.cpuUsage(before);
      const peak = peakMemory();
      const cpu = (user + system) / 1e6;
      say(job === "memory" ? { peak, data: x.byteLength + y.byteLength } : { stages, answer, peak, cpu });
    }
  }
}
