// Compiles packages/core/assembly to WebAssembly, with and without fused multiply-add, and writes both as base64 into a
// TypeScript file.
// Nothing happens when the file was made from the same sources by the same compiler.
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const sourceFolder = join(root, "packages/core/assembly");
const outputFile = join(root, "packages/core/src/linalg/portable/kernels.generated.ts");

// Browsers compile modules of up to 4 KB synchronously on the page's own thread.
const LARGEST_MODULE = 4096;

/**
 * Pages of 64 KB: the 64 MB that no product exceeds, so that the memory never grows. Growth detaches an array buffer, and from then
 * on V8 checks every access to any typed array: loops over numbers take two to three times as long in the whole program. Pages that
 * nobody writes to take no memory.
 */
const OWN = ["--initialMemory", "1024"];
/** 256 MB at the most, several times what the largest product takes. */
const SHARED = ["--importMemory", "--sharedMemory", "--initialMemory", "1", "--maximumMemory", "4096"];

const variants = [
  { name: "simd", entry: "index.ts", features: ["simd"], memory: OWN, what: "WebAssembly with 128-bit SIMD." },
  {
    name: "fused",
    entry: "index.ts",
    features: ["simd", "relaxed-simd"],
    memory: OWN,
    what: "The same with fused multiply-add (relaxed SIMD).",
  },
  {
    name: "sharedSimd",
    entry: "shared.ts",
    features: ["simd", "threads"],
    memory: SHARED,
    what: "Products in shared memory, with SIMD.",
  },
  {
    name: "sharedFused",
    entry: "shared.ts",
    features: ["simd", "relaxed-simd", "threads"],
    memory: SHARED,
    what: "The same with fused multiply-add.",
  },
  {
    name: "rows",
    entry: "rows.ts",
    features: ["simd"],
    memory: ["--importMemory"],
    what: "What is done to rows one by one, with SIMD.",
  },
  { name: "losses", entry: "losses.ts", features: ["simd"], memory: [], what: "Losses of rows, with SIMD." },
  { name: "elements", entry: "elements.ts", features: ["simd"], memory: [], what: "Functions of numbers, with SIMD." },
  { name: "gelu", entry: "gelu.ts", features: ["simd"], memory: [], what: "xΦ(x) of numbers, with SIMD." },
  {
    name: "normals",
    entry: "normals.ts",
    features: [],
    memory: ["--initialMemory", "1"],
    what: "What normal numbers are made of.",
  },
];

async function fingerprint() {
  const hash = createHash("sha256");
  const compiler = createRequire(import.meta.url).resolve("assemblyscript/package.json");
  hash.update(JSON.parse(await readFile(compiler, "utf8")).version);
  hash.update(await readFile(fileURLToPath(import.meta.url)));
  for (const file of (await readdir(sourceFolder)).toSorted()) {
    hash.update(file);
    hash.update(await readFile(join(sourceFolder, file)));
  }
  return hash.digest("hex");
}

async function compile(asc, { name, entry, features, memory }) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      entry,
      "--baseDir",
      sourceFolder,
      "--outFile",
      "kernels.wasm",
      "--optimizeLevel",
      "3",
      "--shrinkLevel",
      "1",
      "--noAssert",
      "--runtime",
      "stub",
      ...memory,
      ...features.flatMap((feature) => ["--enable", feature]),
    ],
    {
      writeFile: (_file, contents) => {
        binary = contents;
      },
    },
  );
  if (error) throw new Error(`The ${name} kernels do not compile:\n${stderr.toString()}`, { cause: error });
  if (binary.length > LARGEST_MODULE) {
    throw new Error(`The ${name} kernels take ${binary.length} bytes, and browsers allow ${LARGEST_MODULE}.`);
  }
  return binary;
}

async function build() {
  const header = `// Made by tools/build-kernels.mjs from ${await fingerprint()}`;
  const existing = await readFile(outputFile, "utf8").catch(() => "");
  if (existing.startsWith(header)) return;
  const asc = await import("assemblyscript/asc");
  const constants = [];
  for (const variant of variants) {
    const binary = await compile(asc, variant);
    const base64 = Buffer.from(binary).toString("base64");
    constants.push(
      `/** ${variant.what} ${binary.length} bytes in base64. */\nexport const ${variant.name} =\n  "${base64}";\n`,
    );
  }
  // A rename is atomic: nobody who builds at the same time reads half a file.
  await mkdir(dirname(outputFile), { recursive: true });
  const temporary = `${outputFile}.${process.pid}`;
  await writeFile(temporary, `${header}\n${constants.join("\n")}`);
  await rename(temporary, outputFile);
}

await build();
