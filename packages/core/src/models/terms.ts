import { usageError } from "../errors.js";
import type { Term } from "./monomial-map.js";

/**
 * Reads "x1, x2, x1*x2, x1^2/4": monomials separated by commas, factors by `*`, a whole power after `^`, numbers as factors or
 * after `/`. Names with other characters than letters, digits, _ and . stand between backquotes: `` `living area`^2 ``.
 * @throws usage: naming the term and what was not understood.
 */
export function parseMonomials(text: string, features: readonly string[]): Term[] {
  const index = new Map(features.map((name, k) => [name, k]));
  const terms = splitOutsideQuotes(text, ",").map((term) => parseMonomial(term.trim(), index));
  if (terms.length === 0) throw usageError('A basis needs at least one term, such as "basis:x1,x1^2".');
  const seen = new Set<string>();
  for (const term of terms) {
    const key = term.factors
      .map(({ input, power }) => `${input}^${power}`)
      .sort()
      .join("*");
    if (key === "") throw usageError(`The basis term "${term.name}" is a constant: the intercept is already there.`);
    if (seen.has(key)) throw usageError(`The basis term "${term.name}" stands twice up to a factor: leave one out.`);
    seen.add(key);
  }
  return terms;
}

function parseMonomial(term: string, index: ReadonlyMap<string, number>): Term {
  let coefficient = 1;
  const powers = new Map<number, number>();
  const tokens = tokenize(term);
  let divide = false;
  for (let at = 0; at < tokens.length; at++) {
    const token = tokens[at];
    const number = token.quoted ? Number.NaN : Number(token.text);
    if (Number.isFinite(number) && !(index.has(token.text) && !divide)) {
      if (number === 0) throw usageError(`The basis term "${term}" has the factor 0.`);
      coefficient = divide ? coefficient / number : coefficient * number;
    } else {
      const input = index.get(token.text);
      if (input === undefined) throw usageError(unknownFeature(term, token.text, index));
      if (divide) throw usageError(`The basis term "${term}" divides by a feature: only numbers may stand after "/".`);
      let power = 1;
      if (tokens[at + 1]?.text === "^" && !tokens[at + 1].quoted) {
        power = Number(tokens[at + 2]?.text);
        if (!Number.isInteger(power) || power < 1 || power > 20) {
          throw usageError(`The basis term "${term}" needs a whole power from 1 to 20 after "^".`);
        }
        at += 2;
      }
      powers.set(input, (powers.get(input) ?? 0) + power);
    }
    const operator = tokens[at + 1];
    if (operator === undefined) break;
    if (operator.quoted || (operator.text !== "*" && operator.text !== "/") || at + 2 >= tokens.length) {
      throw usageError(
        `The basis term "${term}" cannot be read at "${operator.text}": write factors as a*b, a^2 or a/4.`,
      );
    }
    divide = operator.text === "/";
    at += 1;
  }
  if (!(Math.abs(coefficient) > 0 && Math.abs(coefficient) < Infinity))
    throw usageError(
      `The basis term "${term}" has the factor ${coefficient}: numbers must stay within what can be computed.`,
    );
  if (tokens.length === 0) throw usageError("The basis has an empty term: look for a doubled or trailing comma.");
  return { name: term, coefficient, factors: [...powers].map(([input, power]) => ({ input, power })) };
}

interface Token {
  readonly text: string;
  readonly quoted: boolean;
}

function tokenize(term: string): Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:`([^`]*)`|([*/^])|([^*/^`\s][^*/^`]*))/gy;
  while (pattern.lastIndex < term.length) {
    const at = pattern.lastIndex;
    const match = pattern.exec(term);
    if (!match) throw usageError(`The basis term "${term}" cannot be read at "${term.slice(at)}".`);
    tokens.push(
      match[1] !== undefined
        ? { text: match[1], quoted: true }
        : { text: (match[2] ?? match[3] ?? "").trim(), quoted: false },
    );
  }
  return tokens;
}

function splitOutsideQuotes(text: string, separator: string): string[] {
  if (!text.includes("`")) return text.split(separator);
  const parts = [""];
  let quoted = false;
  for (const character of text) {
    if (character === "`") quoted = !quoted;
    if (character === separator && !quoted) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts;
}

function unknownFeature(term: string, name: string, index: ReadonlyMap<string, number>): string {
  const known = [...index.keys()].slice(0, 10).join(", ");
  return `The basis term "${term}" names "${name}", which is no feature; features are ${known}${index.size > 10 ? ", …" : ""}.`;
}
