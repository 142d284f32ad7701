// Joins the modules of @aif/core into a few files for Node, which starts in a third of the time on them; browsers and bundlers
// get the modules one by one, and take what they use.
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const dist = join(dirname(fileURLToPath(import.meta.url)), "../packages/core/dist");
const bundle = join(dist, "bundle");

/** The compiler leaves what it made of sources that have gone since. */
const isOfSource = (file) => existsSync(join(dist, "../src", file.replace(/\.js$/, ".ts")));

/** Everything that is loaded by its file name: the package's two doors, what only Node can do, threads. */
function entries() {
  const files = readdirSync(dist, { recursive: true, encoding: "utf8" }).filter(
    (file) => file.endsWith(".js") && !file.startsWith("bundle") && isOfSource(file),
  );
  const found = new Map(["index.js", "node.js"].map((file) => [basename(file, ".js"), join(dist, file)]));
  const add = (file) => {
    const name = basename(file, ".js");
    if ((found.get(name) ?? file) !== file)
      throw new Error(`${found.get(name)} and ${file} need two names in the bundle.`);
    found.set(name, file);
  };
  for (const file of files) {
    if (file.endsWith(".node.js")) add(join(dist, file));
    for (const [, path] of readFileSync(join(dist, file), "utf8").matchAll(
      /new URL\("([^"]+)", import\.meta\.url\)/g,
    )) {
      // In the bundle all files lie side by side.
      if (!/^\.\/[^/]+\.js$/.test(path)) throw new Error(`${file} loads ${path}, which does not lie beside it.`);
      add(join(dist, dirname(file), path));
    }
  }
  return Object.fromEntries(found);
}

rmSync(bundle, { recursive: true, force: true });
await build({
  entryPoints: entries(),
  outdir: bundle,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "warning",
});
