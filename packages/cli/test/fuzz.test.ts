/** Files that the program wrote and reads again, damaged on the way. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkedSettings, experimentsNamed, type TrainingState } from "@aif/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALONE } from "../../core/src/parallel/ranks.js";
import { checkState } from "../../core/src/robust/training-state.js";
import { FUZZ_TIME, fuzz, oneOf, oneOfJson } from "../../core/test/fuzz.js";
import { AnalysisCheckpoint } from "../src/output/analysis-checkpoint.js";
import { Checkpoint } from "../src/output/checkpoint.js";
import { chartsIn, svgOf } from "../src/output/result-charts.js";
import { filesIn, finishedIn } from "../src/output/run-folder.js";
import { readSettings } from "../src/recorded/settings-file.js";
import { aif, houses } from "./launch.js";

const scratch = mkdtempSync(join(tmpdir(), "aif-fuzz-"));
const file = (name: string): string => join(scratch, name);
const text = (name: string): string => readFileSync(file(name), "utf8");
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("results that aif chart draws", () => {
  beforeAll(async () => {
    const ends = await Promise.all([
      aif(["analyze", houses, "--target", "price_thousands", "--inference", "none", "--out", file("study.json")]),
      aif(["reproduce", "theorem5.2", "--repetitions", "2", "--quiet", "--out", file("run")]),
    ]);
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  });

  test(
    "a sentence or a picture",
    async () => {
      // Without the long lists, damage hits what matters.
      const short = (json: string): string =>
        JSON.stringify(JSON.parse(json), (_, value: unknown) => (Array.isArray(value) ? value.slice(0, 6) : value));
      let case_ = 0;
      await fuzz(
        oneOfJson(short(text("study.json")), text("run/theorem5.2.json")),
        async (bytes) => {
          const charts = chartsIn(bytes, "result.json");
          const chart = charts[case_++ % charts.length];
          return svgOf(chart, { width: 300 }, "light", "result.json");
        },
        (svg) => expect(svg).toMatch(/^<svg/),
        { cases: 60, refused: 10 },
      );
    },
    2 * FUZZ_TIME,
  );
});

test(
  "checkpoints of adversarial training",
  async () => {
    const words = ["adversarial-train", houses, "--target", "price_thousands", "--epsilon", "0.1", "--quiet"];
    const first = await aif([
      ...words,
      "--outer-steps",
      "3",
      "--checkpoint-every",
      "1",
      "--checkpoint",
      file("c.json"),
      "--out",
      file("t.json"),
    ]);
    expect(first.code).toBe(0);
    const { settings, data, theta } = JSON.parse(text("c.json")) as TrainingState;
    await fuzz(
      oneOfJson(text("c.json")),
      async (bytes) => {
        writeFileSync(file("damaged.json"), bytes);
        const opened = await Checkpoint.open({ checkpoint: file("damaged.json"), checkpointEvery: 1, resume: true });
        const state = opened?.resumed as TrainingState;
        checkState(state, settings, data, theta.length);
        return state;
      },
      (state) => expect(state.theta.every(Number.isFinite)).toBe(true),
      { cases: 150, refused: 50 },
    );
  },
  2 * FUZZ_TIME,
);

test(
  "checkpoints of an analysis by passes",
  async () => {
    const facts = { version: "1", options: { l2: 0.1 } };
    const checkpoint = file("passes.json");
    const choice = (resume: boolean) => AnalysisCheckpoint.open({ checkpoint, resume }, facts, ALONE);
    await (await choice(false))?.save("pass 1", ["AAAA", "é"]);
    const whole = readFileSync(checkpoint);
    await fuzz(
      oneOf(whole),
      async (bytes) => {
        writeFileSync(checkpoint, bytes);
        return choice(true);
      },
      (opened) => expect(opened?.load("pass 1")).toEqual(["AAAA", "é"]),
      { cases: 200, accepted: -1 },
    );
  },
  FUZZ_TIME,
);

test(
  "files of settings",
  async () => {
    const settings =
      '{"schema":"aif.settings/1","data":"t.csv","options":{"target":"y","l2":0.5,"norm":["2","inf"],"quiet":true}}';
    // As the library returns it; the rest of a result is not read.
    const { schema, settings: said } = JSON.parse(text("study.json"));
    const whole = {
      ...said,
      epsilons: [0.1],
      budgets: [{ column: "a", budget: 2 }],
      bounds: [{ column: "a", lower: 0 }],
    };
    await fuzz(
      oneOfJson(settings, text("study.json"), JSON.stringify({ schema, settings: whole })),
      async (bytes) => {
        writeFileSync(file("settings.json"), bytes);
        return readSettings(file("settings.json"));
      },
      ({ data, options }) => {
        expect(data === null || typeof data === "string").toBe(true);
        for (const value of Object.values(options)) expect(value === true || Array.isArray(value)).toBe(true);
      },
      { cases: 200, refused: 30 },
    );
  },
  FUZZ_TIME,
);

test(
  "folders of runs",
  async () => {
    const [experiment] = experimentsNamed("theorem5.2");
    const settings = checkedSettings(experiment, { ...experiment.defaults, repetitions: 3 });
    const whole = text("run/theorem5.2.json");
    const folder = file("damaged-run");
    const { run } = filesIn(folder, experiment.name);
    await aif(["reproduce", "theorem5.2", "--repetitions", "2", "--quiet", "--out", folder]);
    for (const name of ["csv", "svg"]) rmSync(join(folder, `theorem5.2.${name}`));
    await fuzz(
      oneOfJson(whole),
      async (bytes) => {
        writeFileSync(run, bytes);
        return finishedIn(folder, experiment, settings, false);
      },
      (finished) => {
        const names = Object.keys(finished[0].columns);
        for (const { columns } of finished) {
          for (const name of names) expect(columns[name]).toHaveLength(columns[names[0]].length);
        }
      },
      { cases: 120, refused: 20 },
    );
  },
  2 * FUZZ_TIME,
);

test("charts from a file draw what this program draws, and nothing else", async () => {
  const run = JSON.parse(text("run/theorem5.2.json")) as { chart: Record<string, unknown>; name: string };
  const with_ = (changes: Record<string, unknown>): Uint8Array =>
    new TextEncoder().encode(JSON.stringify({ ...run, chart: { ...run.chart, ...changes } }));
  const draw = (bytes: Uint8Array): Promise<string> => svgOf(chartsIn(bytes, "f")[0], {}, "light", "f");
  expect(await draw(with_({}))).toMatch(/^<svg/);
  const [panel] = run.chart["vconcat"] as Record<string, unknown>[];
  const panelWith = (changes: Record<string, unknown>): Record<string, unknown> => ({
    vconcat: [{ ...panel, ...changes }],
  });
  const attacks: Record<string, unknown>[] = [
    panelWith({ data: { url: "file:///etc/passwd" } }),
    panelWith({ data: { url: "http://127.0.0.1:1/" } }),
    panelWith({ data: { sequence: { start: 0, stop: 1e9 } } }),
    panelWith({ data: { name: "x" } }),
    panelWith({ transform: [{ calculate: "datum.x", as: "y" }] }),
    panelWith({ transform: [{ filter: "1" }] }),
    panelWith({ mark: { type: "image", url: "file:///etc/passwd" } }),
    panelWith({ mark: { type: "line", href: "javascript:alert(1)" } }),
    panelWith({ width: 1e9 }),
    panelWith({ title: { text: { expr: "1" } } }),
    panelWith({ encoding: { x: { field: "a']+alert(1)+['", type: "quantitative" } } }),
    panelWith({ encoding: { x: { axis: { labelExpr: "alert(1)" } } } }),
    { params: [{ name: "p", expr: "1" }] },
    { datasets: {} },
    { config: {} },
    { usermeta: { embedOptions: { loader: {} } } },
  ];
  for (const attack of attacks) {
    await expect(draw(with_(attack)), JSON.stringify(attack)).rejects.toThrow(
      /is not as this program draws it|no result/,
    );
  }
});

test("nothing is ever loaded, and no code is made of texts", async () => {
  const { toSvg } = await import("../src/output/svg.js");
  const spec = (more: Record<string, unknown>): Record<string, unknown> => ({
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    data: { values: [{ a: 1 }] },
    mark: "point",
    encoding: { x: { field: "a", type: "quantitative" } },
    ...more,
  });
  const secret = file("secret.json");
  writeFileSync(secret, '[{"a": 71234}]');
  const loaded = await toSvg(spec({ data: { url: secret } })).catch(() => "refused");
  expect(loaded).not.toContain("71,234");
  const { Function: before } = globalThis;
  const made: unknown[] = [];
  globalThis.Function = new Proxy(before, {
    apply: (...words) => made.push(words),
    construct: (_, words) => {
      made.push(words);
      return () => 0;
    },
  });
  try {
    await toSvg(spec({ transform: [{ calculate: "datum.a + 1", as: "b" }] }));
  } finally {
    globalThis.Function = before;
  }
  expect(made).toEqual([]);
});
