const MAXIMUM_STEPS = 100;

/**
 * Writes a maximiser u of g·u + ½Σλ_k u_k² over ‖u‖₂ ≤ ρ and returns its multiplier μ ≥ max(λ_max, 0): (μ − λ_k)u_k = g_k,
 * μ(‖u‖ − ρ) = 0 (the trust-region subproblem in eigen-coordinates; MATH 13). Newton's method on 1/‖u‖, which is concave in
 * μ, climbs to the root from the lower bound max_k λ_k + |g_k|/ρ. In the hard case (g has no part along the largest λ > 0
 * and the rest does not reach the sphere) u is completed along that direction.
 * @param eigenvalues λ (m), in any order. @param radius ρ ≥ 0.
 */
export function ballMaximum(g: Float64Array, eigenvalues: Float64Array, radius: number, u: Float64Array): number {
  const m = g.length;
  let last = 0;
  for (let k = 1; k < m; k++) if (eigenvalues[k] > eigenvalues[last]) last = k;
  const top = m > 0 ? eigenvalues[last] : 0;
  // All denominators are σ + (λ_max − λ_k) with σ = μ − λ_max, so that nothing cancels when μ nears λ_max.
  const least = Math.max(0, -top);
  let sigma = least;
  for (let k = 0; k < m; k++) sigma = Math.max(sigma, Math.abs(g[k]) / radius - (top - eigenvalues[k]));
  if (!(sigma < Number.POSITIVE_INFINITY)) {
    u.fill(0);
    return sigma;
  }
  for (let step = 0; step < MAXIMUM_STEPS; step++) {
    let square = 0;
    let bend = 0;
    for (let k = 0; k < m; k++) {
      const gap = sigma + (top - eigenvalues[k]);
      u[k] = g[k] === 0 ? 0 : g[k] / gap;
      square += u[k] * u[k];
      if (u[k] !== 0) bend += (u[k] * u[k]) / gap;
    }
    const size = Math.sqrt(square);
    if (size <= radius) {
      // Only at the least σ can u end inside the ball by more than rounding.
      if (sigma === least && top > 0) u[last] += Math.sqrt(Math.max(0, radius * radius - square));
      break;
    }
    const next = sigma + (square / bend) * ((size - radius) / radius);
    if (!(next > sigma)) break;
    sigma = next;
  }
  return sigma + top;
}

/** g·u + ½Σλ_k u_k² */
export function quadraticValue(g: Float64Array, eigenvalues: Float64Array, u: Float64Array): number {
  let sum = 0;
  for (let k = 0; k < u.length; k++) sum += u[k] * (g[k] + 0.5 * eigenvalues[k] * u[k]);
  return sum;
}
