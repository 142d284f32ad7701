import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { buildProgram } from "../src/program.js";

const core = fileURLToPath(new URL("../../core/src/", import.meta.url));
const sources = readdirSync(core, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".generated.ts"))
  .map((name) => ({ name, text: readFileSync(join(core, name), "utf8") }));

/** Every option of a command and of those below it. */
const optionsOf = (command: Command): string[] => [
  ...command.options.flatMap(({ long }) => long ?? []),
  ...command.commands.flatMap(optionsOf),
];

/** Of srun, which a message tells how to use. */
const ofOthers = ["--mpi"];

/** What a pattern finds, with its file. */
const found = (pattern: RegExp): string[] =>
  sources.flatMap(({ name, text }) => Array.from(text.matchAll(pattern), ([hit]) => `${name}: ${hit}`));

describe("the messages of the library", () => {
  it("name settings by options that the program has", () => {
    const known = new Set([...optionsOf(buildProgram()), ...ofOthers]);
    const named = found(/(?<![\w-])--[a-zA-Z][\w-]*/g);
    expect(named.length).toBeGreaterThan(200);
    expect(named.filter((hit) => !known.has(hit.slice(hit.indexOf("--"))))).toEqual([]);
  });

  it("advise values of settings as they are typed, not as a field is written", () => {
    // In code a default is `l2 = 0 }`; in a sentence words stand before the name.
    expect(
      found(/\b(?:such as|of|with|use|add|ridge|damping) \(?(?:an? )?(?:l1|l2|damping)(?: =| of|, such as) \d/gi),
    ).toEqual([]);
  });
});
