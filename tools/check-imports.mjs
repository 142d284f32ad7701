/**
 * Which way imports point. Each folder of core/src lists the folders it may use; nothing else is allowed, no file may be
 * part of a circle, and a file that is not named *.node.ts may neither import Node nor (but on demand) a file that is.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const GROUND = ["linalg", "stats", "parallel", "data", "autodiff"];
const PARTS = ["models", "threats", "solvers"];
const METHOD = ["influence", "robust", "theory"];
const MAY_USE = {
  linalg: [],
  stats: ["linalg"],
  parallel: ["linalg"],
  data: ["linalg", "stats", "parallel"],
  autodiff: ["linalg", "stats"],
  models: GROUND,
  threats: GROUND,
  solvers: [...GROUND, "models", "threats"],
  robust: [...GROUND, ...PARTS],
  theory: ["stats", "threats", "linalg"],
  influence: [...GROUND, ...PARTS, "robust"],
  charts: ["study"],
  study: [...GROUND, ...PARTS, ...METHOD],
  experiments: [...GROUND, ...PARTS, ...METHOD, "study", "charts"],
};

const root = resolve(import.meta.dirname ?? dirname(new URL(import.meta.url).pathname), "..");
const problems = [];
const graph = new Map();

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory()
      ? sources(path)
      : /\.tsx?$/.test(entry.name) && !entry.name.endsWith(".d.ts")
        ? [path]
        : [];
  });
}

function importsOf(file) {
  const text = readFileSync(file, "utf8");
  const statements = text.matchAll(
    /^\s*(?:import|export)\s+(type\s+)?[^;'"]*?from\s+["']([^"']+)["']|^\s*import\s+["']([^"']+)["']/gm,
  );
  return [...statements].map((match) => ({ typeOnly: Boolean(match[1]), name: match[2] ?? match[3] }));
}

for (const name of ["core", "cli"]) {
  const base = join(root, "packages", name, "src");
  for (const file of sources(base)) {
    const here = relative(base, file);
    const local = [];
    for (const { typeOnly, name: imported } of importsOf(file)) {
      if (imported.startsWith("node:") && name === "core" && !file.endsWith(".node.ts")) {
        problems.push(`${here}: imports ${imported}, but only *.node.ts files may`);
      }
      if (!imported.startsWith(".")) {
        if (name === "core" && imported.startsWith("@aif/")) problems.push(`${here}: core may not import ${imported}`);
        continue;
      }
      const target = resolve(dirname(file), imported.replace(/\.js$/, ".ts"));
      if (!typeOnly) local.push(target);
      if (name !== "core") continue;
      if (target.endsWith(".node.ts") && !file.endsWith(".node.ts") && !typeOnly && here !== "node.ts") {
        problems.push(`${here}: loads ${imported} at once; Node's files are imported on demand`);
      }
      const [from, to] = [here, relative(base, target)].map((path) => (path.includes("/") ? path.split("/")[0] : null));
      if (from !== null && to !== null && from !== to && !MAY_USE[from]?.includes(to)) {
        problems.push(`${here}: ${from} may not import ${to} (${imported})`);
      }
    }
    graph.set(file, local);
  }
}

const state = new Map();
function visit(file, trail) {
  if (state.get(file) === "done") return;
  if (state.get(file) === "open") {
    const circle = [...trail.slice(trail.indexOf(file)), file].map((path) => relative(root, path));
    problems.push(`circle: ${circle.join(" → ")}`);
    return;
  }
  state.set(file, "open");
  for (const next of graph.get(file) ?? []) visit(next, [...trail, file]);
  state.set(file, "done");
}
for (const file of graph.keys()) visit(file, []);

if (problems.length > 0) {
  console.error(problems.join("\n"));
  process.exit(1);
}
console.log(`imports: ${graph.size} files, all pointing the right way, no circles`);
