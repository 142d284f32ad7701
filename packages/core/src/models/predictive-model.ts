/** Models that give outputs and compare them with the target, written with `autodiff`. */
import {
  constant,
  gradient,
  graphBytes,
  mul,
  pullback,
  pushforward,
  scope,
  sum,
  type Tensor,
} from "../autodiff/index.js";
import type { Block } from "../data/dataset.js";
import { Matrix } from "../linalg/matrix.js";
import { type AutodiffModel, matrixTensor, modelOf } from "./autodiff-model.js";
import { finite } from "./finite.js";
import { layeredRows } from "./layered-rows.js";
import type { KeptCurvature, Model, Predictor } from "./model.js";
import { type ParameterBlock, ParameterLayout } from "./parameter-layout.js";

/** A model in tensors that predicts: K outputs a row, and the loss of a row given them. */
export interface OutputDescription<Name extends string> {
  /** θ, block after block in the order written here. */
  readonly parameters: Readonly<Record<Name, ParameterBlock>>;
  /** f as a tensor r×K, given θ's blocks by name and X (r×m); each row by itself. */
  readonly outputs: (theta: Readonly<Record<Name, Tensor>>, x: Tensor) => Tensor;
  /** l_i as a tensor r×1, given f and y (r×1). */
  readonly loss: (f: Tensor, y: Tensor) => Tensor;
}

/** A model in tensors that predicts, with Gauss–Newton products, and its outputs as models of their own. */
export type PredictiveModel = AutodiffModel &
  Predictor &
  Required<Pick<Model, "gaussNewtonProduct" | "keptGaussNewton">> & { readonly output: AutodiffModel };

/**
 * The model of l(f(x, θ), y), with outputs and Gauss–Newton products: a tangent u = J_i v forwards, the loss's Hessian in
 * the outputs, and one pass back, J_i'(∂²l/∂f²)u.
 * @throws as `modelOf`.
 */
export function predictiveModel<Name extends string>(description: OutputDescription<Name>): PredictiveModel {
  const layout = new ParameterLayout(description.parameters);
  const { outputs, loss } = description;
  const model = modelOf<Name>({
    parameters: description.parameters,
    losses: (theta, x, y) => loss(outputs(theta, x), y),
  });
  /** The outputs f and Σ w l as a function of them, f as a variable z of its own: what lies before it is held fixed. */
  const outputsAt = (theta: readonly Tensor[], block: Block): { f: Tensor; z: Tensor; slopes: Tensor[] } => {
    const f = outputs(layout.byName(theta), matrixTensor(block.x));
    const z = constant(f.values, f.rows, f.columns);
    const weights = constant(block.w, f.rows, 1);
    return { f, z, slopes: gradient(sum(mul(weights, loss(z, constant(block.y, f.rows, 1)))), [z]) };
  };
  const gaussNewtonAt = (vector: Float64Array, block: Block): KeptCurvature => {
    const theta = layout.tensors(vector);
    const { f, z, slopes } = outputsAt(theta, block);
    const along = (direction: Tensor[]): Tensor[] => {
      const [curved] = pushforward(slopes, [z], pushforward([f], theta, direction));
      return pullback(f, curved, theta);
    };
    return {
      bytes: graphBytes([f, ...slopes]),
      product: (vectors) => {
        const out = layout.eachColumn(vectors, along);
        finite("Gauss–Newton product", out.data);
        return out;
      },
      addProducts: (directions, images) => layout.addEachRow("Gauss–Newton product", directions, along, images),
    };
  };
  return {
    ...model,
    output: modelOf<Name>({ parameters: description.parameters, losses: (theta, x) => outputs(theta, x) }),

    outputs: (vector, x) =>
      scope(() => {
        const f = outputs(layout.byName(layout.tensors(vector)), matrixTensor(x));
        return new Matrix(finite("outputs", f.values.slice()), f.rows, f.columns);
      }),

    gaussNewtonProduct: (vector, block, vectors) => scope(() => gaussNewtonAt(vector, block).product(vectors)),

    keptGaussNewton: gaussNewtonAt,

    gaussNewtonRows: (vector, block) =>
      scope(() => {
        const theta = layout.tensors(vector);
        const { f, z, slopes } = outputsAt(theta, block);
        const curvatures = Array.from({ length: f.columns }, (_, k) => {
          const unit = Float64Array.from({ length: f.length }, (_value, at) => (at % f.columns === k ? 1 : 0));
          return pushforward(slopes, [z], [constant(unit, f.rows, f.columns)])[0];
        });
        return layeredRows(theta, layout.starts, f, curvatures);
      }),
  };
}
