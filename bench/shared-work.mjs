// One thread that does the work of `aif compare` or of a bootstrap by itself, with as many threads of the linear algebra as AIF_THREADS
// says: what the command line does not do. node bench/shared-work.mjs compare|analyze <table> <settings and family as JSON>
import { analyze, compare, DEFAULT_SETTINGS, ensureBlas, readTable } from "@aif/core";

const [kind, path, given] = process.argv.slice(2);
const { settings, family } = JSON.parse(given);
await ensureBlas();
const table = await readTable(path);
const input = { table, settings: { ...DEFAULT_SETTINGS, ...settings } };
await (kind === "compare" ? compare({ ...input, family }) : analyze(input));
