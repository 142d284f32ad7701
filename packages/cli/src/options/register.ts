import type { Command } from "commander";
import { type OptionGroup, type OptionRule, toCommander } from "./rule.js";

type AnyGroup = OptionGroup<Readonly<Record<string, OptionRule<unknown>>>>;

/** Adds groups of options to a command, each under its heading. */
export function addGroups(command: Command, groups: readonly AnyGroup[]): void {
  for (const { heading, rules } of groups) {
    for (const rule of Object.values(rules)) command.addOption(toCommander(rule, heading));
  }
}
