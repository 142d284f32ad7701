import { freemem } from "node:os";

/** Half of what is free, in bytes: what work may take where nobody says. */
export const spareBytes = (): number => (process.availableMemory?.() ?? freemem()) / 2;
