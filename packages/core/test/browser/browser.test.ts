import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { describe, expect, test } from "vitest";
import { golden, relativeError } from "../golden.js";

const BROWSER = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
const source = fileURLToPath(new URL("../../src/index.ts", import.meta.url));

/** What the page's script is called with, and what it returns. */
interface Page {
  aif: typeof import("../../src/index.js");
}

describe.skipIf(!BROWSER)(`the library in a browser${BROWSER ? "" : " (skipped: no Chromium on this machine)"}`, () => {
  test("bundles without Node and computes a golden case on the portable back end", async () => {
    const bundle = await build({
      entryPoints: [source],
      bundle: true,
      format: "iife",
      globalName: "aif",
      write: false,
      platform: "browser",
    });
    const script = bundle.outputFiles[0].text;
    expect(script).not.toContain("node:fs");
    const c = golden.cases.find(
      ({ model, p, l2, intercept, data }) =>
        model === "logistic" && p === 3 && l2 === 0.1 && intercept && data === "mid",
    );
    if (!c) throw new Error("the golden case is gone");
    const { X, yb } = golden.data.mid;
    const browser = await chromium.launch({
      executablePath: BROWSER ?? "",
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
    });
    try {
      const page = await browser.newPage();
      const problems: string[] = [];
      page.on("pageerror", (error) => problems.push(error.message));
      await page.setContent("<!doctype html><title>aif</title>");
      await page.addScriptTag({ content: script });
      const computed = await page.evaluate(
        async ({ X: rows, y, p, l2 }) => {
          const { aif } = globalThis as unknown as Page;
          const fitted = await aif.fit(aif.logistic(), aif.matrixDataset(aif.Matrix.fromRows(rows), y), { l2 });
          const attack = await aif.influence(fitted, aif.lp(p));
          const csv = new TextEncoder().encode("a,b,y\n1,2,3\n4,5,7\n2,2,1\n9,1,4\n");
          const table = await aif.readTable(csv);
          return {
            influence: [...attack.influence],
            backend: aif.blas().name,
            columns: table.columns.map(({ name }) => name),
          };
        },
        { X, y: yb, p: 3, l2: 0.1 },
      );
      expect(problems).toEqual([]);
      expect(computed.backend).toBe("portable");
      expect(relativeError(computed.influence, c.aif)).toBeLessThan(1e-8);
      expect(computed.columns).toEqual(["a", "b", "y"]);
    } finally {
      await browser.close();
    }
  });
});
