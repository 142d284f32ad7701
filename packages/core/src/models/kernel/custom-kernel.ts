import { usageError } from "../../errors.js";
import { Matrix } from "../../linalg/matrix.js";
import { randomStream } from "../../stats/random.js";
import type { Kernel } from "./kernel.js";

/** A kernel of one's own: its value, and its derivative in the first argument. */
export interface KernelDescription {
  readonly name: string;
  readonly formula?: string;
  /** K(x, z), symmetric. */
  readonly value: (x: Float64Array, z: Float64Array) => number;
  /** Writes ∂₁K(x, z) (m); at x = z ½ d/dx K(x, x). */
  readonly gradient: (x: Float64Array, z: Float64Array, out: Float64Array) => void;
  /** Whether ∂₁K(x, z) exists at x = z with z held still; default true. */
  readonly smoothAtCentres?: boolean;
}

/** Random points at which the derivative is checked, and their features. */
const CHECKED = { pairs: 8, features: 3 } as const;
const STEP = 1e-5;
const TOLERANCE = 1e-5;

/**
 * Registers a kernel of one's own, after its derivative has been compared with finite differences at random points.
 * @param features m of the points that it is checked at; default 3
 * @throws usage: values that are not symmetric, or a derivative that is not the value's
 */
export function customKernel(description: KernelDescription, { features = CHECKED.features } = {}): Kernel {
  const { name, formula, value, gradient, smoothAtCentres = true } = description;
  checkDerivative(description, features);
  const row = (x: Matrix, i: number): Float64Array => x.row(i);
  return {
    name,
    formula: formula ?? name,
    smoothAtCentres,
    domain: "everywhere",
    values({ x }, { x: z }) {
      const out = Matrix.zeros(x.rows, z.rows);
      for (let i = 0, at = 0; i < x.rows; i++) {
        for (let j = 0; j < z.rows; j++, at++) out.data[at] = value(row(x, i), row(z, j));
      }
      return out;
    },
    pull({ x }, { x: z }, C) {
      const out = Matrix.zeros(x.rows, x.columns);
      const slope = new Float64Array(x.columns);
      for (let i = 0, at = 0; i < x.rows; i++) {
        const sum = row(out, i);
        for (let j = 0; j < z.rows; j++, at++) {
          gradient(row(x, i), row(z, j), slope);
          for (let k = 0; k < slope.length; k++) sum[k] += C.data[at] * slope[k];
        }
      }
      return out;
    },
    slopes({ x }, { x: z }, phi) {
      const out = Matrix.zeros(x.rows, z.rows);
      const slope = new Float64Array(x.columns);
      for (let i = 0, at = 0; i < x.rows; i++) {
        const direction = row(phi, i);
        for (let j = 0; j < z.rows; j++, at++) {
          gradient(row(x, i), row(z, j), slope);
          for (let k = 0; k < slope.length; k++) out.data[at] += direction[k] * slope[k];
        }
      }
      return out;
    },
  };
}

function checkDerivative({ name, value, gradient, smoothAtCentres = true }: KernelDescription, m: number): void {
  const random = randomStream(0);
  const slope = new Float64Array(m);
  const point = (): Float64Array => {
    const x = new Float64Array(m);
    random.fillNormals(x);
    return x;
  };
  for (let pair = 0; pair < CHECKED.pairs; pair++) {
    const [x, z] = [point(), point()];
    const [there, back] = [value(x, z), value(z, x)];
    if (!(Math.abs(there - back) <= TOLERANCE * Math.max(1, Math.abs(there)))) {
      throw usageError(`The kernel ${name} is not symmetric: K(x, z) = ${there}, K(z, x) = ${back}.`);
    }
    gradient(x, z, slope);
    compare(slope, (k, step) => value(shifted(x, k, step), z), `∂K/∂x at x ≠ z`);
    gradient(x, x, slope);
    compare(slope, (k, step) => 0.5 * value(shifted(x, k, step), shifted(x, k, step)), "½ d/dx K(x, x)");
    if (smoothAtCentres) compare(slope, (k, step) => value(shifted(x, k, step), x), "∂K/∂x at x = z");
  }

  function compare(given: Float64Array, along: (k: number, step: number) => number, what: string): void {
    for (let k = 0; k < m; k++) {
      const forwards = (along(k, STEP) - along(k, 0)) / STEP;
      const backwards = (along(k, 0) - along(k, -STEP)) / STEP;
      const size = Math.max(1, Math.abs(given[k]));
      if (!(Math.abs(forwards - backwards) <= 100 * STEP * Math.max(size, Math.abs(forwards) + 1))) {
        throw usageError(
          `The kernel ${name} has a kink: ${what} is ${forwards.toPrecision(4)} forwards and ${backwards.toPrecision(4)} backwards along coordinate ${k}; say smoothAtCentres: false where only x = z is one.`,
        );
      }
      const difference = (along(k, STEP) - along(k, -STEP)) / (2 * STEP);
      if (Math.abs(difference - given[k]) <= TOLERANCE * size) continue;
      throw usageError(
        `The derivative of the kernel ${name} is not that of its values: ${what} along coordinate ${k} was given as ${given[k].toPrecision(6)}, finite differences say ${difference.toPrecision(6)}.`,
      );
    }
  }
}

function shifted(x: Float64Array, k: number, step: number): Float64Array {
  const moved = x.slice();
  moved[k] += step;
  return moved;
}
