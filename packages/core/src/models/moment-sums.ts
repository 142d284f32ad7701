/**
 * Sums of distinct fourth moments over many rows. Their products are cut into pieces that depend on sizes alone, and where there are
 * threads to spare each piece is one call on one thread: which thread takes it, and how many there are, changes no digit.
 */
import { blas } from "../linalg/backend.js";
import type { Blas } from "../linalg/blas.js";
import { Matrix } from "../linalg/matrix.js";
import { nextTurn } from "../parallel/work.js";
import { growingBuffer } from "./feature-map.js";
import type { MomentCut } from "./moment-blocks.js";
import { writePairs, writeWeightedPairs } from "./pair-products.js";

/** Rows of which pairs are formed before those who wait for pieces get their turn. */
const SLICE = 32;
/** Calls beside this thread are worked off by the engine's own pool, which has four threads. */
const MOST_LANES = 4;
/** Multiply-adds of a piece from which handing it over costs little beside it: some 0.1 ms. */
const LEAST_WORK = 2e6;

/** A stretch of rows under one set of weights, ready to be multiplied. */
interface Factors {
  readonly rows: number;
  /** r×pairs: z_k z_l */
  readonly pairs: Float64Array;
  /** Block by block r×width: ω z_i z_j */
  readonly weighted: Float64Array;
  /** Block by block width×length. */
  readonly sums: readonly Float64Array[];
}

/** Moments of z = (1, x) under each of several sets of weights. */
export class MomentSums {
  /** Per set of weights and block: width×length. */
  readonly moments: readonly (readonly Float64Array[])[];
  private readonly gemmBeside: Blas["gemmBeside"];
  private readonly ones = growingBuffer();
  private readonly pairs = [growingBuffer(), growingBuffer()];
  private readonly weighted = [growingBuffer(), growingBuffer()];
  /** What is multiplied while the next factors are formed. */
  private pending: Promise<unknown> | null = null;
  private stretches = 0;
  private handed = 0;

  /** @param sets how many sets of weights */
  constructor(
    private readonly cut: MomentCut,
    sets: number,
  ) {
    const { blocks, work, stretch } = cut;
    if (work * stretch >= LEAST_WORK * blocks.length) this.gemmBeside = blas().gemmBeside;
    this.moments = Array.from({ length: sets }, () =>
      blocks.map(({ width, length }) => new Float64Array(width * length)),
    );
  }

  clear(): void {
    for (const sums of this.moments) for (const sum of sums) sum.fill(0);
  }

  /** Adds rows, whose weights are one set each. */
  add(x: Matrix, weights: readonly Float64Array[]): void {
    for (const { z, from } of this.stretchesOf(x)) {
      weights.forEach((omega, set) => {
        const factors = this.factors(z, set);
        this.form(z, set, omega.subarray(from), 0, z.rows, factors);
        for (const piece of this.cut.pieces) blas().gemm(...this.product(factors, piece));
      });
    }
  }

  /** The same; where threads are to spare, the last products may go on until `settle`. x is free again at once. */
  async addBeside(x: Matrix, weights: readonly Float64Array[]): Promise<void> {
    if (!this.gemmBeside) {
      this.add(x, weights);
      return;
    }
    for (const { z, from } of this.stretchesOf(x)) {
      for (const [set, omega] of weights.entries()) {
        const factors = this.factors(z, set);
        for (let row = 0; row < z.rows; row += SLICE) {
          this.form(z, set, omega.subarray(from), row, Math.min(row + SLICE, z.rows), factors);
          if (this.pending) await nextTurn();
        }
        await this.settle();
        this.pending = this.handOver(factors, this.gemmBeside);
      }
    }
  }

  async settle(): Promise<void> {
    await this.pending;
    this.pending = null;
  }

  /** Every lane takes the next piece when it has done one. */
  private handOver(factors: Factors, gemmBeside: NonNullable<Blas["gemmBeside"]>): Promise<unknown> {
    const pieces = this.cut.pieces.values();
    const lane = async (): Promise<void> => {
      for (const piece of pieces) await gemmBeside(...this.product(factors, piece));
    };
    return Promise.all(Array.from({ length: Math.min(blas().threads, MOST_LANES) }, lane));
  }

  private product({ rows, pairs, weighted, sums }: Factors, piece: number): Parameters<Blas["gemm"]> {
    const { width, before, first, length } = this.cut.blocks[piece];
    const left = weighted.subarray(before * rows);
    const right = pairs.subarray(first);
    return [true, false, width, length, rows, 1, left, width, right, this.cut.pairs, 1, sums[piece], length];
  }

  /** Rows with 1 in front of them, a stretch at a time. */
  private *stretchesOf(x: Matrix): Generator<{ z: Matrix; from: number }> {
    const { stretch, variables } = this.cut;
    for (let from = 0; from < x.rows; from += stretch, this.stretches++) {
      const rows = Math.min(stretch, x.rows - from);
      const z = new Matrix(this.ones(rows * variables), rows, variables);
      for (let i = 0; i < rows; i++) {
        z.data[i * variables] = 1;
        z.data.set(x.row(from + i), i * variables + 1);
      }
      yield { z, from };
    }
  }

  /** Room for the factors of a stretch; those of the one before may still be in use. */
  private factors(z: Matrix, set: number): Factors {
    const size = z.rows * this.cut.pairs;
    return {
      rows: z.rows,
      pairs: this.pairs[this.stretches % 2](size),
      weighted: this.weighted[this.handed++ % 2](size),
      sums: this.moments[set],
    };
  }

  private form(z: Matrix, set: number, omega: Float64Array, from: number, to: number, { pairs, weighted }: Factors) {
    if (set === 0) writePairs(z, from, to, pairs);
    writeWeightedPairs(z, this.cut.blocks, omega, from, to, weighted);
  }
}
