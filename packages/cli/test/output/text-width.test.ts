/** Estimated widths against the widths that Adobe publishes for Helvetica (thousandths of the font size). */
import { expect, test } from "vitest";
import { textWidth } from "../../src/output/text-width.js";

const lower = [
  556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722,
  500, 500, 500,
];
const upper = [
  667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944,
  667, 667, 611,
];
const signs: Readonly<Record<string, number>> = {
  " ": 278,
  ",": 278,
  ".": 278,
  ":": 278,
  "(": 333,
  ")": 333,
  "-": 333,
  "=": 584,
};

function published(character: string): number {
  if (/[a-z]/.test(character)) return lower[character.charCodeAt(0) - 97];
  if (/[A-Z]/.test(character)) return upper[character.charCodeAt(0) - 65];
  return /\d/.test(character) ? 556 : signs[character];
}

test.each([
  "Figure 1: errors of the influence and of the sensitivity",
  "n = 500, linear model, loss on the training rows",
  "kink radius 0.014",
  "relative size of the attack (radius in the norm, c = 1.27)",
  "ILLUMINATION",
  "PGD",
])("%s", (text) => {
  const true_ = Array.from(text).reduce((sum, character) => sum + published(character), 0) / 1000;
  const share = textWidth(text, 11) / (11 * true_);
  expect(share).toBeGreaterThan(1);
  expect(share).toBeLessThan(1.15);
});

test("a combining accent takes no room", () => {
  expect(textWidth("θ\u0302", 10)).toBe(textWidth("θ", 10));
  expect(textWidth("", 10)).toBe(0);
});
