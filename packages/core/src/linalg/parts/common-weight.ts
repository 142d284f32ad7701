/** The weight that all entries share, or NaN. */
export function commonWeight(omega: Float64Array): number {
  const first = omega[0];
  for (let i = 1; i < omega.length; i++) if (omega[i] !== first) return Number.NaN;
  return first;
}
