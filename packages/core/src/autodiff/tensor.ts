/**
 * Float64 matrices that remember how they were made. A tensor has rows and columns (a scalar is 1×1, a vector one row or
 * one column) and lies row-major in one array. Its values are computed when they are first read: what no one asks for (the
 * gradient under a Hessian product, say) costs nothing. There are no axes beyond two, and no tensor changes its values.
 */
import { usageError } from "../errors.js";
import { type Borrower, currentScope } from "./buffers.js";

/**
 * An operation's rules. Both derivatives are written in tensors, so they have derivatives themselves.
 * P: what the operation needs to know besides its inputs.
 */
export interface Operation<P> {
  readonly name: string;
  /** Writes the result, rows·columns numbers, over whatever `out` holds. */
  evaluate(result: Tensor<P>, out: Float64Array): void;
  /** J_k'g: the part of input k in the gradient, given that of the result; null where it is zero. */
  reverse(result: Tensor<P>, g: Tensor, k: number): Tensor | null;
  /** Σ_k J_k t_k over the inputs that move (t_k not null, at least one); null where it is zero. */
  tangent(result: Tensor<P>, tangents: readonly (Tensor | null)[]): Tensor | null;
}

let made = 0;

/**
 * A matrix of float64 numbers that remembers how it was made, so that it can be differentiated. Nothing is computed
 * before its values are asked for.
 */
export class Tensor<P = unknown> implements Borrower {
  /** Grows with every tensor made: inputs come before results. */
  readonly id = made++;
  private readonly scope = currentScope();
  private buffer: Float64Array | null = null;

  constructor(
    readonly rows: number,
    readonly columns: number,
    readonly operation: Operation<P> | null,
    readonly inputs: readonly Tensor[],
    readonly parameters: P,
    private data: Float64Array | null = null,
  ) {}

  get length(): number {
    return this.rows * this.columns;
  }

  /** Row-major. Valid until the scope ends in which the tensor was made. @throws usage: when it has ended. */
  get values(): Float64Array {
    return this.data ?? evaluated(this);
  }

  /** The number of a 1×1 tensor. @throws usage: of any other. */
  item(): number {
    if (this.length !== 1) throw usageError(`item: a ${shapeName(this)} tensor is not one number.`);
    return this.values[0];
  }

  /** Writes the values to `out`, which lasts; where they are not known yet, no memory of the scope is used for them. */
  copyTo(out: Float64Array): void {
    if (this.data || !this.operation) {
      out.set(this.values);
      return;
    }
    for (const input of this.inputs) evaluated(input);
    this.operation.evaluate(this, out);
  }

  get known(): boolean {
    return this.data !== null;
  }

  /** Computes the values from inputs that are known. */
  compute(): void {
    if (!this.operation) throw new Error("A constant has no operation to compute.");
    if (this.scope) {
      this.buffer = this.scope.lend(this.length, this);
      this.data = this.buffer.length === this.length ? this.buffer : this.buffer.subarray(0, this.length);
    } else {
      this.data = new Float64Array(this.length);
    }
    this.operation.evaluate(this, this.data);
  }

  release(): Float64Array | null {
    const buffer = this.buffer;
    this.buffer = null;
    this.data = null;
    return buffer;
  }
}

/** Computes a tensor and what it needs, without recursion: graphs may be deeper than a call stack. */
function evaluated(target: Tensor): Float64Array {
  const open = [target];
  for (let tensor = open.at(-1); tensor; tensor = open.at(-1)) {
    const waiting = open.length;
    if (!tensor.known) for (const input of tensor.inputs) if (!input.known) open.push(input);
    if (open.length > waiting) continue;
    if (!tensor.known) tensor.compute();
    open.pop();
  }
  return target.values;
}

export const shapeName = ({ rows, columns }: { rows: number; columns: number }): string => `${rows}×${columns}`;

export const sameShape = (a: Tensor, b: Tensor): boolean => a.rows === b.rows && a.columns === b.columns;

/** The result of an operation; its shape has been checked by the caller. */
export const apply = <P>(
  operation: Operation<P>,
  inputs: readonly Tensor[],
  rows: number,
  columns: number,
  parameters: P,
): Tensor => new Tensor<P>(rows, columns, operation, inputs, parameters);

/**
 * A tensor over the caller's array (not copied: leave it alone while the tensor is in use).
 * @throws usage: the array is not of rows·columns numbers.
 */
export function constant(values: Float64Array, rows: number, columns: number): Tensor {
  if (values.length !== rows * columns) {
    throw usageError(`constant: a ${rows}×${columns} tensor needs ${rows * columns} numbers, got ${values.length}.`);
  }
  return new Tensor<unknown>(rows, columns, null, [], undefined, values);
}

/** A 1×1 tensor. */
export const scalar = (value: number): Tensor => constant(Float64Array.of(value), 1, 1);

/** One number repeated: rows×columns. */
export const full = (value: number, rows: number, columns: number): Tensor => apply(FULL, [], rows, columns, { value });

/** rows×columns zeros. */
export const zeros = (rows: number, columns: number): Tensor => full(0, rows, columns);

const FULL: Operation<{ value: number }> = {
  name: "full",
  evaluate: ({ parameters }, out) => void out.fill(parameters.value),
  reverse: () => null,
  tangent: () => null,
};
