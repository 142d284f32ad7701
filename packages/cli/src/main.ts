import { endingOf, interrupted } from "./failure.js";
import { toleratesClosedPipes, writeStderr } from "./output/stdout.js";
import { buildProgram } from "./program.js";
import { joinRanks, ranks, speaker } from "./ranks.js";
import { settle } from "./settle.js";

/** Runs the command line; the process ends by itself once its output is written. */
export async function main(words: readonly string[]): Promise<void> {
  toleratesClosedPipes();
  try {
    await joinRanks();
    await buildProgram().parseAsync([...words], { from: "user" });
    await ranks().finish();
  } catch (error) {
    const { code, sentence } = endingOf(error);
    // Only who says it ends with an error: mpirun would end that one at another's, and lose what it says.
    if (await ranks().fail(error)) {
      process.exitCode = code;
      if (sentence !== null) await writeStderr(`aif: ${speaker()}${sentence}\n`);
      if (process.env["AIF_DEBUG"] === "1" && code !== 0) console.error(error);
    }
  }
  ranks().leave();
  settle();
  // Interrupted work may still wait for its input, which would keep the process alive.
  if (process.exitCode === interrupted) process.exit();
}
