import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { parseAllDocuments } from "yaml";

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
