/** `--settings result.json` gives the same result to the digit; what is typed beside it takes the place of what the file says. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { RULES, WORKED_OUT } from "../../src/recorded/resolved-options.js";
import { aif } from "../in-process.js";
import { root } from "../launch.js";
import { type Document, documentOf, few, fresh, houses, loans, scratch, withoutTimes } from "./documents.js";

const price = ["--target", "price_thousands"];
const defaulted = ["--target", "defaulted"];

const line = (text: string): string[] => text.split(" ");

const MIXES: readonly (readonly [what: string, words: readonly string[]])[] = [
  ["linear", ["analyze", houses, ...price, ...line("--norm 2,inf --norm 1 --l2 .01 --no-intercept --header --seed 3")]],
  ["budget", ["analyze", houses, ...price, ...line("--budget rooms=1,plot_m2=10 --bounds rooms=1:12 --radius .1,1")]],
  ["logistic", ["analyze", loans, ...defaulted, ...line("--C 2 --by housing --attack-rate 10% --fail-if cost>0@0.01")]],
  ["no standardising", ["analyze", loans, ...defaulted, ...line("--no-standardize --exclude age --keep months")]],
  [
    "network",
    ["analyze", few(loans, 200), ...defaulted, ...line("--model mlp:2 --l2 .01 --inference none --restarts 2")],
  ],
  [
    "softmax",
    ["analyze", few(houses, 200), ...line("--target district --model softmax --l2 .01 --evaluation fraction:0.3")],
  ],
  ["kernel", ["analyze", few(houses, 60), ...price, ...line("--model kernel:rbf --evaluation cv:2 --inference none")]],
  ["Wasserstein", ["analyze", houses, ...price, ...line("--wasserstein 2 --epsilon .01 --freeze rooms")]],
  [
    "divergence",
    ["verify", houses, ...price, ...line("--divergence chi2 --radius .01 --inference bootstrap --draws 50")],
  ],
  ["lasso", ["analyze", few(houses, 200), ...price, ...line("--l1 path --no-exact")]],
  ["scikit-learn's lasso", ["analyze", loans, ...defaulted, ...line("--C .1 --l1-ratio 1 --missing drop")]],
  [
    "components",
    [
      "analyze",
      few(houses, 60),
      ...price,
      ...line("--project pca:2 --smoothing .1 --smoothing-draws 16 --inference none"),
    ],
  ],
  ["verify", ["verify", loans, ...defaulted, ...line("--norm inf --epsilon .001 --second-order density")]],
  ["path", ["path", houses, ...price, ...line("--norm inf --epsilon-max .05")]],
  ["compare", ["compare", houses, ...price, "--features", "forward 2..3", ...line("--l2 0,.1 --model linear")]],
  ["train", ["adversarial-train", loans, ...defaulted, ...line("--epsilon .01 --outer-steps 4 --restarts 1")]],
];

describe("the same result again", () => {
  test.each(MIXES)("%s", async (_what, words) => {
    const { path, document } = await documentOf(...words);
    const again = await documentOf(words[0], "--settings", path);
    expect(withoutTimes(again.document)).toEqual(withoutTimes(document));
    expect(again.document["command"]["data"]).toBe(words[1]);
  });

  /** What `analyze()` returns, which nobody typed. */
  const ofLibrary = (document: Document): Document => ({ ...document, command: undefined });

  test.each([
    ...MIXES.filter(([what]) => /^(?:linear|budget|logistic|no st|Wass|lasso|scikit)/.test(what)),
    ["divergence", ["analyze", loans, ...defaulted, ...line("--divergence kl --radius .01 --inference none")]] as const,
    ["bootstrap", ["analyze", houses, ...price, ...line("--inference bootstrap --draws 50 --project pca:2")]] as const,
    ["second order", ["analyze", loans, ...defaulted, ...line("--second-order plain --cluster age")]] as const,
  ])("a result of the library: %s", async (_what, words) => {
    const { document } = await documentOf(...words);
    const path = fresh(".json");
    writeFileSync(path, JSON.stringify(ofLibrary(document)));
    const again = await documentOf("analyze", "--settings", path);
    expect(ofLibrary(withoutTimes(again.document))).toEqual(ofLibrary(withoutTimes(document)));
  });

  test.each([
    [
      "softmax",
      ["--model", "softmax", "--l2", ".01", "--target", "district"],
      /for a network, a softmax model or an import/,
    ],
    [
      "kernel",
      ["--model", "kernel:rbf", ...price],
      /for a kernel regression, of which "settings" holds what was worked out/,
    ],
  ] as const)("a result of the library that cannot be told: %s", async (_what, words, sentence) => {
    const { document } = await documentOf("analyze", few(houses, 60), ...words, "--inference", "none");
    const path = fresh(".json");
    writeFileSync(path, JSON.stringify(ofLibrary(document)));
    await expect(documentOf("analyze", "--settings", path)).rejects.toThrow(sentence);
  });

  test("every field of the settings of a result is known", async () => {
    const { document } = await documentOf("analyze", houses, ...price, ...line("--inference none --no-exact"));
    const known = [...Object.keys(RULES), ...Object.keys(WORKED_OUT), "source"];
    expect(Object.keys(document["settings"]).toSorted()).toEqual(known.toSorted());
  });

  test("a table that passes by, whose cache is typed anew", async () => {
    const { path, document } = await documentOf("analyze", houses, ...price, "--cache", scratch, "--no-exact");
    const again = await documentOf("analyze", "--settings", path, "--cache", scratch);
    expect(withoutTimes(again.document)).toEqual(withoutTimes(document));
    const told = (await aif(["analyze", "--settings", path])).stderr;
    expect(told).toContain("passed by, and a folder for them is not recorded: give --cache for the same last digits.");
    expect((await aif(["analyze", "--settings", path, "--cache", scratch])).stderr).not.toContain("passed by");
  });

  test("an import beside its files", async () => {
    const model = fresh(".json");
    const coefficients = { coef_: [[0.01, -0.02]], intercept_: [-1], classes_: ["no", "yes"] };
    writeFileSync(model, JSON.stringify({ ...coefficients, feature_names_in_: ["income_thousands", "age"] }));
    const { path, document } = await documentOf(
      "analyze",
      loans,
      ...defaulted,
      "--import",
      model,
      "--no-polish",
      "--force",
    );
    expect(withoutTimes((await documentOf("analyze", "--settings", path)).document)).toEqual(withoutTimes(document));
  });
});

