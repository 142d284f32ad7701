/** How a flat parameter vector θ is cut into the matrices that a loss speaks of. */
import { constant, scope, type Tensor } from "../autodiff/index.js";
import { usageError } from "../errors.js";
import { Matrix } from "../linalg/matrix.js";
import { finite } from "./finite.js";

/** One matrix of parameters, row-major in θ. */
export interface ParameterBlock {
  readonly rows: number;
  readonly columns: number;
  /** Whether the l2 penalty applies (default true; give false for intercepts and biases). */
  readonly penalised?: boolean;
  /** rows·columns names (default: the block's name, with indices from 0 where there are several numbers). */
  readonly names?: readonly string[];
}

/** θ's blocks in order, with where each starts. */
export class ParameterLayout<Name extends string> {
  readonly names: readonly Name[];
  readonly parameterNames: readonly string[];
  readonly penalised: Uint8Array;
  /** Where each block begins in θ. */
  readonly starts: readonly number[];

  /** @throws usage: no parameters, a size that is none, a name that JavaScript would move to the front. */
  constructor(private readonly blocks: Readonly<Record<Name, ParameterBlock>>) {
    this.names = Object.keys(blocks) as Name[];
    if (this.names.length === 0) throw usageError("A model needs at least one block of parameters.");
    const starts: number[] = [];
    const parameterNames: string[] = [];
    const penalised: number[] = [];
    for (const name of this.names) {
      checkBlock(name, blocks[name]);
      starts.push(parameterNames.length);
      const flag = (blocks[name].penalised ?? true) ? 1 : 0;
      for (const label of namesOf(name, blocks[name])) {
        parameterNames.push(label);
        penalised.push(flag);
      }
    }
    this.starts = starts;
    this.parameterNames = parameterNames;
    this.penalised = Uint8Array.from(penalised);
  }

  /** d */
  get count(): number {
    return this.parameterNames.length;
  }

  /** Views of θ, block by block in order. @throws usage: not d numbers. */
  tensors(theta: Float64Array): Tensor[] {
    if (theta.length !== this.count) {
      throw usageError(`The model has ${this.count} parameters, but was given a vector of ${theta.length}.`);
    }
    return this.names.map((name, b) => {
      const { rows, columns } = this.blocks[name];
      return constant(theta.subarray(this.starts[b], this.starts[b] + rows * columns), rows, columns);
    });
  }

  byName(tensors: readonly Tensor[]): Record<Name, Tensor> {
    return Object.fromEntries(this.names.map((name, b) => [name, tensors[b]])) as Record<Name, Tensor>;
  }

  /** Writes one tensor a block to a vector (d). */
  write(tensors: readonly Tensor[], out: Float64Array): void {
    tensors.forEach((tensor, b) => {
      const start = this.starts[b];
      tensor.copyTo(out.subarray(start, start + tensor.length));
    });
  }

  /** d×k: a linear map of θ's blocks, column by column of V (d×k). A scope each: the memory of one serves all of them. */
  eachColumn(vectors: Matrix, map: (direction: Tensor[]) => readonly Tensor[]): Matrix {
    const directions = vectors.transposed();
    const images = Matrix.zeros(directions.rows, this.count);
    for (let k = 0; k < directions.rows; k++) {
      scope(() => this.write(map(this.tensors(directions.row(k))), images.row(k)));
    }
    return images.transposed();
  }

  /** The same for V' (k×d), added to `images` (k×d) row by row. @throws numerical: naming `what` is not finite. */
  addEachRow(what: string, directions: Matrix, map: (direction: Tensor[]) => readonly Tensor[], images: Matrix): void {
    for (let k = 0; k < directions.rows; k++) {
      const out = images.row(k);
      scope(() =>
        map(this.tensors(directions.row(k))).forEach((tensor, b) => {
          const { values } = tensor;
          const start = this.starts[b];
          for (let j = 0; j < values.length; j++) out[start + j] += values[j];
        }),
      );
      finite(what, out);
    }
  }
}

function checkBlock(name: string, { rows, columns, names }: ParameterBlock): void {
  if (/^\d+$/.test(name))
    throw usageError(`Parameters may not be named by a number ("${name}"): their order would change.`);
  if (!(Number.isInteger(rows) && Number.isInteger(columns) && rows > 0 && columns > 0)) {
    throw usageError(`Parameters "${name}" need whole numbers of rows and columns from 1, got ${rows}×${columns}.`);
  }
  if (names && names.length !== rows * columns) {
    throw usageError(`Parameters "${name}" are ${rows * columns} numbers, but ${names.length} names were given.`);
  }
}

/** b for one number, b[j] for one row or column, b[i,j] for a matrix. */
function namesOf(name: string, { rows, columns, names }: ParameterBlock): readonly string[] {
  if (names) return names;
  return Array.from({ length: rows * columns }, (_, k) => {
    if (rows * columns === 1) return name;
    if (rows === 1 || columns === 1) return `${name}[${k}]`;
    return `${name}[${Math.floor(k / columns)},${k % columns}]`;
  });
}
