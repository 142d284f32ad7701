/** A process that reads one table, says what is in it and ends. */
import { AifError, readTable } from "@aif/core";
import { LIMITS } from "./limits.js";
import { type DescriptionMessage, describeTable } from "./table-description.js";

const [file] = process.argv.slice(2);

const WATCHED_EVERY_MS = 200;

// Numbers lie beside the heap, which is all that Node limits.
setInterval(() => {
  if (process.memoryUsage.rss() > LIMITS.memoryMegabytes * 2 ** 20) process.exit(1);
}, WATCHED_EVERY_MS).unref();

async function described(): Promise<DescriptionMessage> {
  try {
    return { description: describeTable(await readTable(file)) };
  } catch (error) {
    if (!(error instanceof AifError)) throw error;
    return { error: error.message };
  }
}

const message = await described();
process.send?.(message, () => process.exit());
