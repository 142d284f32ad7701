import { join } from "node:path";
import { makeOutputFolder } from "@aif/core/node";
import { Argument, type Command } from "commander";
import { carryOut } from "../carry-out.js";
import { DATA_SETS } from "../download/data-sets.js";
import { type Fetched, fetchFile } from "../download/fetch-file.js";
import { usageError } from "../errors.js";
import { dataSetOptions } from "../options/data-set.js";
import { addGroups } from "../options/register.js";
import { knownWords, readGroup } from "../options/rule.js";
import { writeStdout } from "../output/stdout.js";
import { clean } from "../render/clean.js";

const words: Readonly<Record<Fetched, string>> = {
  present: "was there already, and is whole",
  fetched: "fetched, size and SHA-256 checked",
  resumed: "fetched from where it had stopped, size and SHA-256 checked",
};

/** `aif data <name> --out <folder>`: public data sets for those with a network. */
export function addData(program: Command): void {
  const argument = new Argument("<name>", DATA_SETS.map(({ name, title }) => `${name}: ${title}`).join("; "));
  knownWords.set(
    argument,
    DATA_SETS.map(({ name }) => name),
  );
  const command = program
    .command("data")
    .summary("fetch a public data set")
    .description("Fetches the files of a public data set, checks them, and goes on where it was interrupted.")
    .addArgument(argument)
    .action(async (name: string) => {
      const { out, mirror, quiet } = readGroup(dataSetOptions, command);
      const found = DATA_SETS.find((set) => set.name === name);
      if (!found) {
        throw usageError(
          `There is no data set ${JSON.stringify(name)}: use ${DATA_SETS.map((set) => set.name).join(", ")}.`,
        );
      }
      if (out === null) throw usageError(`Say where the files go: aif data ${name} --out <folder>.`);
      makeOutputFolder(out);
      for (const file of found.files) {
        const path = join(out, file.name);
        const how = await carryOut(
          quiet,
          (signal, reporter) =>
            fetchFile(file, path, mirror ?? found.mirrors, {
              signal,
              onBytes: (done, total) => reporter.report(file.name, done, total ?? done),
            }),
          async () => {},
        );
        await writeStdout(`${clean(path)}: ${words[how]}\n`);
      }
    });
  addGroups(command, [dataSetOptions]);
  command.addHelpText("after", "\nExample:\n  aif data mnist --out mnist && aif reproduce figure2b --mnist mnist\n");
}
