import { raise } from "../flags.js";
import type { Flag } from "../result.js";

/** What is said of every result whose rows passed by. @param left what it leaves out for that, each with its reason */
export const passingFlags = (left: readonly string[] = []): Flag[] => [
  raise("streamed", "The rows passed by block by block."),
  ...(left.length > 0 ? [raise("left-out-streamed", `Left out: ${left.join(", and ")}.`)] : []),
];
