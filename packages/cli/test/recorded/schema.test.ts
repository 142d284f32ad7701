/** `aif schema` against what every command writes: nothing is missing, nothing is of another type, nothing is unknown. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { redacted } from "@aif/core";
import { Ajv, type ValidateFunction } from "ajv";
import { expect, test } from "vitest";
import { DOCUMENTS, type DocumentName, schemaOf } from "../../src/recorded/schemas.js";
import { aif } from "../in-process.js";
import { type Document, documentOf, few, fresh, houses, loans, read, scratch } from "./documents.js";

const line = (text: string): string[] => text.split(" ");
const price = ["--target", "price_thousands"];
const defaulted = ["--target", "defaulted"];
const [houses200, loans200] = [few(houses, 200), few(loans, 200)];

/** The schema with every object closed: a field that the types do not name is an error here. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (schema === null || typeof schema !== "object") return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return "properties" in schema && !("additionalProperties" in schema)
    ? { ...inner, additionalProperties: false }
    : inner;
}

const REDACTABLE: readonly DocumentName[] = ["study", "verification", "path"];

const validators = new Map<DocumentName, ValidateFunction>();

async function errorsOf(name: DocumentName, document: Document): Promise<string[]> {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true, allErrors: true });
  const validate = validators.get(name) ?? ajv.compile(Object(closed(await schemaOf(name))));
  validators.set(name, validate);
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

const expectValid = async (name: DocumentName, document: Document): Promise<void> =>
  expect(await errorsOf(name, document)).toEqual([]);

test.each<[DocumentName, string, string[]]>([
  [
    "study",
    "everything",
    [
      "analyze",
      houses,
      ...price,
      ...line("--norm 1,2,inf --by district --attack-rate 5% --fail-if cost>0@0.01 --second-order plain"),
    ],
  ],
  [
    "study",
    "bounds",
    [
      "analyze",
      houses200,
      ...price,
      ...line("--norm 2,inf --budget rooms=1,age_years=2 --bounds rooms=:12 --evaluation training"),
    ],
  ],
  ["study", "logistic", ["analyze", loans, ...defaulted, ...line("--wasserstein 2 --norm 2 --cluster age")]],
  ["study", "divergence", ["analyze", loans, ...defaulted, ...line("--divergence kl --radius .1")]],
  ["study", "l1", ["analyze", houses200, ...price, ...line("--l1 path --evaluation fraction:0.3")]],
  ["study", "kernel", ["analyze", few(houses, 60), ...price, ...line("--model kernel:poly --evaluation cv:2")]],
  [
    "study",
    "network",
    ["analyze", loans200, ...defaulted, ...line("--model mlp:2 --activation relu --l2 .01 --restarts 2")],
  ],
  ["study", "softmax", ["analyze", houses200, ...line("--target district --model softmax --l2 .01 --inference none")]],
  [
    "study",
    "components",
    [
      "analyze",
      few(houses, 60),
      ...price,
      ...line("--project pca:2 --smoothing .1 --smoothing-draws 16 --inference none"),
    ],
  ],
  ["study", "a table that passes by", ["analyze", houses200, ...price, "--cache", scratch, "--no-exact"]],
  ["verification", "linear", ["verify", houses200, ...price, ...line("--norm 1,2,inf")]],
  [
    "verification",
    "network",
    ["verify", loans200, ...defaulted, ...line("--model mlp:2 --l2 .01 --epsilon .001 --inference none")],
  ],
  ["path", "linear", ["path", houses, ...price, ...line("--norm 1,inf --epsilon-max .1")]],
  ["training", "logistic", ["adversarial-train", loans, ...defaulted, ...line("--epsilon .01 --outer-steps 3")]],
  ["training", "nothing moves", ["adversarial-train", loans, ...defaulted, ...line("--radius 0 --outer-steps 1")]],
  [
    "comparison",
    "linear",
    [
      "compare",
      houses200,
      ...price,
      "--features",
      "forward 2..3",
      ...line("--l2 0,.1 --model linear --model quadratic"),
    ],
  ],
  [
    "comparison",
    "kernels and noise",
    [
      "compare",
      few(houses, 60),
      ...price,
      "--features",
      "rooms,plot_m2",
      ...line("--model linear --model kernel:rbf --evaluation cv:2"),
    ],
  ],
])("%s of %s", async (name, what, words) => {
  const { document } = await documentOf(...words);
  await expectValid(name, document);
  // What --redact prints of it; it is refused for kernels, and not an option of the other commands.
  if (REDACTABLE.includes(name) && what !== "kernel") await expectValid(name, redacted(document));
});

test("the files beside a result", async () => {
  const [coefficients, network, worst, predictions] = [fresh(".json"), fresh(".json"), fresh(".json"), fresh(".json")];
  const files = [
    "--coefficients",
    coefficients,
    "--worst-case",
    worst,
    "--predict",
    houses200,
    "--predictions",
    predictions,
  ];
  await documentOf("analyze", houses200, ...price, ...files);
  await documentOf(
    "analyze",
    loans200,
    ...defaulted,
    ...line("--model mlp:2 --l2 .01 --inference none"),
    "--coefficients",
    network,
  );
  for (const file of [coefficients, network]) await expectValid("coefficients", read(file));
  await expectValid("worst-cases", read(worst));
  await expectValid("predictions", read(predictions));
});

test("a reproduced result", async () => {
  const { code } = await aif([
    "reproduce",
    "theorem5.2",
    "--repetitions",
    "2",
    "--out",
    join(scratch, "run"),
    "--quiet",
  ]);
  expect(code).toBe(0);
  expect(readdirSync(join(scratch, "run"))).toContain("theorem5.2.json");
  await expectValid("reproduction", read(join(scratch, "run/theorem5.2.json")));
});

test("settings as people write them", async () => {
  await expectValid("settings", {
    schema: "aif.settings/1",
    data: "t.csv",
    options: { target: "y", norm: [1, "inf"], l2: 0 },
  });
});

test("a result with a field missing, or of another type, does not fit", async () => {
  const { document } = await documentOf(
    "analyze",
    houses200,
    ...price,
    ...line("--inference none --evaluation training"),
  );
  const { data: _data, ...without } = document;
  expect(await errorsOf("study", without)).toEqual([" must have required property 'data'"]);
  expect(await errorsOf("study", { ...document, schema: "aif.study/2" })).toEqual([
    "/schema must be equal to constant",
  ]);
  expect(await errorsOf("study", { ...document, more: 1 })).toEqual([" must NOT have additional properties"]);
});

test("aif schema prints one document, or all of them, as draft 7", async () => {
  const printed = async (...words: string[]): Promise<Document> => JSON.parse((await aif(["schema", ...words])).stdout);
  const [all, study, byCommand] = [await printed(), await printed("study"), await printed("analyze")];
  expect(all["oneOf"]).toHaveLength(Object.keys(DOCUMENTS).length);
  expect(byCommand).toEqual(study);
  expect(study["properties"]["schema"]["const"]).toBe("aif.study/1");
  const validate = new Ajv({ strict: true, allowUnionTypes: true }).compile(all);
  expect(validate((await documentOf("path", houses, ...price, ...line("--epsilon-max .01"))).document)).toBe(true);
  expect((await aif(["schema", "studdy"])).stderr).toMatch(/^aif: There is no document "studdy": use study, .+\.\n$/);
});
