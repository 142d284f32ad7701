import { inputError } from "../../errors.js";
import { productTransposed } from "../../linalg/products.js";
import { type Kernel, type KernelPoints, pointRange, rowRanges } from "./kernel.js";
import { Pair } from "./pair.js";

/** A pair of rows that are the same, or point the same way or the opposite one. */
export interface Coincidence {
  readonly rows: readonly [number, number];
  readonly count: number;
}

/**
 * Looks for rows where the kernel has no derivative. @returns rows that repeat others, which do no harm to a smooth kernel
 * @param nameOf what messages call a row within a sentence
 * @throws input: entries that are not finite; a row of zeros, or parallel rows, where the kernel depends on directions
 */
export function checkRows(kernel: Kernel, points: KernelPoints, nameOf: (row: number) => string): Coincidence | null {
  const bad = points.squares.findIndex((square) => !(square < Infinity));
  if (bad >= 0)
    throw inputError(`${capital(nameOf(bad))} holds entries that are not finite, or too large to be squared.`);
  if (kernel.domain === "everywhere") return coincidence(points, "same");
  const zero = points.squares.indexOf(0);
  if (zero >= 0) {
    throw inputError(
      `${capital(nameOf(zero))} is 0 in every column: the kernel ${kernel.name} depends on the direction of a row, which it does not have; leave the row out, or add a column that is not 0.`,
    );
  }
  if (kernel.smoothAtCentres) return coincidence(points, "same");
  const found = coincidence(points, "parallel");
  if (found === null) return null;
  const [first, second] = found.rows;
  const others = found.count > 1 ? ` (one of ${found.count} such pairs)` : "";
  throw inputError(
    `${capital(nameOf(first))} and ${nameOf(second)} have the same direction or opposite ones${others}: the kernel ${kernel.name} has a cusp there, so no influence exists; leave one of them out, or use nngp or rbf.`,
  );
}

/** Squared distance relative to the lengths, or squared sine, below which the coordinates are compared. */
const NEAR = 1e-10;
/** Of unit vectors: rounding. */
const SAME_DIRECTION = 1e-14;

function coincidence(points: KernelPoints, kind: "same" | "parallel"): Coincidence | null {
  const { x, squares } = points;
  const pair = new Pair();
  const g = { angle: 0, sine: 0, cosine: 0, lengths: 0 };
  pair.between(x.data, x.data, x.columns);
  let rows: [number, number] | null = null;
  let count = 0;
  for (const [from, to] of rowRanges(x.rows, x.rows)) {
    const products = productTransposed(pointRange(points, from, to).x, x);
    for (let i = from; i < to; i++) {
      for (let j = 0; j < i; j++) {
        const t = products.data[(i - from) * x.rows + j];
        const [a, b] = [squares[i], squares[j]];
        const near = kind === "same" ? a + b - 2 * t <= NEAR * (a + b) : t * t >= a * b * (1 - NEAR);
        if (!near) continue;
        pair.at(i, j, t, a, b);
        if (kind === "parallel") pair.angle(g);
        if (kind === "same" ? pair.distanceSquare() > 0 : g.sine > SAME_DIRECTION) continue;
        rows ??= [j, i];
        count++;
      }
    }
  }
  return rows && { rows, count };
}

/** As a sentence begins. */
const capital = (words: string): string => words[0].toUpperCase() + words.slice(1);
