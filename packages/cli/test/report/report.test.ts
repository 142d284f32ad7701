/** Pages that stand by themselves: what their pictures say is what the result says. */
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ComparisonResult, ExperimentRun, PathResult, StudyResult, VerificationResult } from "@aif/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { number, short, signed } from "../../src/render/numbers.js";
import { hostileNames } from "../fixtures/hostile.js";
import { aif } from "../in-process.js";
import { houses } from "../launch.js";

const folder = mkdtempSync(join(tmpdir(), "aif-report-"));
const file = (name: string): string => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = async (command: string, name: string, ...words: string[]) => {
  const { code, stderr } = await aif([
    command,
    houses,
    "--target",
    "price_thousands",
    ...words,
    "--report",
    file(`${name}.html`),
    "--out",
    file(`${name}.json`),
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  return { page: readFileSync(file(`${name}.html`), "utf8"), json: readFileSync(file(`${name}.json`), "utf8") };
};

const decoded = (text: string): string =>
  text.replace(
    /&(amp|lt|gt|quot|#39);/g,
    (_, name: string) => ({ amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" })[name] ?? "",
  );

/** Text without what keeps words of it on one line. */
const proseOf = (page: string): string => decoded(page.replaceAll(/<span class="whole">(.*?)<\/span>/g, "$1"));

/** What the marks of the wide pictures say. */
const marksOf = (page: string): string[] =>
  [...page.matchAll(/<svg[^>]*class="wide".*?<\/svg>/gs)].flatMap(([svg]) =>
    [...svg.matchAll(/aria-label="([^"]*)"[^>]*aria-roledescription="(?:point|bar)"/g)].map(([, said]) =>
      decoded(said),
    ),
  );

describe("the report of an analysis", () => {
  let page = "";
  let result: StudyResult;

  beforeAll(async () => {
    const written = await run("analyze", "study", "--norm", "2,inf", "--seed", "3");
    page = written.page;
    result = JSON.parse(written.json) as StudyResult;
  });

  test("its pictures say the numbers of the result, under every norm", () => {
    const marks = new Set(marksOf(page));
    for (const { curve, contributions, influence, verdict } of result.threats) {
      for (const { epsilon, heldOut, thisData, robustLoss } of curve.slice(0, 4)) {
        const at = `ε = ${short(epsilon)}`;
        expect(marks).toContain(`predicted, held-out rows, ${at}: ${signed(heldOut?.predicted ?? null, 4)}`);
        expect(marks).toContain(`predicted, training rows, ${at}: ${signed(thisData.predicted, 4)}`);
        expect(marks).toContain(`exact, training rows, ${at}: ${signed(thisData.exact, 4)}`);
        expect(marks).toContain(`under attack, after robust training, ${at}: ${number(robustLoss, 4)}`);
      }
      for (const { row, share } of contributions.rows.slice(0, 5)) {
        expect([...marks].some((mark) => mark.startsWith(`row ${row}: ${number(100 * share, 4)} %`))).toBe(true);
      }
      const shift = signed((verdict?.epsilon ?? 0) * influence[1], 4);
      expect(
        [...marks].some(
          (mark) => mark.startsWith(`${result.model.parameters[1]}: `) && mark.includes(`shift ${shift}`),
        ),
      ).toBe(true);
    }
  });

  test("it says the verdict first, then shows; it can be saved whole", () => {
    for (const { verdict } of result.threats) {
      const words = verdict?.text ?? "";
      expect(proseOf(page.slice(0, page.indexOf("<svg")))).toContain(words);
    }
    const inside = /<script type="application\/json" id="result">(.*?)<\/script>/s.exec(page)?.[1] ?? "";
    const timeless = (text: string): unknown =>
      JSON.parse(text, (key, value: unknown) => (key === "timings" ? null : value));
    expect(timeless(inside)).toEqual(timeless(readFileSync(file("study.json"), "utf8")));
    expect(page).toContain("--norm 2,inf --seed 3");
  });

  test("nothing is loaded, nothing runs but what the policy names", () => {
    expect(page.length).toBeLessThan(1.5e6);
    expect(page.replaceAll("http://www.w3.org/", "")).not.toMatch(/(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?\/\//);
    const policy = decoded(/http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? "");
    const hash = (text: string): string => `sha256-${createHash("sha256").update(text).digest("base64")}`;
    const scripts = [...page.matchAll(/<script>(.*?)<\/script>/gs)].map(([, text]) => hash(text));
    const styles = [...page.matchAll(/<style>(.*?)<\/style>/gs)].map(([, text]) => hash(text));
    expect([scripts.length, styles.length]).toEqual([1, 1]);
    for (const allowed of [...scripts, ...styles]) expect(policy).toContain(allowed);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(page).not.toMatch(/ style="| on\w+="/);
    const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

test("the pictures of a verification and of a path say their numbers", async () => {
  const verified = await run("verify", "verification", "--epsilon", "0.001,0.01,0.1");
  const checked = JSON.parse(verified.json) as VerificationResult;
  const ratios = marksOf(verified.page);
  for (const { epsilon, lossRatio } of checked.threats[0].curve) {
    expect(
      ratios.some(
        (mark) => mark.startsWith(`ε = ${short(epsilon)}: predicted`) && mark.endsWith(`ratio ${number(lossRatio, 4)}`),
      ),
    ).toBe(true);
  }
  const followed = await run("path", "path", "--norm", "inf");
  const path = JSON.parse(followed.json) as PathResult;
  const marks = new Set(marksOf(followed.page));
  for (const { epsilon, naturalLoss } of path.paths[0].points) {
    expect(marks).toContain(`without attack, after robust training, ε = ${short(epsilon)}: ${number(naturalLoss, 4)}`);
  }
});

test("names that are HTML, scripts or endless do no harm", async () => {
  const names = [
    ...hostileNames,
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\u2028</title>",
  ];
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const rows = Array.from({ length: 60 }, (_, i) => [
    ...names.map((_, k) => Math.sin(i * (k + 1.7)).toFixed(6)),
    Math.cos(3 * i).toFixed(6),
  ]);
  const table = file("hostile.csv");
  writeFileSync(
    table,
    `${[...names, "<b>target</b>"].map(quoted).join(",")}\n${rows.map((row) => row.join(",")).join("\n")}\n`,
  );
  const page = file("hostile.html");
  const { code, stderr } = await aif([
    "analyze",
    table,
    "--target",
    "<b>target</b>",
    "--l2",
    "0.1",
    "--report",
    page,
    "--inference",
    "none",
    "--quiet",
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  const text = readFileSync(page, "utf8");
  expect(text).not.toMatch(/<(?:img|b)\b|onerror=alert\(1\)>/);
  expect(text.match(/<script/g)).toHaveLength(2);
  expect(text.match(/<\/title>/g)).toHaveLength(1);
  expect(text.length).toBeLessThan(1.5e6);
});

describe("the report of a model without a closed form", () => {
  const root = new URL("../../../../examples/", import.meta.url).pathname;
  /** What is seen before "the result as the terminal shows it" is opened. */
  const seen = (page: string): string => decoded(page.replace(/<details.*?<\/details>/gs, "").replace(/<[^>]*>/g, " "));

  test("says what an import does as it came, what kind of response it has, and what the damping decides", async () => {
    const { code } = await aif([
      "analyze",
      join(root, "credit-default.csv"),
      "--target",
      "defaulted",
      "--import",
      join(root, "credit-network.onnx"),
      "--epsilon",
      "0.01",
      "--scaler",
      join(root, "credit-network-scaler.json"),
      "--inference",
      "none",
      "--report",
      file("import.html"),
      "--out",
      file("import.json"),
    ]);
    expect(code).toBe(0);
    const text = seen(readFileSync(file("import.html"), "utf8"));
    const result = JSON.parse(readFileSync(file("import.json"), "utf8")) as StudyResult;
    const [{ local, solver, verdict }] = result.threats;
    expect(text).toContain(`as it came: loss ${number(result.fit.imported?.naturalLoss ?? null, 4)} nats`);
    expect(text).toContain("LOCAL (DAMPED) RESPONSE");
    expect(text).toContain(`relative gradient ${number(local?.gradientNorm ?? null, 2)}`);
    expect(text).toContain(`Residual ${number(solver.relativeResidual, 2)}.`);
    expect(local?.dampingCurve.length).toBeGreaterThan(2);
    for (const { damping, sensitivity, length } of local?.dampingCurve ?? []) {
      expect(text).toMatch(new RegExp([short(damping), number(sensitivity), number(length)].join("\\s+")));
    }
    // A ridge would not be one of a network that is left as it came.
    expect(verdict?.instead.map(({ code: said }) => said)).not.toContain("ridge");
  });

  test("shows how the minima of several seeds differ", async () => {
    const words = ["--model", "mlp:2", "--restarts", "2", "--epsilon", "0.001", "--inference", "none"];
    const { page, json } = await run("analyze", "seeds", ...words);
    const restarts = (JSON.parse(json) as StudyResult).threats[0].local?.restarts ?? [];
    expect(restarts).toHaveLength(2);
    for (const { seed, objective, trainingLoss } of restarts) {
      expect(seen(page)).toMatch(new RegExp(`${seed}\\s+${number(objective, 5)}\\s+${number(trainingLoss, 4)}`));
    }
  });
});

describe("aif chart", () => {
  test("lists, then draws SVG and PNG", async () => {
    const result = file("chart.json");
    await aif(["analyze", houses, "--target", "price_thousands", "--inference", "none", "--out", result]);
    const list = await aif(["chart", result]);
    for (const name of ["sensitivity", "losses", "parameters", "rows"])
      expect(list.stdout).toMatch(new RegExp(`^  ${name} `, "m"));
    const svg = await aif(["chart", result, "sensitivity", "--axes", "log", "--width", "420"]);
    expect(svg.stdout).toMatch(/^<svg[^>]* width="420"/);
    for (const paper of ["light", "dark"]) {
      expect(await aif(["chart", result, "rows", "--paper", paper, "--out", file(`${paper}.png`)])).toEqual({
        code: 0,
        stdout: "",
        stderr: "",
      });
    }
    const [light, dark] = ["light", "dark"].map((paper) => readFileSync(file(`${paper}.png`)));
    expect([...light.subarray(1, 4)].map((byte) => String.fromCharCode(byte)).join("")).toBe("PNG");
    expect(light.equals(dark)).toBe(false);
  });

  test.each([
    [["rows", "--norm", "3"], /has no chart "rows" for --norm 3: use 2\./],
    [["nonsense"], /has no chart "nonsense": use sensitivity, losses/],
    [["rows", "--out", "rows.gif"], /--out takes a file whose name ends in \.svg or \.png/],
    [["rows", "--width", "5"], /--width 5 makes no readable picture/],
  ])("%j is refused in one sentence", async (words, sentence) => {
    const { code, stdout, stderr } = await aif(["chart", file("chart.json"), ...words]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(sentence);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("a file that is no result is refused", async () => {
    const { code, stderr } = await aif(["chart", "package.json"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/package\.json is no result that has charts/);
  });
});

test("the page of a comparison has every model, its costs and differences", async () => {
  const { page, json } = await run("compare", "comparison", "--features", "rooms,living_area_m2", "--features", "all");
  const result = JSON.parse(json) as ComparisonResult;
  const cells = [...page.matchAll(/<t[dh][^>]* data-value="([^"]*)"/g)].map(([, value]) => Number(value));
  for (const model of result.models) {
    expect(page).toContain(model.name);
    for (const value of [model.naturalLoss.value, model.relative.cost.value, model.absolute.cost.value])
      expect(cells).toContain(value);
  }
  const { estimates, reach } = result.natural;
  expect(cells).toContain(estimates[1] - estimates[0]);
  expect(cells).toContain(reach?.[1][0]);
  for (const sentence of result.words) expect(decoded(page)).toContain(sentence);
  expect(page).toContain('class="wide"');
});

test("the page of a reproduced result has its verdicts, means and standard errors", async () => {
  const out = file("run");
  const words = ["reproduce", "theorem5.2", "--repetitions", "2", "--report", file("run.html"), "--out", out];
  const { code } = await aif(words);
  expect(code).toBe(0);
  const page = readFileSync(file("run.html"), "utf8");
  const { verdicts, columns, summary } = JSON.parse(
    readFileSync(join(out, "theorem5.2.json"), "utf8"),
  ) as ExperimentRun;
  const cells = [...page.matchAll(/ data-value="([^"]*)"/g)].map(([, value]) => Number(value));
  for (const { text } of verdicts) expect(decoded(page)).toContain(text);
  for (const { name } of columns.slice(1)) {
    const { mean, standardErrors } = summary.columns[name];
    expect(cells).toEqual(expect.arrayContaining(mean.filter(Number.isFinite)));
    if (standardErrors) expect(cells).toEqual(expect.arrayContaining(standardErrors.filter(Number.isFinite)));
  }
  expect(page).toContain('class="fixed"');
  const refused = await aif(["reproduce", "all", "--report", file("all.html")]);
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringMatching(/a page of one result: name it/)]);
});
