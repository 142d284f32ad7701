import type { Command } from "commander";
import { knownWords } from "../options/rule.js";

/** What a shell can offer of one command. */
export interface CommandWords {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionWords[];
  /** What its first argument can be; empty: a file, or nothing. */
  readonly words: readonly string[];
  readonly takesFile: boolean;
}

export interface OptionWords {
  /** "--norm" */
  readonly long: string;
  readonly help: string;
  readonly takesValue: boolean;
  readonly words: readonly string[];
  readonly takesFile: boolean;
}

/** Everything that the program knows, from the tree that it parses with; what is hidden is left out. */
export function commandWords(program: Command): CommandWords[] {
  const commands = program.commands.filter((command) => command.name() !== "help");
  return commands.map((command) => {
    const [first] = command.registeredArguments;
    const words = first ? (knownWords.get(first) ?? first.argChoices ?? []) : [];
    return {
      name: command.name(),
      summary: command.summary(),
      words,
      takesFile: first !== undefined && words.length === 0,
      options: [
        ...command.options
          .filter(({ hidden, long }) => !hidden && long !== undefined)
          .map((option): OptionWords => {
            const known = knownWords.get(option) ?? [];
            return {
              long: option.long ?? "",
              help: option.description.replace(/ \(default: .*\)$/, ""),
              takesValue: option.required || option.optional,
              words: known,
              takesFile: /<(?:file|folder|how)>/.test(option.flags),
            };
          }),
        { long: "--help", help: "print this help", takesValue: false, words: [], takesFile: false },
      ],
    };
  });
}
