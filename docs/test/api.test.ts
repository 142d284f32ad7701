import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { publicNames } from "../../tools/public-api.js";
import { apiFolder, apiPages, CITATION, SECTION, sectionsOf } from "../../tools/write-api.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const pages = apiPages();

test.each([...pages])("docs/api/%s is what the sources say (else: npx tsx tools/write-api.ts)", (page, text) => {
  const path = join(apiFolder, page);
  expect(existsSync(path) ? readFileSync(path, "utf8") : "missing").toBe(text);
});

test("docs/api holds nothing else", () => expect(readdirSync(apiFolder).sort()).toEqual([...pages.keys()].sort()));

test.each(["packages/core/dist/index.d.ts", "packages/core/dist/node.d.ts"])(
  "%s: every name has a doc comment",
  (entry) => {
    const bare = publicNames(entry).filter(({ doc }) => doc === "");
    expect(bare.map(({ name, source }) => `${name} in ${source}`)).toEqual([]);
  },
);

test("sections of docs/method.md that comments cite exist", () => {
  const sections = sectionsOf(readFileSync(join(root, "docs/method.md"), "utf8"));
  const unknown = new Set<string>();
  for (const folder of [
    "packages/core/src",
    "packages/core/test",
    "packages/cli/src",
    "packages/cli/test",
    "bench",
    "tools",
  ]) {
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const text = readFileSync(join(root, folder, file), "utf8");
      for (const [, cited] of text.matchAll(CITATION)) {
        for (const [number] of cited.matchAll(SECTION))
          if (!sections.has(number)) unknown.add(`${number} in ${folder}/${file}`);
      }
    }
  }
  expect([...unknown]).toEqual([]);
});
