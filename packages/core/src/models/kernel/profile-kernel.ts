import { Matrix } from "../../linalg/matrix.js";
import { product, productTransposed } from "../../linalg/products.js";
import type { Kernel, KernelPoints } from "./kernel.js";
import { Pair } from "./pair.js";

/**
 * K as a function k(t, a, b) of t = x·z, a = ‖x‖² and b = ‖z‖², with its derivatives: those of first order (k_t, k_a) give
 * ∂₁K = k_t z + 2k_a x, those of second order all of ∂₁∂₁K, ∂₁∂₂K and ∂₂∂₂K.
 */
export interface Profile {
  readonly name: string;
  readonly formula: string;
  readonly smoothAtCentres: boolean;
  readonly domain: Kernel["domain"];
  value(pair: Pair): number;
  /** Writes k_t and k_a. */
  slope(pair: Pair, out: ProfileSlope): void;
  /** Writes k_t, k_a, k_b and the six second derivatives. */
  bend(pair: Pair, out: ProfileBend): void;
}

export interface ProfileSlope {
  t: number;
  a: number;
}

export interface ProfileBend extends ProfileSlope {
  b: number;
  tt: number;
  ta: number;
  tb: number;
  aa: number;
  ab: number;
  bb: number;
}

/** The kernel of a profile: everything is a matrix product and a pass over its entries. */
export function profileKernel(profile: Profile): Kernel {
  const { name, formula, smoothAtCentres, domain } = profile;
  return {
    name,
    formula,
    smoothAtCentres,
    domain,

    values(x, z) {
      const out = productTransposed(x.x, z.x);
      eachPair(x, z, out, (pair, at) => {
        out.data[at] = profile.value(pair);
      });
      return out;
    },

    pull(x, z, C) {
      const towards = productTransposed(x.x, z.x);
      const along = new Float64Array(x.x.rows);
      const slope = { t: 0, a: 0 };
      eachPair(x, z, towards, (pair, at, i) => {
        profile.slope(pair, slope);
        towards.data[at] = C.data[at] * slope.t;
        along[i] += 2 * C.data[at] * slope.a;
      });
      const out = product(towards, z.x);
      for (let i = 0, at = 0; i < out.rows; i++) {
        for (let k = 0; k < out.columns; k++, at++) out.data[at] += along[i] * x.x.data[at];
      }
      return out;
    },

    slopes(x, z, phi) {
      const t = productTransposed(x.x, z.x);
      const out = productTransposed(phi, z.x);
      const own = rowProducts(phi, x.x);
      const slope = { t: 0, a: 0 };
      eachPair(x, z, t, (pair, at, i) => {
        profile.slope(pair, slope);
        out.data[at] = slope.t * out.data[at] + 2 * slope.a * own[i];
      });
      return out;
    },

    bends(x, z, phi, psi) {
      const t = productTransposed(x.x, z.x);
      const out = productTransposed(phi, psi);
      const [left, right] = [productTransposed(phi, z.x), productTransposed(x.x, psi)];
      const [da, db] = [rowProducts(phi, x.x), rowProducts(psi, z.x)];
      const [dda, ddb] = [rowProducts(phi, phi), rowProducts(psi, psi)];
      const d: ProfileBend = { t: 0, a: 0, b: 0, tt: 0, ta: 0, tb: 0, aa: 0, ab: 0, bb: 0 };
      eachPair(x, z, t, (pair, at, i, j) => {
        profile.bend(pair, d);
        const [dt, a, b] = [left.data[at] + right.data[at], 2 * da[i], 2 * db[j]];
        out.data[at] =
          2 * (d.t * out.data[at] + d.a * dda[i] + d.b * ddb[j]) +
          d.tt * dt * dt +
          2 * dt * (d.ta * a + d.tb * b) +
          d.aa * a * a +
          2 * d.ab * a * b +
          d.bb * b * b;
      });
      return out;
    },
  };
}

/** Visits every pair; `products` holds x_i·z_j and may be written behind the visit. */
function eachPair(
  { x, squares }: KernelPoints,
  { x: z, squares: others }: KernelPoints,
  products: Matrix,
  visit: (pair: Pair, at: number, i: number, j: number) => void,
): void {
  const pair = new Pair();
  pair.between(x.data, z.data, x.columns);
  for (let i = 0, at = 0; i < x.rows; i++) {
    for (let j = 0; j < z.rows; j++, at++) {
      pair.at(i, j, products.data[at], squares[i], others[j]);
      visit(pair, at, i, j);
    }
  }
}

/** r: u_i·v_i */
function rowProducts(u: Matrix, v: Matrix): Float64Array {
  const out = new Float64Array(u.rows);
  for (let i = 0, at = 0; i < u.rows; i++) for (let k = 0; k < u.columns; k++, at++) out[i] += u.data[at] * v.data[at];
  return out;
}
