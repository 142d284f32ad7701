/** A process that reads one table, says what is in it and ends. */
import { AifError, readTable } from "@aif/core";
import { type DescriptionMessage, describeTable } from "./table-description.js";

const [file] = process.argv.slice(2);

/** A cell that no column can hold stops an analysis, and names its column, which can be left out on the page: the table is shown for that. */
async function described(): Promise<DescriptionMessage> {
  try {
    return { description: describeTable(await readTable(file, { unused: "all" })) };
  } catch (error) {
    if (!(error instanceof AifError)) throw error;
    return { error: error.message };
  }
}

const message = await described();
process.send?.(message, () => process.exit());
