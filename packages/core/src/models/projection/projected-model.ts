import type { Block } from "../../data/dataset.js";
import type { Matrix } from "../../linalg/matrix.js";
import type { AutodiffModel } from "../autodiff-model.js";
import type { PredictiveModel } from "../predictive-model.js";
import { liftGradients, type Projection, projectDirections, projectRows } from "./projection.js";

/** A model of z = P'(x − μ) as a model of x (MATH 13): ∇x l = P∇z l, and the mixed products with φ are those with P'φ. */
export function projectedModel(model: PredictiveModel, projection: Projection): PredictiveModel {
  const { initialParameters, convex, gaussNewtonRows } = model;
  return {
    ...projectedLosses(model, projection),
    ...(initialParameters && { initialParameters }),
    ...(convex !== undefined && { convex }),
    output: projectedLosses(model.output, projection),
    outputs: (theta, x) => model.outputs(theta, projectRows(projection, x)),
    gaussNewtonProduct: (theta, block, vectors) =>
      model.gaussNewtonProduct(theta, projectBlock(projection, block), vectors),
    keptGaussNewton: (theta, block) => model.keptGaussNewton(theta, projectBlock(projection, block)),
    ...(gaussNewtonRows && {
      gaussNewtonRows: (theta: Float64Array, block: Block) => gaussNewtonRows(theta, projectBlock(projection, block)),
    }),
  };
}

const projectBlock = (projection: Projection, block: Block): Block => ({
  ...block,
  x: projectRows(projection, block.x),
});

function projectedLosses(model: AutodiffModel, projection: Projection): AutodiffModel {
  const z = (block: Block): Block => projectBlock(projection, block);
  const down = (directions: Matrix): Matrix => projectDirections(projection, directions);
  const up = (gradients: Matrix): Matrix => liftGradients(projection, gradients);
  // Every method by name: one that was passed on as it is would see features where it expects components.
  const { parameterNames, penalised } = model;
  return {
    parameterNames,
    penalised,
    lossesAndInputGradients: (theta, block) => {
      const { losses, gradients } = model.lossesAndInputGradients(theta, z(block));
      return { losses, gradients: up(gradients) };
    },
    keptHessian: (theta, block) => model.keptHessian(theta, z(block)),
    losses: (theta, block) => model.losses(theta, z(block)),
    gradient: (theta, block) => model.gradient(theta, z(block)),
    riskAndGradient: (theta, block) => model.riskAndGradient(theta, z(block)),
    inputGradients: (theta, block) => up(model.inputGradients(theta, z(block))),
    mixedProduct: (theta, block, directions, weights) => model.mixedProduct(theta, z(block), down(directions), weights),
    ...(model.mixedProducts && { mixedProducts: projectedProducts(model.mixedProducts, z, { down, up }) }),
    hessianProduct: (theta, block, vectors) => model.hessianProduct(theta, z(block), vectors),
    gradientRows: (theta, block) => model.gradientRows(theta, z(block)),
    mixedRows: (theta, block, directions) => model.mixedRows(theta, z(block), down(directions)),
    hessianRows: (theta, block, u) => model.hessianRows(theta, z(block), u),
    inputCurvature: (theta, block, directions) => model.inputCurvature(theta, z(block), down(directions)),
    lossSlopes: (theta, block, u) => model.lossSlopes(theta, z(block), u),
    inputGradientSlopes: (theta, block, u) => up(model.inputGradientSlopes(theta, z(block), u)),
    tangentHessianProduct: (theta, block, directions, u, vectors) =>
      model.tangentHessianProduct(theta, z(block), down(directions), u, vectors),
    mixedGramProduct: (theta, block, curve, vectors) =>
      model.mixedGramProduct(theta, z(block), (moved) => down(curve(up(moved))), vectors),
  };
}

const projectedProducts =
  (
    products: NonNullable<AutodiffModel["mixedProducts"]>,
    z: (block: Block) => Block,
    { down, up }: { readonly down: (directions: Matrix) => Matrix; readonly up: (gradients: Matrix) => Matrix },
  ): typeof products =>
  (theta, block, answers) =>
    products(theta, z(block), (gradients, from) =>
      answers(up(gradients), from).map(({ directions, weights }) => ({ directions: down(directions), weights })),
    );
