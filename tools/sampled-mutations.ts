/**
 * Draws small errors at random from the sources of some folders or files, puts each in, in memory, and says which are noticed by a test.
 * `npm run mutate -- --count 20 --seed 1 threats influence solvers`; with --write, docs/mutation.md says what came of it; with
 * `--tests linalg/parts --tests models/`, the tests of these places are asked.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { randomStream } from "../packages/core/src/stats/random.js";
import { compiling } from "./mutation/compiles.js";
import { digestOf } from "./mutation/journal.js";
import { judgeAll } from "./mutation/judge-all.js";
import { placeOf, report, type Stratum } from "./mutation/report.js";
import { type SmallError, smallErrors, withSwitches } from "./mutation/switches.js";
import { testsInOrder } from "./mutation/tests.js";

const root = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");
const SRC = "packages/core/src";
const CACHE = join(root, "node_modules/.cache/aif-mutation");
/** So many are looked at for each that is wanted: some do not compile. */
const SPARE = 1.5;

const PAGE = `${root}/docs/mutation.md`;
/** What is between these lines of the page is written by --write. */
const WRITTEN = /(<!-- errors drawn at random -->\n).*?(?=<!-- end -->)/s;

const read = (file: string): string => readFileSync(`${root}/${file}`, "utf8");

/** @param place a folder, or one file. */
const sourcesOf = (place: string): Map<string, string> =>
  new Map(
    (place.endsWith(".ts") ? [place] : filesIn(place))
      .map((name) => `${SRC}/${name}`)
      .map((file) => [file, read(file)]),
  );

const filesIn = (folder: string): string[] =>
  readdirSync(`${root}/${SRC}/${folder}`, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .toSorted()
    .map((name) => `${folder}/${name}`);

/** `count` errors of a folder that compile, drawn without replacement. */
async function draw(folder: string, count: number, seed: number): Promise<{ stratum: Stratum; drawn: SmallError[] }> {
  const sources = sourcesOf(folder);
  const all = await smallErrors(sources);
  const { uniform } = randomStream(seed);
  const keyed = all.map((error) => ({ error, key: uniform() }));
  const first = keyed
    .toSorted((a, b) => a.key - b.key)
    .slice(0, Math.ceil(SPARE * count))
    .map(({ error }) => error);
  const good = kept(`${digestOf(JSON.stringify([...sources, first]))}.json`, () => {
    const compile = compiling(root, sources, first);
    return first.map((error) => compile.has(error));
  });
  const compile = first.filter((_, i) => good[i]);
  const drawn = compile.slice(0, count);
  console.log(
    `${folder}: ${sources.size} files, ${all.length} possible errors; ${compile.length} of ${first.length} compile, ${drawn.length} drawn`,
  );
  const stratum = {
    folder,
    files: sources.size,
    possible: all.length,
    looked: first.length,
    compiling: compile.length,
  };
  return { stratum, drawn };
}

function describe(error: SmallError): string {
  const { line, text } = placeOf(error, read);
  const { file, start, rule, replacement } = error;
  return `${file.slice(SRC.length + 1)}:${start.line + 1} ${rule} ${JSON.stringify(text)} → ${JSON.stringify(replacement)} in ${line}`;
}

/** Kept beside the journals, since it takes minutes. */
function kept<T>(name: string, make: () => T): T {
  const path = join(CACHE, name);
  if (existsSync(path)) return JSON.parse(readFileSync(path, "utf8"));
  const made = make();
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(path, JSON.stringify(made));
  return made;
}

/** The place of what is known of these errors in these sources. */
function journalFolder(switched: string): string {
  const all = [...sourcesOf(".").values()].join("");
  const folder = join(CACHE, digestOf(switched + all));
  mkdirSync(folder, { recursive: true });
  return folder;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: {
      count: { type: "string", default: "20" },
      seed: { type: "string", default: "1" },
      write: { type: "boolean", default: false },
      tests: { type: "string", multiple: true },
    },
    allowPositionals: true,
  });
  const [count, seed] = [Number(values.count), Number(values.seed)];
  if (!(count >= 1) || !Number.isInteger(seed))
    throw new Error("--count and --seed must be whole numbers, --count at least 1.");
  const folders = positionals.length > 0 ? positionals : ["threats", "influence", "solvers"];
  for (const folder of folders) {
    if (!existsSync(`${root}/${SRC}/${folder}`)) throw new Error(`${SRC} has no folder or file ${folder}.`);
  }
  const drawn: SmallError[] = [];
  const strata: Stratum[] = [];
  for (const folder of folders) {
    const one = await draw(folder, count, seed);
    strata.push(one.stratum);
    drawn.push(...one.drawn);
  }
  const sources = new Map(folders.flatMap((folder) => [...sourcesOf(folder)]));
  const switched = await withSwitches(sources, drawn);
  const folder = journalFolder(JSON.stringify([...switched.sources]));
  const judged = await judgeAll(root, switched, testsInOrder(root, values.tests), console.log, folder);
  for (const { error, killedBy, met } of judged) {
    console.log(
      killedBy ? `killed   ${describe(error)} by ${killedBy}` : `${met ? "SURVIVED" : "NOT MET "} ${describe(error)}`,
    );
  }
  const text = report(strata, judged, read);
  console.log(`\n${text}`);
  if (values.write) {
    const command = `npm run mutate -- --count ${count} --seed ${seed} ${folders.join(" ")} --write`;
    const head = `Written by \`${command}\` on ${new Date().toISOString().slice(0, 10)}.\n\n`;
    writeFileSync(
      PAGE,
      readFileSync(PAGE, "utf8").replace(WRITTEN, (_, mark) => `${mark}\n${head}${text}\n`),
    );
  }
}

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(130));
main().then(
  () => process.exit(0),
  (error: Error) => {
    console.error(error.message);
    process.exit(1);
  },
);
