// Bundles the few special functions that the library needs of stdlib into one file, so that users do not install its 200
// packages. Nothing happens when the file was made from the same versions by the same script.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const output = join(root, "packages/core/src/stats/special.generated.ts");
const names = ["erfcinv", "gammainc", "gammaincinv"];
const packageOf = (name) => `@stdlib/math-base-special-${name}`;

const require = createRequire(import.meta.url);
const hash = createHash("sha256").update(await readFile(fileURLToPath(import.meta.url)));
for (const name of names) hash.update(await readFile(require.resolve(`${packageOf(name)}/package.json`)));
const fingerprint = `// ${hash.digest("hex")}`;

const current = await readFile(output, "utf8").catch(() => "");
if (!current.includes(fingerprint)) {
  const { build } = await import("esbuild");
  const { outputFiles } = await build({
    stdin: {
      contents: names.map((name) => `export { default as ${name} } from "${packageOf(name)}";`).join("\n"),
      resolveDir: root,
    },
    bundle: true,
    format: "esm",
    platform: "browser",
    minify: true,
    legalComments: "none",
    write: false,
  });
  const head = [
    fingerprint,
    "// stdlib (https://stdlib.io), Apache License 2.0: bundled by tools/build-distributions.mjs.",
    "// @ts-nocheck",
  ];
  await writeFile(output, `${head.join("\n")}\n${outputFiles[0].text}`);
}
