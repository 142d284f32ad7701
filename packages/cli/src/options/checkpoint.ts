import { readPath } from "./file-name.js";
import { flag, single } from "./rule.js";

export const checkpointHeading = "Checkpoint:";

/** A file for unfinished work. @param what is kept there, for people */
export const checkpointRules = (what: string) => ({
  checkpoint: single({ flags: "--checkpoint <file>", help: what }, null, readPath),
  resume: flag({ flags: "--resume", help: "go on from the file of --checkpoint" }, false),
});

/** What is kept of an analysis by passes over the rows. */
export const analysisCheckpointOptions = {
  heading: checkpointHeading,
  rules: checkpointRules("keep what is found out so far there, until the end; the rows are streamed"),
};
