import { readFile } from "node:fs/promises";

type JsonSchema = Readonly<Record<string, unknown>>;

/** What tools/build-schemas.mjs makes of the types: documents, and the definitions that they share. */
interface Schemas {
  readonly documents: Readonly<Record<string, JsonSchema>>;
  readonly definitions: Readonly<Record<string, JsonSchema>>;
}

/** What can be asked for, and what it is. */
export const DOCUMENTS = {
  study: "aif analyze",
  verification: "aif verify",
  path: "aif path",
  training: "aif adversarial-train",
  comparison: "aif compare",
  reproduction: "aif reproduce --out",
  coefficients: "--coefficients",
  "worst-cases": "--worst-case",
  predictions: "--predictions",
  settings: "what --settings takes",
} as const;

export type DocumentName = keyof typeof DOCUMENTS;

/** The commands by which documents are also known. */
export const COMMANDS_OF_DOCUMENTS: Readonly<Record<string, DocumentName>> = {
  analyze: "study",
  verify: "verification",
  "adversarial-train": "training",
  compare: "comparison",
  reproduce: "reproduction",
};

/** The JSON schema (draft 7) of one document, or of all of them together. */
export async function schemaOf(name: DocumentName | null): Promise<JsonSchema> {
  const { documents, definitions }: Schemas = JSON.parse(
    await readFile(new URL("../../dist/schemas.json", import.meta.url), "utf8"),
  );
  const $schema = "http://json-schema.org/draft-07/schema#";
  if (name === null) return { $schema, oneOf: Object.values(documents), definitions };
  const document = documents[name];
  return { $schema, ...document, definitions: reachable(document, definitions) };
}

/** The definitions that a schema leads to, in their own order. */
function reachable(schema: JsonSchema, definitions: Schemas["definitions"]): Schemas["definitions"] {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    for (const [, name] of JSON.stringify(part).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)) {
      if (found.has(name)) continue;
      found.add(name);
      visit(definitions[name]);
    }
  };
  visit(schema);
  return Object.fromEntries(Object.entries(definitions).filter(([name]) => found.has(name)));
}
