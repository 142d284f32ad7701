/** Whole terminal commands: CSI (ESC [ … or C1), OSC and the like up to their end, two-character escapes. */
const commands =
  // oxlint-disable-next-line no-control-regex
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]P_^X]|[\u009d\u0090\u009f\u009e\u0098])[^\u0007\u001b\u009c]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]/g;

/** Line breaks and tabs, which stay visible. */
const breaks: Readonly<Record<string, string>> = { "\n": "␊", "\r": "␍", "\t": "␉", "\u2028": "␊", "\u2029": "␊" };

/** What reverses, hides or joins text: controls, direction marks and overrides, zero-width and tag characters. */
const hidden =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/**
 * A text that comes from data or a file's name, safe to print on a terminal: one line, nothing that a terminal obeys,
 * nothing that shows other letters than there are.
 */
export const clean = (text: string): string =>
  text
    .replace(/\p{Surrogate}/gu, "\ufffd")
    .replace(commands, "")
    .replace(/[\n\r\t\u2028\u2029]/g, (character) => breaks[character])
    .replace(hidden, "");
