import { Argument, type Command } from "commander";
import { usageError } from "../errors.js";
import { knownWords } from "../options/rule.js";
import { toJson } from "../output/json.js";
import { writeStdout } from "../output/stdout.js";
import { COMMANDS_OF_DOCUMENTS, DOCUMENTS, type DocumentName, schemaOf } from "../recorded/schemas.js";

const isDocument = (name: string): name is DocumentName => Object.hasOwn(DOCUMENTS, name);

/** @throws usage: no such document */
function documentNamed(name: string): DocumentName {
  if (isDocument(name)) return name;
  if (Object.hasOwn(COMMANDS_OF_DOCUMENTS, name)) return COMMANDS_OF_DOCUMENTS[name];
  throw usageError(`There is no document ${JSON.stringify(name)}: use ${Object.keys(DOCUMENTS).join(", ")}.`);
}

/** `aif schema [document]`: the form of every JSON that aif writes. */
export function addSchema(program: Command): void {
  const listed = Object.entries(DOCUMENTS).map(([name, what]) => `${name} (${what})`);
  const argument = new Argument("[document]", `${listed.join(", ")}; without it, all of them`);
  knownWords.set(argument, Object.keys(DOCUMENTS));
  program
    .command("schema")
    .summary("the JSON schema of results and settings")
    .description(
      "Prints the JSON schema (draft 7) of what aif writes as JSON. Within a version of a document fields may be added; whatever else changes raises the version.",
    )
    .addArgument(argument)
    .action(async (name: string | undefined) => {
      await writeStdout(toJson(await schemaOf(name === undefined ? null : documentNamed(name))));
    })
    .addHelpText("after", "\nExample:\n  aif schema study > study.schema.json\n");
}
