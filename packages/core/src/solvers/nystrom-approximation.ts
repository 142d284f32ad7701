import { usageError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { Matrix } from "../linalg/matrix.js";
import { orthonormalRows } from "../linalg/orthonormal-rows.js";
import { symmetricEigen, symmetrise } from "../linalg/symmetric.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { randomStream } from "../stats/random.js";
import { dampedOperator, type SymmetricOperator } from "./operator.js";

/** Ĥ = U'diag(values)U, at most H in the positive definite order. */
export interface NystromApproximation {
  /** r×d: orthonormal rows, r at most the rank asked for. */
  readonly vectors: Matrix;
  /** r: λ̂ ≥ 0, descending. */
  readonly values: Float64Array;
  /** Vectors multiplied with H. */
  readonly products: number;
}

export interface NystromOptions extends Work {
  /** ℓ ≥ 1, cut to d. */
  readonly rank: number;
  readonly seed?: number;
  /**
   * Begins at a smaller rank, `first` (default 16), and doubles it up to ℓ until this is true of the eigenvalues found (descending, with
   * those of the rank before it). What was multiplied stays in use.
   */
  readonly enough?: ((values: Float64Array, before: Float64Array | null) => boolean) | undefined;
  readonly first?: number;
}

const FIRST_RANK = 16;
/** Vectors that are multiplied at once: their copies are small beside the sketch. */
const AT_ONCE = 32;

/**
 * The randomised Nyström approximation (HΩ)(Ω'HΩ)⁺(HΩ)' with an orthonormalised Gaussian Ω (d×ℓ), from products with ℓ
 * vectors, shifted by ν = ε√d‖HΩ‖ while it is computed, for stability (Frangella, Tropp and Udell 2023, algorithm 2.1).
 * An H that Ω shows not to be positive semidefinite gives the curvature v'Hv < 0 of a unit vector instead.
 * @throws usage: the rank is no whole number ≥ 1; cancelled.
 */
export async function nystromApproximation(
  operator: SymmetricOperator,
  options: NystromOptions,
): Promise<NystromApproximation | { readonly curvature: number }> {
  const { rank, seed = 0, enough, first = FIRST_RANK } = options;
  if (!(Number.isInteger(rank) && rank >= 1)) {
    throw usageError(`The rank of a Nyström approximation must be a whole number of at least 1, got ${rank}.`);
  }
  const d = operator.size;
  const most = Math.min(rank, d);
  const random = randomStream(seed);
  let basis = Matrix.zeros(0, d);
  let image = Matrix.zeros(0, d);
  let before: Float64Array | null = null;
  for (let wanted = enough ? Math.min(first, most) : most; ; wanted = Math.min(most, 2 * wanted)) {
    const fresh = Matrix.zeros(wanted - basis.rows, d);
    random.fillNormals(fresh.data);
    const known = basis.rows;
    basis = orthonormalRows(fresh, basis);
    image = await extendedImage(operator, basis.rowRange(known, basis.rows), image, most, options);
    const found = fromImage(basis, image);
    if ("curvature" in found || wanted === most || enough?.(found.values, before)) return found;
    before = found.values;
  }
}

/** HΩ row by row, continued by the images of further rows. */
async function extendedImage(
  operator: SymmetricOperator,
  fresh: Matrix,
  known: Matrix,
  most: number,
  work: Work,
): Promise<Matrix> {
  const slices = timeSlices(work);
  const image = Matrix.zeros(known.rows + fresh.rows, fresh.columns);
  image.data.set(known.data);
  for (let from = 0; from < fresh.rows; from += AT_ONCE) {
    const part = fresh.rowRange(from, Math.min(fresh.rows, from + AT_ONCE));
    const product = await operator.product(part.transposed());
    image.data.set(product.transposed().data, (known.rows + from) * fresh.columns);
    const done = known.rows + from + part.rows;
    if (slices.due()) await slices.pause({ phase: "sketching H", done, total: most });
  }
  return image;
}

function fromImage(basis: Matrix, plain: Matrix): NystromApproximation | { readonly curvature: number } {
  const image = new Matrix(plain.data.slice(), plain.rows, plain.columns);
  const count = basis.rows;
  const size = Math.sqrt(image.data.reduce((sum, value) => sum + value * value, 0));
  const shift = Number.EPSILON * Math.sqrt(basis.columns) * size;
  const core = symmetricEigen(rowProducts(image, basis));
  // Rounding moves eigenvalues by about the shift.
  if (core.values[0] < -10 * shift) return { curvature: core.values[0] };
  for (let at = 0; at < image.data.length; at++) image.data[at] += shift * basis.data[at];
  // B'B = Ĥ + νI on the range, B = diag(m + ν)^(−1/2) E (HΩ + νΩ)'
  const roots = Matrix.zeros(count, count);
  core.values.forEach((value, k) => {
    if (value + shift <= 0.5 * shift) return;
    for (let i = 0; i < count; i++) {
      roots.data[k * count + i] = core.vectors.data[k * count + i] / Math.sqrt(value + shift);
    }
  });
  const factor = timesRows(roots, image);
  const range = orthonormalRows(factor);
  const triangle = rowProducts(factor, range);
  const gram = Matrix.zeros(range.rows, range.rows);
  blas().syrk(range.rows, count, 1, triangle.data, Math.max(1, range.rows), 0, gram.data, Math.max(1, range.rows));
  const { values, vectors } = symmetricEigen(symmetrise(gram));
  return {
    vectors: reversedRows(timesRows(vectors, range)),
    values: values.toReversed().map((value) => Math.max(0, value - shift)),
    products: count,
  };
}

/**
 * The same for H + λI, `values` those of H + λI. H is sketched without its damping, which would hide the decay of the spectrum;
 * an H that is indefinite by less than λ is sketched with it all the same. Where a sketch shows H + λI itself to be
 * indefinite, its curvature is returned instead.
 */
export async function dampedApproximation(
  operator: SymmetricOperator,
  damping: number,
  options: NystromOptions,
): Promise<NystromApproximation | { readonly curvature: number }> {
  const damped = dampedOperator(operator, damping);
  const plain = await nystromApproximation(operator, options);
  if (!("curvature" in plain)) return { ...plain, values: plain.values.map((value) => value + damping) };
  if (plain.curvature + damping <= 0) return { curvature: plain.curvature + damping };
  const shifted = await nystromApproximation(damped, options);
  return "curvature" in shifted ? shifted : { ...shifted, products: 2 * shifted.products };
}

/** AB' (p×q), A p×d and B q×d. */
function rowProducts(a: Matrix, b: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, b.rows);
  const [ld, ldOut] = [Math.max(1, a.columns), Math.max(1, b.rows)];
  blas().gemm(false, true, a.rows, b.rows, a.columns, 1, a.data, ld, b.data, ld, 0, out.data, ldOut);
  return out;
}

