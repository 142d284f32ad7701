import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const path = fileURLToPath(new URL("./worker.js", import.meta.url));

/** The module that threads run; null where it is not built (the sources run by themselves): then one thread does all. */
export const threadProgram: string | null = existsSync(path) ? path : null;
