import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as core from "@aif/core";
import { afterAll, describe, expect, test } from "vitest";
import {
  aif,
  outputOf,
  pages,
  pythonWithScikitLearn,
  quotedCommands,
  refreshed,
  wordsOf,
} from "../../tools/write-docs-output.js";

const run = promisify(execFile);
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
    const words = wordsOf(line);
    const places = words.map((word, i) =>
      /^--(out|coefficients|report|chart|worst-case)$/.test(words[i - 1] ?? "") ? join(scratch, word) : word,
    );
    const stdout = words.join() === places.join() ? ((await outputOf(`aif ${line}`)) ?? "") : await aif(places);
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

/** Its own assertions compare coefficients with scikit-learn's; skipped where no Python has scikit-learn. */
test.skipIf(python === null)("examples/from_scikit_learn.py agrees with scikit-learn, there and back", async () => {
  const { stdout } = await run(python ?? "", ["examples/from_scikit_learn.py"], { cwd: root });
  expect(stdout).toMatch(/coefficients agree/);
});

test("links between documents lead somewhere", () => {
  for (const [page, content] of text) {
    for (const [, target] of content.matchAll(/\]\(([^)#:]+\.(?:md|py))(?:#[^)]*)?\)/g)) {
      const path = join(root, page, "..", target);
      expect(() => readFileSync(path), `${page} links to ${target}`).not.toThrow();
    }
  }
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
  for (const page of pages.filter((name) => !/^CONTRIBUTING|coverage/.test(name))) {
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
