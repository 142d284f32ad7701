import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FLAGS } from "@aif/core";
import { afterAll, describe, expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "aif-docs-"));
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...readdirSync(join(root, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];
const text = new Map(pages.map((page) => [page, readFileSync(join(root, page), "utf8")]));

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function blocks(page: string, language: string): string[] {
  return [...(text.get(page) ?? "").matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(
    (match) => match[1],
  );
}

/** Lines that call the command, without `npm install &&`; files that they write go to a temporary folder. */
const commands = pages.flatMap((page) =>
  blocks(page, "sh").flatMap((block) =>
    block
      .split("\n")
      .map((line) => line.replace(/^npm install && /, "").trim())
      .filter((line) => line.startsWith("npx aif "))
      .map((line) => [page, line.slice("npx aif ".length)] as const),
  ),
);

describe("commands in the documents run", () => {
  test("there are some", () => expect(commands.length).toBeGreaterThan(5));

  test.each(commands)("%s: aif %s", async (_page, line) => {
    const words = [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]);
    const places = words.map((word, i) =>
      /^--(out|coefficients)$/.test(words[i - 1] ?? "") ? join(scratch, word) : word,
    );
    const { stdout } = await run(process.execPath, [join(root, "packages/cli/bin/aif.js"), ...places], { cwd: root });
    const [option, file] = [places.indexOf("--out"), places[places.indexOf("--out") + 1]];
    expect((option < 0 ? stdout : readFileSync(file, "utf8")).length).toBeGreaterThan(100);
  });
});

describe("code in the documents runs", () => {
  const programs = pages.flatMap((page) =>
    blocks(page, "ts").map((code, k) => [`${page} block ${k + 1}`, code] as const),
  );

  test("there is some", () => expect(programs.length).toBeGreaterThan(0));

  test.each(programs)("%s", async (_name, code) => {
    // Inside the workspace, so that the packages resolve as they do for a user.
    const file = join(root, "docs/test", `.example-${process.pid}.mts`);
    writeFileSync(file, code);
    try {
      const { stdout } = await run(process.execPath, ["--import", "tsx", file], { cwd: root });
      expect(stdout).toMatch(/\d/);
    } finally {
      rmSync(file);
    }
  });
});

test("the table in the README is what the command prints", async () => {
  const [command] = blocks("README.md", "sh")[0].split("&& npx aif ").slice(1);
  const { stdout } = await run(
    process.execPath,
    [join(root, "packages/cli/bin/aif.js"), ...command.trim().split(" ")],
    { cwd: root },
  );
  const printed = new Set(stdout.split("\n").map((line) => line.trimEnd()));
  for (const line of blocks("README.md", "text")[0]
    .split("\n")
    .filter((part) => part !== "" && part !== "…")) {
    expect(printed, line).toContain(line.trimEnd());
  }
});

test("links between documents lead somewhere", () => {
  for (const [page, content] of text) {
    for (const [, target] of content.matchAll(/\]\(([^)#:]+\.md)(?:#[^)]*)?\)/g)) {
      const path = join(root, page, "..", target);
      expect(() => readFileSync(path), `${page} links to ${target}`).not.toThrow();
    }
  }
});

test("docs/flags.md has every flag, as the registry says", () => {
  const page = text.get("docs/flags.md") ?? "";
  for (const [code, rule] of Object.entries(FLAGS)) {
    expect(page).toContain(
      `## ${code}\n\n**Level:** ${rule.level}\n\n**Raised when** ${rule.raised}.\n\n**Why it matters.** ${rule.why}\n\n**What to do.** ${rule.todo}\n`,
    );
  }
  expect([...page.matchAll(/^## (.+)$/gm)].map((match) => match[1])).toEqual(Object.keys(FLAGS));
});

test("docs/json.md names every field of a result", async () => {
  const { stdout } = await run(
    process.execPath,
    [
      join(root, "packages/cli/bin/aif.js"),
      "analyze",
      "examples/house-prices.csv",
      "--target",
      "price_thousands",
      "--format",
      "json",
    ],
    { cwd: root },
  );
  const page = text.get("docs/json.md") ?? "";
  const missing = new Set<string>();
  const visit = (value: unknown): void => {
    if (Array.isArray(value)) value.slice(0, 3).forEach(visit);
    else if (value !== null && typeof value === "object") {
      for (const [key, inner] of Object.entries(value)) {
        if (!new RegExp(`\`[^\`]*\\b${key}\\b[^\`]*\``).test(page)) missing.add(key);
        visit(inner);
      }
    }
  };
  visit(JSON.parse(stdout));
  expect([...missing]).toEqual([]);
});
