/** What docs/mutation.md says of the errors drawn at random: shares with intervals, and every survivor. */
import type { Judgement } from "./judge-all.js";
import { READINGS, type Reading } from "./readings.js";
import type { SmallError } from "./switches.js";

export interface Stratum {
  /** Or a file. */
  readonly folder: string;
  readonly files: number;
  /** Errors that can be made in the folder's files. */
  readonly possible: number;
  /** How many were put to the compiler, and how many it let through. */
  readonly looked: number;
  readonly compiling: number;
}

/** The normal distribution's 97.5 % point. */
const Z = 1.959963984540054;

/** E. B. Wilson's interval of a share that was k of n in a sample, at 95 %. */
export function shareInterval(k: number, n: number): readonly [number, number] {
  const center = (k + (Z * Z) / 2) / (n + Z * Z);
  const half = (Z / (n + Z * Z)) * Math.sqrt((k * (n - k)) / n + (Z * Z) / 4);
  return [Math.max(0, center - half), Math.min(1, center + half)];
}

const shared = (k: number, n: number): string => {
  if (n === 0) return "–";
  const [low, high] = shareInterval(k, n).map((end) => (100 * end).toFixed(0));
  return `${((100 * k) / n).toFixed(1)} % (${low} to ${high})`;
};

const SRC = "packages/core/src/";

/** The line of a file that an error begins in, and the text that it replaces there. */
export function placeOf(
  { file, start, end }: SmallError,
  source: (file: string) => string,
): { line: string; text: string } {
  const lines = source(file).split("\n");
  const line = lines[start.line];
  const text = start.line === end.line ? line.slice(start.column, end.column) : `${line.slice(start.column)} …`;
  return { line: line.trim(), text };
}

export function readingOf(error: SmallError, source: (file: string) => string): Reading | undefined {
  const { line } = placeOf(error, source);
  return READINGS.find(
    (reading) =>
      SRC + reading.file === error.file &&
      reading.line === line &&
      reading.rule === error.rule &&
      reading.replacement === error.replacement,
  );
}

export function report(
  strata: readonly Stratum[],
  judged: readonly Judgement[],
  source: (file: string) => string,
): string {
  const rows = strata.map(({ folder, files, possible, looked, compiling }) => {
    const those = judged.filter(({ error }) => `${error.file}/`.startsWith(`${SRC}${folder}/`));
    const killed = those.filter(({ killedBy }) => killedBy !== null).length;
    const left = those.filter(({ killedBy }) => killedBy === null);
    const same = left.filter(({ error }) => readingOf(error, source)).length;
    const unmet = left.filter(({ error, met }) => !met && !readingOf(error, source)).length;
    const cells = [
      `\`${folder}\``,
      files,
      possible,
      `${compiling} of ${looked}`,
      those.length,
      killed,
      same,
      unmet,
      left.length - same - unmet,
      shared(killed, those.length),
      shared(killed, those.length - same - unmet),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const survivors = judged.filter(({ killedBy }) => killedBy === null);
  const read = survivors.map(({ error, met }) => {
    const { text, line } = placeOf(error, source);
    const change = `${code(shortened(text))} → ${code(shortened(error.replacement) || "nothing")} in ${code(shortened(line))}`;
    return `| \`${error.file.slice(SRC.length)}\` | ${change} | ${readingOf(error, source)?.why ?? (met ? "open" : "not met")} |`;
  });
  return [
    "| folder | files | possible errors | compile | tried | killed | cannot be seen | not met | open | killed of all (95 %) | killed of those met that can be seen |",
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ...rows,
    "",
    "### Survivors, read",
    "",
    "| where | error | what it changes |",
    "| --- | --- | --- |",
    ...read.toSorted(),
    "",
  ].join("\n");
}

const LONGEST = 70;
const shortened = (text: string): string => {
  const one = text.replace(/\s+/g, " ");
  return one.length > LONGEST ? `${one.slice(0, LONGEST - 2)} …` : one;
};
const code = (text: string): string => `\`${text.replaceAll("|", "\\|").replaceAll("`", "'")}\``;
