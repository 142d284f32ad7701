import type { Flag } from "@aif/core";
import { clean } from "./clean.js";
import { shorten, wrap } from "./layout.js";
import type { Paint } from "./page.js";

/** Of flags with the same code, this many are shown. */
const shownOfACode = 3;
const longestMessage = 600;

/** Numbered notes and warnings; the advice of a code is given once. */
export function noteLines(flags: readonly Flag[], paint: Paint): string[] {
  if (flags.length === 0) return [];
  const paints: Readonly<Record<Flag["level"], (text: string) => string>> = {
    note: (text) => text,
    warning: paint.warning,
    error: paint.error,
  };
  const codes = [...new Set(flags.map(({ code }) => code))];
  const lines = [paint.heading("Notes and warnings")];
  let number = 0;
  for (const code of codes) {
    const alike = flags.filter((flag) => flag.code === code);
    for (const { level, message } of alike.slice(0, shownOfACode)) {
      number++;
      const text = `${level} [${code}] ${shorten(clean(message), longestMessage)}`;
      lines.push(...numbered(number, text).map(paints[level]));
    }
    const more = alike.length - shownOfACode;
    if (more > 0) lines.push(`     and ${more} more of this kind, all in --format json`);
    lines.push(...wrap(clean(alike[0].help), { indent: 5 }).map(paint.faint));
  }
  return lines;
}

function numbered(number: number, text: string): string[] {
  const [first, ...others] = wrap(text, { indent: 5 });
  return [`${String(number).padStart(3)}. ${first.slice(5)}`, ...others];
}
