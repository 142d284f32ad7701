import { growingBuffer, newArray, type Store } from "../linalg/buffers.js";
import { Matrix } from "../linalg/matrix.js";
import { affineRows, type ProductSteps, productRows, pulledRows, stepsOf } from "../linalg/row-kernels.js";
import {
  addJacobianGramByInput,
  addWeightedDirections,
  type FeatureMap,
  interceptName,
  repeatRow,
  rowProducts,
} from "./feature-map.js";
import { LinearMap } from "./linear-map.js";
import { derivativeOf, type Monomial } from "./monomials.js";

/** A feature, by what a person calls it. */
export interface Term extends Monomial {
  readonly name: string;
}

/** ∂v_a/∂x_j */
interface Slope {
  readonly a: number;
  readonly j: number;
  readonly slope: Monomial;
}

/** ∂²v_a/∂x_j∂x_k */
interface Bend {
  readonly a: number;
  readonly j: number;
  readonly k: number;
  readonly bend: Monomial;
}

/** A number a row: factor·values[start + i·step]. */
interface Column {
  readonly factor: number;
  readonly values: Float64Array;
  readonly start: number;
  readonly step: number;
}

/** Rows whose features are written one after the other: they stay in a cache meanwhile. */
const STRETCH = 512;

const ONE = Float64Array.of(1);
const CONSTANT: Monomial = { coefficient: 1, factors: [] };

/** v(x) = (1?, monomials of x): the basis regressions of the paper's 5.1.2, written as `basis:x1,x2,x1*x2,x1^2/4`. */
export class MonomialMap implements FeatureMap {
  readonly count: number;
  readonly sharedGradient = false;
  readonly ownCoefficients = false;
  /** v_a, the constant among them. */
  private readonly columns: readonly Monomial[];
  private readonly steps: ProductSteps;
  private readonly slopes: readonly Slope[];
  /** Of these, the ones that are a number, a number times x_j itself, and all others. */
  private readonly constant: readonly Slope[];
  private readonly own: readonly Slope[];
  private readonly other: readonly Slope[];
  private knownBends: readonly Bend[] | null = null;
  /** Products with V, once it is formed. */
  private readonly plain: LinearMap;
  private readonly featureBuffer = growingBuffer();
  private readonly columnBuffer = growingBuffer();

  constructor(
    readonly inputs: number,
    readonly intercept: boolean,
    readonly terms: readonly Term[],
  ) {
    this.columns = intercept ? [CONSTANT, ...terms] : terms;
    this.count = this.columns.length;
    this.steps = stepsOf(this.columns);
    const slopes = this.columns.flatMap((column, a) =>
      derivatives(column).map(({ input: j, derivative: slope }): Slope => ({ a, j, slope })),
    );
    this.slopes = slopes;
    this.constant = slopes.filter(isConstant);
    this.own = slopes.filter(isOwn);
    this.other = slopes.filter((slope) => !isConstant(slope) && !isOwn(slope));
    this.plain = new LinearMap(this.count, false);
  }

  names(inputs: readonly string[]): string[] {
    return [...(this.intercept ? [interceptName(inputs)] : []), ...this.terms.map((term) => term.name)];
  }

  inputsOf(a: number): readonly number[] {
    return this.columns[a].factors.map(({ input }) => input);
  }

  formed(x: Matrix, store: Store): Matrix {
    const v = new Matrix(store(x.rows * this.count), x.rows, this.count);
    productRows(x, this.steps, v.data);
    return v;
  }

  scores(theta: Matrix, x: Matrix, store?: Store): Matrix {
    return this.plain.scores(theta, this.formed(x, this.featureBuffer), store);
  }

  addPullback(x: Matrix, omega: Matrix, out: Matrix): void {
    this.plain.addPullback(this.formed(x, this.featureBuffer), omega, out);
  }

  addGram(x: Matrix, omega: Float64Array, out: Matrix): void {
    this.plain.addGram(this.formed(x, this.featureBuffer), omega, out);
  }

  /** γ_j = constant_j + own_j x_j for all j side by side, then what else there is. */
  inputGradients(theta: Float64Array, x: Matrix, store = newArray): Matrix {
    const m = this.inputs;
    const gamma = new Matrix(store(x.rows * m), x.rows, m);
    affineRows(x, this.gathered(this.constant, theta), this.gathered(this.own, theta), gamma.data);
    if (this.other.length === 0) return gamma;
    for (const part of stretches(x)) {
      for (const { a, j, slope } of this.other) {
        const { factor, values, start, step } = this.column(slope, part.x);
        const weight = factor * theta[a];
        const end = part.to * m;
        for (let from = start, to = part.from * m + j; to < end; from += step, to += m)
          gamma.data[to] += weight * values[from];
      }
    }
    return gamma;
  }

  addJacobianPullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void {
    const { data } = directions;
    const next = stepOf(directions);
    const { sums, products } = this.pulled(x, directions, omega);
    for (const { a, j, slope } of this.constant) out[a] += slope.coefficient * sums[j];
    for (const { a, j, slope } of this.own) out[a] += slope.coefficient * products[j];
    if (this.other.length === 0) return;
    for (const { x: part, from: first, to: last } of stretches(x)) {
      for (const { a, j, slope } of this.other) {
        const { factor, values, start, step } = this.column(slope, part);
        let sum = 0;
        for (let i = first, from = start, at = first * next + j; i < last; i++, from += step, at += next)
          sum += omega[i] * values[from] * data[at];
        out[a] += factor * sum;
      }
    }
  }

