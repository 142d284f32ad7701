import { ensureBlas } from "../src/linalg/backend.js";

/** Files that share a process find the same back end whichever file comes first: the one that this machine offers. */
await ensureBlas();
