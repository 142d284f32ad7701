import { Argument, type Command } from "commander";
import { bashCompletion } from "../completion/bash.js";
import { type CommandWords, commandWords } from "../completion/command-words.js";
import { fishCompletion } from "../completion/fish.js";
import { zshCompletion } from "../completion/zsh.js";
import { oneOf } from "../options/choice.js";
import { knownWords } from "../options/rule.js";
import { writeStdout } from "../output/stdout.js";

const SCRIPTS: Readonly<Record<"bash" | "zsh" | "fish", (commands: readonly CommandWords[]) => string>> = {
  bash: bashCompletion,
  zsh: zshCompletion,
  fish: fishCompletion,
};
const shells = ["bash", "zsh", "fish"] as const;

/** `aif completion <shell>`: what the Tab key needs to know. */
export function addCompletion(program: Command): void {
  const argument = new Argument("<shell>", "bash, zsh or fish");
  knownWords.set(argument, shells);
  program
    .command("completion")
    .summary("a script that lets a shell complete commands and options")
    .description("Prints a script with which a shell completes commands, options and their words.")
    .addArgument(argument)
    .action(async (shell: string) => {
      await writeStdout(SCRIPTS[oneOf(shells)(shell, "aif completion")](commandWords(program)));
    })
    .addHelpText(
      "after",
      "\nExamples:\n  source <(aif completion bash)\n  source <(aif completion zsh)\n  aif completion fish | source\n",
    );
}
