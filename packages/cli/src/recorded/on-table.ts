import { AifError } from "@aif/core";
import type { Command, Option } from "commander";
import { inputError, usageError } from "../errors.js";
import { readGroup } from "../options/rule.js";
import { settingsFileOptions } from "../options/settings-file.js";
import { writeStderr } from "../output/stdout.js";
import { refuseFetchedOption, refuseFetchedTable } from "./elsewhere.js";
import { isReplaced } from "./replaced.js";
import { type FileSettings, readSettings } from "./settings-file.js";
import { isGiven, nameOf, recordable, type TypedCommand, type TypedOption, typedCommand } from "./typed-command.js";

/**
 * The action of a command on a table. Options and table come from `--settings` where they are not typed.
 * @throws usage: no table. input: settings that cannot be read, that have an option that no command has, or that name an address
 */
export const onTable =
  (act: (data: string, typed: TypedCommand) => Promise<void>) =>
  async (given: string | undefined, _options: unknown, command: Command): Promise<void> => {
    const { settings: path } = readGroup(settingsFileOptions, command);
    if (path === null) {
      if (given === undefined) throw usageError("Missing required argument 'data'; --help says how.");
      return act(given, typedCommand(command, given));
    }
    const settings = await readSettings(path);
    const data = given ?? settings.data;
    if (data === null) throw usageError(`--settings ${path} names no data: give the table as well.`);
    if (given === undefined) refuseFetchedTable(data, path);
    const leftOut = applySettings(command, settings, path);
    if (command.getOptionValue("quiet") !== true) await tell(leftOut, settings, command, path);
    await act(data, typedCommand(command, data)).catch((error: unknown) => {
      throw withOrigin(error, path);
    });
  };

/** What a file of settings does not decide. */
async function tell(leftOut: readonly string[], settings: FileSettings, command: Command, path: string): Promise<void> {
  if (leftOut.length > 0) {
    const names = leftOut.map((name) => `--${name}`).join(", ");
    await writeStderr(
      `aif: left out of ${path}, since aif ${command.name()} takes it otherwise or not at all: ${names}.\n`,
    );
  }
  if (settings.passedBy && !isGiven(command, "cache")) {
    await writeStderr(
      `aif: the rows of ${path} passed by, and a folder for them is not recorded: give --cache for the same last digits.\n`,
    );
  }
}

/** Gives a command the options of a file that are not typed. Returns those that mean nothing, or something else, to it. */
function applySettings(command: Command, { name, options }: FileSettings, path: string): string[] {
  const own = new Map(recordable(command).map((option) => [nameOf(option), option]));
  const source = name === null ? command : (siblings(command).find((one) => one.name() === name) ?? command);
  const theirs = new Map(recordable(source).map((option) => [nameOf(option), option]));
  const typed = new Set(
    command.options
      .filter((option) => command.getOptionValueSource(option.attributeName()) === "cli")
      .map((option) => nameOf(option)),
  );
  const models = typed.has("model") ? [command.getOptionValue("model")].flat().map(String) : [];
  const leftOut: string[] = [];
  for (const [written, said] of Object.entries(options)) {
    const given = asTyped(written, said, theirs);
    if (given === null) continue;
    const [key, value] = given;
    const meant = theirs.get(key);
    if (!meant) throw inputError(`--settings ${path}: aif ${source.name()} has no option --${key}.`);
    refuseForm(meant, value, path);
    const option = own.get(key);
    if (!option || !sameMeaning(option, meant)) {
      leftOut.push(key);
      continue;
    }
    const attribute = option.attributeName();
    if (command.getOptionValueSource(attribute) === "cli") continue;
    if (isReplaced({ name: key, group: option.helpGroupHeading ?? "" }, typed, models)) continue;
    refuseFetchedOption(key, value, path);
    command.setOptionValueWithSource(attribute, value === true ? !option.negate : value, "settings");
  }
  return leftOut;
}

/** {"exact": false} is --no-exact, {"no-exact": false} and {"exact": true} are nothing typed: null. */
function asTyped(
  name: string,
  value: TypedOption | false,
  options: ReadonlyMap<string, Option>,
): readonly [string, TypedOption] | null {
  const negative = options.has(`no-${name}`);
  if (value === false && negative) return [`no-${name}`, true];
  if (value === true && negative && !options.has(name)) return null;
  if (value !== false) return [name, value];
  return options.has(name) ? null : [name, true];
}

const siblings = (command: Command): readonly Command[] => command.parent?.commands ?? [];

/** Options of two commands mean the same where --help says the same of them; defaults may differ. */
const sameMeaning = (a: Option, b: Option): boolean => a.flags === b.flags && said(a) === said(b);

const said = ({ description }: Option): string => description.replace(/ \(default: .*\)$/, "");

function refuseForm(option: Option, value: TypedOption, path: string): void {
  if (option.required === (value !== true) && (value === true || value.length > 0)) return;
  throw inputError(
    option.required
      ? `--settings ${path}: "${nameOf(option)}" must be what is typed after --${nameOf(option)}.`
      : `--settings ${path}: "${nameOf(option)}" is true or false, since --${nameOf(option)} takes no value.`,
  );
}

/** Somebody who did not type an option looks for it in vain. */
function withOrigin(error: unknown, path: string): unknown {
  if (!(error instanceof AifError) || (error.code !== "usage" && error.code !== "input")) return error;
  return new AifError(error.code, `${error.message.replace(/\.$/, "")} (with the options of ${path}).`, {
    cause: error,
  });
}
