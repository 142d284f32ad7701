/** What the page asks for: a table and options of the command line. It is kept in the address, so that a link holds it. */

export interface Settings {
  readonly table: string;
  readonly target: string;
  readonly model: string;
  readonly norms: readonly string[];
  readonly l2: string;
  /** What is done about missing cells: "error" says where they are. */
  readonly missing: string;
  /** Columns that the adversary cannot touch, beside those that are frozen anyway. */
  readonly freeze: readonly string[];
  /** Columns that the model does not see. */
  readonly exclude: readonly string[];
  readonly evaluation: string;
  /** Further options, as typed. */
  readonly further: string;
}

export const EMPTY: Settings = {
  table: "",
  target: "",
  model: "",
  norms: ["2"],
  l2: "",
  missing: "error",
  freeze: [],
  exclude: [],
  evaluation: "cv:10",
  further: "",
};

/** The address without its leading "#/": "analyze?table=…". */
export function toAddress(settings: Settings): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(settings)) {
    const text: string = Array.isArray(value)
      ? value.map((part: string) => encodeURIComponent(part)).join(",")
      : String(value);
    const standard = EMPTY[name as keyof Settings];
    if (text !== (Array.isArray(standard) ? standard.join(",") : standard)) words.set(name, text);
  }
  return `analyze?${words.toString()}`;
}

export function fromAddress(hash: string): Settings {
  const words = new URLSearchParams(hash.slice(hash.indexOf("?") + 1));
  const text = (name: keyof Settings): string => words.get(name) ?? String(EMPTY[name]);
  const list = (name: "norms" | "freeze" | "exclude"): string[] => {
    const given = words.get(name);
    if (given === null) return [...EMPTY[name]];
    return given === "" ? [] : given.split(",").map((part) => decodeURIComponent(part));
  };
  return {
    table: text("table"),
    target: text("target"),
    model: text("model"),
    norms: list("norms"),
    l2: text("l2"),
    missing: text("missing"),
    freeze: list("freeze"),
    exclude: list("exclude"),
    evaluation: text("evaluation"),
    further: text("further"),
  };
}

export type Option = readonly [string] | readonly [string, string];

/** Names as the command line takes a list of them: those with commas in quotes. */
const listed = (names: readonly string[]): string =>
  names.map((name) => (/[",]|^\s|\s$/.test(name) ? `"${name.replaceAll('"', '""')}"` : name)).join(",");

/** The options of the command line. @throws Error: further options that cannot be read. */
export function optionsOf(settings: Settings): Option[] {
  const { target, model, norms, l2, missing, freeze, exclude, evaluation, further } = settings;
  return [
    ["--target", target],
    ...(model === "" ? [] : [["--model", model] as const]),
    ["--norm", norms.join(",")],
    ...(l2.trim() === "" ? [] : [["--l2", l2.trim()] as const]),
    ...(missing === "error" ? [] : [["--missing", missing] as const]),
    ...(freeze.length === 0 ? [] : [["--freeze", listed(freeze)] as const]),
    ...(exclude.length === 0 ? [] : [["--exclude", listed(exclude)] as const]),
    ["--evaluation", evaluation],
    ...furtherOptions(further),
  ];
}

/** "--seed 3 --no-intercept" in pairs. @throws Error */
function furtherOptions(text: string): Option[] {
  const words = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? match[3]);
  const options: Option[] = [];
  for (let k = 0; k < words.length; k++) {
    const [flag, ...rest] = words[k].split("=");
    if (!flag.startsWith("--"))
      throw new Error(`Further options are written as on the command line, such as --seed 3; "${words[k]}" is none.`);
    if (rest.length > 0) options.push([flag, rest.join("=")]);
    else if (k + 1 < words.length && !words[k + 1].startsWith("--")) options.push([flag, words[++k]]);
    else options.push([flag]);
  }
  return options;
}

/** The same in a terminal. */
export function commandOf(command: string, file: string, settings: Settings): string {
  const typed = (word: string): string => (/^[\w./:=,@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
  return ["aif", command, typed(file), ...optionsOf(settings).flatMap((option) => option.map(typed))].join(" ");
}
