import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../launch.js";

/** A program of the workspace's own node_modules. */
export const tool = (path: string): string => join(root, "node_modules", path);

/** Runs a program to its end and returns what it prints. @throws Error: another exit code than 0, with what it printed */
export function run(
  program: string,
  words: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>> = {},
): string {
  try {
    return execFileSync(program, words, { cwd, encoding: "utf8", env: { ...outside(), ...env }, stdio: "pipe" });
  } catch (error) {
    const { stdout, stderr } = Object(error);
    throw new Error(`${program} ${words.join(" ")}\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** The environment of somebody who is not inside an npm script of this repository. */
const outside = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name)));

export interface Packed {
  readonly folder: string;
  readonly core: string;
  readonly cli: string;
}

/** The two packages as they would be published. */
export function packed(): Packed {
  const folder = mkdtempSync(join(tmpdir(), "aif-packed-"));
  const [core, cli] = ["core", "cli"].map((name) => {
    const words = ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder];
    return join(folder, run("npm", words, join(root, "packages", name)).trim());
  });
  return { folder, core, cli };
}

/** An empty project with both packages installed from their files. */
export function installed({ folder, core, cli }: Packed, name: string, more: readonly string[] = []): string {
  const project = join(folder, name);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), JSON.stringify({ name, private: true, type: "module" }));
  const quiet = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", "--silent"];
  run("npm", ["install", ...quiet, core, cli, ...more], project);
  return project;
}

/** A program of a user, and what it must print: the change that the command predicts too. */
export const PROGRAM = `import { AifError, describeBackend, encode, fit, influence, linear, lp, readTable, sensitivity } from "@aif/core";
import { launchedRanks } from "@aif/core/node";

const table = await readTable(${JSON.stringify(join(root, "examples/house-prices.csv"))});
const data = encode(table, { target: "price_thousands" });
const attack = await influence(await fit(linear(), data), lp(2));
const { curve } = await sensitivity(attack, { epsilons: [0.01], on: "training" });
const failure = await readTable("no-such.csv").catch((error: unknown) => error instanceof AifError && error.code);
if ((await launchedRanks({})).size !== 1) throw new Error("a process by itself has company");
console.log(JSON.stringify({ predicted: curve[0].predicted, backend: describeBackend().name, failure }));
`;
