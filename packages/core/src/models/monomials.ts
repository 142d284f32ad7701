import type { Matrix } from "../linalg/matrix.js";

/** coefficient · Π_k x_k^power, powers whole numbers ≥ 1 of distinct inputs. No factors: the constant. */
export interface Monomial {
  readonly coefficient: number;
  readonly factors: readonly { readonly input: number; readonly power: number }[];
}

/** ∂/∂x_j, a monomial itself; null where x_j is no factor. */
export function derivativeOf({ coefficient, factors }: Monomial, j: number): Monomial | null {
  const power = factors.find(({ input }) => input === j)?.power;
  if (power === undefined) return null;
  return {
    coefficient: coefficient * power,
    factors: factors.flatMap((factor) => {
      if (factor.input !== j) return [factor];
      return power === 1 ? [] : [{ input: j, power: power - 1 }];
    }),
  };
}

/** Writes the monomial of row i of x to out[start + i·stride], one factor after the other for all rows. */
export function writeMonomial(
  { coefficient, factors }: Monomial,
  x: Matrix,
  out: Float64Array,
  start = 0,
  stride = 1,
): void {
  const to = { data: out, start, stride };
  if (factors.length === 0) for (let i = 0, at = start; i < x.rows; i++, at += stride) out[at] = coefficient;
  factors.forEach(({ input, power }, k) => {
    if (k > 0) multiplyByPowers(power, x, input, to);
    else if (power === 1) writeScaled(coefficient, x, input, to);
    else if (power === 2) writeSquares(coefficient, x, input, to);
    else writePowers(coefficient, power, x, input, to);
  });
}

/** Every `stride`th number from `start` on. */
interface Strided {
  readonly data: Float64Array;
  readonly start: number;
  readonly stride: number;
}

function writeScaled(
  factor: number,
  { data, rows, columns }: Matrix,
  j: number,
  { data: out, start, stride }: Strided,
) {
  for (let i = 0, from = j, to = start; i < rows; i++, from += columns, to += stride) out[to] = factor * data[from];
}

function writeSquares(
  factor: number,
  { data, rows, columns }: Matrix,
  j: number,
  { data: out, start, stride }: Strided,
) {
  for (let i = 0, from = j, to = start; i < rows; i++, from += columns, to += stride) {
    out[to] = factor * (data[from] * data[from]);
  }
}

function writePowers(factor: number, power: number, { data, rows, columns }: Matrix, j: number, to: Strided) {
  const { data: out, start, stride } = to;
  for (let i = 0, from = j, at = start; i < rows; i++, from += columns, at += stride) {
    out[at] = factor * wholePower(data[from], power);
  }
}

function multiplyByPowers(power: number, { data, rows, columns }: Matrix, j: number, to: Strided) {
  const { data: out, start, stride } = to;
  for (let i = 0, from = j, at = start; i < rows; i++, from += columns, at += stride) {
    out[at] *= power === 1 ? data[from] : wholePower(data[from], power);
  }
}

/** x^n, n ≥ 1, by squaring. */
function wholePower(x: number, n: number): number {
  let product = n % 2 === 1 ? x : 1;
  for (let square = x * x, left = n >> 1; left > 0; square *= square, left >>= 1) {
    if (left % 2 === 1) product *= square;
  }
  return product;
}
