/** Seeded random numbers for the example tables: Marsaglia's xorshift on 32 bits, warmed up. */
export function random(seed) {
  let state = seed >>> 0 || 1;
  /** In (0, 1). */
  const uniform = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return ((state >>> 0) + 0.5) / 2 ** 32;
  };
  for (let i = 0; i < 64; i++) uniform();
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  /** One of the items, with the probability that `share` gives it; the shares sum to 1. */
  const choose = (items, share) => {
    let left = uniform();
    return items.find((item) => (left -= share(item)) < 0) ?? items[items.length - 1];
  };
  return { uniform, normal, choose };
}
