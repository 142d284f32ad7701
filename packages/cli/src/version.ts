import { readFileSync } from "node:fs";

const parsed: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));

/** The version in package.json. */
export const version: string =
  typeof parsed === "object" && parsed !== null && "version" in parsed ? String(parsed.version) : "unknown";
