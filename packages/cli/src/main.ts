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
    process.exitCode = code;
    const speaks = await ranks().fail(error);
    if (speaks && sentence !== null) await writeStderr(`aif: ${speaker()}${sentence}\n`);
    if (speaks && process.env["AIF_DEBUG"] === "1" && code !== 0) console.error(error);
  }
  ranks().leave();
  settle();
  // Interrupted work may still wait for its input, which would keep the process alive.
  if (process.exitCode === interrupted) process.exit();
}
