import type { Command } from "commander";

/** Commands that the page can ask for. */
export const COMMANDS = ["analyze", "verify", "path", "adversarial-train", "compare"] as const;
export type JobCommand = (typeof COMMANDS)[number];

/** The options that the page may use, by command. */
export type PageOptions = ReadonlyMap<JobCommand, ReadonlySet<string>>;

/** Options that name files, or mean something to a shell only: nothing that a page sends reaches the file system. */
const TERMINAL_ONLY = /\b(?:files?|folders?|exit with code)\b/i;
const GROUPS_OF_THE_SERVER = ["Output:", "Machine:"];

/** Values of some options may be a file's name; from the page they must look like this. */
export const FORMS: Readonly<Record<string, RegExp>> = {
  "--evaluation": /^(?:cv(?::\d+)?|training|fraction:[\d.]+)$/,
  "--project": /^(?:none|(?:pca|factors):[\d.,]+)$/,
};

/** Found in the commands themselves: every option that they show, but for those that name files. */
export function pageOptions(program: Command): PageOptions {
  return new Map(
    COMMANDS.map((name) => {
      const shown = program.commands.find((command) => command.name() === name)?.options ?? [];
      const usable = shown.filter(
        ({ hidden, flags, long, description, helpGroupHeading }) =>
          !hidden &&
          !GROUPS_OF_THE_SERVER.includes(helpGroupHeading ?? "") &&
          ((long ?? "") in FORMS || !TERMINAL_ONLY.test(`${flags} ${description}`)),
      );
      return [name, new Set(usable.flatMap(({ long }) => (long ? [long] : [])))];
    }),
  );
}
