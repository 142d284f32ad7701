import type { CommandWords } from "./command-words.js";

/** A script for fish: `aif completion fish | source`. */
export function fishCompletion(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const lines = commands.flatMap(({ name, summary, options, words, takesFile }) => {
    const within = `-n ${quoted(`__fish_seen_subcommand_from ${name}`)}`;
    return [
      `complete -c aif -n '__fish_use_subcommand' -f -a ${name} -d ${quoted(summary)}`,
      ...(words.length > 0 ? [`complete -c aif ${within} -f -a ${quoted(words.join(" "))}`] : []),
      ...(takesFile ? [`complete -c aif ${within} -F`] : []),
      ...options.map((option) =>
        [
          `complete -c aif ${within} -l ${option.long.slice(2)}`,
          ...(option.takesValue ? [option.takesFile ? "-r -F" : "-x"] : []),
          ...(option.words.length > 0 ? [`-a ${quoted(option.words.join(" "))}`] : []),
          `-d ${quoted(option.help)}`,
        ].join(" "),
      ),
    ];
  });
  return `# Completion of aif in fish. Use it once with: aif completion fish | source
complete -c aif -f
${lines.join("\n")}
complete -c aif -n '__fish_seen_subcommand_from help' -f -a ${quoted(names)}
`;
}

const quoted = (text: string): string => `'${text.replace(/['\\]/g, "\\$&")}'`;
