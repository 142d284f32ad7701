/** Writes docs/flags.md from the registry of flags; with --check, fails when the file on disk differs. */
import { readFileSync, writeFileSync } from "node:fs";
import { FLAGS } from "../packages/core/src/study/flags.js";

const path = new URL("../docs/flags.md", import.meta.url);

export function flagsPage(): string {
  const sections = Object.entries(FLAGS).map(([code, { level, raised, why, todo }]) =>
    [
      `## ${code}`,
      "",
      `**Level:** ${level}`,
      "",
      `**Raised when** ${raised}.`,
      "",
      `**Why it matters.** ${why}`,
      "",
      `**What to do.** ${todo}`,
    ].join("\n"),
  );
  const head = [
    "# Flags",
    "",
    "Every result ends with its flags: notes say what was decided without asking, warnings what to read with care, errors what makes a number unusable. This page is written from the registry in `packages/core/src/study/flags.ts`.",
  ].join("\n");
  return `${[head, ...sections].join("\n\n")}\n`;
}

if (process.argv[1]?.endsWith("write-flags.ts")) {
  const page = flagsPage();
  if (!process.argv.includes("--check")) writeFileSync(path, page);
  else if (readFileSync(path, "utf8") !== page) {
    console.error("docs/flags.md is not what the registry says: run npx tsx tools/write-flags.ts");
    process.exitCode = 1;
  }
}
