import type { CommandWords, OptionWords } from "./command-words.js";

/** A script for zsh: `source <(aif completion zsh)`, or a file _aif on the fpath. */
export function zshCompletion(commands: readonly CommandWords[]): string {
  const cases = commands.map(
    ({ name, options, words, takesFile }) => `    ${name})
      _arguments -s ${[
        ...options.map(option),
        ...(words.length > 0 ? [quoted(`1:argument:(${words.map(plain).join(" ")})`)] : []),
        ...(takesFile ? [quoted("*:file:_files")] : []),
      ].join(" \\\n        ")} ;;`,
  );
  return `#compdef aif
# Completion of aif in zsh. Use it once with: source <(aif completion zsh)
_aif() {
  local -a commands=(
${commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary.replaceAll(":", "\\:")}`)}`).join("\n")}
    'help:print the help of a command'
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
    help) _describe command commands ;;
  esac
}
# Where the file lies on the fpath, it is the function itself.
if [[ $funcstack[1] == _aif ]]; then _aif "$@"; else compdef _aif aif; fi
`;
}

/** Repeated options add up, hence the star. */
const option = ({ long, help, takesValue, words, takesFile }: OptionWords): string => {
  const value = words.length > 0 && !takesFile ? `(${words.map(plain).join(" ")})` : takesFile ? "_files" : " ";
  return quoted(`*${long}[${help.replace(/[[\]\\:]/g, "\\$&")}]${takesValue ? `:value:${value}` : ""}`);
};

const plain = (word: string): string => word.replaceAll(":", "\\:");

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
