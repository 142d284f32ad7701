import type { Block, Dataset } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { symmetrise } from "../linalg/symmetric.js";
import type { KeptCurvature } from "../models/model.js";
import { timeSlices, type Work } from "../parallel/work.js";
import { drawRows } from "../stats/draw-rows.js";
import { gaussNewtonMatrix, gaussNewtonPlan, gaussNewtonPreconditioner, type RiskAt } from "./gauss-newton.js";
import { eachBlock, modelBlockRows } from "./model-risk.js";
import type { SymmetricOperator } from "./operator.js";

/** "gauss-newton": Σ w J'(∂²l/∂f²)J, which leaves out what bends the outputs f and is never indefinite. */
export type Curvature = "hessian" | "gauss-newton";

export interface OperatorOptions {
  readonly curvature: Curvature;
  /** Whether diag(P) is added. */
  readonly withRidge: boolean;
  /** Of the samples of rows (default 0). */
  readonly seed?: number;
  /** Whether many products are to come (default false): then all of them keep, else from the second on. */
  readonly many?: boolean;
  /** What may be kept from one product to the next, copies of rows included (default 256 MiB). */
  readonly keptBytes?: number;
}

/** H of a risk. */
export interface RiskOperator extends SymmetricOperator {
  /** The same, and what it keeps, by other passes over the same rows. */
  on(data: Dataset): RiskOperator;
}

/** Columns of the whole H that are formed at once: they share one pass through the model. */
const COLUMNS = 128;
/** Rows of a sample. */
const SAMPLE = 256;
const KEPT_BYTES = 2 ** 28;
/** Blocks whose products are taken as one: some tens of milliseconds. */
const JOINED = 48;

/**
 * H(θ̃) = Σ w_i ∇²θ l_i (or its Gauss–Newton part) + diag(P) by its products, summed over blocks of rows in order. From the second
 * product on, what does not depend on the vectors is kept for as many blocks as memory allows. Samples of rows are drawn without
 * replacement and scaled by n/size, so that their mean is H; of rows that are shared by processes none are drawn.
 * @throws usage: Gauss–Newton of a model that does not give it.
 */
