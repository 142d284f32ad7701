const missingTexts: ReadonlySet<string> = new Set(["", "NA", "N/A", "nan", "NaN", "null", "NULL", "?", "."]);
const infiniteText = /^[+-]?inf(inity)?$/i;

/** Whether a trimmed cell of text stands for "no value". */
export const isMissingText = (text: string): boolean => text.length <= 4 && missingTexts.has(text);

/** Whether a trimmed cell of text is an infinite number as other programs write it. */
export const isInfiniteText = (text: string): boolean => text.length <= 9 && infiniteText.test(text);
