import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { format } from "node:util";
import * as core from "@aif/core";
import { transform } from "esbuild";
import { afterAll, describe, expect, test, vi } from "vitest";
import { anchorsOf, apiFolder } from "../../tools/write-api.js";
import {
  aif,
  outputOf,
  pages,
  pythonWithScikitLearn,
  quotedCommands,
  refreshed,
  wordsOf,
} from "../../tools/write-docs-output.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "aif-docs-"));
const houses = "aif analyze examples/house-prices.csv --target price_thousands";
const text = new Map(pages.map((page) => [page, readFileSync(join(root, page), "utf8")]));

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function blocks(page: string, language: string): string[] {
  return [...(text.get(page) ?? "").matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, "gms"))].map(
    (match) => match[1],
  );
}

/** Lines that call the command, without `npm install &&`, each by the first page that has it; what they write goes elsewhere. */
const commands = new Map<string, string>();
for (const page of pages) {
  for (const line of blocks(page, "sh").flatMap((block) => block.split("\n"))) {
    const command = line.replace(/^npm install && /, "").trim();
    if (command.startsWith("npx aif ") && !commands.has(command)) commands.set(command, page);
  }
}

describe("commands in the documents run", () => {
  test("there are some", () => expect(commands.size).toBeGreaterThan(5));

  test.each([...commands])("%s (%s)", async (command) => {
    const line = command.slice("npx aif ".length);
    const words = wordsOf(line);
    const places = words.map((word, i) =>
      /^--(out|settings|coefficients|report|chart|worst-case)$/.test(words[i - 1] ?? "") ? join(scratch, word) : word,
    );
    const stdout = words.join() === places.join() ? ((await outputOf(`aif ${line}`)) ?? "") : await aif(places);
    const [option, file] = [places.indexOf("--out"), places[places.indexOf("--out") + 1]];
    expect((option < 0 ? stdout : readFileSync(file, "utf8")).length).toBeGreaterThan(100);
  });
});

/** A form with names of files that are not there stands as an indented block, so that what is fenced runs as it stands. */
test("fenced commands are written so that they run", () => {
  const bare = pages.flatMap((page) =>
    blocks(page, "sh").flatMap((block) =>
      block
        .split("\n")
        .filter((line) => /^aif\b/.test(line))
        .map((line) => `${page}: ${line}`),
    ),
  );
  expect(bare).toEqual([]);
});

describe("code in the documents runs", () => {
  const programs = pages.flatMap((page) =>
    blocks(page, "ts").map((code, k) => [`${page} block ${k + 1}`, code] as const),
  );

  test("there is some", () => expect(programs.length).toBeGreaterThan(0));

  test.each(programs)("%s", async (name, code) => {
    // Inside the workspace, so that the packages resolve as they do for a user.
    const file = join(root, "docs/test", `.example-${process.pid}-${programs.findIndex(([own]) => own === name)}.mjs`);
    const printed = vi.spyOn(console, "log").mockImplementation(() => {});
    writeFileSync(file, (await transform(code, { loader: "ts", target: "es2022" })).code);
    try {
      await import(/* @vite-ignore */ pathToFileURL(file).href);
      expect(printed.mock.calls.map((values) => format(...values)).join("\n")).toMatch(/\d/);
    } finally {
      printed.mockRestore();
      rmSync(file);
    }
  });
});

const python = await pythonWithScikitLearn();

describe("quoted output is what the commands print", () => {
  const quoting = pages.filter((page) => quotedCommands(text.get(page) ?? "").length > 0);

  test("the README and the page on reading it quote some", () => {
    expect(quoting).toEqual(expect.arrayContaining(["README.md", "docs/reading-a-sensitivity.md"]));
  });

  test.each(quoting)("%s (else: npx tsx tools/write-docs-output.ts)", async (page) => {
    expect(await refreshed(text.get(page) ?? "")).toBe(text.get(page));
  });

  test("a stale quotation is found", async () => {
    const quotation = `<!-- output: ${houses} --inference none | Natural loss -->\n\`\`\`text\nstale\n\`\`\`\n`;
    const fresh = await refreshed(quotation);
    expect(fresh).not.toContain("stale");
    expect(await refreshed(fresh)).toBe(fresh);
    await expect(refreshed(quotation.replace("Natural loss", "no such paragraph"))).rejects.toThrow(/no paragraph/);
  });
});

/** Their own assertions compare numbers; skipped where no Python has scikit-learn. */
test.skipIf(python === null).each([
  ["examples/from_scikit_learn.py", /coefficients agree/],
  ["examples/coming_from.py", /the same to 1e-8/],
])("%s agrees with what it compares with", async (file, agreement) => {
  expect(await outputOf(`python3 ${file}`)).toMatch(agreement);
});

/** Pages that are read but not run: those of the reference are written from the sources. */
const reference = readdirSync(apiFolder).map((name) => `docs/api/${name}`);
const everyPage = new Map([
  ...text,
  ...reference.map((page) => [page, readFileSync(join(root, page), "utf8")] as const),
]);

