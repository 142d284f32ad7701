/** Matrix products, on the kernels of `blas()`. */
import { usageError } from "../errors.js";
import { blas } from "../linalg/backend.js";
import { broadcastTo, reduceTo, repeatRow } from "./reductions.js";
import { apply, type Operation, shapeName, type Tensor } from "./tensor.js";

/** What is done to the factors of a product, and what is added to it. */
export interface MatmulOptions {
  /** Use a' for a. */
  readonly transposeA?: boolean;
  /** Use b' for b. */
  readonly transposeB?: boolean;
  /** Added to the product in the same pass: of its shape, or with sides of length 1 (a bias is one row). */
  readonly plus?: Tensor | undefined;
}

interface Transposed {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const MATMUL: Operation<Transposed> = {
  name: "matmul",
  evaluate({ inputs: [a, b, plus], rows, columns, parameters: { transposeA, transposeB } }, out) {
    if (plus) repeatInto(plus, rows, columns, out);
    const inner = transposeA ? a.rows : a.columns;
    const beta = plus ? 1 : 0;
    if (inner === 0 && !plus) out.fill(0);
    if (inner === 0 || out.length === 0) return;
    if (columns === 1) {
      blas().gemv(transposeA, a.rows, a.columns, 1, a.values, a.columns, b.values, beta, out);
    } else if (rows === 1) {
      blas().gemv(!transposeB, b.rows, b.columns, 1, b.values, b.columns, a.values, beta, out);
    } else {
      const [lda, ldb] = [a.columns, b.columns];
      blas().gemm(transposeA, transposeB, rows, columns, inner, 1, a.values, lda, b.values, ldb, beta, out, columns);
    }
  },
  reverse({ inputs: [a, b, plus], parameters: { transposeA, transposeB } }, g, k) {
    if (k === 2) return reduceTo(g, plus.rows, plus.columns);
    if (k === 0) {
      return transposeA
        ? matmul(b, g, { transposeA: transposeB, transposeB: true })
        : matmul(g, b, { transposeB: !transposeB });
    }
    return transposeB
      ? matmul(g, a, { transposeA: true, transposeB: transposeA })
      : matmul(a, g, { transposeA: !transposeA });
  },
  tangent({ inputs: [a, b], rows, columns, parameters }, [s, t, moving]) {
    let plus = moving ?? undefined;
    if (s) plus = matmul(s, b, { ...parameters, plus });
    if (t) plus = matmul(a, t, { ...parameters, plus });
    return plus ? broadcastTo(plus, rows, columns) : null;
  },
};

/** h, W and b (1×o, null where there is none) of a tensor that was made as hW' + b; null of any other. */
export function affineParts({
  operation,
  inputs: [a, b, plus],
  parameters,
  columns,
}: Tensor): { readonly input: Tensor; readonly weight: Tensor; readonly bias: Tensor | null } | null {
  if (operation !== MATMUL) return null;
  const { transposeA, transposeB } = parameters as Transposed;
  if (transposeA || !transposeB || (plus && (plus.rows !== 1 || plus.columns !== columns))) return null;
  return { input: a, weight: b, bias: plus ?? null };
}

/** out ← plus, its sides of length 1 repeated. */
function repeatInto(plus: Tensor, rows: number, columns: number, out: Float64Array): void {
  const { values } = plus;
  if (plus.length === out.length) out.set(values);
  else if (plus.rows === 1 && plus.columns === columns) repeatRow(values, out);
  else if (plus.columns === 1 && plus.rows === rows) {
    for (let i = 0; i < rows; i++) out.fill(values[i], i * columns, (i + 1) * columns);
  } else out.fill(values[0]);
}

/**
 * op(a)·op(b) + plus, r×c.
 * @throws usage: shapes that do not fit.
 */
export function matmul(
  a: Tensor,
  b: Tensor,
  { transposeA = false, transposeB = false, plus }: MatmulOptions = {},
): Tensor {
  const [rows, inner] = transposeA ? [a.columns, a.rows] : [a.rows, a.columns];
  const [height, columns] = transposeB ? [b.columns, b.rows] : [b.rows, b.columns];
  if (inner !== height) {
    const [left, right] = [shapeName(a) + (transposeA ? "'" : ""), shapeName(b) + (transposeB ? "'" : "")];
    throw usageError(
      `matmul: expected inner sides of one length, found ${inner} and ${height} (${left} times ${right}).`,
    );
  }
  if (plus && ((plus.rows !== rows && plus.rows !== 1) || (plus.columns !== columns && plus.columns !== 1))) {
    throw usageError(
      `matmul: expected a summand of shape ${rows}×${columns}, or with sides of length 1, found ${shapeName(plus)}.`,
    );
  }
  return apply(MATMUL, plus ? [a, b, plus] : [a, b], rows, columns, { transposeA, transposeB });
}
