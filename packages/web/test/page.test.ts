/** The page in a real browser, as people use it: pointer, keyboard, phone; a broken file, a reload, a dark room. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { RunningServer } from "../../cli/src/server/serve.js";

const BROWSER = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);
const dist = fileURLToPath(new URL("../../cli/dist/", import.meta.url));
const houses = fileURLToPath(new URL("../../../examples/house-prices.csv", import.meta.url));
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PATIENCE = 90_000;

type ServerModule = typeof import("../../cli/src/server/serve.js");
type PageOptionsModule = typeof import("../../cli/src/server/page-options.js");
type ProgramModule = typeof import("../../cli/src/program.js");

interface Axe {
  run(options: unknown): Promise<{ violations: { id: string; impact: string; nodes: { html: string }[] }[] }>;
}

describe.skipIf(!BROWSER)(`the page${BROWSER ? "" : " (skipped: no Chromium on this machine)"}`, () => {
  let browser: Browser;
  let serve: ServerModule["serve"];
  let options: ReturnType<PageOptionsModule["pageOptions"]>;
  let server: RunningServer;
  let context: BrowserContext;
  let page: Page;
  let problems: string[];
  const scratch = mkdtempSync(join(tmpdir(), "aif-page-"));

  beforeAll(async () => {
    ({ serve } = (await import(join(dist, "server/serve.js"))) as ServerModule);
    const { pageOptions } = (await import(join(dist, "server/page-options.js"))) as PageOptionsModule;
    const { buildProgram } = (await import(join(dist, "program.js"))) as ProgramModule;
    options = pageOptions(buildProgram());
    browser = await chromium.launch({ executablePath: BROWSER ?? "", args: ["--no-sandbox", "--disable-gpu"] });
  }, PATIENCE);

  afterAll(async () => {
    await browser.close();
    rmSync(scratch, { recursive: true, force: true });
  });

  beforeEach(async () => {
    problems = [];
    server = await serve({ port: 0, host: "127.0.0.1", data: null, options });
    context = await browser.newContext({ viewport: { width: 1100, height: 900 }, acceptDownloads: true });
    page = await context.newPage();
    page.setDefaultTimeout(PATIENCE);
    page.on("console", (message) => message.type() === "error" && problems.push(message.text()));
    page.on("pageerror", (error) => problems.push(error.message));
    page.on("request", (request) => {
      if (!/^(?:http:\/\/127\.0\.0\.1:|data:|blob:)/.test(request.url())) problems.push(`asked for ${request.url()}`);
    });
    await page.goto(server.link);
    await page.getByText("Drop a table here").waitFor();
  }, PATIENCE);

  afterEach(async () => {
    await context.close();
    await server.close();
  });

  const drop = async (path: string): Promise<void> => {
    await page.getByLabel("A table from this machine").setInputFiles(path);
  };
  const choose = (target: string) => page.getByLabel("Target", { exact: true }).selectOption(target);
  const ask = () => page.getByRole("button", { name: "What would robustness cost?" }).click();
  const answered = async (): Promise<void> => {
    await page.getByRole("heading", { name: "What robustness costs" }).waitFor();
    await page.locator(".drawing svg").first().waitFor();
  };
  const accessible = async (on: Page = page): Promise<void> => {
    await on.evaluate(axe);
    const { violations } = await on.evaluate(() =>
      (globalThis as unknown as { axe: Axe }).axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "best-practice"] }),
    );
    const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`)).toEqual([]);
  };

  test(
    "from a dropped file to the downloaded report",
    async () => {
      await drop(houses);
      await page.getByRole("heading", { name: "house-prices.csv" }).waitFor();
      expect(page.url()).not.toContain("token");
      await choose("price_thousands");
      await page.getByRole("checkbox", { name: "The adversary cannot touch plot_m2" }).check();
      await page.getByRole("checkbox", { name: /largest move/ }).check();
      await ask();
      await answered();
      await accessible();

      // The slider moves every number and chart at once.
      const size = page.getByRole("slider", { name: "Size of the attack" });
      const before = await page.locator(".numbers").textContent();
      const milliseconds = await size.evaluate(async (input: HTMLInputElement) => {
        const started = performance.now();
        input.value = String(Number(input.value) + 1);
        input.dispatchEvent(new Event("input", { bubbles: true }));
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        return performance.now() - started;
      });
      expect(milliseconds).toBeLessThan(1000);
      expect(await page.locator(".numbers").textContent()).not.toBe(before);

      const [report] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "download the report" }).click(),
      ]);
      const path = join(scratch, "report.html");
      await report.saveAs(path);
      const text = readFileSync(path, "utf8");
      expect(text).toContain("--freeze=plot_m2");
      const reader = await browser.newContext({ bypassCSP: true });
      const opened = await reader.newPage();
      opened.on("console", (message) => message.type() === "error" && problems.push(message.text()));
      await opened.goto(`file://${path}`);
      await accessible(opened);
      await reader.close();
      expect(text).not.toContain("aif-serve-");
      const [json] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "download as JSON" }).click(),
      ]);
      await json.saveAs(join(scratch, "result.json"));
      const result = JSON.parse(readFileSync(join(scratch, "result.json"), "utf8"));
      expect(result.settings).toMatchObject({ source: "house-prices.csv", norms: ["2", "inf"] });

      // Side by side with another model.
      await page.getByRole("button", { name: "keep for comparison" }).click();
      await page.getByRole("textbox", { name: "Ridge λ" }).fill("0.1");
      await ask();
      await page.getByRole("button", { name: "keep for comparison" }).waitFor();
      await expect
        .poll(() => page.getByRole("button", { name: "keep for comparison" }).count(), { timeout: PATIENCE })
        .toBe(1);
      await page.getByRole("button", { name: "keep for comparison" }).click();
      await expect.poll(() => page.getByRole("region", { name: "Kept results" }).locator("tbody tr").count()).toBe(2);

      // A reload, and a link opened elsewhere, bring settings and result back.
      await page.reload();
      await answered();
      expect(await page.getByRole("textbox", { name: "Ridge λ" }).inputValue()).toBe("0.1");
      expect(await page.getByRole("checkbox", { name: "The adversary cannot touch plot_m2" }).isChecked()).toBe(true);
      expect(problems).toEqual([]);
    },
    3 * PATIENCE,
  );

  test(
    "with the keyboard alone",
    async () => {
      await drop(houses);
      await page.getByRole("heading", { name: "house-prices.csv" }).waitFor();
      const reach = async (label: string): Promise<void> => {
        for (let k = 0; k < 60; k++) {
          await page.keyboard.press("Tab");
          const name = await page.evaluate(() => {
            const active = document.activeElement;
            const labels =
              active instanceof HTMLInputElement || active instanceof HTMLSelectElement
                ? [...(active.labels ?? [])]
                : [];
            return `${labels.map((one) => one.textContent).join(" ")} ${active?.textContent ?? ""} ${active?.getAttribute("aria-label") ?? ""}`;
          });
          if (name.includes(label)) return;
        }
        throw new Error(`${label} cannot be reached with the Tab key`);
      };
      await reach("Target");
      await page.keyboard.type("price");
      await reach("What would robustness cost?");
      await page.keyboard.press("Enter");
      await answered();
      await reach("Size of the attack");
      const before = await page.locator("output").textContent();
      await page.keyboard.press("ArrowRight");
      expect(await page.locator("output").textContent()).not.toBe(before);
      expect(problems).toEqual([]);
    },
    2 * PATIENCE,
  );

  test(
    "a broken file, a mistake and a cancelled analysis get a sentence",
    async () => {
      const broken = join(scratch, "broken.csv");
      writeFileSync(broken, "a,b\n1,2\n3,4,5\n");
      await drop(broken);
      await page.getByRole("alert").getByText("broken.csv: line 3 has 3 cells, expected 2").waitFor();
      await drop(houses);
      await choose("price_thousands");
      await page.getByText("More options").click();
      await page.getByLabel("Further options").fill("--norm 0.5");
      await ask();
      await page
        .getByRole("alert")
        .getByText(/0\.5 is not a norm/)
        .waitFor();
      await page.getByLabel("Judged on").selectOption("fraction:0.2");
      await page.getByLabel("Further options").fill("--model mlp:64,64 --restarts 30");
      await ask();
      await page.getByRole("button", { name: "cancel" }).click();
      await page.getByText("Analysing was cancelled.").waitFor();
      // The browser itself notes every answer that is no success.
      expect(problems.filter((problem) => !problem.includes("status of 422"))).toEqual([]);
    },
    2 * PATIENCE,
  );

  /** A small table; one cell of the first column is missing. */
  const small = (name: string): string => {
    const path = join(scratch, name);
    const rows = Array.from({ length: 90 }, (_, i) => {
      const [x, z] = [Math.sin(7 * i), Math.cos(3 * i + 1)];
      return `${i === 5 ? "" : x},${z},${2 * x - z + Math.sin(31 * i)}`;
    });
    writeFileSync(path, `x,z,y\n${rows.join("\n")}\n`);
    return path;
  };

  /** How many files of that name the servers of this process keep. */
  const uploaded = (name: string): number =>
    readdirSync(tmpdir())
      .filter((folder) => folder.startsWith("aif-serve-"))
      .map((folder) => join(tmpdir(), folder))
      .filter((folder) => existsSync(join(folder, "owner")))
      .filter((folder) => readFileSync(join(folder, "owner"), "utf8").trim() === String(process.pid))
      .flatMap((folder) => readdirSync(join(folder, "tables"), { recursive: true, encoding: "utf8" }))
      .filter((file) => file.endsWith(name)).length;

  test(
    "what an error advises is one click; exact numbers at every size; training is watched; models are compared",
    async () => {
      await drop(small("missing.csv"));
      await choose("y");
      await ask();
      await page.getByRole("button", { name: "Leave these rows out, and ask again" }).click();
      await answered();
      const size = page.getByRole("slider", { name: "Size of the attack" });
      const last = async (): Promise<number> => Number(await size.getAttribute("max"));
      await expect.poll(last, { timeout: PATIENCE }).toBeGreaterThan(30);
      const most = await last();
      const exact = () =>
        page.locator(".numbers div", { hasText: "predicted and exact" }).locator("dd").first().textContent();
      for (const at of [0, Math.floor(most / 2), most]) {
        await size.fill(String(at));
        await expect.poll(exact, { timeout: PATIENCE }).toMatch(/^[+-][^–]+ and [+-][^–]+$/);
      }
      await size.fill("20");
      await page.getByRole("button", { name: /Train adversarially/ }).click();
      await page.getByText("the prediction said").waitFor();
      const models = page.getByRole("region", { name: "Compare models" });
      await models.getByRole("checkbox", { name: "quadratic regression" }).check();
      await models.getByRole("checkbox", { name: "linear regression" }).check();
      await models.getByRole("button", { name: "Compare these models" }).click();
      await page.getByRole("region", { name: "Compared models" }).waitFor();
      expect(await page.getByRole("region", { name: "Compared models" }).locator("tbody tr").count()).toBe(2);
      await models.locator(".drawing svg").waitFor();
      await accessible();
      expect(problems).toEqual([]);
    },
    2 * PATIENCE,
  );

  test.skipIf(!process.env["AIF_LONG_TESTS"])(
    "a network is trained beside its prediction",
    async () => {
      await drop(small("network.csv"));
      await choose("y");
      await page.getByLabel("Missing cells").selectOption("drop");
      await page.getByLabel("Model", { exact: true }).selectOption("mlp:32");
      await ask();
      await answered();
      await page.getByRole("button", { name: /Train adversarially/ }).click();
      await page.getByText(/After training at ε = /).waitFor();
      expect(problems).toEqual([]);
    },
    4 * PATIENCE,
  );

  test(
    "tabs work side by side; one that is closed amid its upload leaves nothing behind",
    async () => {
      await drop(houses);
      await choose("price_thousands");
      await page.getByLabel("Judged on").selectOption("fraction:0.2");
      await page.getByText("More options").click();
      await page.getByLabel("Further options").fill("--model mlp:64,64 --restarts 30");
      await ask();
      const cancel = page.getByRole("button", { name: "cancel" });
      await cancel.waitFor();
      const other = await context.newPage();
      await other.goto(server.link);
      await other.getByLabel("A table from this machine").setInputFiles(small("other.csv"));
      await other.getByRole("heading", { name: "other.csv" }).waitFor();
      await other.getByLabel("Target", { exact: true }).selectOption("y");
      await other.getByLabel("Missing cells").selectOption("drop");
      await other.getByRole("button", { name: "What would robustness cost?" }).click();
      await other.getByRole("heading", { name: "What robustness costs" }).waitFor();
      expect(await cancel.count()).toBe(1);
      await cancel.click();
      await page.getByText("Analysing was cancelled.").waitFor();
      expect(await other.getByRole("heading", { name: "What robustness costs" }).count()).toBe(1);

      const closing = await context.newPage();
      await closing.goto(server.link);
      await closing.getByLabel("A table from this machine").evaluate((input: HTMLInputElement) => {
        const rows = "1.5,2.5,3.5\n".repeat(80_000);
        const transfer = new DataTransfer();
        transfer.items.add(new File(["a,b,y\n", ...Array<string>(400).fill(rows)], "closed.csv"));
        input.files = transfer.files;
        input.dispatchEvent(new Event("change", { bubbles: true }));
      });
      await expect.poll(() => uploaded("closed.csv"), { timeout: PATIENCE, interval: 5 }).toBe(1);
      await closing.close();
      await expect.poll(() => uploaded("closed.csv"), { timeout: PATIENCE }).toBe(0);
      expect(uploaded("other.csv")).toBe(1);
      expect(problems).toEqual([]);
    },
    2 * PATIENCE,
  );

  test(
    "names that are HTML or endless are texts",
    async () => {
      const hostile = join(scratch, "hostile.csv");
      const rows = Array.from({ length: 80 }, (_, i) => `${Math.sin(i)},${Math.cos(2 * i)},${Math.sin(3 * i + 1)}`);
      writeFileSync(hostile, `<img src=x onerror=alert(1)>,${"x".repeat(10_000)},constructor\n${rows.join("\n")}\n`);
      page.on("dialog", () => problems.push("a dialog"));
      await drop(hostile);
      await choose("constructor");
      await page.getByText("More options").click();
      await page.getByLabel("Further options").fill("--inference none");
      await ask();
      await answered();
      expect(await page.locator("main img").count()).toBe(0);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1)).toBe(true);
      expect(problems).toEqual([]);
    },
    2 * PATIENCE,
  );

  test(
    "the idea can be explored, on a phone and in the dark",
    async () => {
      await page.setViewportSize({ width: 380, height: 800 });
      await page.emulateMedia({ colorScheme: "dark" });
      await page.getByRole("link", { name: "Explore the idea" }).click();
      const numbers = page.locator(".numbers");
      await numbers.waitFor();
      await accessible();
      const shown = () => numbers.locator("dd:not(.faint)").allTextContents();
      const [predicted, exact] = (await shown()).map(Number);
      expect(predicted).toBeGreaterThan(0);
      expect(Math.abs(predicted - exact) / exact).toBeLessThan(1);
      // A point moves with the arrow keys, and the lines with it.
      const line = () => page.locator("line.model.exact").getAttribute("y1");
      const before = await line();
      await page.getByRole("button", { name: /^point 1,/ }).focus();
      for (let k = 0; k < 5; k++) await page.keyboard.press("ArrowUp");
      await expect.poll(line, { timeout: PATIENCE }).not.toBe(before);
      // Without an attack nothing changes.
      await page.getByRole("slider", { name: "Size of the attack" }).fill("0");
      await expect.poll(async () => (await shown()).map(Number), { timeout: PATIENCE }).toEqual([0, 0]);
      await page.getByRole("radio", { name: "regression" }).check();
      await expect.poll(() => page.getByText("Least squares").count()).toBe(1);
      expect(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth + 1)).toBe(true);
      expect(problems).toEqual([]);
    },
    2 * PATIENCE,
  );

  test("the first load brings at most 300 KB of compressed script; charts come after", async () => {
    const scripts = new Map<string, number>();
    page.on("response", async (response) => {
      if (response.url().endsWith(".js")) scripts.set(response.url(), gzipSync(await response.body()).length);
    });
    await page.reload();
    await page.getByText("Drop a table here").waitFor();
    await page.waitForLoadState("networkidle");
    const total = [...scripts.values()].reduce((sum, size) => sum + size, 0);
    expect(total).toBeGreaterThan(10_000);
    expect(total).toBeLessThan(300_000);
  });

  test("a link of another run, or none, says what to do", async () => {
    const stranger = await browser.newContext();
    const other = await stranger.newPage();
    await other.goto(`${server.link.split("#")[0]}#token=wrong`);
    await other
      .getByRole("alert")
      .getByText(/another run of aif serve/)
      .waitFor();
    await stranger.close();
  });
});
