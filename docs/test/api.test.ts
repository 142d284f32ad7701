import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { publicNames } from "../../tools/public-api.js";
import { apiFolder, apiPages } from "../../tools/write-api.js";

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
