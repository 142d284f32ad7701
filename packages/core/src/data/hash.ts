/**
 * A hash of (seed, number) from 32-bit arithmetic alone, the same on every machine. Two lanes of MurmurHash3's
 * finaliser, each a bijection of 32 bits in which every input bit flips every output bit with probability one half,
 * keyed by the two halves of the seed; the second lane also takes up the first's result.
 */
function finalise(h: number): number {
  let x = h;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/**
 * A hash of whole numbers to [0, 1) with 53 bits: `hasher(seed)(k)`. For a fixed seed, different k of 32 bits never
 * collide.
 * @param seed a safe integer
 */
export function hasher(seed: number): (k: number) => number {
  const low = finalise((seed >>> 0) ^ 0x9e3779b9);
  const high = finalise((Math.floor(seed / 2 ** 32) | 0) ^ low ^ 0x7f4a7c15);
  return (k) => {
    const first = finalise(Math.imul(k ^ low, 0x9e3779b1) ^ high);
    const second = finalise(first ^ finalise((k + high) | 0));
    return (first + (second >>> 11) / 2 ** 21) / 2 ** 32;
  };
}

/** The positions of `ids` in the order of their hashes, ties by position. Linear time: hashes fill [0, 1) evenly. */
export function hashOrder(ids: ArrayLike<number>, seed: number): Int32Array {
  const n = ids.length;
  const hash = hasher(seed);
  const keys = Float64Array.from({ length: n }, (_, i) => hash(ids[i]));
  const bucket = (i: number): number => Math.min(Math.floor(keys[i] * n), n - 1);
  const starts = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) starts[bucket(i) + 1]++;
  for (let b = 0; b < n; b++) starts[b + 1] += starts[b];
  const next = starts.slice();
  const order = new Int32Array(n);
  for (let i = 0; i < n; i++) order[next[bucket(i)]++] = i;
  for (let at = 1; at < n; at++) {
    const i = order[at];
    let to = at; // insertion: a bucket holds one key on average
    while (to > 0 && keys[order[to - 1]] > keys[i]) {
      order[to] = order[to - 1];
      to--;
    }
    order[to] = i;
  }
  return order;
}
