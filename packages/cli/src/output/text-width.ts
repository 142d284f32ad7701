/** Widths of characters of Helvetica, Arial and Liberation Sans, as shares of the font size; the first rule that fits counts. */
const rules: readonly (readonly [RegExp, number])[] = [
  [/\p{M}/u, 0],
  [/[ijl'|′]/, 0.22],
  [/[ftrI.,:;!/\\()[\]{}·\- ]/, 0.3],
  [/[⁰¹²³⁴⁵⁶⁷⁸⁹⁻₀₁₂₃₄₅₆₇₈₉]/, 0.36],
  [/[mM%W—]/, 0.87],
  [/[\p{Lu}w]/u, 0.7],
];
/** Lower-case letters, digits and signs. */
const usual = 0.56;
/** Bold letters are wider, and a fallback font may be. */
const allowance = 1.05;

/** How wide a text is drawn, in pixels, where no font is at hand to measure it with. */
export function textWidth(text: string, fontSize: number): number {
  let width = 0;
  for (const character of text) width += rules.find(([pattern]) => pattern.test(character))?.[1] ?? usual;
  return allowance * width * fontSize;
}
