import type { CommandWords, OptionWords } from "./command-words.js";

/** A script for bash: `source <(aif completion bash)`. */
export function bashCompletion(commands: readonly CommandWords[]): string {
  const names = commands.map(({ name }) => name);
  const firsts = commands.filter(({ words, takesFile }) => words.length > 0 || takesFile);
  return `# Completion of aif in bash. Use it once with: source <(aif completion bash)
_aif() {
  local line="\${COMP_LINE:0:COMP_POINT}" command="" word i
  local current="\${line##* }" previous="\${line% *}"
  previous="\${previous##* }"
  COMPREPLY=()
  # Bash takes a word apart at "=" too: --norm=i is completed like --norm i.
  if [[ $current == --*=* && $COMP_WORDBREAKS == *=* ]]; then
    previous="\${current%%=*}"
    current="\${current#*=}"
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${COMP_WORDS[i]}" in
      ${names.join(" | ")}) command="\${COMP_WORDS[i]}"; break ;;
    esac
  done
  case "$command/$previous" in
${valueCases(commands)}
  esac
  if [[ $current == -* ]]; then
    case "$command" in
${commands.map(({ name, options }) => `      ${name}) _aif_words ${options.map(({ long }) => long).join(" ")} ;;`).join("\n")}
      *) _aif_words --help --version ;;
    esac
    return
  fi
  case "$command" in
    "") _aif_words ${[...names, "help"].join(" ")} ;;
${firsts.map(({ name, ...first }) => `    ${name}) ${offer(first)} ;;`).join("\n")}
  esac
}
# Bash takes a word apart at its colons, and completes what follows the last one.
_aif_offer() {
  local done=""
  [[ $current == *:* && $COMP_WORDBREAKS == *:* ]] && done="\${current%"\${current##*:}"}"
  while IFS= read -r word; do COMPREPLY+=("\${word#"$done"}"); done
}
_aif_words() {
  _aif_offer < <(compgen -W "$*" -- "$current")
  # Nothing but the value itself follows what ends in a colon, as in mlp:64.
  if [[ \${#COMPREPLY[@]} == 1 && $COMPREPLY == *: ]]; then compopt -o nospace 2>/dev/null; fi
}
# Where nothing is found, readline looks again: it knows quotes, blanks and ~.
_aif_files() {
  compopt -o filenames -o default 2>/dev/null
  _aif_offer < <(compgen -f -- "$current")
}
complete -F _aif aif
`;
}

/** Options with a value, by what can be offered for it. */
function valueCases(commands: readonly CommandWords[]): string {
  const cases = new Map<string, string[]>();
  for (const { name, options } of commands) {
    for (const option of options.filter(({ takesValue }) => takesValue)) {
      const body = offer(option);
      cases.set(body, [...(cases.get(body) ?? []), `${name}/${option.long}`]);
    }
  }
  return [...cases].map(([body, patterns]) => `    ${patterns.join(" | ")}) ${body}; return ;;`).join("\n");
}

const offer = ({ words, takesFile }: Pick<OptionWords, "words" | "takesFile">): string =>
  [...(words.length > 0 ? [`_aif_words ${words.join(" ")}`] : []), ...(takesFile ? ["_aif_files"] : [])].join("; ") ||
  ":";
