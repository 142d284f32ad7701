/** Names from data, which may be of any length and hold anything, in a picture. */

/** Without what a picture cannot hold (controls, broken characters) and what hides or reverses text. */
const visible = (name: string): string =>
  name.replace(/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/gu, "\ufffd").replace(/\p{Cf}/gu, "");

/** At most so many characters: the beginning and the end, with … between them. */
export function brief(name: string, length: number): string {
  const characters = Array.from(visible(name));
  if (characters.length <= length) return characters.join("");
  const head = Math.ceil((length - 1) / 2);
  return `${characters.slice(0, head).join("")}…${characters.slice(characters.length - (length - 1 - head)).join("")}`;
}

/** The same for names that must stay apart: those that have become alike are numbered. */
export function distinct(names: readonly string[], length: number): string[] {
  const taken = new Map<string, number>();
  return names.map((name) => {
    const short = brief(name, length);
    const before = taken.get(short) ?? 0;
    taken.set(short, before + 1);
    return before === 0 ? short : `${short} (${before + 1})`;
  });
}

/** What stands for name k in the data: the renderer takes words such as "constructor" for its own. */
export const keyOf = (k: number): string => `k${k}`;

/** The expression by which an axis or a legend writes the names instead of their keys; the blank before each is no part of it. */
export const labelsOf = (names: readonly string[]): string =>
  `slice(${JSON.stringify(names.map((name) => ` ${name}`))}[toNumber(slice(datum.value, ${keyOf(0).length - 1}))], 1)`;
