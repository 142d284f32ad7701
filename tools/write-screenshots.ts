/**
 * Takes the pictures of the web app and of a report that README.md and docs/*.md show, in a browser, from the example that comes
 * along.
 *
 *   npm run build && npx tsx tools/write-screenshots.ts
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { aif } from "./write-docs-output.js";

const folder = fileURLToPath(new URL("../docs/pictures", import.meta.url));
const dist = new URL("../packages/cli/dist/", import.meta.url);
const houses = fileURLToPath(new URL("../examples/house-prices.csv", import.meta.url));
const browsers = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const PATIENCE = 120_000;

interface Shot {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly colours: "light" | "dark";
  /** Brings the page to what is shown. */
  readonly lead: (page: Page) => Promise<void>;
}

async function explore(page: Page): Promise<void> {
  await page.getByRole("link", { name: "Explore the idea" }).click();
  await page.getByRole("slider", { name: "Size of the attack" }).fill("0.3");
  await page.locator(".numbers").waitFor();
  await page.waitForTimeout(1000);
}

async function analyze(page: Page): Promise<void> {
  await page.getByLabel("Target", { exact: true }).selectOption("price_thousands");
  await page.getByRole("button", { name: "What would robustness cost?" }).click();
  await page.locator(".drawing svg").first().waitFor();
  await page.getByText("Robust training is being solved exactly").waitFor();
  await page.getByText("Robust training is being solved exactly").waitFor({ state: "detached" });
  await page.waitForFunction(() => document.querySelectorAll(".drawing svg").length >= 4);
  await page.waitForTimeout(1000);
  await page.evaluate(() => document.querySelector("section[aria-label=Result]")?.scrollIntoView());
}

const shots: readonly Shot[] = [
  { name: "explore", width: 1000, height: 860, colours: "light", lead: explore },
  { name: "explore-phone", width: 380, height: 900, colours: "dark", lead: explore },
  { name: "app", width: 1000, height: 1000, colours: "light", lead: analyze },
  { name: "app-phone", width: 380, height: 900, colours: "dark", lead: analyze },
];

async function take(browser: Browser, link: string, { name, width, height, colours, lead }: Shot): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: colours,
    reducedMotion: "reduce",
  });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  await page.goto(link);
  await page.getByText("Drop a table here").waitFor();
  await lead(page);
  await page.screenshot({ path: join(folder, `${name}.png`) });
  await context.close();
  console.log(`docs/pictures/${name}.png`);
}

/** The head of a report: the verdict, and the first chart. */
async function takeReport(browser: Browser, file: string): Promise<void> {
  await aif(["analyze", "examples/house-prices.csv", "--target", "price_thousands", "--report", file]);
  const page = await browser.newPage({ viewport: { width: 1000, height: 1000 }, colorScheme: "light" });
  await page.goto(pathToFileURL(file).href);
  await page.waitForTimeout(500);
  await page.screenshot({ path: join(folder, "report.png") });
  await page.close();
  console.log("docs/pictures/report.png");
}

const executablePath = browsers.find((path) => existsSync(path));
if (executablePath === undefined) throw new Error("The pictures are taken in Chromium, which is not installed here.");
const { serve } = (await import(
  new URL("server/serve.js", dist).href
)) as typeof import("../packages/cli/src/server/serve.js");
const { pageOptions } = (await import(
  new URL("server/page-options.js", dist).href
)) as typeof import("../packages/cli/src/server/page-options.js");
const { buildProgram } = (await import(
  new URL("program.js", dist).href
)) as typeof import("../packages/cli/src/program.js");
const server = await serve({ port: 0, host: "127.0.0.1", data: houses, options: pageOptions(buildProgram()) });
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
const scratch = mkdtempSync(join(tmpdir(), "aif-screenshots-"));
try {
  for (const shot of shots) await take(browser, server.link, shot);
  await takeReport(browser, join(scratch, "report.html"));
} finally {
  await browser.close();
  await server.close();
  rmSync(scratch, { recursive: true, force: true });
}
