import { type Command, Option } from "commander";
import { usageError } from "../errors.js";

/** An option of other commands, with what to do instead: says so rather than that it is unknown. */
export interface AbsentOption {
  /** As commander takes them: "--bounds <list>". */
  readonly flags: string;
  readonly instead: string;
}

/** Adversaries of all rows together, for commands that have those of single rows only. */
export const rowwiseOnly = (command: string): readonly AbsentOption[] =>
  ["--wasserstein <u>", "--divergence <name>"].map((flags) => ({
    flags,
    instead: `The adversary of ${command} attacks every row by itself: leave out ${flags.split(" ")[0]}, or use aif analyze or aif verify.`,
  }));

/** Options that a command does not have, and does not show, but explains. */
export function explainAbsent(command: Command, options: readonly AbsentOption[]): void {
  for (const { flags, instead } of options) {
    const option = new Option(flags).hideHelp();
    const refuse = (): never => {
      throw usageError(instead);
    };
    command.addOption(option.argParser(refuse));
  }
}
