import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parquetWriteBuffer } from "hyparquet-writer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { hasMpi, mpirun } from "../../packages/core/test/parallel/mpirun.js";
import { wordsOf } from "../../tools/write-docs-output.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const read = (path: string): string => readFileSync(`${root}/${path}`, "utf8");
const folder = "examples/many-machines";
const page = read("docs/many-machines.md");

test.each(["slurm.sh", "mpijob.yaml", "Dockerfile", "hosts"])("the page leads to %s", (name) => {
  expect(page).toContain(`(../${folder}/${name})`);
});

test("shell scripts, and what the manifest hands to a shell, are what a shell understands", () => {
  const check = (script: string): string => execFileSync("bash", ["-n"], { input: script, encoding: "utf8" });
  check(read(`${folder}/slurm.sh`));
  const [job] = parseAllDocuments(read(`${folder}/mpijob.yaml`));
  const [script] = job.toJS().spec.mpiReplicaSpecs.Launcher.template.spec.containers[0].args;
  check(script);
  for (const [, block] of page.matchAll(/^```sh\n(.*?)^```/gms)) check(block);
});

test("the manifest is YAML with the fields of an MPIJob, and its ranks have their slots", () => {
  const documents = parseAllDocuments(read(`${folder}/mpijob.yaml`), { strict: true });
  expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
  const { apiVersion, kind, spec } = documents[0].toJS();
  expect([apiVersion, kind, spec.mpiImplementation]).toEqual(["kubeflow.org/v2beta1", "MPIJob", "OpenMPI"]);
  const { Launcher, Worker } = spec.mpiReplicaSpecs;
  const [launcher] = Launcher.template.spec.containers;
  expect(launcher.args[0]).toContain(`mpirun -n ${Worker.replicas * spec.slotsPerWorker} aif analyze`);
  for (const { template } of [Launcher, Worker]) {
    const mounted = template.spec.containers[0].volumeMounts.map(({ name }: { name: string }) => name);
    expect(template.spec.volumes.map(({ name }: { name: string }) => name)).toEqual(mounted);
  }
});

test("the image is made of instructions that Docker knows, from a Node that aif runs on", () => {
  const lines = read(`${folder}/Dockerfile`)
    .replaceAll(/\\\n/g, " ")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  for (const line of lines) expect(line).toMatch(/^(?:FROM|RUN|WORKDIR|COPY) \S/);
  const [, major] = /^FROM node:(\d+)/.exec(lines[0]) ?? [];
  expect(Number(major)).toBeGreaterThanOrEqual(20);
  expect(lines.join("\n")).toContain("openmpi-bin");
});

test("every option of aif that the page and its examples use exists", () => {
  const help = execFileSync(process.execPath, [`${root}/packages/cli/bin/aif.js`, "analyze", "--help"], {
    encoding: "utf8",
  });
  const commands = [page, read(`${folder}/slurm.sh`), read(`${folder}/mpijob.yaml`)].flatMap((text) =>
    [...text.replaceAll(/\\\n/g, " ").matchAll(/aif analyze [^\n`]*/g)].map(([command]) => command),
  );
  const options = new Set(commands.flatMap((command) => command.match(/--[a-z][a-z-]*/g) ?? []));
  expect(options.size).toBeGreaterThan(3);
  for (const option of options) expect(help).toContain(option);
});

/**
 * The page's own words for mpirun, in a folder that is what /shared is to them: on two ranks, all of them here.
 * Options of mpirun, then those of aif.
 */
const started = [...page.matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block]) => block.split("\n"))
  .filter((line) => line.startsWith("mpirun "))
  .map(
    (line) =>
      line
        .replaceAll("/shared/", "")
        .replace(/-n \d+/, "-n 2")
        .split(" aif ") as [string, string],
  );

describe.skipIf(!hasMpi)("the page's commands run on Open MPI (skipped where mpirun is missing)", () => {
  const shared = mkdtempSync(join(tmpdir(), "aif-many-"));
  afterAll(() => rmSync(shared, { recursive: true, force: true }));
  const columnOf = (part: number, step: number): Float64Array =>
    Float64Array.from({ length: 6000 }, (_, i) => ((i * step + part) % 997) / 100);
  beforeAll(() => {
    writeFileSync(join(shared, "hosts"), "localhost slots=2\n");
    for (const part of [0, 1]) {
      const x = [7, 31, 101, 211].map((step, j) => ({
        name: `x${j}`,
        data: columnOf(part, step),
        type: "DOUBLE" as const,
      }));
      const y = x[0].data.map((value, i) => value - x[1].data[i] + Math.sin(i));
      writeFileSync(
        join(shared, `part-${part}.parquet`),
        new Uint8Array(parquetWriteBuffer({ columnData: [...x, { name: "y", data: y, type: "DOUBLE" }] })),
      );
      const rows = Array.from({ length: 300 }, (_, i) => [...x.map(({ data }) => data[i]), y[i]].join());
      writeFileSync(join(shared, `part-${part}.csv`), `x0,x1,x2,x3,y\n${rows.join("\n")}\n`);
    }
  });

  /** Runs one of them, and keeps what its checkpoint held last. */
  const start = async ([launch, words]: readonly [string, string]): Promise<{
    stdout: string;
    kept: string | null;
  }> => {
    const [checkpoint, names] = [join(shared, "work.checkpoint"), wordsOf(words)];
    let kept: string | null = null;
    const watch = setInterval(() => {
      if (existsSync(checkpoint)) kept = readFileSync(checkpoint, "utf8");
    }, 5);
    const run = [...wordsOf(launch).slice(1), process.execPath, `${root}/packages/cli/bin/aif.js`, ...names];
    const { code, stdout, stderr } = await mpirun(run, { cwd: shared });
    clearInterval(watch);
    expect(code, stderr).toBe(0);
    return { stdout: names.includes("--out") ? readFileSync(join(shared, "result.json"), "utf8") : stdout, kept };
  };

  test.each(started.filter(([, words]) => !words.includes("--checkpoint")))("%s aif %s", async (...command) => {
    expect((await start(command)).stdout).toMatch(/rows/);
  });

  test("--checkpoint, and --resume from what it left", async () => {
    const [first, again] = started.filter(([, words]) => words.includes("--checkpoint"));
    const whole = await start(first);
    expect(whole.kept).toContain("aif.");
    writeFileSync(join(shared, "work.checkpoint"), whole.kept ?? "");
    const withoutTimes = (text: string): string => text.slice(0, text.lastIndexOf("Done in"));
    expect(withoutTimes((await start(again)).stdout)).toBe(withoutTimes(whole.stdout));
  });
});
