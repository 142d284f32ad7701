import type { Command, Option } from "commander";

/** One option as typed: its words in order where it takes one, `true` where it takes none. */
export type TypedOption = true | readonly string[];

/** What was typed: enough to run an analysis again. It stands as `command` in every result that a command prints as JSON. */
export interface TypedCommand {
  /** "analyze", "verify", "path", "adversarial-train" or "compare". */
  readonly name: string;
  /** The table, as it was named. */
  readonly data: string;
  /** By the option's name without dashes; what was not typed is as by default. */
  readonly options: Readonly<Record<string, TypedOption>>;
}

/** Where a result goes says nothing about it. */
const UNRECORDED_GROUPS: readonly string[] = ["Output:", "Checkpoint:"];
/** A file of settings comes from anybody: it says nothing of where things are written. */
const UNRECORDED_FLAGS: readonly string[] = ["--settings", "--cache"];

/** Options of a command that belong to its result: shown, and about the analysis rather than about files that it writes. */
export const recordable = (command: Command): readonly Option[] =>
  command.options.filter(
    ({ hidden, long, helpGroupHeading }) =>
      !hidden && !UNRECORDED_FLAGS.includes(long ?? "") && !UNRECORDED_GROUPS.includes(helpGroupHeading ?? ""),
  );

/** The name without dashes: "l2", "no-intercept". */
export const nameOf = ({ long }: Option): string => (long ?? "").slice(2);

/** What a command was given, whether typed or from a file of settings. */
export function typedCommand(command: Command, data: string): TypedCommand {
  const options = recordable(command).flatMap((option): [string, TypedOption][] => {
    const attribute = option.attributeName();
    if (!isGiven(command, attribute)) return [];
    const value: unknown = command.getOptionValue(attribute);
    if (Array.isArray(value)) return [[nameOf(option), value.map(String)]];
    // --header and --no-header are two options of one attribute.
    return value === !option.negate ? [[nameOf(option), true]] : [];
  });
  return { name: command.name(), data, options: Object.fromEntries(options) };
}

/** Whether a value was typed, or came from a file of settings. */
export const isGiven = (command: Command, attribute: string): boolean =>
  ["cli", "settings"].includes(command.getOptionValueSource(attribute) ?? "");

/** What is printed beside a result. */
export interface Typed {
  /** What was typed. */
  readonly command: TypedCommand;
}

/** A result with what was typed for it, as it is printed. */
export const printed = <Result extends { readonly schema: string }>(
  result: Result,
  command: TypedCommand,
): Result & Typed => Object.assign({ schema: result.schema, command }, result);
