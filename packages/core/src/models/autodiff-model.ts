/** Any row-wise loss written with `autodiff` as a `Model`. */
import {
  constant,
  gradient,
  graphBytes,
  mixedDerivative,
  mul,
  pullback,
  pushforward,
  scope,
  sum,
  sumOverColumns,
  type Tensor,
} from "../autodiff/index.js";
import type { Block } from "../data/dataset.js";
import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { finite } from "./finite.js";
import { mixedSums } from "./mixed-sums.js";
import type { KeptCurvature, Model } from "./model.js";
import { type ParameterBlock, ParameterLayout } from "./parameter-layout.js";

/**
 * l_i as a tensor r×1, given θ's blocks by name, X (r×m) and y (r×1). Row i of the result may depend on row i of X and y
 * only: what mixes rows (a mean over the batch) has no input gradients of its own.
 */
export type RowLosses<Name extends string> = (theta: Readonly<Record<Name, Tensor>>, x: Tensor, y: Tensor) => Tensor;

/** A loss in tensors: the blocks of θ by name, and each row's loss as a function of them. */
export interface LossDescription<Name extends string> {
  /** θ, block after block in the order written here. */
  readonly parameters: Readonly<Record<Name, ParameterBlock>>;
  readonly losses: RowLosses<Name>;
}

/** What a model from a description can do: all of `Model` that any loss has. */
export type AutodiffModel = Required<
  Omit<
    Model,
    | "gaussNewtonProduct"
    | "keptGaussNewton"
    | "gaussNewtonRows"
    | "inputSpan"
    | "rowsAtOnce"
    | "mixedProducts"
    | "sharedCurvature"
    | "scoreCurvature"
    | "gradientSizes"
    | "initialParameters"
    | "convex"
    | "featureOf"
    | "output"
  >
> &
  Model;

/** The tensors of one evaluation. */
interface Evaluation {
  readonly theta: readonly Tensor[];
  readonly x: Tensor;
  /** r×1 */
  readonly losses: Tensor;
}

/**
 * The model of a loss of one's own. Memory: the intermediate results of one block at a time, used again for the next; for
 * networks, blocks of about a thousand rows keep them in cache. Products with k vectors share the gradient's pass. The
 * row-by-row quantities take one pass a row.
 * @throws usage: parameters that make no sense; then, when used: shapes that do not fit, rows that are not separate ·
 * numerical: a result that is not finite.
 */
