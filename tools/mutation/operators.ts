/** Every small error that can be made in a source file: another operator, constant or condition, or a statement left out. */
import type { Mutant } from "./mutant.js";

/** What is found in a line, and what stands there instead. */
const SWAPS: readonly (readonly [RegExp, string])[] = [
  [/ \+ /g, " - "],
  [/ - /g, " + "],
  [/ \* /g, " / "],
  [/ \/ /g, " * "],
  [/ \*\* /g, " * "],
  [/ \+= /g, " -= "],
  [/ -= /g, " += "],
  [/ < /g, " >= "],
  [/ <= /g, " < "],
  [/ > /g, " <= "],
  [/ >= /g, " > "],
  [/ === /g, " !== "],
  [/ !== /g, " === "],
  [/ && /g, " || "],
  [/ \|\| /g, " && "],
  [/Math\.max\(/g, "Math.min("],
  [/Math\.min\(/g, "Math.max("],
  [/Math\.(?:abs|sqrt|sign)\(/g, "("],
  [/(?<=[ ([])-(?=[\w(])/g, ""],
  [/(?<![\w.])0\.5(?![\w.])/g, "1"],
  [/(?<![\w.])0(?![\w.])/g, "1"],
  [/(?<![\w.])1(?![\w.])/g, "2"],
  [/(?<![\w.])2(?![\w.])/g, "3"],
];

/** An assignment or a call that is a line of its own; without an `if`, whose `else` may follow. */
const STATEMENT = /^\s+(?:await )?[\w$][\w$.[\] +*-]*(?:\(.*\)|\+\+| (?:[-+*/]?=) .*);$/;
const NO_STATEMENT = /^\s+(?:if|else|const|let|return|throw|type|readonly|private|import|export|break|continue)\b/;

/** How a loop goes on: turned round it would not end. */
const LOOP = /\b(?:for|while) \(/;

/** Lines without a program: comments, imports, messages to people, types. */
const SKIPPED = /^\s*(?:\/?\*|\/\/|import\b|export (?:type|interface|\*)|\} from|readonly .*;$|type\b)|Error\(|phase:/;

/** All mutants of a file, in its order. They differ from the source in one place each, and still parse. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const found: Mutant[] = [];
  let start = 0;
  let inMessage = false;
  for (const line of source.split("\n")) {
    const add = (at: number, text: string, replacement: string): void => {
      found.push({ file, at: start + at, text, replacement });
    };
    // A message that is a line of its own follows the line that opens the error.
    if (!SKIPPED.test(line) && !inMessage) {
      const code = withoutTexts(line);
      for (const [pattern, replacement] of SWAPS) {
        if (LOOP.test(code) && /[-+]=/.test(replacement)) continue;
        for (const match of code.matchAll(pattern)) add(match.index, match[0], replacement);
      }
      const condition = conditionOf(code);
      if (condition)
        for (const value of ["true", "false"]) add(condition.at, line.slice(condition.at, condition.end), value);
      if (STATEMENT.test(line) && !NO_STATEMENT.test(line)) add(0, line, ";");
    }
    inMessage = line.endsWith("Error(");
    start += line.length + 1;
  }
  return found;
}

/** The line with what stands in quotes or after // blanked out, so that places stay the same. */
const withoutTexts = (line: string): string =>
  line.replace(/"(?:[^"\\]|\\.)*"|`[^`]*`|\/\/.*$|`.*$/g, (text) => "#".repeat(text.length));

/** Where the condition of an `if` that is whole in the line begins and ends. */
function conditionOf(line: string): { at: number; end: number } | null {
  const at = line.search(/\bif \(/);
  if (at < 0) return null;
  let depth = 0;
  for (let end = at + 3; end < line.length; end++) {
    if (line[end] === "(") depth++;
    if (line[end] === ")" && --depth === 0) return { at: at + 4, end };
  }
  return null;
}
