import type { CommandWords, OptionWords } from "./command-words.js";

/** A script for zsh: `source <(aif completion zsh)`, or a file _aif on the fpath. */
export function zshCompletion(commands: readonly CommandWords[]): string {
  const cases = commands.map(
    ({ name, options, words, takesFile }) => `    ${name})
      _arguments -s ${[
        ...options.map(option),
        ...(words.length > 0 ? [quoted(`1:argument:${offer({ words, takesFile: false })}`)] : []),
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
    if [[ $PREFIX == -* ]]; then compadd -- --help --version; else _describe command commands; fi
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
${cases.join("\n")}
    help) (( CURRENT == 2 )) && _describe command commands ;;
  esac
}
# Nothing but the value itself follows what ends in a colon, as in mlp:64.
_aif_words() {
  compadd -S '' -- \${(M)@:#*:}
  compadd -- \${@:#*:}
}
# Where the file lies on the fpath, it is the function itself; a shell that completes nothing yet learns how.
(( $+functions[compdef] )) || { autoload -Uz compinit; compinit; }
if [[ $funcstack[1] == _aif ]]; then _aif "$@"; else compdef _aif aif; fi
`;
}

/** Repeated options add up, hence the star; with "=" the value may follow that sign too. */
const option = ({ long, help, takesValue, ...value }: OptionWords): string =>
  quoted(
    `*${long}${takesValue ? "=" : ""}[${help.replace(/[[\]\\:]/g, "\\$&")}]${takesValue ? `:value:${offer(value)}` : ""}`,
  );

/** The blank in front keeps zsh from passing arguments of its own to what is called. */
const offer = ({ words, takesFile }: Pick<OptionWords, "words" | "takesFile">): string =>
  takesFile ? "_files" : words.length > 0 ? ` _aif_words ${words.map(plain).join(" ")}` : " ";

const plain = (word: string): string => word.replaceAll(":", "\\:");

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
