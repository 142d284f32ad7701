/** Characters that JSON allows as they are and that terminals obey or hide: C1 controls, direction marks, line separators. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const treacherous = /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** JSON with two spaces, a newline at its end; numbers that are not finite become null. */
export const toJson = (value: unknown): string => `${JSON.stringify(value, null, 2).replace(treacherous, escaped)}\n`;
