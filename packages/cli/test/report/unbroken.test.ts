import { existsSync } from "node:fs";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import { html } from "../../src/report/html.js";
import { page } from "../../src/report/page.js";
import { unbroken } from "../../src/report/unbroken.js";

const browser = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);

const prose = `To try instead: a mixture of natural and robust training: --attack-rate says how much it would cost;
a ridge, such as --l2 0.01; "a" alone carries 90.2 % of the cost, so --freeze it; at ε = 0.0876 under the 2-norm or p = ∞ it is -4.73 %.`;
const whole = ["--attack-rate", "--l2 0.01", "90.2 %", "--freeze", "ε = 0.0876", "2-norm", "p = ∞", "-4.73 %"];

test("text stays what it is, and code, pictures and attributes are left alone", () => {
  const kept = html`<pre>--attack-rate 0.1</pre><svg aria-label="5 % of"><text>5 %</text></svg><p title="ε = 1 > 0">a</p>`;
  expect(unbroken(kept).text).toBe(kept.text);
  const { text } = unbroken(html`<p>${prose} <${"--x"}</p>`);
  expect(text.replaceAll(/<span class="whole">|<\/span>/g, "")).toBe(html`<p>${prose} <${"--x"}</p>`.text);
  for (const one of whole) expect(text).toContain(`<span class="whole">${one}</span>`);
});

test.skipIf(browser === undefined)(
  "a browser breaks no line within an option, a share, a size or a norm (skipped without Chromium)",
  async () => {
    const chrome = await chromium.launch({ executablePath: browser ?? "", args: ["--no-sandbox"] });
    try {
      const shown = await chrome.newPage();
      /** How often one of these runs over two lines, at any width of the window. */
      const torn = async (content: string): Promise<number> => {
        await shown.setContent(content);
        let count = 0;
        for (let width = 320; width <= 800; width += 12) {
          await shown.setViewportSize({ width, height: 600 });
          count += await shown.evaluate((words: readonly string[]) => {
            const paragraph = document.querySelector("#prose");
            if (paragraph === null) throw new Error("no paragraph");
            const walker = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT);
            let lines = 0;
            while (walker.nextNode()) {
              const { data } = walker.currentNode as Text;
              for (const word of words) {
                const at = data.indexOf(word);
                if (at < 0) continue;
                const range = document.createRange();
                range.setStart(walker.currentNode, at);
                range.setEnd(walker.currentNode, at + word.length);
                if (range.getClientRects().length > 1) lines++;
              }
            }
            return lines;
          }, whole);
        }
        return count;
      };
      const plain = html`<main><p id="prose" class="lead">${prose}</p></main>`;
      expect(await torn(page("Plain", plain, {}))).toBeGreaterThan(0);
      expect(await torn(page("Unbroken", unbroken(plain), {}))).toBe(0);
    } finally {
      await chrome.close();
    }
  },
);
