import { inputError } from "../errors.js";
import { readInputFile } from "../input-file.js";
import { resolvedOptions } from "./resolved-options.js";
import type { TypedOption } from "./typed-command.js";

/** Results that hold the command that made them, and settings that somebody wrote. */
const SCHEMAS: Readonly<Record<string, string>> = {
  "aif.settings": "",
  "aif.study": "analyze",
  "aif.verification": "verify",
  "aif.path": "path",
  "aif.training-result": "adversarial-train",
  "aif.comparison": "compare",
};
const VERSION = 1;
/** V8 reads no longer text than half a gigabyte; results have a few megabytes. */
const LARGEST = 2 ** 28;

/** A file of settings; `name` and `data` are null where it does not say them. */
export interface FileSettings {
  readonly name: string | null;
  readonly data: string | null;
  /** A result whose rows passed by, which its folder of `--cache` may have decided. */
  readonly passedBy: boolean;
  /** `false`: said not to be given. */
  readonly options: Readonly<Record<string, TypedOption | false>>;
}

/**
 * Reads what `--settings` names: a result, or {"schema": "aif.settings/1", "data": …, "options": {…}}.
 * @throws input: no such file, no JSON, another schema, or one of a newer version
 */
export async function readSettings(path: string): Promise<FileSettings> {
  const text = new TextDecoder().decode(await readInputFile(path, `--settings ${path}`, LARGEST));
  return settingsIn(parsed(text, path), path);
}

function parsed(text: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // What follows says it.
  }
  throw notSettings(path);
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const notSettings = (path: string): Error =>
  inputError(
    `--settings ${path} holds no settings: it takes a result that aif analyze, verify, path, adversarial-train or compare wrote as JSON, or {"schema": "aif.settings/1", "data": "table.csv", "options": {"target": "y"}}.`,
  );

function settingsIn(file: Record<string, unknown>, path: string): FileSettings {
  const [, name, version] =
    /^(aif\.[a-z-]+)\/(\d+)$/.exec(typeof file["schema"] === "string" ? file["schema"] : "") ?? [];
  if (name === undefined || !Object.hasOwn(SCHEMAS, name)) throw notSettings(path);
  if (Number(version) > VERSION) {
    throw inputError(
      `--settings ${path} has the schema ${name}/${version}, and this aif knows ${name}/${VERSION}: use a newer aif, or type the options.`,
    );
  }
  const holder = name === "aif.settings" ? file : (file["command"] ?? ofLibrary(name, file, path));
  if (!isObject(holder) || !isObject(holder["options"])) {
    throw inputError(
      name === "aif.settings"
        ? `--settings ${path} has no "options", an object such as {"target": "y", "norm": "2,inf"}.`
        : `--settings ${path} does not say which options it was made with ("command"): it comes from the library, of whose results only those of analyze() can be run again, so type them.`,
    );
  }
  const data = holder["data"] ?? null;
  if (data !== null && typeof data !== "string")
    throw inputError(`--settings ${path} has a "data" that is no file name.`);
  const { timings } = file;
  const passedBy = isObject(timings) && typeof timings["passes"] === "number";
  return { name: SCHEMAS[name] || null, data, passedBy, options: optionsIn(holder["options"], path) };
}

/** A result of `analyze()`, which was not typed. */
function ofLibrary(name: string, { settings }: Record<string, unknown>, path: string): unknown {
  if (name !== "aif.study" || !isObject(settings)) return null;
  return { data: settings["source"], options: resolvedOptions(settings, path) };
}

const optionsIn = (options: Record<string, unknown>, path: string): FileSettings["options"] =>
  Object.fromEntries(
    Object.entries(options).flatMap(([name, value]): [string, TypedOption | false][] => {
      if (value === null) return [];
      if (typeof value === "boolean") return [[name, value]];
      const words = Array.isArray(value) ? value : [value];
      if (words.every((word) => typeof word === "string" || typeof word === "number"))
        return [[name, words.map(String)]];
      throw inputError(
        `--settings ${path}: "${name}" must be what is typed after --${name} (text, a number or a list of them), or true or false.`,
      );
    }),
  );
