import { usageError } from "../errors.js";
import { LIMITS } from "./limits.js";
import { COMMANDS, FORMS, type JobCommand, type PageOptions } from "./page-options.js";

/** What the page sends: a command, and its options as on the command line. */
export interface JobRequest {
  readonly command: JobCommand;
  readonly table: string;
  /** ["--target", "price"]; an option without argument is ["--no-intercept"]. */
  readonly options: readonly (readonly [string] | readonly [string, string])[];
}

/**
 * The words of a request, as the command line takes them.
 * @throws usage: a command or option that the page may not use.
 */
export function jobWords(
  request: unknown,
  usable: PageOptions,
): {
  readonly command: JobCommand;
  readonly table: string;
  readonly words: string[];
} {
  const { command, table, options } = asRequest(request);
  const words = options.map(([flag, value]) => {
    if (!usable.get(command)?.has(flag))
      throw usageError(`The page cannot use ${shown(flag)}: run aif ${command} in a terminal.`);
    if (value === undefined) return flag;
    if (value.length > LIMITS.valueLength) throw usageError(`The value of ${flag} is too long.`);
    const form = FORMS[flag];
    if (form && !form.test(value))
      throw usageError(`${flag} ${shown(value)} cannot be used here: files are for the terminal.`);
    return `${flag}=${value}`;
  });
  return { command, table, words };
}

function asRequest(value: unknown): JobRequest {
  const given = value as Partial<Record<keyof JobRequest, unknown>> | null;
  const command = COMMANDS.find((known) => known === given?.command);
  if (!command) throw usageError(`The page can ask for ${COMMANDS.join(", ")} only.`);
  const { table, options } = given ?? {};
  if (typeof table !== "string" || !Array.isArray(options) || !options.every(isOption)) {
    throw usageError("A request has a table and options, each a list of one or two texts.");
  }
  return { command, table, options };
}

const isOption = (option: unknown): option is readonly [string] | readonly [string, string] =>
  Array.isArray(option) &&
  (option.length === 1 || option.length === 2) &&
  option.every((part) => typeof part === "string" && !part.includes("\0"));

const shown = (text: string): string => JSON.stringify(text.slice(0, 60));