  features(x: Matrix): Matrix {
    return this.formed(x, newArray);
  }

  jacobianTimes(x: Matrix, directions: Matrix): Matrix {
    const d = this.count;
    const next = stepOf(directions);
    const out = Matrix.zeros(x.rows, d);
    for (const { a, j, slope } of this.slopes) {
      const { factor, values, start, step } = this.column(slope, x);
      for (let i = 0, from = start, at = j, to = a; i < x.rows; i++, from += step, at += next, to += d)
        out.data[to] += factor * values[from] * directions.data[at];
    }
    return out;
  }

  addJacobianGram(x: Matrix, diagonals: Matrix, omega: Float64Array, out: Matrix): void {
    addJacobianGramByInput(this, x, diagonals, omega, out);
  }

  curvature(theta: Float64Array, x: Matrix, directions: Matrix): Float64Array {
    return rowProducts(this.curvatureTimes(theta, x, directions), repeatRow(directions, x.rows));
  }

  curvatureTimes(theta: Float64Array, x: Matrix, directions: Matrix): Matrix {
    const m = this.inputs;
    const next = stepOf(directions);
    const out = Matrix.zeros(x.rows, m);
    for (const { a, j, k, bend } of this.bends) {
      const { factor, values, start, step } = this.column(bend, x);
      const weight = factor * theta[a];
      for (let i = 0, from = start, at = k, to = j; i < x.rows; i++, from += step, at += next, to += m)
        out.data[to] += weight * values[from] * directions.data[at];
    }
    return out;
  }

  addCurvaturePullback(x: Matrix, directions: Matrix, omega: Float64Array, out: Float64Array): void {
    const { data } = directions;
    const next = stepOf(directions);
    for (const { a, j, k, bend } of this.bends) {
      const { factor, values, start, step } = this.column(bend, x);
      let sum = 0;
      for (let i = 0, from = start, at = 0; i < x.rows; i++, from += step, at += next)
        sum += omega[i] * values[from] * data[at + j] * data[at + k];
      out[a] += factor * sum;
    }
  }

  usesInput(k: number): boolean {
    return this.slopes.some(({ j }) => j === k);
  }

  private get bends(): readonly Bend[] {
    this.knownBends ??= this.slopes.flatMap(({ a, j, slope }) =>
      derivatives(slope).map(({ input: k, derivative: bend }): Bend => ({ a, j, k, bend })),
    );
    return this.knownBends;
  }

  /** Σ of coefficient·θ_a over slopes by input: m. */
  private gathered(slopes: readonly Slope[], theta: Float64Array): Float64Array {
    const out = new Float64Array(this.inputs);
    for (const { a, j, slope } of slopes) out[j] += slope.coefficient * theta[a];
    return out;
  }

  /** Σ ω_i φ_i and Σ ω_i φ_i ⊙ x_i: m each. */
  private pulled(x: Matrix, directions: Matrix, omega: Float64Array): ReturnType<typeof pulledRows> {
    if (directions.rows === x.rows) return pulledRows(directions, x, omega);
    const sums = new Float64Array(this.inputs);
    const products = new Float64Array(this.inputs);
    addWeightedDirections(directions, omega, sums);
    addWeightedDirections(x, omega, products);
    return { sums, products: products.map((sum, j) => sum * directions.data[j]) };
  }

  /** A monomial of every row, until the next is asked for. */
  private column(monomial: Monomial, x: Matrix): Column {
    const { coefficient: factor, factors } = monomial;
    if (factors.length === 0) return { factor, values: ONE, start: 0, step: 0 };
    if (factors.length === 1 && factors[0].power === 1)
      return { factor, values: x.data, start: factors[0].input, step: x.columns };
    const values = this.columnBuffer(x.rows);
    productRows(x, stepsOf([monomial]), values);
    return { factor: 1, values, start: 0, step: 1 };
  }
}

const isConstant = ({ slope }: Slope): boolean => slope.factors.length === 0;

const isOwn = ({ j, slope: { factors } }: Slope): boolean =>
  factors.length === 1 && factors[0].input === j && factors[0].power === 1;

/** Rows `from` … `to` − 1 of x at a time. */
function* stretches(x: Matrix): Generator<{ readonly x: Matrix; readonly from: number; readonly to: number }> {
  for (let from = 0; from < x.rows; from += STRETCH) {
    const to = Math.min(x.rows, from + STRETCH);
    yield { x: x.rowRange(from, to), from, to };
  }
}

function derivatives(monomial: Monomial): { readonly input: number; readonly derivative: Monomial }[] {
  return monomial.factors.flatMap(({ input }) => {
    const derivative = derivativeOf(monomial, input);
    return derivative ? [{ input, derivative }] : [];
  });
}

/** From one row's direction to the next one's: 0 where all share one. */
const stepOf = ({ rows, columns }: Matrix): number => (rows === 1 ? 0 : columns);