export function modelOf<Name extends string>(description: LossDescription<Name>): AutodiffModel {
  const layout = new ParameterLayout(description.parameters);
  const d = layout.count;
  let separable = false;

  const lossesOf = (theta: readonly Tensor[], x: Tensor, y: Tensor): Tensor => {
    const losses = description.losses(layout.byName(theta), x, y);
    if (losses.rows !== x.rows || losses.columns !== 1) {
      throw usageError(
        `A model's losses must be one number a row: expected ${x.rows}×1, found ${losses.rows}×${losses.columns}.`,
      );
    }
    return losses;
  };

  const evaluate = (vector: Float64Array, block: Block): Evaluation => {
    const theta = layout.tensors(vector);
    const { x, y } = inputs(block);
    const losses = lossesOf(theta, x, y);
    if (!separable && x.rows > 1) {
      const last = rowBlock(block, x.rows - 1);
      const alone = inputs(last);
      checkSeparable(losses.values[x.rows - 1], lossesOf(theta, alone.x, alone.y).item());
      separable = true;
    }
    return { theta, x, losses };
  };

  const weighted = (losses: Tensor, weights: Float64Array): Tensor =>
    sum(mul(constant(weights, losses.rows, 1), losses));

  /** The vector of one tensor a block. */
  const vectorOf = (tensors: readonly Tensor[]): Float64Array => {
    const out = new Float64Array(d);
    layout.write(tensors, out);
    return out;
  };

  /** r×m: the gradient of each row's loss by its inputs. */
  const inputSlopes = (x: Tensor, losses: Tensor): Matrix => {
    const [g] = gradient(sum(losses), [x]);
    const out = Matrix.zeros(x.rows, x.columns);
    g.copyTo(out.data);
    finite("input gradients", out.data);
    return out;
  };

  /** d×k: how `slopes`, one a block of θ, move along the columns of V. */
  const alongColumns = (slopes: readonly Tensor[], theta: readonly Tensor[], vectors: Matrix): Matrix =>
    layout.eachColumn(vectors, (direction) => pushforward(slopes, theta, direction));

  const hessianAt = (vector: Float64Array, block: Block): KeptCurvature => {
    const { theta, losses } = evaluate(vector, block);
    const slopes = gradient(weighted(losses, block.w), theta);
    return {
      bytes: graphBytes(slopes),
      product: (vectors) => {
        const out = alongColumns(slopes, theta, vectors);
        finite("Hessian product", out.data);
        return out;
      },
      addProducts: (directions, images) =>
        layout.addEachRow("Hessian product", directions, (direction) => pushforward(slopes, theta, direction), images),
    };
  };

  const rowByRow = (block: Block, vector: (row: Block, i: number) => Float64Array): Matrix => {
    const out = Matrix.zeros(block.x.rows, d);
    for (let i = 0; i < block.x.rows; i++) out.row(i).set(vector(rowBlock(block, i), i));
    return out;
  };

  const model: AutodiffModel = {
    parameterNames: layout.parameterNames,
    penalised: layout.penalised,

    losses: (theta, block) => scope(() => finite("losses", evaluate(theta, block).losses.values.slice())),

    gradient: (vector, block) =>
      scope(() => {
        const { theta, losses } = evaluate(vector, block);
        return finite("gradient", vectorOf(gradient(weighted(losses, block.w), theta)));
      }),

    riskAndGradient: (vector, block) =>
      scope(() => {
        const { theta, losses } = evaluate(vector, block);
        const risk = weighted(losses, block.w);
        const slopes = finite("gradient", vectorOf(gradient(risk, theta)));
        return { risk: finite("risk", risk.values)[0], gradient: slopes };
      }),

    inputGradients: (vector, block) =>
      scope(() => {
        const { x, losses } = evaluate(vector, block);
        return inputSlopes(x, losses);
      }),

    mixedProduct: (vector, block, directions, weights) =>
      scope(() => {
        const { theta, x, losses } = evaluate(vector, block);
        const phi = matrixTensor(directions);
        return finite("mixed product", vectorOf(mixedDerivative(weighted(losses, weights), theta, x, phi)));
      }),

    mixedProducts: (vector, block, answers) =>
      scope(() => {
        const { theta, x, losses } = evaluate(vector, block);
        return mixedSums({ layout, theta, losses, inputSlopes: (seed) => pullback(losses, seed, [x])[0] }, answers);
      }),

    lossesAndInputGradients: (vector, block) =>
      scope(() => {
        const { x, losses } = evaluate(vector, block);
        const gradients = inputSlopes(x, losses);
        return { losses: finite("losses", losses.values.slice()), gradients };
      }),

    hessianProduct: (vector, block, vectors) => scope(() => hessianAt(vector, block).product(vectors)),

    // Outside of every scope its tensors last as long as it does.
    keptHessian: hessianAt,

    tangentHessianProduct: (vector, block, directions, u, vectors) =>
      scope(() => {
        const { theta, x, losses } = evaluate(vector, block);
        const [along] = pushforward([losses], [...theta, x], [...layout.tensors(u), matrixTensor(directions)]);
        const out = alongColumns(gradient(weighted(along, block.w), theta), theta, vectors);
        finite("third derivatives", out.data);
        return out;
      }),

    mixedGramProduct: (vector, block, curve, vectors) =>
      scope(() => {
        const { theta, x, losses } = evaluate(vector, block);
        const [g] = gradient(sum(losses), [x]);
        const weights = constant(block.w, x.rows, 1);
        const out = layout.eachColumn(vectors, (direction) => {
          const [along] = pushforward([g], theta, direction);
          const moved = Matrix.zeros(x.rows, x.columns);
          along.copyTo(moved.data);
          return pullback(g, mul(weights, matrixTensor(curve(moved))), theta);
        });
        finite("mixed products", out.data);
        return out;
      }),

    gradientRows: (theta, block) => rowByRow(block, (row) => model.gradient(theta, row)),

    mixedRows: (theta, block, directions) =>
      rowByRow(block, (row, i) => model.mixedProduct(theta, row, directions.rowRange(i, i + 1), row.w)),

    hessianRows: (theta, block, u) =>
      rowByRow(block, (row) => model.hessianProduct(theta, row, new Matrix(u, d, 1)).data),

    inputCurvature: (vector, block, directions) =>
      scope(() => {
        const { x, losses } = evaluate(vector, block);
        const phi = matrixTensor(directions);
        const [along] = pushforward(gradient(sum(losses), [x]), [x], [phi]);
        return finite("input curvature", sumOverColumns(mul(along, phi)).values.slice());
      }),

    lossSlopes: (vector, block, u) =>
      scope(() => {
        const { theta, losses } = evaluate(vector, block);
        const [along] = pushforward([losses], theta, layout.tensors(u));
        return finite("loss slopes", along.values.slice());
      }),

    inputGradientSlopes: (vector, block, u) =>
      scope(() => {
        const { theta, x, losses } = evaluate(vector, block);
        const [along] = pushforward(gradient(sum(losses), [x]), theta, layout.tensors(u));
        const out = Matrix.zeros(x.rows, x.columns);
        along.copyTo(out.data);
        finite("input gradient slopes", out.data);
        return out;
      }),
  };
  return model;
}

export const matrixTensor = ({ data, rows, columns }: Matrix): Tensor => constant(data, rows, columns);

const inputs = ({ x, y }: Block): { x: Tensor; y: Tensor } => ({ x: matrixTensor(x), y: constant(y, x.rows, 1) });

const ONE = Float64Array.of(1);

/** Row i alone, of weight 1. */
const rowBlock = ({ x, y, firstRow }: Block, i: number): Block => ({
  x: x.rowRange(i, i + 1),
  y: y.subarray(i, i + 1),
  w: ONE,
  firstRow: firstRow + i,
});

/** A loss that changes with its neighbours would give wrong derivatives without a word. */
function checkSeparable(together: number, alone: number): void {
  if (Math.abs(together - alone) <= 1e-8 * Math.max(1, Math.abs(alone)) || Number.isNaN(together - alone)) return;
  throw usageError(
    `A model's losses must not mix rows: the last row's loss is ${together} among its block and ${alone} alone.`,
  );
}