/** CA (p×d), C p×q and A q×d. */
function timesRows(c: Matrix, a: Matrix): Matrix {
  const out = Matrix.zeros(c.rows, a.columns);
  const [ldc, lda] = [Math.max(1, c.columns), Math.max(1, a.columns)];
  blas().gemm(false, false, c.rows, a.columns, a.rows, 1, c.data, ldc, a.data, lda, 0, out.data, lda);
  return out;
}

function reversedRows(a: Matrix): Matrix {
  const out = Matrix.zeros(a.rows, a.columns);
  for (let i = 0; i < a.rows; i++) out.row(i).set(a.row(a.rows - 1 - i));
  return out;
}

/** U'diag(weights)UB (d×k): what every function of Ĥ adds on its range. */
export function onRange({ vectors }: NystromApproximation, weights: Float64Array, b: Matrix): Matrix {
  const inside = timesRows(vectors, b);
  const k = b.columns;
  for (let i = 0, at = 0; i < vectors.rows; i++) for (let c = 0; c < k; c++, at++) inside.data[at] *= weights[i];
  const out = Matrix.zeros(b.rows, k);
  const ld = Math.max(1, k);
  blas().gemm(true, false, b.rows, k, vectors.rows, 1, vectors.data, b.rows, inside.data, ld, 0, out.data, ld);
  return out;
}