export function riskOperator(
  point: RiskAt,
  { curvature, withRidge, seed = 0, many = false, keptBytes = KEPT_BYTES }: OperatorOptions,
  work: Work = {},
): RiskOperator {
  const { model, data, ridge, parameters } = point;
  const d = parameters.length;
  const blockRows = modelBlockRows(data.features.length);
  const first = data.firstRow ?? 0;
  if (curvature === "gauss-newton" && !model.gaussNewtonProduct) {
    throw usageError(
      "This model does not tell its outputs from its loss, which the Gauss–Newton curvature needs: take --curvature hessian.",
    );
  }
  /** HV of a block, added to `images` (k×d). */
  const addBlock = (known: KeptCurvature, vectors: Matrix, directions: Matrix, images: Matrix): void => {
    if (known.addProducts) known.addProducts(directions, images);
    else add(images, known.product(vectors).transposed(), 1);
  };
  const multiply = (block: Block, vectors: Matrix): Matrix =>
    (curvature === "gauss-newton" ? model.gaussNewtonProduct?.(parameters, block, vectors) : undefined) ??
    model.hessianProduct(parameters, block, vectors);
  const keep = (block: Block): KeptCurvature | undefined =>
    curvature === "gauss-newton" ? model.keptGaussNewton?.(parameters, block) : model.keptHessian?.(parameters, block);
  const ridgeTimes = (vectors: Matrix): Matrix => {
    const out = Matrix.zeros(vectors.rows, vectors.columns);
    if (!withRidge) return out;
    for (let j = 0, at = 0; j < d; j++) {
      for (let k = 0; k < vectors.columns; k++, at++) out.data[at] = ridge[j] * vectors.data[at];
    }
    return out;
  };
  /** Of the first blocks, in order, by their first row. */
  const kept = new Map<number, KeptCurvature>();
  /** The same, some joined where they can be. */
  let joined: { readonly of: number; readonly all: readonly KeptCurvature[] } = { of: 0, all: [] };
  const knownBlocks = (): readonly KeptCurvature[] => {
    if (joined.of !== kept.size) joined = { of: kept.size, all: joinedBlocks([...kept.values()]) };
    return joined.all;
  };
  let [room, products, keptRows] = [Math.min(keptBytes, data.keptBytes ?? keptBytes), 0, 0];
  const tryToKeep = (block: Block): KeptCurvature | null => {
    const copied = block.lasting ? 0 : block.x.data.byteLength;
    // Products that run side by side come to the same block.
    if (room <= copied || block.firstRow - first !== keptRows) return null;
    const found = keep(block.lasting ? block : lastingCopy(block));
    room -= copied + (found?.bytes ?? Number.POSITIVE_INFINITY);
    if (!found || room < 0) return null;
    kept.set(block.firstRow, found);
    keptRows += block.x.rows;
    return found;
  };
  const sampledProduct = async (vectors: Matrix, batch: number): Promise<Matrix> => {
    const out = ridgeTimes(vectors);
    const chosen = drawRows(data.rows, SAMPLE, seed, batch);
    const share = chosen.reduce((sum, row) => sum + data.weights[row], 0);
    if (!(share > 0)) return out;
    for (const block of data.select(chosen).blocks(blockRows)) {
      add(out, multiply(block, vectors), (share * data.rows) / chosen.length);
    }
    return out;
  };
  const over = (rows: Dataset): RiskOperator => ({
    size: d,

    async product(vectors) {
      // Rows of V' and of the sum lie as the model's products come: nothing is turned block by block.
      const directions = vectors.transposed();
      const images = Matrix.zeros(vectors.columns, d);
      const keeping = many || products > 0;
      products++;
      const begun = keptRows;
      const slices = timeSlices(work);
      let done = 0;
      // Products side by side keep further blocks meanwhile.
      const known = knownBlocks();
      for (const block of known) {
        addBlock(block, vectors, directions, images);
        done += begun / known.length;
        if (slices.due()) await slices.pause({ phase: "Hessian products", done: Math.floor(done), total: rows.rows });
      }
      /** Blocks kept in this pass, to be joined; sums over processes are complete with the last block. */
      const fresh: KeptCurvature[] = [];
      const visit = (block: Block): void => {
        if (block.firstRow - first < begun) return;
        const here = kept.get(block.firstRow) ?? (keeping ? tryToKeep(block) : null);
        if (here?.joined && !rows.pass) fresh.push(here);
        else if (here) addBlock(here, vectors, directions, images);
        else add(images, multiply(block, vectors).transposed(), 1);
      };
      await eachBlock(rows, "Hessian products", work, visit, [images.data], begun);
      for (const block of joinedBlocks(fresh)) {
        addBlock(block, vectors, directions, images);
        if (slices.due()) await slices.pause({ phase: "Hessian products", done: rows.rows, total: rows.rows });
      }
      const out = images.transposed();
      add(out, ridgeTimes(vectors), 1);
      return out;
    },

    async matrix() {
      const finished = (lower: Matrix): Matrix => withDiagonal(symmetrise(lower), withRidge ? ridge : null);
      const whole = curvature === "gauss-newton" ? await gaussNewtonMatrix({ ...point, data: rows }, work) : null;
      if (whole) return finished(whole);
      const out = Matrix.zeros(d, d);
      const visit = async (block: Block): Promise<void> => {
        const slices = timeSlices(work);
        const known = keep(block);
        if (known?.addMatrix) return known.addMatrix(out);
        for (let from = 0; from < d; from += COLUMNS) {
          const units = unitVectors(d, from, Math.min(d, from + COLUMNS));
          const part = known?.product(units) ?? multiply(block, units);
          for (let i = 0, at = 0; i < d; i++) {
            for (let k = 0; k < part.columns; k++, at++) out.data[i * d + from + k] += part.data[at];
          }
          const done = block.firstRow + (block.x.rows * Math.min(d, from + COLUMNS)) / d;
          if (slices.due()) await slices.pause({ phase: "Hessian", done: Math.floor(done), total: data.rows });
        }
      };
      await eachBlock(rows, "Hessian", work, visit, [out.data]);
      return finished(out);
    },

    on: over,
    ...(!rows.pass && { sampledProduct }),
    ...(withRidge && {
      async gaussNewton(damping: number, also: Work = work) {
        const here = { ...point, data: rows };
        const plan = gaussNewtonPlan(here, damping);
        return plan && gaussNewtonPreconditioner(here, plan, damping, also);
      },
    }),
  });
  return over(data);
}

function joinedBlocks(blocks: readonly KeptCurvature[]): KeptCurvature[] {
  const out: KeptCurvature[] = [];
  for (let from = 0; from < blocks.length; from += JOINED) {
    const [one, ...others] = blocks.slice(from, from + JOINED);
    const all = one.joined?.(others);
    out.push(...(all ? [all] : [one, ...others]));
  }
  return out;
}

const lastingCopy = ({ x, ...rest }: Block): Block => ({
  ...rest,
  x: new Matrix(x.data.slice(), x.rows, x.columns),
});

/** A + diag(P), in place. */
function withDiagonal(out: Matrix, diagonal: Float64Array | null): Matrix {
  diagonal?.forEach((P, j) => (out.data[j * (out.rows + 1)] += P));
  return out;
}

function add(out: Matrix, part: Matrix, factor: number): void {
  for (let at = 0; at < out.data.length; at++) out.data[at] += factor * part.data[at];
}

/** Columns `from` to `to` of the identity (d×d). */
export function unitVectors(d: number, from: number, to: number): Matrix {
  const out = Matrix.zeros(d, to - from);
  for (let k = from; k < to; k++) out.data[k * (to - from) + k - from] = 1;
  return out;
}
