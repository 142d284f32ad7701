/** Ctrl-C during work of which something has been kept; the message says what, and how to go on. */
export class Interruption extends Error {
  override readonly name = "Interruption";
}
