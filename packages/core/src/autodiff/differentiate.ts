/** Reverse and forward mode over the graph of tensors. Results are tensors, so both nest in any order. */
import { usageError } from "../errors.js";
import { add } from "./arithmetic.js";
import { between } from "./graph.js";
import { full, sameShape, shapeName, type Tensor, zeros } from "./tensor.js";

/**
 * Reverse mode: u'∂y/∂x for each x, in the shape of x. The variables count as independent of one another; zeros where y
 * does not depend on one.
 * @throws usage: the seed u does not have y's shape.
 */
export function pullback(y: Tensor, u: Tensor, variables: readonly Tensor[]): Tensor[] {
  if (!sameShape(y, u)) {
    throw usageError(`pullback: expected a seed of shape ${shapeName(y)}, found ${shapeName(u)}.`);
  }
  const gradients = new Map<Tensor, Tensor>([[y, u]]);
  const moving = between(variables, [y]);
  const moves = new Set(moving);
  const independent = new Set(variables);
  for (const tensor of moving.toReversed()) {
    const g = gradients.get(tensor);
    if (!g || independent.has(tensor)) continue;
    tensor.inputs.forEach((input, k) => {
      const part = moves.has(input) ? tensor.operation?.reverse(tensor, g, k) : null;
      if (!part) return;
      const others = gradients.get(input);
      gradients.set(input, others ? add(others, part) : part);
    });
  }
  return variables.map((x) => gradients.get(x) ?? zeros(x.rows, x.columns));
}

/**
 * ∂y/∂x of a 1×1 tensor y, in the shape of each x. `gradient(sum(l), x)` gives every row's own gradient of row-wise losses.
 * @throws usage: y is not 1×1.
 */
export function gradient(y: Tensor, variables: readonly Tensor[]): Tensor[] {
  if (y.length !== 1) throw usageError(`gradient: expected a 1×1 tensor, found ${shapeName(y)}: take its sum first.`);
  return pullback(y, full(1, 1, 1), variables);
}

/**
 * Forward mode: d/ds y(x + s·t) at s = 0 for each y, one tangent t a variable (null: it rests). Each result in the shape
 * of its y. Over `gradient`, this is a Hessian product (t in θ) or the mixed product d/ds ∇θL(θ, X + sφ) (t in X).
 * @throws usage: a tangent does not have its variable's shape.
 */
export function pushforward(
  targets: readonly Tensor[],
  variables: readonly Tensor[],
  directions: readonly (Tensor | null)[],
): Tensor[] {
  const tangents = new Map<Tensor, Tensor | null>();
  variables.forEach((x, k) => {
    const direction = directions[k] ?? null;
    if (direction && !sameShape(x, direction)) {
      throw usageError(`pushforward: expected a tangent of shape ${shapeName(x)}, found ${shapeName(direction)}.`);
    }
    tangents.set(x, direction);
  });
  for (const tensor of between(variables, targets)) {
    if (tangents.has(tensor)) continue;
    const moving = tensor.inputs.map((input) => tangents.get(input) ?? null);
    const moves = moving.some((tangent) => tangent !== null);
    tangents.set(tensor, moves ? (tensor.operation?.tangent(tensor, moving) ?? null) : null);
  }
  return targets.map((y) => tangents.get(y) ?? zeros(y.rows, y.columns));
}

/**
 * Several tangents at once: `pushforward` along each set of directions. What does not depend on the direction (values and
 * gradients) is computed once for all. For many directions, a `scope` around each `pushforward` keeps memory to that of one.
 */
export const pushforwards = (
  targets: readonly Tensor[],
  variables: readonly Tensor[],
  directions: readonly (readonly (Tensor | null)[])[],
): Tensor[][] => directions.map((direction) => pushforward(targets, variables, direction));

/** ∇²y·v for each set of directions v in the variables: one forward tangent through the reverse pass. y is 1×1. */
export const hessianProducts = (
  y: Tensor,
  variables: readonly Tensor[],
  directions: readonly (readonly (Tensor | null)[])[],
): Tensor[][] => pushforwards(gradient(y, variables), variables, directions);

/** d/ds ∇θ y(θ, x + sφ): Φ for y = Σ w l and φ the adversary's directions (MATH 1). One result a parameter. */
export const mixedDerivative = (y: Tensor, parameters: readonly Tensor[], x: Tensor, phi: Tensor): Tensor[] =>
  pushforward(gradient(y, parameters), [x], [phi]);
