import { pack, unpack } from "./parcel.js";
import type { Ranks } from "./ranks.js";

/**
 * Tasks dealt to the ranks by their number, like cards, and what they give, in order, on every rank. A task must depend on its
 * number alone.
 * @param task gives plain data: what JSON and typed arrays can hold.
 * @throws what a task throws on any rank
 */
export async function deal<T>(ranks: Ranks, count: number, task: (k: number) => Promise<T>): Promise<T[]> {
  const own: T[] = [];
  for (let k = ranks.rank; k < count; k += ranks.size) own.push(await task(k));
  if (ranks.size === 1) return own;
  const hands = await exchange(ranks, own);
  return Array.from({ length: count }, (_, k) => hands[k % ranks.size][Math.floor(k / ranks.size)]);
}

/** What every rank has, in the order of the ranks, on every rank: plain data, what JSON and typed arrays can hold. */
export async function exchange<T>(ranks: Ranks, own: T): Promise<T[]> {
  const { text, numbers } = pack(own);
  const length = numbers.reduce((total, array) => total + array.length, 0);
  const letters = (await ranks.gather(JSON.stringify({ text, length }))).map(
    (letter): { text: string; length: number } => JSON.parse(letter),
  );
  const starts: number[] = [];
  let total = 0;
  for (const letter of letters) {
    starts.push(total);
    total += letter.length;
  }
  const all = new Float64Array(total);
  let at = starts[ranks.rank];
  for (const array of numbers) {
    all.set(array, at);
    at += array.length;
  }
  await ranks.add(all);
  return letters.map((letter, r) => unpack(letter.text, all.subarray(starts[r], starts[r] + letter.length)) as T);
}
