import { AifError } from "@aif/core";
import { CommanderError } from "commander";
import { describe, expect, it } from "vitest";
import { endingOf } from "../src/failure.js";

describe("the ending of an error", () => {
  it.each([
    [new AifError("usage", "No."), 2, "No."],
    [new AifError("input", "Bad \u001b[31mfile\n."), 1, "Bad file␊."],
    [new AifError("numerical", "Separable."), 1, "Separable."],
    [new AifError("resource", "Full."), 1, "Full."],
    [new AifError("cancelled", "Cancelled."), 130, "Interrupted; nothing was written."],
    [new RangeError("Array buffer allocation failed"), 1, expect.stringContaining("does not fit into memory")],
    [new CommanderError(0, "commander.helpDisplayed", "(outputHelp)"), 0, null],
    [new CommanderError(1, "commander.help", "(outputHelp)"), 2, null],
    [
      new CommanderError(1, "commander.unknownOption", "error: unknown option '--x'\n(Did you mean one of --y, --z?)"),
      2,
      "Unknown option '--x'; did you mean one of --y, --z?",
    ],
    [new TypeError("x is undefined"), 1, expect.stringMatching(/^internal error: x is undefined; please report it/)],
    ["thrown text", 1, expect.stringMatching(/^internal error: thrown text;/)],
  ])("%s", (error, code, sentence) => {
    expect(endingOf(error)).toEqual({ code, sentence });
  });
});
