// Writes packages/cli/dist/schemas.json, from which `aif schema` prints: the JSON schema of every document that the command line
// writes, made of the types that it is written with; doc comments become descriptions. Nothing happens when the file was made
// from the same declarations by the same script.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const output = join(root, "packages/cli/dist/schemas.json");
const source = join(root, "packages/cli/src/recorded/documents.ts");
const core = join(root, "packages/core/dist");

/** By the name that `aif schema` knows them under. */
const DOCUMENTS = {
  study: "StudyDocument",
  verification: "VerificationDocument",
  path: "PathDocument",
  training: "TrainingDocument",
  comparison: "ComparisonDocument",
  reproduction: "ReproductionDocument",
  coefficients: "CoefficientsDocument",
  "worst-cases": "WorstCasesDocument",
  predictions: "PredictionsDocument",
  settings: "SettingsDocument",
};

function fingerprint() {
  const declarations = readdirSync(core, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".d.ts"))
    .toSorted();
  const files = [
    fileURLToPath(import.meta.url),
    source,
    join(source, "../typed-command.ts"),
    ...declarations.map((file) => join(core, file)),
  ];
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(file));
  return hash.digest("hex");
}

/** New names of those definitions of a document that other types of the same name took before. */
const ownNames = (own, taken, document) =>
  new Map(
    Object.keys(own)
      .filter((name) => name in taken && JSON.stringify(taken[name]) !== JSON.stringify(own[name]))
      .map((name) => [name, `${document}.${name}`]),
  );

const withNames = (part, names) =>
  JSON.parse(
    JSON.stringify(part).replaceAll(/"#\/definitions\/([^"]+)"/g, (whole, name) =>
      names.has(name) ? `"#/definitions/${names.get(name)}"` : whole,
    ),
  );

/** Documents by name, and the definitions that they share. */
async function schemas() {
  const { createGenerator } = await import("ts-json-schema-generator");
  const generator = createGenerator({
    path: source,
    tsconfig: join(root, "packages/cli/tsconfig.json"),
    // Within a version fields may be added.
    additionalProperties: true,
    topRef: false,
    skipTypeCheck: true,
  });
  const definitions = {};
  const documents = Object.fromEntries(
    Object.entries(DOCUMENTS).map(([name, type]) => {
      const { $schema: _, definitions: own = {}, ...document } = generator.createSchema(type);
      const names = ownNames(own, definitions, name);
      for (const [old, definition] of Object.entries(own)) {
        definitions[names.get(old) ?? old] = withNames(definition, names);
      }
      return [name, withNames(document, names)];
    }),
  );
  return { documents, definitions };
}

function existing() {
  try {
    return JSON.parse(readFileSync(output, "utf8"));
  } catch {
    return null;
  }
}

const made = fingerprint();
if (existing()?.madeFrom !== made) writeFileSync(output, JSON.stringify({ madeFrom: made, ...(await schemas()) }));
