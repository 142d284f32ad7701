/** Puts each named mutation into the sources, in memory, and says which test notices; fails when one survives. `npm run mutate:named` */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { mutationJudge } from "./mutation/judge.js";
import { mutantOf } from "./mutation/mutant.js";
import { NAMED } from "./mutation/named.js";

const root = fileURLToPath(new URL("..", import.meta.url));

async function main(wanted: readonly string[]): Promise<void> {
  const chosen = NAMED.filter(({ name }) => wanted.every((word) => name.includes(word)));
  if (chosen.length === 0) throw new Error(`No named mutation holds ${JSON.stringify(wanted.join(" "))}.`);
  const judge = mutationJudge(root);
  const clean = await judge.judge(null, [...new Set(chosen.flatMap(({ tests }) => tests))]);
  if (clean.killedBy !== null) throw new Error(`The sources as they are fail ${clean.killedBy}.`);
  let survived = 0;
  for (const mutation of chosen) {
    const { killedBy } = await judge.judge(
      mutantOf(mutation, readFileSync(`${root}/${mutation.file}`, "utf8")),
      mutation.tests,
    );
    if (killedBy === null) survived++;
    console.log(
      `${killedBy === null ? "SURVIVED" : "killed  "}  ${mutation.name}${killedBy ? `  by ${killedBy}` : ""}`,
    );
  }
  console.log(`${chosen.length - survived} of ${chosen.length} killed`);
  await judge.close();
  process.exit(survived > 0 ? 1 : 0);
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message);
  process.exit(1);
});
