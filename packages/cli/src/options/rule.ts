import { type Argument, type Command, Option } from "commander";
import { isGiven } from "../recorded/typed-command.js";

/**
 * One option of the command line. `Value` is what the program works with; `read` makes it of what was typed, in the order
 * typed where the option was repeated.
 */
export interface OptionRule<Value> {
  /** As commander takes them: "--l2 <λ>". */
  readonly flags: string;
  /** One plain line. */
  readonly help: string;
  /** The default in words; null where none needs saying. */
  readonly shown: string | null;
  readonly fallback: Value;
  readonly read: (given: readonly string[], option: string) => Value;
  /** Words that it takes, for the completion of shells; not all of them, where it takes others too. */
  readonly words?: readonly string[];
}

/** Words that options and arguments of commands take, for the completion of shells. */
export const knownWords = new WeakMap<Option | Argument, readonly string[]>();

const wordsOf = (read: object): { words?: readonly string[] } =>
  "words" in read && Array.isArray(read.words) ? { words: read.words.map(String) } : {};

/** Options that belong together, with the heading that --help gives them. */
export interface OptionGroup<Rules extends Readonly<Record<string, OptionRule<unknown>>>> {
  readonly heading: string;
  readonly rules: Rules;
}

export type ValuesOf<Group> =
  Group extends OptionGroup<infer Rules>
    ? { readonly [Name in keyof Rules]: Rules[Name] extends OptionRule<infer Value> ? Value : never }
    : never;

type Text = Pick<OptionRule<unknown>, "flags" | "help"> & { readonly shown?: string };

/** An option that counts once: when it is repeated, the last one holds. */
export function single<Value, Fallback extends Value | null>(
  { flags, help, shown }: Text,
  fallback: Fallback,
  read: (text: string, option: string) => Value,
): OptionRule<Value | Fallback> {
  return {
    flags,
    help,
    shown: shown ?? null,
    fallback,
    read: (given, option) => read(given[given.length - 1], option),
    ...wordsOf(read),
  };
}

/** An option that is a list: what repeated ones name adds up. */
export function list<Value, Fallback extends readonly Value[] | null>(
  { flags, help, shown }: Text,
  fallback: Fallback,
  read: (text: string, option: string) => readonly Value[],
): OptionRule<readonly Value[] | Fallback> {
  return {
    flags,
    help,
    shown: shown ?? null,
    fallback,
    read: (given, option) => given.flatMap((text) => read(text, option)),
    ...wordsOf(read),
  };
}

/** An option without argument. */
export function flag<Fallback extends boolean | null>(
  { flags, help, shown }: Text,
  fallback: Fallback,
): OptionRule<boolean | Fallback> {
  return { flags, help, shown: shown ?? null, fallback, read: (given) => given[given.length - 1] === "true" };
}

export const text = (value: string): string => value;

/** The option as commander knows it; repeated arguments are collected. */
export function toCommander({ flags, help, shown, words }: OptionRule<unknown>, heading: string): Option {
  const option = new Option(flags, shown === null ? help : `${help} (default: ${shown})`).helpGroup(heading);
  if (option.required) {
    option.argParser<string[]>((value, previous) => [...(Array.isArray(previous) ? previous : []), value]);
  }
  if (words) knownWords.set(option, words);
  return option;
}

/** The values of one group of rules, from a command that has parsed its words. */
export function readGroup<Rules extends Readonly<Record<string, OptionRule<unknown>>>>(
  { rules }: OptionGroup<Rules>,
  command: Command,
): ValuesOf<OptionGroup<Rules>> {
  const values = Object.entries(rules).map(([name, rule]) => {
    const option = new Option(rule.flags);
    const attribute = option.attributeName();
    if (!isGiven(command, attribute)) return [name, rule.fallback];
    const raw: unknown = command.getOptionValue(attribute);
    const given = Array.isArray(raw) ? raw.map(String) : [String(raw)];
    return [name, rule.read(given, option.long ?? rule.flags)];
  });
  return Object.fromEntries(values);
}
