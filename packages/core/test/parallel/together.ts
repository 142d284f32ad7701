import { Meeting } from "../../src/parallel/meeting.js";
import type { Ranks } from "../../src/parallel/ranks.js";

/** Ranks in one thread: what `work` does on each of them, at once. */
export function together<T>(size: number, work: (ranks: Ranks) => Promise<T>): Promise<T[]> {
  const meeting = new Meeting(size);
  return Promise.all(Array.from({ length: size }, (_, rank) => work(meeting.ranks(rank))));
}
