/**
 * Fills the output that README.md and docs/*.md quote. A fenced block under a marker is replaced by what the command prints:
 *
 *   <!-- output: aif analyze examples/house-prices.csv --target price_thousands | How far the prediction reaches -->
 *
 * After the command may follow, each after a bar, how the paragraphs that are wanted begin ("…" leaves a mark between two of
 * them); without any, all is quoted but the last paragraph with the seconds. A command is `aif …`, run from the built
 * packages, or `python3 …`, which needs scikit-learn and is left as it is where there is none.
 *
 *   npm run build && npx tsx tools/write-docs-output.ts                  every page
 *   npm run build && npx tsx tools/write-docs-output.ts docs/guide.md    some
 */
import { execFile } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runProgram } from "./program.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const run = promisify(execFile);
const marked = /^(<!-- output: (.+?) -->\n```text\n)(.*?)^```$/gms;

/** Every page that may quote output, by its path from the root. */
export const pages: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** The words of a command line, quotes taken off. */
export const wordsOf = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]);

/** What `aif …` prints on stdout. */
export async function aif(words: readonly string[]): Promise<string> {
  process.chdir(root);
  const { code, stdout, stderr } = await runProgram(words);
  if (code !== 0) throw new Error(`aif ${words.join(" ")} ended with ${code}: ${stderr}`);
  return stdout;
}

/** A Python with scikit-learn, or null. Debian's comes first: another one on the path may lack it. */
export async function pythonWithScikitLearn(): Promise<string | null> {
  for (const python of ["/usr/bin/python3", "python3"]) {
    const found = await run(python, ["-c", "import sklearn"]).then(
      () => true,
      () => false,
    );
    if (found) return python;
  }
  return null;
}

/** The commands that a page quotes. */
export const quotedCommands = (page: string): string[] =>
  [...page.matchAll(marked)].map(([, , instruction]) => instruction.split(" | ")[0]);

/** The page with every marked block filled anew. @throws Error: a command that fails, or prints no such paragraph. */
export async function refreshed(page: string): Promise<string> {
  let result = "";
  let done = 0;
  for (const match of page.matchAll(marked)) {
    const [whole, head, instruction, old] = match;
    result += page.slice(done, match.index) + head + ((await quoted(instruction)) ?? old) + "```";
    done = match.index + whole.length;
  }
  return result + page.slice(done);
}

async function quoted(instruction: string): Promise<string | null> {
  const [line, ...beginnings] = instruction.split(" | ");
  const output = await outputOf(line);
  if (output === null) return null;
  const paragraphs = output
    .split("\n\n")
    .map((paragraph) => paragraph.replace(/[ \t]+$/gm, "").replace(/^\n+|\n+$/g, ""))
    .filter((paragraph) => paragraph !== "" && !paragraph.startsWith("Done in "));
  if (beginnings.length === 0) return `${paragraphs.join("\n\n")}\n`;
  const wanted = beginnings.map((beginning) => {
    const found = paragraphs.find((paragraph) => paragraph.trimStart().startsWith(beginning));
    if (beginning !== "…" && found === undefined) {
      const known = paragraphs.map((paragraph) => paragraph.trimStart().split("\n")[0]).join("\n  ");
      throw new Error(`"${line}" prints no paragraph that begins with "${beginning}". They begin with\n  ${known}`);
    }
    return found ?? beginning;
  });
  return `${wanted.join("\n\n").replaceAll("\n\n…\n\n", "\n…\n")}\n`;
}

const printed = new Map<string, Promise<string | null>>();

/** What a command prints, run once however often it is asked; null where the program that it needs is missing. */
export function outputOf(line: string): Promise<string | null> {
  const known = printed.get(line) ?? printedBy(line);
  printed.set(line, known);
  return known;
}

async function printedBy(line: string): Promise<string | null> {
  const [program, ...words] = wordsOf(line);
  if (program === "aif") return aif(words);
  if (program !== "python3") throw new Error(`Only aif and python3 can be quoted, not "${program}".`);
  const python = await pythonWithScikitLearn();
  if (python === null) return null;
  const { stdout } = await run(python, [...words], { cwd: root });
  return stdout;
}

if (process.argv[1]?.endsWith("write-docs-output.ts")) {
  const named = process.argv.slice(2);
  for (const page of named.length > 0 ? named : pages) {
    const path = join(root, page);
    const old = readFileSync(path, "utf8");
    const fresh = await refreshed(old);
    if (fresh === old) continue;
    writeFileSync(path, fresh);
    console.log(`${page}: output refreshed`);
  }
}
