import type { CommandWords } from "./command-words.js";

/** A script for fish: `aif completion fish | source`. */
export function fishCompletion(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name).join(" ");
  const lines = commands.flatMap(({ name, summary, options, words, takesFile }) => {
    const within = `-n ${quoted(`__aif_runs ${name}`)}`;
    return [
      `complete -c aif -n '__aif_runs ""' -f -a ${name} -d ${quoted(summary)}`,
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
# The command is the first word: a column may have the name of another one.
function __aif_runs
  set -l words (commandline -opc)
  test "$words[2]" = "$argv[1]"
end
complete -c aif -f
complete -c aif -n '__aif_runs ""' -l help -d 'print this help'
complete -c aif -n '__aif_runs ""' -l version -d 'print the version'
complete -c aif -n '__aif_runs ""' -f -a help -d 'print the help of a command'
${lines.join("\n")}
complete -c aif -n '__aif_runs help' -f -a ${quoted(names)}
`;
}

const quoted = (text: string): string => `'${text.replace(/['\\]/g, "\\$&")}'`;
