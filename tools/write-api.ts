/**
 * Writes docs/api: every name that `@aif/core` exports, with its declaration and doc comment, one page for each folder of the
 * source. The pages are the record of the public interface too: a changed signature changes a page.
 *
 *   npm run build && npx tsx tools/write-api.ts
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type PublicName, publicNames } from "./public-api.js";

const root = fileURLToPath(new URL("..", import.meta.url));
export const apiFolder = join(root, "docs/api");

/** What each folder holds, in the order of a user's way through them. */
const FOLDERS: Readonly<Record<string, string>> = {
  data: "Tables, encoding and scaling, data sets, splits",
  models: "Losses, models in closed form, networks, kernels, projections, noise",
  threats: "Adversaries: norms, budgets, bounds, shared budgets, reweighting",
  solvers: "Fits: Newton's method, training, kernel regression, lasso",
  influence: "The adversarial influence function, sensitivity, intervals, trust radius, contributions",
  robust: "Worst cases, exact robust optima and their path, adversarial training",
  theory: "The paper's theorems in population quantities, corrected and as printed",
  study: "One analysis end to end: settings, result, flags, comparison",
  charts: "Charts as data",
  experiments: "The paper's results, run again",
  autodiff: "Tensors with exact first, second and mixed derivatives",
  linalg: "Matrices and the back ends of linear algebra",
  parallel: "Progress and cancellation",
  ".": "Errors",
  node: "What only Node can do: `@aif/core/node`",
};

/** "MATH 0, 13" in a comment, and one number of it. */
export const CITATION = /MATH ((?:\d+(?:\.\d+)?[a-c]?(?:(?:,| and) (?=\d))?)+)/g;
export const SECTION = /\d+(?:\.\d+)?[a-c]?/g;

/** Every page by its name in docs/api. @throws Error: nothing has been built; a folder that is not named above. */
export function apiPages(): ReadonlyMap<string, string> {
  const sections = sectionsOf(readFileSync(join(root, "docs/method.md"), "utf8"));
  const names = publicNames("packages/core/dist/index.d.ts");
  const groups = new Map<string, PublicName[]>(Object.keys(FOLDERS).map((folder) => [folder, []]));
  for (const name of names) {
    const folder = /\/src\/([^/]+)\//.exec(name.source)?.[1] ?? ".";
    const group = groups.get(folder);
    if (group === undefined) throw new Error(`tools/write-api.ts does not say what the folder ${folder} holds.`);
    group.push(name);
  }
  groups.set("node", publicNames("packages/core/dist/node.d.ts"));
  const pages = new Map([["README.md", indexPage(groups)]]);
  for (const [folder, group] of groups) pages.set(pageOf(folder), pageText(folder, group, sections));
  return pages;
}

const pageOf = (folder: string): string => (folder === "." ? "errors.md" : `${folder}.md`);

/** Functions first, types last: what is called before what it takes and gives. */
const RANK: Readonly<Record<PublicName["kind"], number>> = {
  function: 0,
  constant: 1,
  class: 2,
  interface: 3,
  type: 3,
};
const inOrder = (names: readonly PublicName[]): PublicName[] => names.toSorted((a, b) => RANK[a.kind] - RANK[b.kind]);

function indexPage(groups: ReadonlyMap<string, readonly PublicName[]>): string {
  const rows = [...groups].map(([folder, group]) => {
    const page = pageOf(folder);
    const names = inOrder(group);
    const anchors = anchorsOf(names.map(({ name }) => name));
    const links = names.flatMap(({ name, kind }, k) =>
      RANK[kind] < 3 ? [`[\`${name}\`](${page}#${anchors[k]})`] : [],
    );
    return `## [${page.replace(".md", "")}](${page})\n\n${FOLDERS[folder]}.\n\n${links.join(",\n") || "Types only"}.\n`;
  });
  return `# The library, name by name

Every name that \`@aif/core\` exports, with its declaration and doc comment. Written by \`tools/write-api.ts\` from the sources; a test
holds it fresh. Functions, constants and classes are listed here, types on the pages. "Method 3" is section 3 of
[the method](../method.md). θ has d entries, rows of data m features; shapes are written \`r×m\`. A program that puts the
pieces together: the [README](../../README.md#as-a-library).

\`@throws usage\` and the like name the \`code\` of an [\`AifError\`](errors.md#aiferror): usage, input, numerical, resource, cancelled.

${rows.join("\n")}`;
}

function pageText(folder: string, group: readonly PublicName[], sections: ReadonlyMap<string, string>): string {
  const entries = inOrder(group)
    .map((name) => entryOf(name, sections))
    .join("\n");
  return `# ${FOLDERS[folder]}\n\nFrom [all names](README.md); written by \`tools/write-api.ts\`.\n\n${entries}`;
}

function entryOf(entry: PublicName, sections: ReadonlyMap<string, string>): string {
  const paragraphs = [linked(entry.doc, sections)];
  for (const [tag, text] of entry.tags) {
    const words = linked(text, sections);
    if (tag === "param") paragraphs.push(`- ${words.replace(/^(\S+)/, "`$1`:")}`);
    else paragraphs.push(`- **${tag[0].toUpperCase()}${tag.slice(1)}** ${words}`);
  }
  const declaration = entry.declarations
    .join("\n")
    .replace(/^export (declare )?/gm, "")
    .replaceAll("MATH ", "method ");
  const source = `[${entry.source.replace("packages/core/src/", "")}](../../${entry.source})`;
  return `## ${entry.name}\n\n${entry.kind}, ${source}\n\n${paragraphs.join("\n")}\n\n\`\`\`ts\n${declaration}\n\`\`\`\n`;
}

/**
 * The words of a comment as Markdown: "MATH 0, 13" becomes links to the sections of docs/method.md with these numbers. Lines are
 * joined, since one that happens to begin with a plus would begin a list; those of a list stay apart.
 */
const linked = (text: string, sections: ReadonlyMap<string, string>): string =>
  text
    .replace(/(?<!\n)\n(?!\n|- )/g, " ")
    .replace(/`[^`]*`|[*<[]/g, (found) => (found.length > 1 ? found : `\\${found}`))
    .replace(
      CITATION,
      (_, list: string) =>
        `method ${list.replace(SECTION, (number) => {
          const anchor = sections.get(number);
          return anchor === undefined ? number : `[${number}](../method.md#${anchor})`;
        })}`,
    );

/** Headings "## 3. Intervals" and "### 14.1 Held-out rows" by their numbers, as anchors. */
export function sectionsOf(page: string): ReadonlyMap<string, string> {
  const headings = [...page.matchAll(/^#{2,3} ((\d+(?:\.\d+)?[a-c]?)\.? .+)$/gm)];
  return new Map(headings.map(([, title, number]) => [number, slugOf(title)]));
}

/** The anchors of a page's headings: of two that read alike the second gets "-1". */
export function anchorsOf(titles: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return titles.map((title) => {
    const slug = slugOf(title);
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
}

/** The anchor that Markdown viewers give a heading. */
const slugOf = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

if (process.argv[1]?.endsWith("write-api.ts")) {
  const pages = apiPages();
  mkdirSync(apiFolder, { recursive: true });
  for (const old of readdirSync(apiFolder)) if (!pages.has(old)) rmSync(join(apiFolder, old));
  for (const [page, text] of pages) writeFileSync(join(apiFolder, page), text);
  console.log(`docs/api: ${pages.size} pages`);
}
