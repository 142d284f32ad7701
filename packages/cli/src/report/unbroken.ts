import { type Html, trusted } from "./html.js";

/** Elements whose text is no prose, any other tag, or text between tags. */
const PIECES = /<(svg|pre|button|script|style)\b.*?<\/\1>|<[^>]*>|[^<]+/gs;

/** A number as the program writes it. */
const NUMBER = String.raw`[+-]?\d(?:[\d.]*\d)?(?:e[+-]?\d+)?`;

/** What a browser would tear apart at hyphens and blanks, by what it is. */
const TOGETHER = [
  String.raw`(?<![\w-])--[A-Za-z][\w-]*(?: ${NUMBER})?`, // an option, with its value where that is a number
  String.raw`(?:\d[\d.]*|∞)-norm`,
  String.raw`[ερσλp] = (?:${NUMBER}|∞)`,
  String.raw`${NUMBER} %`,
];
const together = new RegExp(TOGETHER.join("|"), "g");

/** The same HTML, with each of these on one line. What is copied from the page is the same text. */
export const unbroken = (body: Html): Html =>
  trusted(
    body.text.replace(PIECES, (piece) =>
      piece.startsWith("<") ? piece : piece.replace(together, '<span class="whole">$&</span>'),
    ),
  );
