import { Command } from "commander";
import { addAdversarialTrain } from "./commands/adversarial-train.js";
import { addAnalyze } from "./commands/analyze.js";
import { addChart } from "./commands/chart.js";
import { addCompare } from "./commands/compare.js";
import { addCompletion } from "./commands/completion.js";
import { addData } from "./commands/data.js";
import { addDoctor } from "./commands/doctor.js";
import { addPath } from "./commands/path.js";
import { addReproduce } from "./commands/reproduce.js";
import { addSchema } from "./commands/schema.js";
import { addServe } from "./commands/serve.js";
import { addVerify } from "./commands/verify.js";
import { usageError } from "./errors.js";
import { isPrinter, ranks } from "./ranks.js";
import { pageWidth } from "./render/layout.js";
import { version } from "./version.js";

/** One entry for each command. */
const commands: readonly ((program: Command) => void)[] = [
  addAnalyze,
  addVerify,
  addPath,
  addAdversarialTrain,
  addCompare,
  addReproduce,
  addData,
  addChart,
  addServe,
  addSchema,
  addCompletion,
  addDoctor,
];

/** Commands that several processes can share. */
const spread: ReadonlySet<string> = new Set(["analyze", "compare", "reproduce"]);

/** The command line. Its errors are thrown, never printed here. */
export function buildProgram(): Command {
  const program = new Command("aif")
    .description("What adversarial robustness costs a model, computed before anybody trains for it.")
    .version(version, "-V, --version", "print the version")
    .helpOption("-h, --help", "print this help")
    .helpCommand("help [command]", "print the help of a command")
    .exitOverride()
    .showSuggestionAfterError(true)
    .configureOutput({
      writeOut: (text) => {
        if (isPrinter()) process.stdout.write(text);
      },
      outputError: () => {},
      getOutHelpWidth: () => pageWidth,
      getErrHelpWidth: () => pageWidth,
    });
  for (const add of commands) add(program);
  program.hook("preAction", (_, command) => {
    if (ranks().size === 1 || spread.has(command.name())) return;
    throw usageError(
      `aif ${command.name()} works in one process: start it without mpirun or srun (${[...spread].join(", ")} spread over several).`,
    );
  });
  return program.addHelpText("after", "\nExample:\n  aif analyze examples/house-prices.csv --target price_thousands\n");
}