describe("links", () => {
  const links = [...everyPage].flatMap(([page, content]) =>
    [...content.replace(/^```.*?^```/gms, "").matchAll(/\]\(([^)\s:#]*)(?:#([^)\s]*))?\)/g)].map(
      ([, path, anchor]) => [page, path === "" ? page : join(page, "..", path), anchor] as const,
    ),
  );

  test("lead to files that are there", () => {
    const missing = links.filter(([, target]) => !existsSync(join(root, target)));
    expect(missing.map(([page, target]) => `${page}: ${target}`)).toEqual([]);
  });

  test("lead to headings that are there", () => {
    const headings = new Map<string, ReadonlySet<string>>();
    const headingsOf = (page: string): ReadonlySet<string> => {
      const known = headings.get(page);
      if (known) return known;
      const content = (everyPage.get(page) ?? "").replace(/^```.*?^```/gms, "");
      const titles = [...content.matchAll(/^#+ (.+)$/gm)].map(([, title]) =>
        title.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"),
      );
      const found = new Set(anchorsOf(titles));
      headings.set(page, found);
      return found;
    };
    const missing = links.filter(([, target, anchor]) => anchor !== undefined && !headingsOf(target).has(anchor));
    expect(missing.map(([page, target, anchor]) => `${page}: ${target}#${anchor}`)).toEqual([]);
  });

  test("every page can be reached from the list of pages", () => {
    const listed = new Set(links.filter(([page]) => page === "docs/README.md").map(([, target]) => target));
    const unlisted = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md") && name !== "README.md");
    expect(unlisted.filter((name) => !listed.has(`docs/${name}`))).toEqual([]);
  });

  test("tests that pages quote by name exist", () => {
    const quoted = [...everyPage].flatMap(([page, content]) =>
      [...content.matchAll(/\]\(([^)]+\.test\.ts)\):\s+"([^"]+)"/g)].map(([, path, title]) => [
        page,
        path,
        title.replace(/\s+/g, " "),
      ]),
    );
    expect(quoted.length).toBeGreaterThan(20);
    const missing = quoted.filter(
      ([page, path, title]) => !readFileSync(join(root, page, "..", path), "utf8").includes(title),
    );
    expect(missing.map(([page, path, title]) => `${page}: "${title}" in ${path}`)).toEqual([]);
  });
});

test("every threat of docs/security.md names the test that holds it", () => {
  const rows = (text.get("docs/security.md") ?? "").split("\n").filter((line) => /^\| (?!threat|---)/.test(line));
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter((row) => !/\[[^\]]+\]\(\.\.\/packages\/[^)]+\.test\.ts\)[^|]*\|$/.test(row))).toEqual([]);
});

test("docs/flags.md has every flag, as the registry says", () => {
  const page = text.get("docs/flags.md") ?? "";
  for (const [code, rule] of Object.entries(core.FLAGS)) {
    expect(page).toContain(
      `## ${code}\n\n**Level:** ${rule.level}\n\n**Raised when** ${rule.raised}.\n\n**Why it matters.** ${rule.why}\n\n**What to do.** ${rule.todo}\n`,
    );
  }
  expect([...page.matchAll(/^## (.+)$/gm)].map((match) => match[1])).toEqual(Object.keys(core.FLAGS));
});

test("docs/json.md names every field of a result", async () => {
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
  visit(JSON.parse((await outputOf(`${houses} --format json`)) ?? ""));
  const comparison = ["compare", ...wordsOf(houses).slice(2), "--features", "forward 2", "--model", "linear"];
  visit(JSON.parse(await aif([...comparison, "--format", "json"])));
  expect([...missing]).toEqual([]);
});

test("every option that the pages for users name exists", async () => {
  const commands = ["analyze", "verify", "path", "adversarial-train", "reproduce", "compare", "chart", "data", "serve"];
  const help = (await Promise.all(commands.map((command) => aif([command, "--help"])))).join("\n");
  const known = new Set([...help.matchAll(/--[a-zA-Z][a-zA-Z0-9-]*/g)].map(([option]) => option));
  for (const page of pages.filter((name) => !/^CONTRIBUTING|coverage|mutation/.test(name))) {
    const inline = [...(text.get(page) ?? "").matchAll(/`(--[a-zA-Z][a-zA-Z0-9-]*)[^`]*`/g)].map(
      ([, option]) => option,
    );
    for (const option of inline) expect(known, `${page} names ${option}`).toContain(option);
  }
});

describe("docs/glossary.md names what there is", () => {
  const rows = [...(text.get("docs/glossary.md") ?? "").matchAll(/^\|(.+)\|$/gm)]
    .map(([, line]) => line.split("|").map((cell) => cell.trim()))
    .slice(2);
  const column = (k: number, quoted: RegExp): string[] =>
    rows.flatMap((cells) => [...cells[k].matchAll(quoted)].map(([, name]) => name));

  test("rows are complete", () => {
    expect(rows.length).toBeGreaterThan(20);
    for (const cells of rows) expect(cells).toHaveLength(5);
  });

  test("in the library", async () => {
    const table = await core.readTable(join(root, "examples/house-prices.csv"));
    const fitted = await core.fit(core.linear(), core.encode(table, { target: "price_thousands" }));
    const attack = await core.influence(fitted, core.lp(2));
    const cost = await core.sensitivity(attack);
    for (const name of column(2, /`([^`]+)`/g)) {
      const found = name.endsWith("()") ? at(core, name.slice(0, -2)) : at({ fitted, attack, cost }, name);
      expect(found, name).toBeDefined();
      if (name.endsWith("()")) expect(found, name).toBeTypeOf("function");
    }
  });

  test("in the JSON", async () => {
    const result: unknown = JSON.parse((await outputOf(`${houses} --format json`)) ?? "");
    for (const path of column(3, /`([^`]+)`/g)) expect(at(result, path), path).toBeDefined();
  });

  test("in the report", async () => {
    const report = ((await outputOf(houses)) ?? "").replace(/\s+/g, " ");
    for (const words of column(4, /"([^"]+)"/g)) expect(report, words).toContain(words);
  });
});

/** What lies at a path such as `threats[].curve[].epsilon`: of lists the first entry. */
function at(whole: unknown, path: string): unknown {
  return path.split(".").reduce((value: unknown, step) => {
    const inner: unknown = Object(value)[step.replace("[]", "")];
    return step.endsWith("[]") && Array.isArray(inner) ? inner[0] : inner;
  }, whole);
}