/** What is recorded of a command that runs with settings of a file. */
const recorded = async (settings: unknown, ...words: string[]): Promise<Document> => {
  const path = fresh(".json");
  writeFileSync(path, JSON.stringify(settings));
  return (await documentOf(...words, "--settings", path)).document;
};
const file = (options: unknown, data: string | null = houses) => ({ schema: "aif.settings/1", data, options });
const quick = { target: "price_thousands", inference: "none", evaluation: "training", "no-exact": true };

describe("a file that may come from anybody", () => {
  // Nobody listens there: what is fetched would fail otherwise.
  const address = "HTTP://127.0.0.1:9/table.csv";

  test.each<[string, unknown]>([
    [`"data" is an address, "${address}"`, file(quick, address)],
    ['"data" is a list of files, "@parts.txt"', file(quick, "@parts.txt")],
    [`"evaluation" is an address, "${address}"`, file({ ...quick, evaluation: address })],
    ['"evaluation" is a list of files, "@parts.txt"', file({ ...quick, evaluation: "@parts.txt" })],
    [`"import" is an address, "${address}"`, file({ ...quick, import: address })],
  ])("what would be fetched has to be typed: %s", async (what, settings) => {
    const path = fresh(".json");
    writeFileSync(path, JSON.stringify(settings));
    const { code, stderr } = await aif(["analyze", "--settings", path]);
    expect([code, stderr]).toEqual([1, expect.stringContaining(what)]);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  test("what is typed beside it is nobody else's", async () => {
    const { command } = await recorded(
      file({ ...quick, evaluation: address }, address),
      "analyze",
      houses,
      ...line("--evaluation training"),
    );
    expect(command["data"]).toBe(houses);
    const named = few(houses, 60);
    writeFileSync(named, readFileSync(named, "utf8").replace("price_thousands", "@price"));
    expect((await recorded(file({ ...quick, target: "@price" }, named), "analyze"))["data"]["target"]).toBe("@price");
  });
});

describe("what is typed takes the place of what the file says", () => {
  test.each<[string, Record<string, unknown>, string[], Record<string, unknown>]>([
    ["a value", { norm: "2" }, ["--norm", "inf"], { norm: ["inf"] }],
    ["numbers and lists", { norm: [1, 2], epsilon: 0.01 }, [], { norm: ["1", "2"], epsilon: ["0.01"] }],
    ["false and null", { "no-intercept": false, l2: null, standardize: true }, [], {}],
    ["a no in other words", { intercept: false }, [], { "no-intercept": true }],
    ["a size by another name", { epsilon: "0.1", norm: "inf" }, ["--radius", "1"], { norm: ["inf"], radius: ["1"] }],
    ["a ridge by another name", { alpha: 2 }, ["--l2", "0.1"], { l2: ["0.1"] }],
    ["a reach by another name", { freeze: "rooms" }, ["--budget", "rooms=1"], { budget: ["rooms=1"] }],
    [
      "an adversary by another name",
      { norm: "1", bounds: "rooms=0:9" },
      line("--divergence kl --radius .1"),
      { divergence: ["kl"], radius: [".1"] },
    ],
    [
      "a kernel's options",
      { model: "kernel:rbf", gamma: 1, l2: 0 },
      ["--model", "linear"],
      { model: ["linear"], l2: ["0"] },
    ],
    ["a header", { header: true, "no-header": false }, [], { header: true }],
  ])("%s", async (_what, options, typed, expected) => {
    const { command } = await recorded(file({ ...quick, ...options }), "analyze", ...typed);
    const { target, inference, evaluation, "no-exact": exact, ...others } = command["options"];
    expect(others).toEqual(expected);
    expect([target, inference, evaluation, exact]).toEqual([["price_thousands"], ["none"], ["training"], true]);
  });

  test("the file of docs/json.md, written by hand", async () => {
    const [, block] =
      /```json\n(\{\n {2}"schema": "aif\.settings.*?)```/s.exec(readFileSync(join(root, "docs/json.md"), "utf8")) ?? [];
    const { command } = await recorded(JSON.parse(block ?? ""), "analyze", houses, "--no-exact");
    expect(command["options"]).toMatchObject({ epsilon: ["0.001", "0.01"], norm: ["2,inf"], "no-standardize": true });
  });

  test("the data", async () => {
    const options = { target: "defaulted", inference: "none", evaluation: "training" };
    expect((await recorded(file(options), "analyze", loans))["data"]["rows"]).toBe(1000);
    expect((await recorded(file(options, null), "analyze", loans))["command"]["data"]).toBe(loans);
  });

  test("another command takes what it shares, under its own defaults", async () => {
    const { path } = await documentOf(
      "analyze",
      houses,
      ...price,
      ...line("--norm inf --l2 .1 --fail-if cost>0 --epsilon .01"),
    );
    const { document } = await documentOf("verify", "--settings", path, "--quiet");
    expect(document["command"]["options"]).toEqual({
      target: ["price_thousands"],
      norm: ["inf"],
      l2: [".1"],
      epsilon: [".01"],
    });
    expect(document["settings"]["evaluation"]).toBe("training");
  });

  test("options of one name that mean two things are not shared", async () => {
    const { path } = await documentOf(
      "adversarial-train",
      loans,
      ...defaulted,
      ...line("--epsilon .01 --outer-steps 1 --restarts 2"),
    );
    const { document } = await documentOf("analyze", "--settings", path, "--quiet", "--inference", "none");
    expect(document["command"]["options"]).toEqual({ target: ["defaulted"], inference: ["none"] });
  });
});

describe("what holds no settings is refused in one sentence", () => {
  const study = { schema: "aif.study/1" };
  test.each<[string, string, RegExp]>([
    ["no JSON", "x,y\n1,2\n", /holds no settings: it takes a result/],
    ["a list", "[1]", /holds no settings/],
    ["another document", '{"schema":"aif.coefficients/1"}', /holds no settings/],
    ["a name of every object", '{"schema":"constructor/1"}', /holds no settings/],
    [
      "a newer one",
      '{"schema":"aif.study/2","command":{}}',
      /has the schema aif\.study\/2, and this aif knows aif\.study\/1: use a newer aif/,
    ],
    ["a result of the library", JSON.stringify(study), /does not say which options it was made with/],
    ["no options", '{"schema":"aif.settings/1"}', /has no "options"/],
    ["an option that is none", JSON.stringify(file({ epslon: 1 })), /aif analyze has no option --epslon\.$/],
    [
      "an option of every object",
      '{"schema":"aif.settings/1","data":"x.csv","options":{"__proto__":"1"}}',
      /has no option --__proto__/,
    ],
    ["an output", JSON.stringify(file({ out: "x.json" })), /has no option --out\.$/],
    ["a flag with a value", JSON.stringify(file({ "no-exact": "x" })), /"no-exact" is true or false/],
    ["an option without its value", JSON.stringify(file({ l2: true })), /"l2" must be what is typed after --l2/],
    ["an object for a value", JSON.stringify(file({ l2: {} })), /"l2" must be what is typed after --l2/],
    ["data that are none", JSON.stringify({ ...file({}), data: 3 }), /"data" that is no file name/],
    ["no data", JSON.stringify(file({ target: "y" }, null)), /names no data: give the table as well\.$/],
    [
      "data that are gone",
      JSON.stringify(file({ target: "y" }, "gone.csv")),
      /There is no file gone\.csv.* \(with the options of .*json\)\.$/,
    ],
    [
      "a value that is wrong",
      JSON.stringify(file({ ...quick, norm: 0.5 })),
      /--norm 0\.5 is not a norm.* \(with the options of .*json\)\.$/,
    ],
  ])("%s", async (_what, content, sentence) => {
    const path = fresh(".json");
    writeFileSync(path, content);
    const error = await documentOf("analyze", "--settings", path).catch((cause: unknown) => cause as Error);
    expect(String(error instanceof Error && error.message)).toMatch(sentence);
    expect(error).toMatchObject({ name: "AifError", message: expect.stringMatching(/^[^\n]+\.$/) });
  });

  test("a file that is not there", async () => {
    await expect(documentOf("analyze", "--settings", "none.json")).rejects.toThrow(
      "--settings none.json cannot be read: there is no such file.",
    );
  });
});
