/**
 * Draws small errors at random from the sources of some folders, puts each in, in memory, and says which are noticed by the test
 * files that are concerned. `npm run mutate -- --count 20 --seed 1 threats influence solvers`
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { randomStream } from "../packages/core/src/stats/random.js";
import { concernedTests } from "./mutation/concerned.js";
import { mutationJudge } from "./mutation/judge.js";
import { lineOf, type Mutant } from "./mutation/mutant.js";
import { mutantsOf } from "./mutation/operators.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (file: string): string => readFileSync(`${root}/${file}`, "utf8");

/** `count` mutants of the sources below a folder of core/src, drawn without replacement. */
function draw(folder: string, count: number, seed: number): Mutant[] {
  const base = `packages/core/src/${folder}`;
  const files = readdirSync(`${root}/${base}`, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const all = files.toSorted().flatMap((name) => mutantsOf(`${base}/${name}`, read(`${base}/${name}`)));
  console.log(`${folder}: ${files.length} files, ${all.length} possible mutants`);
  const { uniform } = randomStream(seed);
  const keyed = all.map((mutant) => ({ mutant, key: uniform() }));
  return keyed
    .toSorted((a, b) => a.key - b.key)
    .slice(0, count)
    .map(({ mutant }) => mutant);
}

function describe({ file, text, replacement, at }: Mutant): string {
  const source = read(file);
  const line = lineOf(source, { at });
  return `${file}:${line}:${at - source.lastIndexOf("\n", at - 1)} ${JSON.stringify(text.trim())} → ${JSON.stringify(replacement.trim())} in ${source.split("\n")[line - 1].trim()}`;
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { count: { type: "string", default: "20" }, seed: { type: "string", default: "1" } },
    allowPositionals: true,
  });
  const [count, seed] = [Number(values.count), Number(values.seed)];
  if (!(count >= 1) || !Number.isInteger(seed))
    throw new Error("--count and --seed must be whole numbers, --count at least 1.");
  const folders = positionals.length > 0 ? positionals : ["threats", "influence", "solvers"];
  for (const folder of folders) {
    if (!existsSync(`${root}/packages/core/src/${folder}`))
      throw new Error(`packages/core/src has no folder ${folder}.`);
  }
  const judge = mutationJudge(root);
  const testsOf = concernedTests(root);
  for (const folder of folders) {
    const drawn = draw(folder, count, seed);
    let survived = 0;
    for (const mutant of drawn) {
      const { killedBy } = await judge.judge(mutant, testsOf(mutant.file));
      if (killedBy === null) survived++;
      console.log(
        `${killedBy === null ? "SURVIVED" : "killed  "}  ${describe(mutant)}${killedBy ? `  by ${killedBy}` : ""}`,
      );
    }
    console.log(`${folder}: ${drawn.length - survived} of ${drawn.length} killed`);
  }
  await judge.close();
  process.exit(0);
}

main().catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
