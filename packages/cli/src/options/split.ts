import { usageError } from "../errors.js";

/** One item of a comma list. */
interface Item {
  readonly name: string;
  /** What follows `=`; null where there is none. */
  readonly value: string | null;
}

/**
 * Splits a comma list of column names, as the shell hands it over:
 *
 *     a, b                 two names; blanks around a name do not count
 *     "a,b" , "say ""x"""  names in double quotes are taken as they are, newlines included; "" is one quote
 *     a""b                 a quote that does not open an item is an ordinary character
 *
 * @throws AifError "usage" for an empty item, a quote that never closes, or characters after a closing quote
 */
export function splitNames(text: string, option: string): string[] {
  return splitItems(text, option, false).map((item) => item.name);
}

/**
 * Splits a comma list of `name=value`. Names as in `splitNames`; an unquoted name may hold `=`, since the value starts after
 * the last one: `x=1=.5` gives column `x=1` the value `.5`.
 */
export function splitPairs(text: string, option: string): { name: string; value: string }[] {
  return splitItems(text, option, true).map(({ name, value }) => {
    if (value !== null && name !== "") return { name, value };
    throw usageError(`${option} takes name=value pairs separated by commas, and "${text}" is not of that form.`);
  });
}

function splitItems(text: string, option: string, pairs: boolean): Item[] {
  const items: Item[] = [];
  let at = 0;
  for (;;) {
    const { item, end } = readItem(text, at, option, pairs);
    items.push(item);
    if (end >= text.length) return items;
    at = end + 1;
  }
}

function readItem(text: string, start: number, option: string, pairs: boolean): { item: Item; end: number } {
  const first = skipBlanks(text, start);
  return text[first] === '"' ? readQuoted(text, first, option, pairs) : readPlain(text, first, option, pairs);
}

function readPlain(text: string, start: number, option: string, pairs: boolean): { item: Item; end: number } {
  const end = endOfItem(text, start);
  const content = text.slice(start, end).trim();
  if (content === "") throw usageError(`${option} has an empty item in "${text}"; write names separated by commas.`);
  const equals = pairs ? content.lastIndexOf("=") : -1;
  const item =
    equals < 0
      ? { name: content, value: null }
      : { name: content.slice(0, equals).trim(), value: content.slice(equals + 1).trim() };
  return { item, end };
}

function readQuoted(text: string, start: number, option: string, pairs: boolean): { item: Item; end: number } {
  const quotation = /"((?:[^"]|"")*)"/y;
  quotation.lastIndex = start;
  const found = quotation.exec(text);
  if (!found) throw usageError(`${option} has a double quote that never closes in "${text}".`);
  const name = found[1].replaceAll('""', '"');
  const end = endOfItem(text, quotation.lastIndex);
  const rest = text.slice(quotation.lastIndex, end).trim();
  if (rest === "") return { item: { name, value: null }, end };
  if (pairs && rest.startsWith("=")) return { item: { name, value: rest.slice(1).trim() }, end };
  throw usageError(`${option} has "${rest}" after a closing quote in "${text}"; separate names by commas.`);
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (at < text.length && text[at].trim() === "") at++;
  return at;
}

function endOfItem(text: string, start: number): number {
  const comma = text.indexOf(",", start);
  return comma < 0 ? text.length : comma;
}
